/* SPDX-License-Identifier: Apache-2.0 */
/* A question against the parts of the index: exact BM25 over the live chunks, without looking
 * at those that cannot be among the best. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_RANK_H
#define ASKFS_CORE_LOCAL_LEXICAL_RANK_H

#include "core/local/best.h"
#include "core/local/lexical/part.h"
#include "core/vectors.h"

struct rank_query {
	struct query_term *terms; /* idf is filled in */
	size_t term_count;
	uint64_t chunk_count; /* live ones, in all parts */
	double mean_length; /* of these */
	/* May the one who asks have chunks of this edition? Fills in document and version. */
	bool (*admits)(void *context, uint32_t edition, struct found *found);
	void *context;
};

/* Offer the best chunks of all parts to @best. 0 or -ENOMEM. Nobody may change the parts. */
int rank_words(const struct part *const *parts, size_t part_count, struct rank_query *query,
	struct best *best);

#endif
