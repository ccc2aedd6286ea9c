/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the index that grows: in memory until it is written out as a segment. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_MEMORY_PART_H
#define ASKFS_CORE_LOCAL_LEXICAL_MEMORY_PART_H

#include "core/local/lexical/bag.h"
#include "core/local/lexical/part.h"

struct memory_part;

struct indexed_chunk {
	uint64_t id; /* greater than that of every chunk before it */
	uint32_t edition;
	uint32_t index;
	bool is_live;
};

/* An empty part that covers ids from @first on. 0 or -ENOMEM. */
int memory_part_new(struct memory_part **out, uint64_t first);

/* The part seen as what it is; part_free frees both. */
struct part *memory_part_part(struct memory_part *memory);

/* Add a chunk with its words. After -ENOMEM the chunk is there, belongs to no edition and
 * is never live. Nobody may read at that time. */
int memory_part_add(
	struct memory_part *memory, const struct indexed_chunk *chunk, const struct bag *bag);

/* What it takes. */
size_t memory_part_bytes(const struct memory_part *memory);

/* Put the words in order, for part_ops.term; nothing may be added from then on. 0 or -ENOMEM. */
int memory_part_sort(struct memory_part *memory);

#endif
