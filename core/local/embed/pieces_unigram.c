/* SPDX-License-Identifier: Apache-2.0 */
/* Of all ways to cut a text into pieces the one with the best sum of scores, found by dynamic
 * programming from left to right. A character that no piece has is a piece of its own, at a score
 * below all others. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/embed/pieces_inside.h"
#include "core/text/utf8.h"

#define UNKNOWN_COST 10

/* The best way to a place between two characters. */
struct step {
	double score;
	uint32_t piece;
	uint32_t from; /* characters before it */
	uint32_t at; /* bytes before it */
};

/* A stretch of the text that is cut by itself. */
struct stretch {
	const char *text;
	size_t characters;
	struct step *steps; /* characters + 1 */
};

static size_t character_bytes(char first)
{
	uint8_t byte = (uint8_t)first;

	return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

static double add(const struct unigram *unigram, double sum, double score)
{
	return unigram->is_single ? (double)(float)(sum + score) : sum + score;
}

/* Every piece that begins at character @i improves the place where it ends. */
static void extend(const struct unigram *unigram, const struct stretch *stretch, size_t i)
{
	struct step *steps = stretch->steps;
	const char *text = stretch->text;
	uint64_t hash = PIECE_HASH_START;
	size_t start = steps[i].at, at = start;

	for (size_t end = i + 1; end <= stretch->characters; end++) {
		size_t bytes = character_bytes(text[at]);
		struct step *there = &steps[end];

		hash = piece_hash(hash, text + at, bytes);
		at += bytes;
		if (at - start > unigram->table.longest)
			break;
		int64_t piece =
			piece_table_find_hashed(&unigram->table, hash, text + start, at - start);
		if (piece < 0 || (piece == unigram->pieces.unknown && !unigram->is_split))
			continue;
		double score =
			add(unigram, steps[i].score, unigram->score(unigram, (uint32_t)piece));
		if (score > there->score)
			*there = (struct step){score, (uint32_t)piece, (uint32_t)i, there->at};
	}
	struct step *next = &steps[i + 1];
	double score = add(unigram, steps[i].score, unigram->unknown_score);
	if (score > next->score)
		*next = (struct step){score, unigram->pieces.unknown, (uint32_t)i, next->at};
}

static void find_ways(const struct unigram *unigram, const struct stretch *stretch)
{
	struct step *steps = stretch->steps;
	size_t at = 0;

	for (size_t i = 0; i <= stretch->characters; i++) {
		steps[i] = (struct step){.score = i ? -INFINITY : 0, .at = (uint32_t)at};
		if (i < stretch->characters)
			at += character_bytes(stretch->text[at]);
	}
	for (size_t i = 0; i < stretch->characters; i++)
		extend(unigram, stretch, i);
}

/* Is this step the second of two unknown pieces that are one? */
static bool is_fused(const struct unigram *unigram, const struct step *steps, size_t at)
{
	size_t from = steps[at].from;

	return unigram->is_split && from && steps[at].piece == unigram->pieces.unknown &&
		steps[from].piece == unigram->pieces.unknown;
}

/* Cut a stretch; at most @max numbers into @ids. How many. */
static size_t cut(
	const struct unigram *unigram, const struct stretch *stretch, uint32_t *ids, size_t max)
{
	const struct step *steps = stretch->steps;
	size_t count = 0, at;

	find_ways(unigram, stretch);
	for (at = stretch->characters; at > 0; at = steps[at].from)
		count += !is_fused(unigram, steps, at);
	size_t kept = count < max ? count : max;
	for (at = stretch->characters; at > 0; at = steps[at].from)
		if (!is_fused(unigram, steps, at) && --count < kept)
			ids[count] = steps[at].piece;
	return kept;
}

static bool is_blank(const char *text)
{
	return memcmp(text, "\xe2\x96\x81", 3) == 0;
}

/* The stretch that begins at @at, up to the next mark of a blank if words are cut by themselves. */
static size_t stretch_at(
	const struct unigram *unigram, const struct normal *normal, size_t at, struct stretch *out)
{
	out->text = normal->text + at;
	out->characters = 0;
	do {
		at += character_bytes(normal->text[at]);
		out->characters++;
	} while (at < normal->len &&
		!(unigram->is_split && normal->len - at >= 3 && is_blank(normal->text + at)));
	return at;
}

ssize_t unigram_encode(
	const struct pieces *pieces, const char *text, size_t len, uint32_t *ids, size_t max)
{
	const struct unigram *unigram = (const struct unigram *)pieces;
	struct normal normal = {0};
	int rc = unigram->normalise(unigram, text, len, &normal);
	AUTO_FREE char *owned = normal.text;
	AUTO_FREE struct step *steps = rc ? NULL : malloc((normal.characters + 1) * sizeof(*steps));
	struct stretch stretch = {.steps = steps};
	size_t count = 0;

	if (!steps)
		return -ENOMEM;
	for (size_t at = 0; at < normal.len && count < max;) {
		at = stretch_at(unigram, &normal, at, &stretch);
		count += cut(unigram, &stretch, ids + count, max - count);
	}
	(void)owned;
	return (ssize_t)count;
}

void unigram_finish(struct unigram *unigram)
{
	for (uint32_t i = 0; i < unigram->pieces.count; i++)
		unigram->unknown_score = fmin(unigram->unknown_score, unigram->score(unigram, i));
	unigram->unknown_score = add(unigram, unigram->unknown_score, -UNKNOWN_COST);
}
