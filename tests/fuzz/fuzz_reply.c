/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's side, given records that nobody honest has made. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_reply(data, size, 0);
	return 0;
}
