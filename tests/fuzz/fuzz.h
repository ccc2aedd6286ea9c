/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets share. A target defines LLVMFuzzerTestOneInput, so that libFuzzer can drive
 * it (clang -fsanitize=fuzzer); driver.c does so where there is only gcc. */
#ifndef ASKFS_TESTS_FUZZ_H
#define ASKFS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "core/parse/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Run @read over @data, and what it writes through the daemon's side, which must accept every
 * record: valid text, and marks that lie within it. */
void fuzz_reader(reader_fn *read, const uint8_t *data, size_t size);

/* Check a reply as the daemon does; @must_accept: it was made by us. */
void fuzz_reply(const uint8_t *data, size_t size, int must_accept);

#endif
