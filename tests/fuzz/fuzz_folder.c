/* SPDX-License-Identifier: Apache-2.0 */
/* A model's folder: config.json, a NUL, the head of model.safetensors; the weights behind it are
 * always the same. */
#include "tests/fuzz/fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char vocabulary[] =
		"[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nhello\nworld\na\n##b\n";
	const uint8_t *end = memchr(data, 0, size);
	size_t config_len = end ? (size_t)(end - data) : size;
	uint64_t head_len = end ? size - config_len - 1 : 0;
	const char *folder = fuzz_folder();

	fuzz_put_file(folder, "config.json", data, config_len, false);
	fuzz_put_file(folder, "vocab.txt", vocabulary, strlen(vocabulary), false);
	AUTO_FREE uint8_t *head = malloc(sizeof(head_len) + head_len);
	memcpy(head, &head_len, sizeof(head_len));
	if (head_len)
		memcpy(head + sizeof(head_len), end + 1, head_len);
	fuzz_put_file(folder, "model.safetensors", head, sizeof(head_len) + head_len, true);
	fuzz_model(folder);
	return 0;
}
