/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the words' index: a run of chunks with their posting lists, in a file or in
 * memory. Chunks are numbered from 0 within their part, in the order of their ids: their
 * ordinals. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_PART_H
#define ASKFS_CORE_LOCAL_LEXICAL_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/local/lexical/postings.h"

struct slice;

/* A word's chunks in one part. Plain data that points into the part. */
struct term_list {
	uint32_t chunk_count; /* how many chunks have it, live or not; 0: none */
	struct bounds bounds;
	const struct block_head *heads; /* file, more than one block; else NULL */
	const uint8_t *data; /* file */
	const struct slice *slices; /* memory */
};

/* First member of each kind of part. The arrays have an item a chunk. */
struct part {
	const struct part_ops *ops;
	uint64_t first, last; /* ids of chunks that it covers; some may be missing */
	uint32_t max_edition;
	uint32_t chunk_count;
	const uint64_t *ids; /* ascending */
	const uint32_t *editions; /* which version of which document */
	const uint32_t *indexes; /* chunk_index */
	const uint32_t *lengths; /* words */
	uint64_t *live; /* a bit a chunk: it is published. Guarded as the index is */
	uint32_t live_count; /* the same */
};

struct part_ops {
	/* The list of a word; chunk_count 0 if the part has none. */
	void (*find)(const struct part *part, const char *word, size_t len, struct term_list *out);
	/* The words in order of their bytes, by number; false behind the last one. */
	bool (*term)(const struct part *part, size_t number, const char **word, size_t *len,
		struct term_list *out);
	void (*free)(struct part *part);
};

static inline bool part_is_live(const struct part *part, uint32_t ordinal)
{
	return part->live[ordinal / 64] >> (ordinal % 64) & 1;
}

/* Set a chunk's bit; true if that changed it. */
static inline bool part_set_live(struct part *part, uint32_t ordinal, bool is_live)
{
	uint64_t bit = UINT64_C(1) << (ordinal % 64);

	if (part_is_live(part, ordinal) == is_live)
		return false;
	part->live[ordinal / 64] ^= bit;
	part->live_count += is_live ? 1 : UINT32_MAX;
	return true;
}

/* The first ordinal whose id is at least @id. */
uint32_t part_seek(const struct part *part, uint64_t id);

void part_free(struct part *part);

/* Walks a list. Big (it holds an unpacked block): not for small stacks. */
struct cursor {
	struct term_list list;
	uint32_t ordinal; /* of the posting it stands on; UINT32_MAX behind the last */
	uint32_t at, count; /* in the block, and postings of the block */
	uint32_t block; /* number of the block */
	bool has_counts;
	const struct slice *slice; /* memory: where the next block begins */
	uint32_t slice_at;
	uint32_t previous;
	const uint8_t *packed;
	uint32_t ordinals[BLOCK_POSTINGS];
	uint32_t counts[BLOCK_POSTINGS];
};

#define CURSOR_END UINT32_MAX

/* Stand on the first posting. */
void cursor_open(struct cursor *cursor, const struct term_list *list);

/* Stand on the first posting at or behind @ordinal. Whole blocks that @may_skip says nothing
 * good about are passed over; NULL: none are. */
typedef bool (*cursor_skip_fn)(void *context, const struct bounds *bounds);
void cursor_seek(struct cursor *cursor, uint32_t ordinal, cursor_skip_fn may_skip, void *context);

/* How often the word occurs in the chunk it stands on. */
static inline uint32_t cursor_occurrences(struct cursor *cursor)
{
	if (!cursor->has_counts) {
		block_unpack_counts(cursor->packed, cursor->count, cursor->counts);
		cursor->has_counts = true;
	}
	return cursor->counts[cursor->at];
}

/* How many of the list's chunks are live. */
uint32_t cursor_count_live(struct cursor *cursor, const struct part *part);

/* Memory parts: a piece of a list, ordinals and counts as variable-length integers. */
struct slice {
	struct slice *next;
	uint16_t cap, len;
	uint8_t bytes[];
};

#endif
