/* SPDX-License-Identifier: Apache-2.0 */
/* What asking writes to the catalog goes through one thread, so that writes happen in the
 * order in which they were decided: a session before its first question, an answer before
 * the removal of its session, a removal before the next session of that name. A catalog has
 * one writer anyway. The answer is stored before anybody sees it: what was read once is in
 * the transcript after any crash. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* One write under way. */
struct write {
	struct job job;
	struct task task;
	struct catalog *catalog;
	struct session *session; /* a reference */
	struct turn *turn; /* a reference, or NULL */
	struct session_record record; /* owned strings */
	struct message message; /* content borrowed from the turn, detail owned or not */
	char *detail; /* owned */
	int (*work)(struct write *write, struct err *err);
	void (*done)(struct write *write);
	int rc;
	struct waiters waiters;
};

static void write_finish(struct task *task)
{
	struct write *write = EMBEDDING(task, struct write, task);

	if (write->done)
		write->done(write);
	waiters_wake(&write->waiters, write->rc);
	turn_unref(write->turn);
	session_unref(write->session);
	session_record_release(&write->record);
	free(write->detail);
	free(write);
}

static void write_run(struct job *job)
{
	struct write *write = EMBEDDING(job, struct write, job);
	struct err err = ERR_NONE;

	write->rc = write->work(write, &err);
	if (write->rc)
		log_error("cannot store a conversation: %s",
			err.text[0] ? err.text : strerror(-write->rc));
	loop_post(write->session->ask->ports.loop, &write->task);
}

static struct write *write_new(
	struct session *session, struct turn *turn, int (*work)(struct write *, struct err *))
{
	struct write *write = calloc(1, sizeof(*write));

	if (!write)
		return NULL;
	write->catalog = session->ask->ports.catalog;
	write->session = session_ref(session);
	write->turn = turn ? turn_ref(turn) : NULL;
	write->work = work;
	write->job.run = write_run;
	write->task.run = write_finish;
	waiters_init(&write->waiters);
	return write;
}

static void write_submit(struct write *write, struct waiter *waiter)
{
	if (waiter)
		waiters_add(&write->waiters, waiter, NULL, 0);
	pool_submit(write->session->ask->store, &write->job);
}

static int put_session(struct write *write, struct err *err)
{
	return catalog_session_put(write->catalog, &write->record, err);
}

static int remove_session(struct write *write, struct err *err)
{
	return catalog_session_remove(write->catalog, write->record.name, err);
}

/* Both texts are stored by value: the loop may change the session meanwhile. */
static int copy_record(struct write *write)
{
	const struct session_record *from = &write->session->record;

	write->record = *from;
	write->record.name = strdup(from->name);
	write->record.options = from->options ? strdup(from->options) : NULL;
	return write->record.name && (!from->options || write->record.options) ? 0 : -ENOMEM;
}

static int store_record(struct session *session, int (*work)(struct write *, struct err *),
	void (*done)(struct write *), struct waiter *waiter)
{
	struct write *write;

	if (session->ask->is_stopping)
		return -ESHUTDOWN;
	write = write_new(session, NULL, work);
	if (!write)
		return -ENOMEM;
	int rc = copy_record(write);
	if (rc) {
		write_finish(&write->task);
		return rc;
	}
	write->done = done;
	write_submit(write, waiter);
	return -EINPROGRESS;
}

static void session_stored(struct write *write)
{
	write->session->is_stored = write->rc == 0;
}

int ask_store_session(struct session *session, struct waiter *waiter)
{
	return store_record(session, put_session, session_stored, waiter);
}

int ask_store_removal(struct session *session, struct waiter *waiter)
{
	return store_record(session, remove_session, NULL, waiter);
}

static int retract(struct write *write, struct err *err)
{
	return catalog_message_remove(
		write->catalog, &write->message.conversation, write->message.seq, err);
}

void ask_store_retraction(struct session *session, uint32_t seq)
{
	struct write *write;

	if (session->ask->is_stopping)
		return;
	write = write_new(session, NULL, retract);
	if (!write) {
		log_error("session %s: no memory to forget a question", session->record.name);
		return;
	}
	write->message.conversation = session->record.conversation;
	write->message.seq = seq;
	write_submit(write, NULL);
}

static int put_message(struct write *write, struct err *err)
{
	return catalog_message_put(write->catalog, &write->message, err);
}

/* A session whose own record could not be stored is stored before its question: without it
 * nobody would find the question after a restart. */
static int put_question(struct write *write, struct err *err)
{
	bool has_to_sync = !strcmp(write->session->ask->config->sync, "close");
	int rc = write->record.name ? put_session(write, err) : 0;

	if (!rc)
		rc = put_message(write, err);
	return rc || !has_to_sync ? rc : catalog_sync(write->catalog, err);
}

static void question_stored(struct write *write)
{
	struct turn *turn = write->turn;

	if (write->record.name && !write->rc)
		write->session->is_stored = true;

	if (turn->state == TURN_COMMITTING) {
		if (write->rc) {
			turn->has_failed = true;
			ask_cancel(turn, write->rc);
		} else {
			metric_add(METRIC_QUESTIONS, 1);
			ask_hold(turn);
		}
	}
	waiters_wake(&turn->commit, write->rc);
}

int ask_commit(struct turn *turn)
{
	struct session *session = turn->session;
	struct write *write = write_new(session, turn, put_question);

	if (!write)
		return -ENOMEM;
	write->detail = caller_to_json(&turn->caller);
	if (!write->detail || (!session->is_stored && copy_record(write))) {
		write_finish(&write->task);
		return -ENOMEM;
	}
	turn->state = TURN_COMMITTING;
	turn->serial = ++session->ask->serial;
	turn->started_ns = clock_mono_ns();
	turn->committed_ns = clock_wall_ns();
	ask_append(turn);
	write->done = question_stored;
	write->message = (struct message){
		.conversation = session->record.conversation,
		.seq = turn->seq,
		.role = MESSAGE_USER,
		.content = turn->question,
		.content_len = turn->question_len,
		.detail = write->detail,
		.created_ns = turn->committed_ns,
	};
	write_submit(write, NULL);
	return 0;
}

/* An answer that could not be stored is shown all the same; its question stays owed. */
static void answer_stored(struct write *write)
{
	if (write->turn->state == TURN_STORING)
		ask_finish(write->turn);
}

void ask_store_answer(struct turn *turn)
{
	bool is_open = turn->session->ask->store != NULL;
	struct write *write = is_open ? write_new(turn->session, turn, put_message) : NULL;

	if (!write) {
		ask_finish(turn);
		return;
	}
	write->done = answer_stored;
	write->message = (struct message){
		.conversation = turn->session->record.conversation,
		.seq = turn->seq,
		.role = MESSAGE_ASSISTANT,
		.content = turn->answer.text,
		.content_len = turn->answer.text_len,
		.detail = turn->answer.json,
		.created_ns = turn->answered_ns,
	};
	write_submit(write, NULL);
}
