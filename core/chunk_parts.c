/* SPDX-License-Identifier: Apache-2.0 */
#include "core/chunk_parts.h"

#include <unicode/uchar.h>

#include "core/followup.h"
#include "core/text/sentence.h"
#include "core/text/utf8.h"
#include "core/text/word.h"

struct parts {
	const struct chunk *chunk;
	chunk_part_fn callback;
	void *context;
	size_t before; /* where the sentence before begins */
};

/* Does it begin with a pronoun, so that it says less without the sentence before? */
static bool is_referring(const char *text, size_t len)
{
	struct word word;
	size_t at = 0;

	return word_next(text, len, &at, &word) &&
		followup_is_pronoun(text + word.start, word.end - word.start);
}

/* Something that a model can make sense of. */
static bool is_worth_a_vector(const char *text, size_t len)
{
	for (size_t at = 0; at < len;)
		if (u_isalnum((UChar32)utf8_next(text, len, &at)))
			return true;
	return false;
}

static int give_part(const struct parts *parts, size_t start, size_t end)
{
	const char *text = parts->chunk->text + start;
	uint64_t first = parts->chunk->start_char + utf8_count(parts->chunk->text, start);
	const struct span span = {first, first + utf8_count(text, end - start)};

	return is_worth_a_vector(text, end - start)
		? parts->callback(parts->context, text, end - start, &span)
		: 0;
}

/* A sentence; and once more with the one before if it leans on that one, because alone its vector
 * does not show what it is about. */
static int give(void *context, size_t start, size_t end)
{
	struct parts *parts = context;
	size_t before = parts->before;
	int r = give_part(parts, start, end);

	parts->before = start;
	if (r == 0 && before < start && is_referring(parts->chunk->text + start, end - start))
		r = give_part(parts, before, end);
	return r;
}

int chunk_parts(
	const struct chunk *chunk, enum embed_unit unit, chunk_part_fn callback, void *context)
{
	struct parts parts = {chunk, callback, context, 0};

	return unit == EMBED_UNIT_CHUNK ? give(&parts, 0, chunk->text_len)
					: sentence_each(chunk->text, chunk->text_len, give, &parts);
}
