/* SPDX-License-Identifier: Apache-2.0 */
/* The unigram model of a packed file: it is read where it lies. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/local/embed/pieces_inside.h"
#include "core/text/utf8.h"

#define PIECES_MAX (1u << 20)
/* Bytes of the longest piece. */
#define PIECE_BYTES_MAX 1024
#define REPLACEMENT_MAX 32

/* An entry of the table of normalisation: a character and what it becomes. */
struct replacement {
	uint32_t from;
	uint8_t count;
	const uint8_t *to; /* 32-bit numbers, unaligned */
};

struct packed {
	struct unigram unigram;
	const uint8_t *offsets, *scores; /* 32-bit, as they lie in the file */
	const char *text;
	struct replacement *replacements; /* by from */
	size_t replacement_count;
};

static uint32_t read_32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static double score_of(const struct unigram *unigram, uint32_t piece)
{
	const struct packed *packed = (const struct packed *)unigram;
	float score;

	memcpy(&score, packed->scores + piece * sizeof(score), sizeof(score));
	return (double)score;
}

static const char *text_of(const void *context, uint32_t piece, size_t *len)
{
	const struct packed *packed = context;
	uint32_t start = read_32(packed->offsets + piece * 4);

	*len = read_32(packed->offsets + (piece + 1) * 4) - start;
	return packed->text + start;
}

/* --- normalising ------------------------------------------------------------------ */

/* Characters are replaced, runs of blanks are one blank, blanks are written as pieces have them,
 * and one stands in front. */
static int put(struct normal *normal, uint32_t character)
{
	bool is_blank = character == ' ';

	if (is_blank && normal->was_blank)
		return 0;
	if (normal->room - normal->len < 8) {
		char *text = realloc(normal->text, normal->room * 2);
		if (!text)
			return -ENOMEM;
		normal->text = text;
		normal->room *= 2;
	}
	/* The blank in front. */
	if (normal->len == 0 && !is_blank) {
		normal->len = utf8_encode(PIECE_BLANK, normal->text);
		normal->characters = 1;
	}
	normal->len += utf8_encode(is_blank ? PIECE_BLANK : character, normal->text + normal->len);
	normal->characters++;
	normal->was_blank = is_blank;
	return 0;
}

static int by_from(const void *key, const void *entry)
{
	uint32_t from = *(const uint32_t *)key;
	const struct replacement *replacement = entry;

	return (from > replacement->from) - (from < replacement->from);
}

static int put_replaced(const struct packed *packed, struct normal *normal, uint32_t character)
{
	const struct replacement *found = bsearch(&character, packed->replacements,
		packed->replacement_count, sizeof(*packed->replacements), by_from);
	int rc = 0;

	if (!found)
		return put(normal, character);
	for (size_t i = 0; i < found->count && !rc; i++)
		rc = put(normal, read_32(found->to + i * 4));
	return rc;
}

static int normalise(
	const struct unigram *unigram, const char *text, size_t len, struct normal *normal)
{
	const struct packed *packed = (const struct packed *)unigram;
	int rc = 0;

	normal->room = len + len / 2 + 64;
	normal->text = malloc(normal->room);
	if (!normal->text)
		return -ENOMEM;
	for (size_t at = 0; at < len && !rc;)
		rc = put_replaced(packed, normal, utf8_next(text, len, &at));
	if (!rc && normal->len == 0) {
		normal->len = utf8_encode(PIECE_BLANK, normal->text);
		normal->characters = 1;
	}
	return rc;
}

/* --- reading ---------------------------------------------------------------------- */

static void packed_free(struct pieces *pieces)
{
	struct packed *packed = (struct packed *)pieces;

	piece_table_release(&packed->unigram.table);
	free(packed->replacements);
	free(packed);
}

static int garbled(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "the tokeniser is garbled: %s", what);
}

/* The part with fixed sizes: counts, marks, offsets, scores, text. */
static int read_pieces(
	struct packed *packed, const uint8_t *data, size_t size, size_t *used, struct err *err)
{
	enum { HEAD = 5 * 4 + 8 };

	if (size < HEAD)
		return garbled(err, "it is cut");
	uint32_t count = read_32(data), begin = read_32(data + 4), end = read_32(data + 8);
	uint32_t unknown = read_32(data + 16);
	uint64_t text_len;
	memcpy(&text_len, data + 20, sizeof(text_len));
	if (count == 0 || count > PIECES_MAX || begin >= count || end >= count || unknown >= count)
		return garbled(err, "its number of pieces, or its marks");
	size_t tables = (size_t)count * 8 + 4;
	if (tables > size - HEAD || text_len > size - HEAD - tables || text_len > UINT32_MAX)
		return garbled(err, "it is cut");
	packed->unigram.pieces.count = count;
	packed->unigram.pieces.begin = begin;
	packed->unigram.pieces.end = end;
	packed->unigram.pieces.unknown = unknown;
	packed->offsets = data + HEAD;
	packed->scores = packed->offsets + ((size_t)count + 1) * 4;
	packed->text = (const char *)packed->scores + (size_t)count * 4;
	*used = HEAD + tables + (size_t)text_len;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t start = read_32(packed->offsets + (size_t)i * 4);
		uint32_t stop = read_32(packed->offsets + (size_t)i * 4 + 4);
		if (stop < start || stop > text_len || stop - start > PIECE_BYTES_MAX)
			return garbled(err, "the places of its pieces");
		if (!isfinite(score_of(&packed->unigram, i)))
			return garbled(err, "a score is not a number");
	}
	return 0;
}

static int read_replacements(
	struct packed *packed, const uint8_t *data, size_t size, size_t *used, struct err *err)
{
	if (size < 8)
		return garbled(err, "it is cut");
	uint32_t count = read_32(data), bytes = read_32(data + 4);
	size_t at = 8;
	if (bytes > size - 8 || count > bytes / 5)
		return garbled(err, "the table of normalisation");
	packed->replacements = calloc((size_t)count + 1, sizeof(*packed->replacements));
	if (!packed->replacements)
		return err_set(err, -ENOMEM, "out of memory");
	*used = 8 + (size_t)bytes;
	for (uint32_t i = 0; i < count; i++) {
		struct replacement *entry = &packed->replacements[i];
		if (*used - at < 5)
			return garbled(err, "the table of normalisation");
		*entry = (struct replacement){read_32(data + at), data[at + 4], data + at + 5};
		at += 5;
		if (entry->count > REPLACEMENT_MAX || (size_t)entry->count * 4 > *used - at ||
			(i && entry->from <= entry[-1].from))
			return garbled(err, "the table of normalisation");
		for (size_t k = 0; k < entry->count; k++) {
			uint32_t to = read_32(entry->to + k * 4);
			if (to > 0x10ffff || (to >= 0xd800 && to < 0xe000))
				return garbled(err, "the table of normalisation");
		}
		at += (size_t)entry->count * 4;
	}
	packed->replacement_count = count;
	return 0;
}

int pieces_from_packed(
	struct pieces **out, const uint8_t *data, size_t size, size_t *used, struct err *err)
{
	struct packed *packed = calloc(1, sizeof(*packed));
	size_t first = 0, second = 0;

	if (!packed)
		return err_set(err, -ENOMEM, "out of memory");
	struct unigram *unigram = &packed->unigram;
	unigram->pieces.encode = unigram_encode;
	unigram->pieces.free = packed_free;
	unigram->score = score_of;
	unigram->normalise = normalise;
	unigram->is_single = true;
	int rc = read_pieces(packed, data, size, &first, err);
	if (!rc)
		rc = read_replacements(packed, data + first, size - first, &second, err);
	if (!rc && piece_table_init(&unigram->table, unigram->pieces.count, text_of, packed))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		packed_free(&unigram->pieces);
		return rc;
	}
	unigram_finish(unigram);
	*used = first + second;
	*out = &unigram->pieces;
	return 0;
}
