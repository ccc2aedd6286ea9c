/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int is_prepared;

	if (!is_prepared++)
		mail_prepare();
	fuzz_reader(mail_read, data, size);
	return 0;
}
