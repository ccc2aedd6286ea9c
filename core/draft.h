/* SPDX-License-Identifier: Apache-2.0 */
/* What is written on one handle under ask/: a question in the making. */
#ifndef ASKFS_CORE_DRAFT_H
#define ASKFS_CORE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/access.h"
#include "core/session.h"
#include "core/waiter.h"

struct draft;

/* A handle was opened for writing; @truncates: by O_TRUNC. The session must be loaded;
 * @caller is copied. 0 or -errno. Loop thread, like all of them. */
int draft_new(
	struct draft **out, struct session *session, const struct caller *caller, bool truncates);

/* Append, whatever the offset was. After a commit it cancels the turn. The count, -EFBIG. */
ssize_t draft_write(struct draft *draft, const void *data, size_t len);

/* ftruncate: the text is cut to @size; -EINVAL if it is shorter. */
int draft_truncate(struct draft *draft, uint64_t size);

/* Commit what is new. 0: there is nothing new. -EINPROGRESS: @waiter gets 0 or -errno when
 * the question is stored. -EINVAL: white space, or not UTF-8. -EFBIG, -ENOENT. */
int draft_flush(struct draft *draft, struct waiter *waiter);

/* Read on the same handle: commit what is new and wait for the answer to it, or for the
 * session's current one when nothing was written. 0: draft_copy has it. -EINPROGRESS: @waiter
 * gets 0 or -errno; ask again then. */
int draft_wait(struct draft *draft, struct waiter *waiter);

/* The answer's bytes; the first call after a commit finds byte 0 at its @offset. After
 * draft_wait gave 0. The count, 0 at the end. */
ssize_t draft_copy(struct draft *draft, void *out, size_t len, uint64_t offset);

/* The handle is gone: what was committed is called for, what was not is dropped; a handle
 * that truncated and wrote nothing forgets the history. */
void draft_release(struct draft *draft);

#endif
