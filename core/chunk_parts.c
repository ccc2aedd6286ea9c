/* SPDX-License-Identifier: Apache-2.0 */
#include "core/chunk_parts.h"

#include <unicode/uchar.h>

#include "core/text/sentence.h"
#include "core/text/utf8.h"

struct parts {
	const struct chunk *chunk;
	chunk_part_fn callback;
	void *context;
};

/* Something that a model can make sense of. */
static bool is_worth_a_vector(const char *text, size_t len)
{
	for (size_t at = 0; at < len;)
		if (u_isalnum((UChar32)utf8_next(text, len, &at)))
			return true;
	return false;
}

static int give(void *context, size_t start, size_t end)
{
	const struct parts *parts = context;
	const char *text = parts->chunk->text + start;
	uint64_t first = parts->chunk->start_char + utf8_count(parts->chunk->text, start);
	const struct span span = {first, first + utf8_count(text, end - start)};

	return is_worth_a_vector(text, end - start)
		? parts->callback(parts->context, text, end - start, &span)
		: 0;
}

int chunk_parts(
	const struct chunk *chunk, enum embed_unit unit, chunk_part_fn callback, void *context)
{
	struct parts parts = {chunk, callback, context};

	return unit == EMBED_UNIT_CHUNK ? give(&parts, 0, chunk->text_len)
					: sentence_each(chunk->text, chunk->text_len, give, &parts);
}
