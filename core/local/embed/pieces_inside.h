/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of tokenisers share. */
#ifndef ASKFS_CORE_LOCAL_EMBED_PIECES_INSIDE_H
#define ASKFS_CORE_LOCAL_EMBED_PIECES_INSIDE_H

#include <stdbool.h>

#include "core/local/embed/pieces.h"

/* First member of every kind. */
struct pieces {
	size_t count; /* numbers below it are given out */
	uint32_t begin, end, unknown;

	/* Append the pieces of @text (valid UTF-8), at most @max, to @ids. How many, or -ENOMEM. */
	ssize_t (*encode)(const struct pieces *pieces, const char *text, size_t len, uint32_t *ids,
		size_t max);
	void (*free)(struct pieces *pieces);
};

/* A set of byte strings, each with the number under which it was added; lookup by hashing. */
struct piece_table {
	uint32_t *slots; /* number + 1; 0: free */
	size_t mask, longest;
	const char *(*text)(const void *context, uint32_t number, size_t *len);
	const void *context;
};

/* Make it from strings 0 … @count - 1 that @text gives; of equal ones the first counts. 0 or
 * -ENOMEM. */
int piece_table_init(struct piece_table *table, size_t count,
	const char *(*text)(const void *context, uint32_t number, size_t *len),
	const void *context);
void piece_table_release(struct piece_table *table);

/* The number of a string, or -1. */
int64_t piece_table_find(const struct piece_table *table, const char *text, size_t len);

/* Bytes hashed one after the other, for those who look up one prefix after the other. */
static inline uint64_t piece_hash(uint64_t hash, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}
#define PIECE_HASH_START UINT64_C(0xcbf29ce484222325)
int64_t piece_table_find_hashed(
	const struct piece_table *table, uint64_t hash, const char *text, size_t len);

/* A vocabulary that was read: texts one behind the other. */
struct vocabulary {
	char *text;
	uint32_t *offsets; /* count + 1 */
	double *scores; /* NULL: WordPiece */
	size_t count;
};

/* WordPiece as BERT has it (Devlin et al. 2019, and Hugging Face's BertNormalizer). */
struct wordpiece_rules {
	bool lowercase, strip_accents, clean, split_han;
	uint32_t begin, end, unknown;
	size_t word_max; /* characters: longer words are unknown */
	char continuing[16]; /* "##" */
};

/* Takes over the vocabulary, also on failure. 0 or -ENOMEM. */
int pieces_wordpiece_new(
	struct pieces **out, struct vocabulary *vocabulary, const struct wordpiece_rules *rules);

void vocabulary_release(struct vocabulary *vocabulary);

/* Characters on their way to be cut; valid UTF-8. */
struct normal {
	char *text;
	size_t len, room;
	size_t characters;
	bool was_blank;
};

/* What stands for a blank. */
#define PIECE_BLANK 0x2581

/* SentencePiece's unigram model (Kudo 2018, Subword Regularization), whatever it was read from. */
struct unigram {
	struct pieces pieces;
	struct piece_table table;
	double unknown_score; /* of a character that no piece has */
	bool is_split; /* each word by itself, from its mark of a blank on; unknown characters that
			* stand together are one piece */
	bool is_single; /* sums are single precision numbers */

	double (*score)(const struct unigram *unigram, uint32_t piece);

	/* Fill @normal, zero-initialised, whose text the caller frees. 0 or -ENOMEM. */
	int (*normalise)(
		const struct unigram *unigram, const char *text, size_t len, struct normal *normal);
};

/* How tokenizer.json says that a text becomes words: in this order. */
struct unigram_rules {
	struct charsmap *charsmap; /* owned; NULL: none */
	bool strips_left, strips_right; /* white space */
	const char *run; /* what two or more blanks become; NULL: they stay */
	bool splits_words; /* at white space; otherwise every blank begins a word */
	uint32_t begin, end, unknown;
};

/* Takes over the vocabulary and the rules, also on failure. 0 or -ENOMEM. */
int pieces_unigram_new(
	struct pieces **out, struct vocabulary *vocabulary, const struct unigram_rules *rules);

/* The encode of struct pieces. */
ssize_t unigram_encode(
	const struct pieces *pieces, const char *text, size_t len, uint32_t *ids, size_t max);

/* The scores and the table are there: find unknown_score. */
void unigram_finish(struct unigram *unigram);

#endif
