/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a session back: the turns that are still owed, and the last answer. Conversations
 * are long and starts are to be quick, so the end is found by galloping over sequence
 * numbers, and only the last few messages are read. Turns of a session are answered in
 * order, so what is owed stands at the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"

#define WINDOW	   8
#define LOADED_MAX 256 /* last answers that are kept in memory while nobody reads them */

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* A question that was read. */
struct owed {
	char *question;
	size_t len;
	char *detail;
	uint32_t seq;
	int64_t created_ns;
};

struct load {
	struct job job;
	struct task task;
	struct catalog *catalog;
	struct session *session; /* a reference */
	struct uuid conversation;
	uint32_t first_seq, end_seq; /* end: behind the last message */
	bool is_scan; /* only what is owed is wanted */
	struct owed *owed;
	size_t owed_count;
	char *answer_json, *answer_text; /* of the last answer, as stored */
	struct answer answer;
	uint32_t answer_seq;
	int64_t answer_ns;
	int rc;
};

static void forget_messages(struct load *load)
{
	for (size_t i = 0; i < load->owed_count; i++) {
		free(load->owed[i].question);
		free(load->owed[i].detail);
	}
	free(load->owed);
	free(load->answer_json);
	free(load->answer_text);
	load->owed = NULL;
	load->owed_count = 0;
	load->answer_json = load->answer_text = NULL;
	load->answer_seq = 0;
}

static int see_seq(void *context, const struct message *message)
{
	*(uint32_t *)context = message->seq;
	return 1;
}

/* The first sequence from @seq on that has a message; 0: none. */
static uint32_t next_seq(struct load *load, uint32_t seq)
{
	struct err err = ERR_NONE;
	uint32_t found = 0;
	int rc = catalog_message_each(
		load->catalog, &load->conversation, seq, see_seq, &found, &err);

	if (rc < 0)
		load->rc = rc;
	return found;
}

/* Find the end: gallop until nothing lies ahead, then halve the last leap. */
static uint32_t find_last(struct load *load)
{
	uint32_t last = next_seq(load, load->first_seq), step = 1, found;

	if (!last)
		return 0;
	while ((found = next_seq(load, last + step))) {
		last = found;
		step *= 2;
	}
	while (step > 1) {
		step /= 2;
		while ((found = next_seq(load, last + step)))
			last = found;
	}
	return last;
}

static int see_question(struct load *load, const struct message *message)
{
	struct owed *owed = realloc(load->owed, (load->owed_count + 1) * sizeof(*owed));

	if (!owed)
		return -ENOMEM;
	load->owed = owed;
	owed += load->owed_count++;
	*owed = (struct owed){.question = strndup(message->content, message->content_len),
		.len = message->content_len,
		.detail = message->detail ? strdup(message->detail) : NULL,
		.seq = message->seq,
		.created_ns = message->created_ns};
	return owed->question ? 0 : -ENOMEM;
}

static int see_answer(struct load *load, const struct message *message)
{
	struct owed *last = load->owed + load->owed_count - 1;

	if (load->owed_count && last->seq == message->seq) {
		free(last->question);
		free(last->detail);
		load->owed_count--;
	}
	free(load->answer_json);
	free(load->answer_text);
	load->answer_json = strdup(message->detail ? message->detail : "");
	load->answer_text = strndup(message->content, message->content_len);
	load->answer_seq = message->seq;
	load->answer_ns = message->created_ns;
	return load->answer_json && load->answer_text ? 0 : -ENOMEM;
}

static int see_message(void *context, const struct message *message)
{
	return message->role == MESSAGE_USER ? see_question(context, message)
					     : see_answer(context, message);
}

/* Read windows from the end, each twice as long, until one begins with an answer. */
static int read_end(struct load *load, uint32_t last)
{
	struct err err = ERR_NONE;

	for (uint32_t size = WINDOW;; size *= 2) {
		uint32_t from = last - load->first_seq < size ? load->first_seq : last - size + 1;
		forget_messages(load);
		int rc = catalog_message_each(
			load->catalog, &load->conversation, from, see_message, load, &err);
		if (rc || load->answer_seq || from == load->first_seq)
			return rc;
	}
}

static int look_up(void *context, const struct uuid *document, char **name)
{
	struct load *load = context;
	struct document record;
	struct err err = ERR_NONE;
	int rc = catalog_get(load->catalog, document, &record, &err);

	if (rc)
		return rc;
	*name = strdup(document_file_name(&record));
	document_release(&record);
	return 0;
}

/* An answer whose details can't be read is still an answer. */
static int keep_text(struct load *load)
{
	struct answer *answer = &load->answer;

	*answer = (struct answer){.json = strdup("null\n"), .text = strdup(load->answer_text)};
	if (!answer->json || !answer->text)
		return -ENOMEM;
	answer->json_len = strlen(answer->json);
	answer->text_len = strlen(answer->text);
	return 0;
}

static void load_run(struct job *job)
{
	struct load *load = EMBEDDING(job, struct load, job);
	uint32_t last = find_last(load);

	load->end_seq = last ? last + 1 : load->first_seq;
	if (!load->rc && last)
		load->rc = read_end(load, last);
	if (!load->rc && load->answer_seq && !load->is_scan) {
		load->rc = answer_load(load->answer_json, look_up, load, &load->answer);
		if (load->rc == -EBADMSG)
			load->rc = keep_text(load);
	}
	loop_post(load->session->ask->ports.loop, &load->task);
}

static int adopt(struct session *session, struct owed *owed)
{
	struct caller caller;
	int rc = caller_from_json(owed->detail, &caller);

	if (rc)
		return rc;
	struct turn *turn = turn_new(session, &caller);
	caller_release(&caller);
	if (!turn)
		return -ENOMEM;
	turn->seq = owed->seq;
	turn->serial = ++session->ask->serial;
	turn->question = TAKE_PTR(owed->question);
	turn->question_len = owed->len;
	turn->committed_ns = owed->created_ns;
	turn->started_ns = clock_mono_ns();
	turn->is_kicked = true;
	ask_append(turn);
	ask_hold(turn);
	turn_unref(turn);
	return 0;
}

static int keep_answer(struct session *session, struct load *load)
{
	struct turn *turn = turn_new(session, &(struct caller){0});

	if (!turn)
		return -ENOMEM;
	turn->seq = load->answer_seq;
	turn->state = TURN_DONE;
	turn->answered_ns = load->answer_ns;
	turn->answer = load->answer;
	load->answer = (struct answer){0};
	turn_unref(session->answered);
	session->answered = turn;
	return 0;
}

static bool may_unload(const struct session *session)
{
	return session->is_loaded && session->answered && session->answered->refs == 1 &&
		!session->pending && !session->writing && waiters_empty(&session->loaded);
}

void ask_trim(struct ask *ask, const struct session *spare)
{
	size_t loaded = 0;

	for (size_t i = 0; i < ask->session_count; i++)
		loaded += ask->sessions[i]->answered != NULL;
	for (size_t i = 0; loaded > LOADED_MAX && i < ask->session_count; i++) {
		ask->clock_hand = (ask->clock_hand + 1) % ask->session_count;
		struct session *session = ask->sessions[ask->clock_hand];
		if (session == spare || !may_unload(session))
			continue;
		turn_unref(TAKE_PTR(session->answered));
		session->is_loaded = false;
		return;
	}
}

/* Take over what was read, unless the session has moved on. */
static int accept_load(struct session *session, struct load *load)
{
	int rc = load->rc;

	if (rc)
		return rc;
	if (session->next_seq < load->end_seq)
		session->next_seq = load->end_seq;
	for (size_t i = 0; !session->is_scanned && i < load->owed_count && !rc; i++)
		rc = adopt(session, &load->owed[i]);
	session->is_scanned = true;
	if (rc || load->is_scan || session->is_loaded)
		return rc;
	if (load->answer_seq)
		rc = keep_answer(session, load);
	session->is_loaded = !rc;
	ask_trim(session->ask, session);
	return rc;
}

static void load_done(struct task *task)
{
	struct load *load = EMBEDDING(task, struct load, task);
	struct session *session = load->session;
	int rc = 0;

	session->is_loading = false;
	if (!session->is_removed && !session->ask->is_stopping) {
		bool is_stale = load->first_seq != session->record.first_seq;
		rc = is_stale ? 0 : accept_load(session, load);
		bool is_wanted = !waiters_empty(&session->loaded);
		if (!rc && (is_stale || (is_wanted && !session->is_loaded)))
			rc = ask_load(session);
	}
	if (rc)
		log_error("session %s cannot be read: %s", session->record.name, strerror(-rc));
	if (!session->is_loading)
		waiters_wake(&session->loaded, rc);
	forget_messages(load);
	answer_release(&load->answer);
	session_unref(session);
	free(load);
}

int ask_load(struct session *session)
{
	struct load *load = calloc(1, sizeof(*load));

	if (!load)
		return -ENOMEM;
	load->catalog = session->ask->ports.catalog;
	load->session = session_ref(session);
	load->conversation = session->record.conversation;
	load->first_seq = session->record.first_seq;
	load->is_scan = waiters_empty(&session->loaded);
	load->job.run = load_run;
	load->task.run = load_done;
	session->is_loading = true;
	pool_submit(session->ask->store, &load->job);
	return 0;
}
