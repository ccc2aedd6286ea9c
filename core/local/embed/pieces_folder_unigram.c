/* SPDX-License-Identifier: Apache-2.0 */
/* The unigram model of a folder, with the normalisers and pre-tokenisers that models of the kind of
 * XLM-RoBERTa have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/local/embed/charsmap.h"
#include "core/local/embed/pieces_inside.h"
#include "core/text/utf8.h"

struct folder {
	struct unigram unigram;
	struct vocabulary vocabulary; /* owned */
	struct unigram_rules rules;
};

static double score_of(const struct unigram *unigram, uint32_t piece)
{
	return ((const struct folder *)unigram)->vocabulary.scores[piece];
}

static const char *text_of(const void *context, uint32_t piece, size_t *len)
{
	const struct vocabulary *vocabulary = context;

	*len = vocabulary->offsets[piece + 1] - vocabulary->offsets[piece];
	return vocabulary->text + vocabulary->offsets[piece];
}

static bool is_white(uint32_t character)
{
	return u_isUWhiteSpace((UChar32)character);
}

/* --- normalising ------------------------------------------------------------------ */

/* The bytes of @text without the white space at its ends, where the rules say so. */
static void strip(const struct unigram_rules *rules, const char **text, size_t *len)
{
	size_t at = 0, end = 0;

	while (rules->strips_left && at < *len) {
		size_t next = at;
		if (!is_white(utf8_next(*text, *len, &next)))
			break;
		at = next;
	}
	*text += at;
	*len -= at;
	for (at = 0; rules->strips_right && at < *len;) {
		if (!is_white(utf8_next(*text, *len, &at)))
			end = at;
	}
	if (rules->strips_right)
		*len = end;
}

/* Blanks side by side become the rules' run, where they have one. A text may hold NUL. */
static int replace_runs(
	const struct unigram_rules *rules, const char *text, size_t len, struct buf *out)
{
	for (size_t at = 0, end; at < len && !out->failed; at = end) {
		bool blank = text[at] == ' ';
		for (end = at + 1; end < len && (text[end] == ' ') == blank;)
			end++;
		if (blank && end - at > 1 && rules->run)
			buf_adds(out, rules->run);
		else
			buf_add(out, text + at, end - at);
	}
	return out->failed;
}

/* Append a character to the text that is cut; a mark of a blank comes first where a word
 * begins that has none. */
static void put(struct normal *normal, uint32_t character, bool begins)
{
	if (begins && character != PIECE_BLANK) {
		normal->len += utf8_encode(PIECE_BLANK, normal->text + normal->len);
		normal->characters++;
	}
	normal->len += utf8_encode(character, normal->text + normal->len);
	normal->characters++;
}

static int split(
	const struct unigram_rules *rules, const char *text, size_t len, struct normal *normal)
{
	bool begins = true;

	/* At worst a mark of three bytes before each byte, or instead of it. */
	normal->text = malloc(4 * len + 4);
	if (!normal->text)
		return -ENOMEM;
	for (size_t at = 0; at < len;) {
		uint32_t character = utf8_next(text, len, &at);
		if (rules->splits_words && is_white(character)) {
			begins = true;
			continue;
		}
		put(normal, character == ' ' ? PIECE_BLANK : character, begins);
		begins = false;
	}
	return 0;
}

static int normalise(
	const struct unigram *unigram, const char *text, size_t len, struct normal *normal)
{
	const struct unigram_rules *rules = &((const struct folder *)unigram)->rules;
	AUTO_BUF struct buf mapped, clean;

	buf_init(&mapped, BUF_MAX_DEFAULT);
	buf_init(&clean, BUF_MAX_DEFAULT);
	if (rules->charsmap ? charsmap_apply(rules->charsmap, text, len, &mapped)
			    : buf_add(&mapped, text, len))
		return -ENOMEM;
	text = mapped.data ? mapped.data : "";
	len = mapped.len;
	strip(rules, &text, &len);
	if (replace_runs(rules, text, len, &clean))
		return -ENOMEM;
	return split(rules, clean.data ? clean.data : "", clean.len, normal);
}

/* --- making ----------------------------------------------------------------------- */

static void folder_free(struct pieces *pieces)
{
	struct folder *folder = (struct folder *)pieces;

	piece_table_release(&folder->unigram.table);
	vocabulary_release(&folder->vocabulary);
	charsmap_free(folder->rules.charsmap);
	free(folder);
}

int pieces_unigram_new(
	struct pieces **out, struct vocabulary *vocabulary, const struct unigram_rules *rules)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (!folder) {
		vocabulary_release(vocabulary);
		charsmap_free(rules->charsmap);
		return -ENOMEM;
	}
	folder->vocabulary = *vocabulary;
	*vocabulary = (struct vocabulary){0};
	folder->rules = *rules;
	struct unigram *unigram = &folder->unigram;
	unigram->pieces = (struct pieces){
		.count = folder->vocabulary.count,
		.begin = rules->begin,
		.end = rules->end,
		.unknown = rules->unknown,
		.encode = unigram_encode,
		.free = folder_free,
	};
	unigram->score = score_of;
	unigram->normalise = normalise;
	unigram->is_split = true;
	if (piece_table_init(
		    &unigram->table, unigram->pieces.count, text_of, &folder->vocabulary)) {
		folder_free(&unigram->pieces);
		return -ENOMEM;
	}
	unigram_finish(unigram);
	*out = &unigram->pieces;
	return 0;
}
