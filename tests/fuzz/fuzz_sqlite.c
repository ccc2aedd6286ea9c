/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_reader(sqlite_read, data, size);
	return 0;
}
