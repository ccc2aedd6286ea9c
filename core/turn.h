/* SPDX-License-Identifier: Apache-2.0 */
/* One question and its answer. */
#ifndef ASKFS_CORE_TURN_H
#define ASKFS_CORE_TURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/access.h"
#include "core/answer.h"
#include "core/buf.h"
#include "core/options.h"
#include "core/pool.h"
#include "core/waiter.h"

struct session;

enum turn_state {
	TURN_WRITING, /* was committed, and its handle has written on since */
	TURN_COMMITTING, /* the question is being stored */
	TURN_HELD, /* stored; its handle may still write */
	TURN_READY, /* to be answered: waits for its session and for a worker */
	TURN_RUNNING, /* a worker has it */
	TURN_STORING, /* answered; the answer is being stored */
	TURN_DONE,
	TURN_CANCELLED,
};

/* Counted. Loop thread, where nothing else is said. Callers outside of core/ask*.c and
 * core/session.c read @state, @answer, @answered_ns and nothing else, and use the functions. */
struct turn {
	unsigned refs;
	struct session *session; /* a reference */
	struct turn *next; /* in session->pending */
	struct turn *next_ready; /* in the asker's queue */
	struct turn *successor; /* what its handle wrote after its commit; a reference */
	enum turn_state state;
	uint32_t seq;
	uint64_t serial; /* order of commits, of all sessions */
	bool is_kicked; /* wait no longer for its handle */
	bool is_scheduled; /* in the asker's queue */
	bool has_failed; /* TURN_CANCELLED: the question could not be stored */
	char *question; /* fixed once committed, so a worker may read it */
	size_t question_len;
	struct caller caller; /* likewise */
	struct options options; /* likewise, from TURN_RUNNING on */
	uint32_t history_from; /* likewise: what lies before is hidden */
	int64_t committed_ns; /* wall clock */
	int64_t started_ns; /* monotonic, of the commit */
	int64_t answered_ns; /* wall clock; 0: not yet */
	struct timer hold; /* until it is called without its handle being released */
	uint64_t removals; /* of documents, when its worker began */
	struct answer answer; /* complete in TURN_DONE; the worker's before */
	int end; /* TURN_CANCELLED: what those who wait get */
	struct waiters commit; /* FLUSHes that wait for TURN_COMMITTING to end */
	struct waiters answered; /* opens */
	struct waiters progress; /* reads of the stream */

	atomic_bool cancelled; /* set by the loop, read by the worker */
	struct job job; /* the answering */
	struct task task; /* its way back */
	int result; /* the worker's: 0, or -errno when there is no answer to keep */

	pthread_mutex_t lock;
	struct buf stream; /* lock: what `stream` has delivered so far */
	size_t stream_start; /* lock: where the present attempt begins in it */
	bool is_posted; /* lock: wake is on its way */
	struct task wake;
};

/* A turn in TURN_WRITING with one reference; @caller is copied. NULL: memory is short. */
struct turn *turn_new(struct session *session, const struct caller *caller);
struct turn *turn_ref(struct turn *turn);
void turn_unref(struct turn *turn);

/* @turn, or what succeeded it. Borrowed. */
struct turn *turn_latest(struct turn *turn);

/* @new was written on the handle that had committed @old, before that was answered: who waits
 * for @old, waits for @new. */
void turn_succeed(struct turn *old, struct turn *new);

/* Wait for the answer, and have it called at once. 0: it is there. -EINPROGRESS: @waiter was
 * queued and gets 0, -ETIMEDOUT, -ECANCELED, -ENOENT (the session was removed) or -ESHUTDOWN.
 * Another -errno: there will be no answer. */
int turn_wait(struct turn *turn, struct waiter *waiter);

/* Copy stream bytes from @offset on: their count, 0 at the end, -EAGAIN while nothing more is
 * there. Calls for the answer like turn_wait. */
ssize_t turn_stream_read(struct turn *turn, void *out, size_t len, uint64_t offset);

/* Be woken once when the stream has grown or ended. */
void turn_stream_wait(struct turn *turn, struct waiter *waiter);

/* Does the answer cite that document? The turn is answered. */
bool turn_cites(const struct turn *turn, const struct uuid *document);

/* Add to the stream. Worker thread. 0 or -errno. */
int turn_stream_add(struct turn *turn, const char *text, size_t len);

/* The attempt was in vain, another one begins: say so in the stream. @wipes: nobody who comes later
 * may read what it said. Worker thread. */
void turn_stream_restart(struct turn *turn, bool wipes);

/* The turn is TURN_DONE: whatever of the final text the stream has not delivered follows. */
void turn_stream_finish(struct turn *turn);

#endif
