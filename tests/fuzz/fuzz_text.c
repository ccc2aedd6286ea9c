/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a text that is tokenised, and cut into the parts that get vectors. */
#include "core/chunk_parts.h"
#include "tests/fuzz/fuzz_model.h"

static int take_part(void *context, const char *text, size_t len, const struct span *span)
{
	const struct chunk *chunk = context;

	fuzz_require(text >= chunk->text && text + len <= chunk->text + chunk->text_len);
	fuzz_require(span->start_char <= span->end_char);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pieces *unigram, *wordpiece;
	static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nre\n##fund\n##s\n14\ndays\n";
	AUTO_BUF struct buf clean;

	if (!unigram) {
		const char *folder = fuzz_folder();
		fuzz_put_file(folder, "vocab.txt", vocabulary, strlen(vocabulary), false);
		fuzz_require(!pieces_from_folder(&wordpiece, folder, NULL));
		fuzz_require(!pieces_from_folder(&unigram, "tests/fixtures/embed/unigram", NULL));
	}
	fuzz_encode(unigram, (const char *)data, size);
	fuzz_encode(wordpiece, (const char *)data, size);
	buf_init(&clean, BUF_MAX_DEFAULT);
	fuzz_require(!utf8_sanitize((const char *)data, size, &clean));
	struct chunk chunk = {.text = clean.data ? clean.data : "",
		.text_len = clean.len,
		.end_char = utf8_count(clean.data ? clean.data : "", clean.len)};
	fuzz_require(!chunk_parts(&chunk, EMBED_UNIT_SENTENCE, take_part, &chunk));
	fuzz_require(!chunk_parts(&chunk, EMBED_UNIT_CHUNK, take_part, &chunk));
	return 0;
}
