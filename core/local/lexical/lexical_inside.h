/* SPDX-License-Identifier: Apache-2.0 */
/* The index's own fields, for lexical.c and lexical_plan.c. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_LEXICAL_INSIDE_H
#define ASKFS_CORE_LOCAL_LEXICAL_LEXICAL_INSIDE_H

#include "core/local/lexical/lexical.h"

struct lexical {
	char *folder;
	struct lexical_owner owner;
	struct part **parts; /* by the ids they cover; the last one is the one that grows */
	size_t count, cap;
	struct memory_part *growing;
	size_t sealed; /* parts in memory but the one that grows */
	uint64_t live_chunks, live_length;
	uint64_t *dead; /* ids of chunks that were replaced, ascending */
	size_t dead_count, dead_cap;
};

static inline enum edition_state lexical_state(const struct lexical *lexical, uint32_t edition)
{
	return lexical->owner.state(lexical->owner.context, edition);
}

bool lexical_is_dead(const struct lexical *lexical, uint64_t id);

/* Is the part a file? */
static inline bool lexical_is_segment(const struct lexical *lexical, size_t at)
{
	return lexical->parts[at]->ops != memory_part_part(lexical->growing)->ops;
}

/* Set the bits of a part that comes in, and count what is live in it. */
void lexical_mark(struct lexical *lexical, struct part *part);

#endif
