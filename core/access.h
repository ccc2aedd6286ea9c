/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and what a document's bits let him read. */
#ifndef ASKFS_CORE_ACCESS_H
#define ASKFS_CORE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A document's owner, group and mode: the bits that the file had when it was dropped, or
 * what chmod made of them since. */
struct access {
	uid_t owner;
	gid_t group;
	mode_t mode; /* the nine permission bits */
};

static inline bool access_is_same(const struct access *a, const struct access *b)
{
	return a->owner == b->owner && a->group == b->group && a->mode == b->mode;
}

/* A caller with the groups he had when the request came. Heap memory behind @groups;
 * groups[0] is the primary group. Immutable once made, so any thread may read it. */
struct caller {
	uid_t uid;
	gid_t *groups;
	size_t group_count;
};

/* A copy of the caller for a job that outlives the request. 0 or -ENOMEM. */
int caller_copy(struct caller *to, const struct caller *from);
void caller_release(struct caller *caller);

/* {"uid":…,"groups":[…]}, for the day a daemon is killed before it has done what the caller was
 * promised. The caller of this frees it; NULL when memory is short. */
char *caller_to_json(const struct caller *caller);

/* The caller again; without a trace of him (@json NULL, or something else) nobody, who reads what
 * is public. 0 or -ENOMEM. */
int caller_from_json(const char *json, struct caller *out);

/* May @caller read a document with these bits? As the kernel decides it for a file: the
 * owner's bits count for the owner even where others have more; uid 0 may read all. */
bool access_may_read(const struct access *access, const struct caller *caller);

#endif
