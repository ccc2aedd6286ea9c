/* SPDX-License-Identifier: Apache-2.0 */
/* The words' index: its parts, which chunks of them are live, and how parts become fewer. It
 * can be made again from the chunks at any time. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_LEXICAL_H
#define ASKFS_CORE_LOCAL_LEXICAL_LEXICAL_H

#include "core/err.h"
#include "core/local/lexical/memory_part.h"
#include "core/local/lexical/rank.h"

/* An index has no lock of its own: its owner's is held for reading [R] or writing [W] around
 * a call, or nobody else has the index yet or any more. */
struct lexical;

enum edition_state {
	EDITION_GONE, /* its chunks may be dropped */
	EDITION_PENDING, /* not published */
	EDITION_LIVE,
};

/* What the index asks its owner; called under the lock that the call came with. */
struct lexical_owner {
	enum edition_state (*state)(void *context, uint32_t edition);
	void *context;
};

/* Open the segments in @folder (made if it is missing). What is broken is deleted: the ids
 * it covered are then a gap. 0 or -errno. */
int lexical_open(struct lexical **out, const char *folder, const struct lexical_owner *owner,
	struct err *err);
void lexical_free(struct lexical *lexical);

/* The greatest id and edition that a segment knows; they must not be given out again. */
uint64_t lexical_last_id(const struct lexical *lexical);
uint32_t lexical_max_edition(const struct lexical *lexical);

/* Ids from @first on will come through lexical_add. Before everything else. 0 or -ENOMEM. */
int lexical_start(struct lexical *lexical, uint64_t first);

/* [R] The first run of ids that no part covers. False if there is none. */
bool lexical_gap(const struct lexical *lexical, uint64_t *first, uint64_t *last);

/* [W] Take over a part that fills a gap or the beginning of one; it covers ids up to @last
 * from now on. 0 or -ENOMEM (the part is freed). */
int lexical_fill(struct lexical *lexical, struct memory_part *part, uint64_t last);

/* [W] Add a chunk to the part that grows. 0 or -ENOMEM. */
int lexical_add(struct lexical *lexical, uint64_t id, uint32_t edition, uint32_t index,
	const struct bag *bag);

/* [W] The chunks of an edition, all with ids from @first to @last, are live or are not. */
void lexical_set_live(
	struct lexical *lexical, uint32_t edition, uint64_t first, uint64_t last, bool is_live);

/* [W] A chunk was replaced: it is never live again. Called for all such after lexical_start,
 * too. 0 or -ENOMEM. */
int lexical_kill(struct lexical *lexical, uint64_t id);

/* [R] Bytes of the part that grows. */
size_t lexical_growing_bytes(const struct lexical *lexical);

/* [R] Parts in memory that are full and not written out yet. */
size_t lexical_sealed_count(const struct lexical *lexical);

/* [W] The part that grows is full, another one grows. 0 or -ENOMEM. */
int lexical_seal(struct lexical *lexical);

/* [R] */
uint64_t lexical_live_chunks(const struct lexical *lexical);

/* [R] Offer the best chunks for a question to @best; query->chunk_count and mean_length are
 * filled in. 0 or -ENOMEM. */
int lexical_search(const struct lexical *lexical, struct rank_query *query, struct best *best);

/* Maintenance, by one thread: plan [R], then make with no lock, then install [W], then
 * discard the plan with no lock. */
struct lexical_plan;

/* [R] What is worth doing: write a full part out, merge segments. False: nothing is. NULL in
 * *out with true: memory is short. */
bool lexical_plan(const struct lexical *lexical, struct lexical_plan **out);
int lexical_plan_make(struct lexical_plan *plan, struct err *err);
void lexical_plan_install(struct lexical *lexical, struct lexical_plan *plan);
void lexical_plan_free(struct lexical_plan *plan);

/* [R] Compare checksums and order; each problem is a line in @report. 0 or -errno. */
int lexical_check(const struct lexical *lexical, struct buf *report);

#endif
