/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.json, and what it makes of a few texts. */
#include "tests/fuzz/fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] =
		"  Caf\xc3\xa9 e\xcc\x81 \xef\xac\x81\xc2\xbd\r\n\xf0\x9f\x98\x80 14";
	const char *folder = fuzz_folder();
	struct pieces *pieces;

	fuzz_put_file(folder, "tokenizer.json", data, size, false);
	if (pieces_from_folder(&pieces, folder, NULL))
		return 0;
	fuzz_encode(pieces, text, strlen(text));
	fuzz_encode(pieces, "", 0);
	fuzz_encode(pieces, (const char *)data, size);
	pieces_free(pieces);
	return 0;
}
