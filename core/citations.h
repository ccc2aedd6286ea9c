/* SPDX-License-Identifier: Apache-2.0 */
/* The [n] of an answer, checked and renumbered while it is being written. */
#ifndef ASKFS_CORE_CITATIONS_H
#define ASKFS_CORE_CITATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

/* One answer's filter. Feed it what the generator makes, in any pieces; what comes out has
 * only citations of passages that were given, numbered from 1 by first appearance, and no
 * white space at its start and end. "[2, 5]" is a citation of both. A generator writes
 * brackets that are not a citation as "\[3]"; the backslash is taken out. */
struct citations {
	size_t passage_count;
	uint32_t *number; /* of passage i, 0: not cited yet */
	size_t *order; /* passage that is cited as [n] at n - 1 */
	size_t count; /* of order */
	struct buf spaces; /* white space that may turn out to be the end */
	struct buf token; /* what may turn out to be a citation, with its bracket */
	bool has_begun; /* something other than white space came out */
};

/* 0 or -ENOMEM. */
int citations_init(struct citations *citations, size_t passage_count);

/* There are more passages now. 0 or -ENOMEM. */
int citations_grow(struct citations *citations, size_t passage_count);

/* What was fed was no answer; another one follows. */
void citations_restart(struct citations *citations);

void citations_release(struct citations *citations);

/* Append to @out what is certain by now. 0 or -errno. */
int citations_feed(struct citations *citations, const char *text, size_t len, struct buf *out);

/* The text has ended. 0 or -errno. */
int citations_finish(struct citations *citations, struct buf *out);

#endif
