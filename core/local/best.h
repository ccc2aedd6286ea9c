/* SPDX-License-Identifier: Apache-2.0 */
/* The top k of a search while it runs: a heap whose root is the worst that is still in. */
#ifndef ASKFS_CORE_LOCAL_BEST_H
#define ASKFS_CORE_LOCAL_BEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "core/uuid.h"

/* A chunk that was found, by number: its text is fetched once the search is over. */
struct found {
	double score;
	struct uuid document;
	uint32_t version;
	uint32_t index;
	uint64_t id;
};

struct best {
	struct found *items;
	size_t count, cap, top_k;
};

static inline void best_init(struct best *best, size_t top_k)
{
	*best = (struct best){.top_k = top_k};
}

void best_release(struct best *best);

/* What a score must reach to come in; a score equal to it may still be too low. */
static inline double best_threshold(const struct best *best)
{
	return best->count < best->top_k ? -INFINITY
		: best->top_k		 ? best->items[0].score
					 : INFINITY;
}

/* Offer a chunk: it comes in if it is better than the worst. 0 or -ENOMEM. */
int best_offer(struct best *best, const struct found *found);

/* Put the items in order, best first; the heap is none any more. */
void best_sort(struct best *best);

/* By score, then document, then index: negative if @a comes before @b. */
int found_compare(const struct found *a, const struct found *b);

#endif
