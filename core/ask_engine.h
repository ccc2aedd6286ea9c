/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the asking engine share; nobody else includes it. */
#ifndef ASKFS_CORE_ASK_ENGINE_H
#define ASKFS_CORE_ASK_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ask.h"
#include "core/pool.h"

/* A user with turns that may run. */
struct asker {
	struct asker *next;
	uid_t uid;
	struct turn *first, **tail; /* by next_ready */
};

/* How many removed documents are remembered for answers that were under way then. */
#define REMOVED_MAX 64

/* Loop thread, but for what is constant once it runs. */
struct ask {
	struct ask_ports ports; /* constant */
	const struct config *config; /* constant */
	struct pool *store; /* one thread: what is written keeps its order; NULL: stopped */
	struct pool *workers; /* constant */
	struct session **sessions; /* by name; references */
	size_t session_count, session_room;
	struct asker *askers, **askers_tail; /* whose turn comes first is first */
	size_t running, ready; /* turns with a worker, and waiting for one */
	uint64_t serial; /* of the latest commit */
	uint64_t removals; /* of documents */
	struct uuid removed[REMOVED_MAX]; /* the latest; number n is at n % REMOVED_MAX */
	size_t clock_hand; /* where unloading goes on */
	bool is_stopping;
};

/* The object that @member, which @pointer points to, is embedded in. */
#define EMBEDDING(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* ask.c: find the session by its name no more. */
void ask_forget(struct session *session);

/* ask_schedule.c */

/* A turn's question is stored: it waits for its handle, or may be called already. */
void ask_hold(struct turn *turn);
/* Do not wait for the handle of this turn, or of any of the session's, any longer. */
void ask_kick_turn(struct turn *turn);
void ask_kick(struct session *session);
/* Append to the session's pending turns; a reference is taken. */
void ask_append(struct turn *turn);
/* The first of the session's turns was answered: it becomes the session's answer. */
void ask_finish(struct turn *turn);
/* End a turn without an answer; those who wait get @rc. It may be done already. */
void ask_cancel(struct turn *turn, int rc);

/* ask_work.c: make the answer of the turn that @job is in. Worker thread; comes back by
 * turn->task. */
void ask_work(struct job *job);

/* ask_store.c: what is written to the catalog, in the order of the calls. */

/* -EINPROGRESS (@waiter gets the result; may be NULL), -ENOMEM or -ESHUTDOWN. */
int ask_store_session(struct session *session, struct waiter *waiter);
int ask_store_removal(struct session *session, struct waiter *waiter);
/* Forget the messages of a turn that will not be. */
void ask_store_retraction(struct session *session, uint32_t seq);
/* Queue the turn and write its question, then ask_hold. 0 or -ENOMEM. */
int ask_commit(struct turn *turn);
/* Write the answer, then ask_finish. */
void ask_store_answer(struct turn *turn);

/* ask_load.c: read the session's owed turns and its last answer, then wake session->loaded.
 * 0 or -ENOMEM. */
int ask_load(struct session *session);
/* Drop an idle session's last answer from memory when there are many; not @spare's. */
void ask_trim(struct ask *ask, const struct session *spare);

#endif
