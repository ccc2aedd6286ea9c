/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a chunk, counted; and the words of a question. What the words' index and the
 * naive search in memory have in common, so that both see the same words. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_BAG_H
#define ASKFS_CORE_LOCAL_LEXICAL_BAG_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/chunk.h"
#include "core/vectors.h"

/* Longer words are cut here (bytes); nobody asks for them, and an index entry stays small. */
#define WORD_MAX 64

/* Further words of a question are not looked for. */
#define QUESTION_WORDS_MAX 256

struct bag_word {
	uint32_t at; /* of its text in the bag's */
	uint16_t len;
	uint32_t count;
	uint32_t hash;
};

/* Embedded by value; may be filled again and again. One thread at a time. */
struct bag {
	struct buf text;
	struct bag_word *words; /* distinct, in order of appearance */
	size_t word_count, word_cap;
	uint32_t *slots; /* hash table of word numbers + 1; slot_count is a power of two */
	size_t slot_count;
	uint32_t length; /* words in all: BM25's length */
};

void bag_init(struct bag *bag);
void bag_release(struct bag *bag);

/* Count the words of title, heading and text together (the title shares the language of the
 * text). 0 or -ENOMEM. */
int bag_fill(struct bag *bag, const char *title, const struct chunk *chunk);

/* How often a word occurs; 0: not at all. */
uint32_t bag_count(const struct bag *bag, const char *word, size_t len);

static inline const char *bag_text(const struct bag *bag, const struct bag_word *word)
{
	return bag->text.data + word->at;
}

/* The hash of a word (FNV-1a), shared by the tables that hold words. */
uint32_t word_hash(const char *word, size_t len);

/* The distinct words of a question in @terms and @count, idf left at 0. Forms of one word
 * share a group. The caller frees what is in @terms, also after a failure. 0 or -ENOMEM. */
int question_parse(const char *text, struct query_term **terms, size_t *count);

#endif
