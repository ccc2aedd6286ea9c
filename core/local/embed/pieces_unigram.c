/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece's unigram model (Kudo 2018, Subword Regularization): of all ways to cut a text
 * into pieces the one with the best sum of scores, found by dynamic programming from left to
 * right. A character that no piece has is a piece of its own, at a score below all others. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/embed/pieces_inside.h"
#include "core/text/utf8.h"

#define BLANK	     0x2581 /* what stands for a blank */
#define UNKNOWN_COST 10
#define PIECES_MAX   (1u << 20)
/* Bytes of the longest piece. */
#define PIECE_BYTES_MAX 1024
#define REPLACEMENT_MAX 32

/* An entry of the table of normalisation: a character and what it becomes. */
struct replacement {
	uint32_t from;
	uint8_t count;
	const uint8_t *to; /* 32-bit numbers, unaligned */
};

struct unigram {
	struct pieces pieces;
	const uint8_t *offsets, *scores; /* 32-bit, as they lie in the file */
	const char *text;
	float unknown_score;
	struct piece_table table;
	struct replacement *replacements; /* by from */
	size_t replacement_count;
};

static uint32_t read_32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static float score_of(const struct unigram *unigram, uint32_t piece)
{
	float score;

	memcpy(&score, unigram->scores + piece * sizeof(score), sizeof(score));
	return score;
}

static const char *text_of(const void *context, uint32_t piece, size_t *len)
{
	const struct unigram *unigram = context;
	uint32_t start = read_32(unigram->offsets + piece * 4);

	*len = read_32(unigram->offsets + (piece + 1) * 4) - start;
	return unigram->text + start;
}

/* --- normalising ------------------------------------------------------------------ */

/* Characters on their way through the rules: replaced, runs of blanks one blank, blanks written
 * as pieces have them, and one in front. */
struct normal {
	char *text;
	size_t len, room;
	size_t characters;
	bool was_blank;
};

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
		normal->len = utf8_encode(BLANK, normal->text);
		normal->characters = 1;
	}
	normal->len += utf8_encode(is_blank ? BLANK : character, normal->text + normal->len);
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

static int put_replaced(const struct unigram *unigram, struct normal *normal, uint32_t character)
{
	const struct replacement *found = bsearch(&character, unigram->replacements,
		unigram->replacement_count, sizeof(*unigram->replacements), by_from);
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
	int rc = 0;

	*normal = (struct normal){.room = len + len / 2 + 64};
	normal->text = malloc(normal->room);
	if (!normal->text)
		return -ENOMEM;
	for (size_t at = 0; at < len && !rc;)
		rc = put_replaced(unigram, normal, utf8_next(text, len, &at));
	if (!rc && normal->len == 0) {
		normal->len = utf8_encode(BLANK, normal->text);
		normal->characters = 1;
	}
	return rc;
}

/* --- cutting ---------------------------------------------------------------------- */

/* The best way to a place between two characters. */
struct step {
	float score;
	uint32_t piece;
	uint32_t from; /* characters before it */
	uint32_t at; /* bytes before it */
};

static size_t character_bytes(char first)
{
	uint8_t byte = (uint8_t)first;

	return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/* Every piece that begins at character @i improves the place where it ends. */
static void extend(
	const struct unigram *unigram, const struct normal *normal, struct step *steps, size_t i)
{
	uint64_t hash = PIECE_HASH_START;
	size_t start = steps[i].at, at = start;

	for (size_t end = i + 1; end <= normal->characters; end++) {
		size_t bytes = character_bytes(normal->text[at]);
		struct step *there = &steps[end];

		hash = piece_hash(hash, normal->text + at, bytes);
		at += bytes;
		if (at - start > unigram->table.longest)
			break;
		int64_t piece = piece_table_find_hashed(
			&unigram->table, hash, normal->text + start, at - start);
		if (piece < 0 || piece == unigram->pieces.unknown)
			continue;
		float score = steps[i].score + score_of(unigram, (uint32_t)piece);
		if (score > there->score)
			*there = (struct step){score, (uint32_t)piece, (uint32_t)i, there->at};
	}
	struct step *next = &steps[i + 1];
	float score = steps[i].score + unigram->unknown_score;
	if (score > next->score)
		*next = (struct step){score, unigram->pieces.unknown, (uint32_t)i, next->at};
}

static struct step *find_ways(const struct unigram *unigram, const struct normal *normal)
{
	struct step *steps = malloc((normal->characters + 1) * sizeof(*steps));
	size_t at = 0;

	if (!steps)
		return NULL;
	for (size_t i = 0; i <= normal->characters; i++) {
		steps[i] = (struct step){.score = i ? -INFINITY : 0, .at = (uint32_t)at};
		if (i < normal->characters)
			at += character_bytes(normal->text[at]);
	}
	for (size_t i = 0; i < normal->characters; i++)
		extend(unigram, normal, steps, i);
	return steps;
}

static ssize_t unigram_encode(
	const struct pieces *pieces, const char *text, size_t len, uint32_t *ids, size_t max)
{
	const struct unigram *unigram = (const struct unigram *)pieces;
	struct normal normal;
	int rc = normalise(unigram, text, len, &normal);
	AUTO_FREE char *owned = normal.text;
	AUTO_FREE struct step *steps = rc ? NULL : find_ways(unigram, &normal);
	size_t count = 0, at;

	if (!steps)
		return -ENOMEM;
	for (at = normal.characters; at > 0; at = steps[at].from)
		count++;
	size_t kept = count < max ? count : max;
	for (at = normal.characters; at > 0; at = steps[at].from)
		if (--count < kept)
			ids[count] = steps[at].piece;
	(void)owned;
	return (ssize_t)kept;
}

/* --- reading ---------------------------------------------------------------------- */

static void unigram_free(struct pieces *pieces)
{
	struct unigram *unigram = (struct unigram *)pieces;

	piece_table_release(&unigram->table);
	free(unigram->replacements);
	free(unigram);
}

static int garbled(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "the tokeniser is garbled: %s", what);
}

/* The part with fixed sizes: counts, marks, offsets, scores, text. */
static int read_pieces(
	struct unigram *unigram, const uint8_t *data, size_t size, size_t *used, struct err *err)
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
	unigram->pieces.count = count;
	unigram->pieces.begin = begin;
	unigram->pieces.end = end;
	unigram->pieces.unknown = unknown;
	unigram->offsets = data + HEAD;
	unigram->scores = unigram->offsets + ((size_t)count + 1) * 4;
	unigram->text = (const char *)unigram->scores + (size_t)count * 4;
	*used = HEAD + tables + (size_t)text_len;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t start = read_32(unigram->offsets + (size_t)i * 4);
		uint32_t stop = read_32(unigram->offsets + (size_t)i * 4 + 4);
		if (stop < start || stop > text_len || stop - start > PIECE_BYTES_MAX)
			return garbled(err, "the places of its pieces");
		if (!isfinite(score_of(unigram, i)))
			return garbled(err, "a score is not a number");
	}
	return 0;
}

static int read_replacements(
	struct unigram *unigram, const uint8_t *data, size_t size, size_t *used, struct err *err)
{
	if (size < 8)
		return garbled(err, "it is cut");
	uint32_t count = read_32(data), bytes = read_32(data + 4);
	size_t at = 8;
	if (bytes > size - 8 || count > bytes / 5)
		return garbled(err, "the table of normalisation");
	unigram->replacements = calloc((size_t)count + 1, sizeof(*unigram->replacements));
	if (!unigram->replacements)
		return err_set(err, -ENOMEM, "out of memory");
	*used = 8 + (size_t)bytes;
	for (uint32_t i = 0; i < count; i++) {
		struct replacement *entry = &unigram->replacements[i];
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
	unigram->replacement_count = count;
	return 0;
}

int pieces_from_packed(
	struct pieces **out, const uint8_t *data, size_t size, size_t *used, struct err *err)
{
	struct unigram *unigram = calloc(1, sizeof(*unigram));
	size_t first = 0, second = 0;

	if (!unigram)
		return err_set(err, -ENOMEM, "out of memory");
	unigram->pieces.encode = unigram_encode;
	unigram->pieces.free = unigram_free;
	int rc = read_pieces(unigram, data, size, &first, err);
	if (!rc)
		rc = read_replacements(unigram, data + first, size - first, &second, err);
	if (!rc && piece_table_init(&unigram->table, unigram->pieces.count, text_of, unigram))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		unigram_free(&unigram->pieces);
		return rc;
	}
	for (uint32_t i = 0; i < unigram->pieces.count; i++)
		unigram->unknown_score = fminf(unigram->unknown_score, score_of(unigram, i));
	unigram->unknown_score -= UNKNOWN_COST;
	*used = first + second;
	*out = &unigram->pieces;
	return 0;
}
