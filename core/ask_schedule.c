/* SPDX-License-Identifier: Apache-2.0 */
/* Which turn runs next. Of a session only the first pending turn may; users take turns in a
 * ring, one answer each, whatever the number of their sessions: a user's single question
 * waits for the answers that run and for one of every other user, never for a queue. */
#include <errno.h>
#include <stdlib.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"

/* How long a committed question waits for its handle to be released. */
#define HOLD_NS (100 * NS_PER_MS)

static struct asker *asker_of(struct ask *ask, uid_t uid)
{
	struct asker *asker;

	for (asker = ask->askers; asker; asker = asker->next)
		if (asker->uid == uid)
			return asker;
	asker = calloc(1, sizeof(*asker));
	if (!asker)
		abort(); /* a question that was acknowledged can't be left lying */
	asker->uid = uid;
	asker->tail = &asker->first;
	*ask->askers_tail = asker;
	ask->askers_tail = &asker->next;
	return asker;
}

static void recount(struct ask *ask, int change)
{
	ask->ready += (size_t)change;
	metric_set(GAUGE_ASK_QUEUE, ask->ready);
}

/* The next turn by the ring; its user goes to the end of it, or leaves it. */
static struct turn *next_turn(struct ask *ask)
{
	struct asker *asker = ask->askers;
	struct turn *turn = asker->first;

	ask->askers = asker->next;
	if (!ask->askers)
		ask->askers_tail = &ask->askers;
	asker->first = turn->next_ready;
	turn->next_ready = NULL;
	turn->is_scheduled = false;
	asker->next = NULL;
	if (asker->first) {
		*ask->askers_tail = asker;
		ask->askers_tail = &asker->next;
	} else {
		free(asker);
	}
	recount(ask, -1);
	return turn;
}

static void run(struct ask *ask);

/* Loop thread: the worker is done with the turn. */
static void come_back(struct task *task)
{
	struct turn *turn = EMBEDDING(task, struct turn, task);
	struct ask *ask = turn->session->ask;

	ask->running--;
	if (turn->state == TURN_RUNNING) {
		if (turn->result) {
			ask_cancel(turn, -ESHUTDOWN); /* it stays owed */
		} else {
			turn->state = TURN_STORING;
			turn->answered_ns = clock_wall_ns();
			ask_store_answer(turn);
		}
	}
	turn_unref(turn);
	run(ask);
}

static void run_turn(struct ask *ask, struct turn *turn)
{
	const struct session *session = turn->session;

	if (options_copy(&turn->options, &session->options))
		log_warn("session %s: no memory for its options", session->record.name);
	turn->history_from = session->record.first_seq;
	turn->removals = ask->removals;
	turn->state = TURN_RUNNING;
	turn->task.run = come_back;
	turn->job.run = ask_work;
	ask->running++;
	turn_ref(turn);
	pool_submit(ask->workers, &turn->job);
}

static void run(struct ask *ask)
{
	while (!ask->is_stopping && ask->askers && ask->running < ask->config->ask_workers)
		run_turn(ask, next_turn(ask));
}

static void schedule(struct ask *ask, struct turn *turn)
{
	struct asker *asker = asker_of(ask, turn->caller.uid);

	*asker->tail = turn;
	asker->tail = &turn->next_ready;
	turn->is_scheduled = true;
	recount(ask, 1);
}

static void drop_asker(struct ask *ask, struct asker **slot)
{
	struct asker *asker = *slot;

	*slot = asker->next;
	if (!asker->next)
		ask->askers_tail = slot;
	free(asker);
}

static void unschedule(struct ask *ask, struct turn *turn)
{
	struct asker **slot = &ask->askers;

	while ((*slot)->uid != turn->caller.uid)
		slot = &(*slot)->next;
	struct asker *asker = *slot;
	struct turn **place = &asker->first;
	while (*place != turn)
		place = &(*place)->next_ready;
	*place = turn->next_ready;
	if (!*place)
		asker->tail = place;
	turn->next_ready = NULL;
	turn->is_scheduled = false;
	if (!asker->first)
		drop_asker(ask, slot);
	recount(ask, -1);
}

/* The first of the session's turns may have become the one to run. */
static void advance(struct session *session)
{
	struct turn *first = session->pending;

	if (first && first->state == TURN_READY && !first->is_scheduled) {
		schedule(session->ask, first);
		run(session->ask);
	}
}

static void make_ready(struct turn *turn)
{
	loop_timer_cancel(turn->session->ask->ports.loop, &turn->hold);
	turn->state = TURN_READY;
	advance(turn->session);
}

static void held_long_enough(struct timer *timer)
{
	ask_kick_turn(EMBEDDING(timer, struct turn, hold));
}

void ask_hold(struct turn *turn)
{
	turn->state = TURN_HELD;
	if (turn->is_kicked) {
		make_ready(turn);
		return;
	}
	turn->hold.fire = held_long_enough;
	loop_timer(turn->session->ask->ports.loop, &turn->hold, clock_mono_ns() + HOLD_NS);
}

void ask_kick_turn(struct turn *turn)
{
	turn->is_kicked = true;
	if (turn->state == TURN_HELD)
		make_ready(turn);
}

void ask_kick(struct session *session)
{
	for (struct turn *turn = session->pending; turn; turn = turn->next)
		ask_kick_turn(turn);
}

void ask_append(struct turn *turn)
{
	struct session *session = turn->session;

	turn->next = NULL;
	*session->pending_tail = turn_ref(turn);
	session->pending_tail = &turn->next;
}

/* Take a turn out of its session's pending ones. Its reference goes to the caller. */
static struct turn *take_out(struct turn *turn)
{
	struct session *session = turn->session;
	struct turn **slot = &session->pending;

	while (*slot && *slot != turn)
		slot = &(*slot)->next;
	if (!*slot)
		return NULL;
	*slot = turn->next;
	if (!*slot)
		session->pending_tail = slot;
	turn->next = NULL;
	return turn;
}

/* Was a document removed that the answer cites, since the worker began? When too many were to
 * be remembered, the worker's own look at the catalog has to do. */
static bool has_lost_source(const struct turn *turn)
{
	const struct ask *ask = turn->session->ask;
	uint64_t count = ask->removals - turn->removals;

	for (uint64_t i = 0; i < count && i < REMOVED_MAX; i++)
		if (turn_cites(turn, &ask->removed[(ask->removals - 1 - i) % REMOVED_MAX]))
			return true;
	return false;
}

static void answer_again(struct turn *turn)
{
	answer_release(&turn->answer);
	options_release(&turn->options);
	turn->answered_ns = 0;
	turn_stream_restart(turn, true);
	turn->state = TURN_READY;
	advance(turn->session);
}

void ask_finish(struct turn *turn)
{
	struct session *session = turn->session;

	if (has_lost_source(turn) && !session->ask->is_stopping) {
		answer_again(turn);
		return;
	}
	struct turn *taken = take_out(turn);
	turn->state = TURN_DONE;
	turn_stream_finish(turn);
	metric_observe(HISTOGRAM_ASK, clock_mono_ns() - turn->started_ns);
	turn_unref(session->answered);
	session->answered = taken;
	session->is_loaded = true;
	waiters_wake(&turn->answered, 0);
	waiters_wake(&turn->progress, 0);
	ask_trim(session->ask, session);
	advance(session);
}

void ask_cancel(struct turn *turn, int rc)
{
	struct session *session = session_ref(turn->session);
	struct ask *ask = session->ask;

	if (turn->state == TURN_DONE || turn->state == TURN_CANCELLED) {
		session_unref(session);
		return;
	}
	turn_ref(turn);
	if (turn->is_scheduled)
		unschedule(ask, turn);
	loop_timer_cancel(ask->ports.loop, &turn->hold);
	turn->state = TURN_CANCELLED;
	turn->end = rc;
	atomic_store(&turn->cancelled, true);
	if (session->writing == turn)
		turn_unref(TAKE_PTR(session->writing));
	turn_unref(take_out(turn));
	waiters_wake(&turn->answered, rc);
	waiters_wake(&turn->progress, 0);
	turn_unref(turn);
	advance(session);
	session_unref(session);
}
