/* SPDX-License-Identifier: Apache-2.0 */
/* A name under ask/: its options, its turns that are on their way, its last answer. */
#ifndef ASKFS_CORE_SESSION_H
#define ASKFS_CORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/catalog.h"
#include "core/options.h"
#include "core/turn.h"
#include "core/waiter.h"

struct ask;

/* Counted. Loop thread. Callers outside of core/ask*.c and core/draft.c read @record and
 * @options and nothing else, but for @writings, and use the functions. */
struct session {
	unsigned refs;
	struct ask *ask;
	struct session_record record;
	struct options options;
	uint32_t next_seq; /* valid once is_scanned */
	uint32_t writings; /* how often its name was opened for writing; whoever shows it counts */
	bool is_scanned; /* its owed turns are known */
	bool is_loaded; /* @answered is what the catalog has */
	bool is_loading;
	bool is_removed;
	bool is_stored; /* the catalog has the record as it is */
	struct turn *pending, **pending_tail; /* committed, not DONE, in order; references */
	struct turn *answered; /* the last answer; a reference; may be NULL */
	struct turn *writing; /* the newest turn, in TURN_WRITING; a reference */
	struct waiters loaded;
};

/* One reference; the record is taken over. NULL: memory is short (it is released then). */
struct session *session_new(struct ask *ask, struct session_record *record);
struct session *session_ref(struct session *session);
void session_unref(struct session *session);

/* Make session_current valid. 0: it is. -EINPROGRESS: @waiter was queued. */
int session_load(struct session *session, struct waiter *waiter);

/* The turn that the session's name stands for: the newest that was committed, answered or
 * not. NULL: there is none. Borrowed. The session must be loaded. */
struct turn *session_current(const struct session *session);

/* Replace the options by those in @json. -EINVAL with *err set; -EINPROGRESS: @waiter gets 0
 * or -errno when they are stored. */
int session_set_options(struct session *session, const char *json, size_t len,
	struct waiter *waiter, struct err *err);

/* chmod and chown of ask/<session>. As session_set_options. */
int session_set_access(struct session *session, const struct access *access, struct waiter *waiter);

/* Forget it for good: it is found no more, its turns end with -ENOENT, and @waiter gets 0 or
 * -errno when the catalog has forgotten it too. -EINPROGRESS or -errno. */
int session_remove(struct session *session, struct waiter *waiter);

/* Cancel what was committed before @serial, and hide what lies before sequence @seq. 0: that is
 * all. -EINPROGRESS: @waiter (may be NULL) gets 0 or -errno when it is stored. -errno. */
int session_hide(struct session *session, uint64_t serial, uint32_t seq, struct waiter *waiter);

#endif
