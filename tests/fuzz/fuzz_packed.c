/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a packed model file: shape, tokeniser, table of tensors; the weights behind it are
 * always the same. */
#include "tests/fuzz/fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("model", MFD_CLOEXEC);
	char path[64];

	fuzz_write(fd, data, size);
	fuzz_write_weights(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fuzz_model(path);
	return 0;
}
