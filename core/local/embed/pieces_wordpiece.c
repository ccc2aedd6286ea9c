/* SPDX-License-Identifier: Apache-2.0 */
/* WordPiece (Devlin et al. 2019; the rules as in Hugging Face's BertNormalizer and
 * BertPreTokenizer): cleaned, cut at blanks and punctuation, and each word from the left into
 * the longest pieces that there are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/local/embed/pieces_inside.h"
#include "core/text/utf8.h"

#define UNICODE_KNOWN 8

struct wordpiece {
	struct pieces pieces;
	struct wordpiece_rules rules;
	struct vocabulary vocabulary;
	struct piece_table table;
};

static const char *text_of(const void *context, uint32_t piece, size_t *len)
{
	const struct vocabulary *vocabulary = context;
	uint32_t start = vocabulary->offsets[piece];

	*len = vocabulary->offsets[piece + 1] - start;
	return vocabulary->text + start;
}

/* --- what characters are ---------------------------------------------------------- */

static bool is_blank(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || u_isUWhiteSpace((UChar32)c);
}

/* The vocabularies' own programs know Unicode 8: what came later, or changed, is a letter to
 * them, or still what it was. */
static uint32_t category_mask(uint32_t c)
{
	UVersionInfo age;

	u_charAge((UChar32)c, age);
	if (age[0] > UNICODE_KNOWN)
		return 0;
	switch (c) {
	case 0x111c9:
	case 0x166d: return U_GC_PO_MASK;
	case 0xa9bd: return U_GC_MC_MASK;
	case 0x1734: return U_GC_MN_MASK;
	case 0x1885:
	case 0x1886: return U_GC_LO_MASK;
	default: return (uint32_t)U_GET_GC_MASK((UChar32)c);
	}
}

static bool is_control(uint32_t c)
{
	uint32_t mask = category_mask(c);

	return c != '\t' && c != '\n' && c != '\r' &&
		(mask & (uint32_t)(U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK));
}

static bool is_punctuation(uint32_t c)
{
	bool is_ascii = (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
		(c >= 123 && c <= 126);

	return is_ascii || (category_mask(c) & U_GC_P_MASK);
}

static bool is_han(uint32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
		(c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
		(c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
		(c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* --- normalising ------------------------------------------------------------------ */

static void put(struct buf *out, uint32_t c)
{
	char bytes[4];

	buf_add(out, bytes, utf8_encode(c, bytes));
}

static void put_lower(const struct wordpiece *wordpiece, struct buf *out, uint32_t c)
{
	if (wordpiece->rules.strip_accents && (category_mask(c) & U_GC_MN_MASK))
		return;
	if (wordpiece->rules.lowercase && c == 0x130) { /* İ becomes two */
		put(out, 'i');
		put(out, 0x307);
	} else {
		put(out, wordpiece->rules.lowercase ? (uint32_t)u_tolower((UChar32)c) : c);
	}
}

/* Accents come off in the decomposed form. */
static void put_decomposed(const struct wordpiece *wordpiece, struct buf *out, uint32_t c)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfd = unorm2_getNFDInstance(&status);
	UChar parts[32];
	int32_t len = U_SUCCESS(status) && wordpiece->rules.strip_accents
		? unorm2_getDecomposition(
			  nfd, (UChar32)c, parts, (int32_t)ARRAY_LEN(parts), &status)
		: -1;

	if (len < 0 || U_FAILURE(status)) {
		put_lower(wordpiece, out, c);
		return;
	}
	for (int32_t at = 0; at < len; at++) {
		uint32_t part = parts[at];

		if (U16_IS_LEAD(part) && at + 1 < len)
			part = (uint32_t)U16_GET_SUPPLEMENTARY(part, parts[++at]);
		put_lower(wordpiece, out, part);
	}
}

static void put_character(const struct wordpiece *wordpiece, struct buf *out, uint32_t c)
{
	const struct wordpiece_rules *rules = &wordpiece->rules;

	if (rules->clean && (c == 0 || c == 0xfffd || is_control(c)))
		return;
	if (rules->clean && is_blank(c))
		c = ' ';
	if (rules->split_han && is_han(c)) {
		put(out, ' ');
		put_decomposed(wordpiece, out, c);
		put(out, ' ');
	} else {
		put_decomposed(wordpiece, out, c);
	}
}

/* --- cutting ---------------------------------------------------------------------- */

struct cut {
	const struct wordpiece *wordpiece;
	uint32_t *ids;
	size_t count, max;
};

static void give(struct cut *cut, uint32_t id)
{
	if (cut->count < cut->max)
		cut->ids[cut->count++] = id;
}

/* The longest piece at the start of @text; 0: there is none. */
static size_t longest_piece(const struct wordpiece *wordpiece, const char *text, size_t len,
	bool is_first, uint32_t *id)
{
	const char *mark = wordpiece->rules.continuing;
	size_t mark_len = is_first ? 0 : strlen(mark), found = 0;
	uint64_t hash = piece_hash(PIECE_HASH_START, mark, mark_len);
	char key[1024];

	if (mark_len + len > sizeof(key))
		len = sizeof(key) - mark_len;
	memcpy(key, mark, mark_len);
	memcpy(key + mark_len, text, len);
	for (size_t end = 0; end < len;) {
		size_t before = end;

		utf8_next(text, len, &end);
		if (mark_len + end > wordpiece->table.longest)
			break;
		hash = piece_hash(hash, text + before, end - before);
		int64_t piece =
			piece_table_find_hashed(&wordpiece->table, hash, key, mark_len + end);
		if (piece >= 0) {
			*id = (uint32_t)piece;
			found = end;
		}
	}
	return found;
}

static void cut_word(struct cut *cut, const char *word, size_t len)
{
	const struct wordpiece *wordpiece = cut->wordpiece;
	size_t start = cut->count, at = 0;

	if (utf8_count(word, len) > wordpiece->rules.word_max) {
		give(cut, wordpiece->pieces.unknown);
		return;
	}
	while (at < len && cut->count < cut->max) {
		uint32_t id = 0;
		size_t bytes = longest_piece(wordpiece, word + at, len - at, at == 0, &id);

		if (!bytes) { /* the whole word is unknown */
			cut->count = start;
			give(cut, wordpiece->pieces.unknown);
			return;
		}
		give(cut, id);
		at += bytes;
	}
}

static ssize_t wordpiece_encode(
	const struct pieces *pieces, const char *text, size_t len, uint32_t *ids, size_t max)
{
	const struct wordpiece *wordpiece = (const struct wordpiece *)pieces;
	struct cut cut = {.wordpiece = wordpiece, .ids = ids, .max = max};
	AUTO_BUF struct buf clean;
	size_t word = 0;

	buf_init(&clean, BUF_MAX_DEFAULT);
	for (size_t at = 0; at < len;)
		put_character(wordpiece, &clean, utf8_next(text, len, &at));
	if (clean.failed)
		return -ENOMEM;
	for (size_t at = 0; at < clean.len && cut.count < max;) {
		size_t before = at;
		uint32_t c = utf8_next(clean.data, clean.len, &at);
		bool is_apart = is_punctuation(c);

		if (!is_apart && !is_blank(c))
			continue;
		if (before > word)
			cut_word(&cut, clean.data + word, before - word);
		if (is_apart)
			cut_word(&cut, clean.data + before, at - before);
		word = at;
	}
	if (clean.len > word)
		cut_word(&cut, clean.data + word, clean.len - word);
	return (ssize_t)cut.count;
}

static void wordpiece_free(struct pieces *pieces)
{
	struct wordpiece *wordpiece = (struct wordpiece *)pieces;

	piece_table_release(&wordpiece->table);
	vocabulary_release(&wordpiece->vocabulary);
	free(wordpiece);
}

int pieces_wordpiece_new(
	struct pieces **out, struct vocabulary *vocabulary, const struct wordpiece_rules *rules)
{
	struct wordpiece *wordpiece = calloc(1, sizeof(*wordpiece));

	if (!wordpiece) {
		vocabulary_release(vocabulary);
		return -ENOMEM;
	}
	wordpiece->vocabulary = *vocabulary;
	*vocabulary = (struct vocabulary){0};
	wordpiece->rules = *rules;
	wordpiece->pieces = (struct pieces){
		.count = wordpiece->vocabulary.count,
		.begin = rules->begin,
		.end = rules->end,
		.unknown = rules->unknown,
		.encode = wordpiece_encode,
		.free = wordpiece_free,
	};
	if (piece_table_init(&wordpiece->table, wordpiece->vocabulary.count, text_of,
		    &wordpiece->vocabulary)) {
		wordpiece_free(&wordpiece->pieces);
		return -ENOMEM;
	}
	*out = &wordpiece->pieces;
	return 0;
}
