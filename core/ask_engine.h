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

/* Loop thread, but for what is constant once it runs. */
struct ask {
	struct ask_ports ports;      /* constant */
	const struct config *config; /* constant */
	struct pool *store;          /* constant; one thread: what is written keeps its order */
	struct pool *workers;        /* constant */
	struct session **sessions;   /* by name; references */
	size_t session_count, session_room;
	struct asker *askers, **askers_tail; /* whose turn comes first is first */
	size_t running, ready;               /* turns with a worker, and waiting for one */
	uint64_t serial;                     /* of the latest commit */
	size_t clock_hand;                   /* where unloading goes on */
	size_t loaded_count;
	bool is_stopping;
};

/* ask_schedule.c */

/* A turn was stored and may be called (now, or when its session's earlier turns are done). */
void ask_ready(struct ask *ask, struct turn *turn);
/* Take a turn out of its asker's queue. */
void ask_unschedule(struct ask *ask, struct turn *turn);
/* The first of the session's turns may have become the one to run. */
void ask_advance(struct ask *ask, struct session *session);
/* Queue the owed turn @turn, which the catalog has. Takes a reference of its own. */
void ask_adopt(struct ask *ask, struct turn *turn);
/* Do not wait for the handles of this session's turns any longer. */
void ask_kick(struct session *session);
/* End a turn without an answer; those who wait get @rc. */
void ask_cancel(struct turn *turn, int rc);

/* ask_work.c: make the answer of turn->job's turn. Worker thread; comes back by turn->task. */
void ask_work(struct job *job);

/* ask_store.c: all -EINPROGRESS (@waiter gets the result, may be NULL), or -ENOMEM. */

int ask_store_session(struct session *session, struct waiter *waiter);
int ask_store_removal(struct session *session, struct waiter *waiter);
/* Forget the messages of a turn that will not be. */
int ask_store_retraction(struct session *session, uint32_t seq);
/* Write the question, then take the turn from COMMITTING to HELD or READY. */
int ask_commit(struct turn *turn);
/* Write the answer, then take the turn from STORING to DONE. Without memory at once. */
void ask_store_answer(struct turn *turn);

/* ask_load.c: read the session's owed turns and last answer. */
int ask_load(struct session *session);

#endif
