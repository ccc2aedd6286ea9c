/* SPDX-License-Identifier: Apache-2.0 */
/* A session keeps in memory what is on its way and its last answer; the conversation itself
 * is the catalog's. Its turns wait in @pending in the order of their commits, and only the
 * first one may run. A turn that is being rewritten waits outside, in @writing, so that a
 * handle that is kept open can't hold the others up. */
#include "core/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"

/* The one model that there is to choose; NULL: a server may have others. */
static const char *only_model(const struct ask *ask)
{
	struct generator *generator = ask->ports.generator;

	return generator_can_chat(generator) ? NULL : generator_model(generator);
}

struct session *session_new(struct ask *ask, struct session_record *record)
{
	struct session *session = calloc(1, sizeof(*session));
	struct err err = ERR_NONE;

	if (!session) {
		session_record_release(record);
		return NULL;
	}
	session->refs = 1;
	session->ask = ask;
	session->record = *record;
	*record = (struct session_record){0};
	session->pending_tail = &session->pending;
	waiters_init(&session->loaded);
	const char *options = session->record.options ? session->record.options : "";
	if (options_parse(options, strlen(options), only_model(ask), &session->options, &err))
		log_warn(
			"session %s: its options are not used: %s", session->record.name, err.text);
	return session;
}

struct session *session_ref(struct session *session)
{
	session->refs++;
	return session;
}

void session_unref(struct session *session)
{
	if (!session || --session->refs)
		return;
	session_record_release(&session->record);
	options_release(&session->options);
	free(session);
}

int session_load(struct session *session, struct waiter *waiter)
{
	if (session->is_removed)
		return -ENOENT;
	if (session->is_loaded)
		return 0;
	if (session->ask->is_stopping)
		return -ESHUTDOWN;
	waiters_add(&session->loaded, waiter, NULL, 0);
	int rc = session->is_loading ? 0 : ask_load(session);
	if (rc) {
		waiter_cancel(waiter);
		return rc;
	}
	return -EINPROGRESS;
}

struct turn *session_current(const struct session *session)
{
	struct turn *current = session->answered;

	for (struct turn *turn = session->pending; turn; turn = turn->next)
		if (!current || turn->serial > current->serial)
			current = turn;
	if (session->writing && (!current || session->writing->serial >= current->serial))
		current = session->writing;
	return current;
}

int session_set_options(struct session *session, const char *json, size_t len,
	struct waiter *waiter, struct err *err)
{
	struct options options;
	AUTO_BUF struct buf text = {0};

	if (session->is_removed)
		return -ENOENT;
	int rc = options_parse(json, len, only_model(session->ask), &options, err);
	if (rc)
		return rc;
	buf_init(&text, OPTIONS_MAX_BYTES * 2);
	rc = options_render(&options, &text);
	char *record = rc || options_are_default(&options) ? NULL : buf_take(&text, NULL);
	if (rc) {
		options_release(&options);
		return rc;
	}
	options_release(&session->options);
	session->options = options;
	free(session->record.options);
	session->record.options = record;
	session->record.updated_ns = clock_wall_ns();
	return ask_store_session(session, waiter);
}

int session_set_access(struct session *session, const struct access *access, struct waiter *waiter)
{
	if (session->is_removed)
		return -ENOENT;
	session->record.access = *access;
	return ask_store_session(session, waiter);
}

static struct turn *first_before(const struct session *session, uint64_t serial)
{
	for (struct turn *turn = session->pending; turn; turn = turn->next)
		if (turn->serial < serial)
			return turn;
	if (session->writing && session->writing->serial < serial)
		return session->writing;
	return NULL;
}

/* Cancel the turns committed before @serial. Those who are woken may change the list. */
static void cancel_before(struct session *session, uint64_t serial, int rc)
{
	struct turn *turn;

	while ((turn = first_before(session, serial)))
		ask_cancel(turn, rc);
}

int session_hide(struct session *session, uint64_t serial, uint32_t seq, struct waiter *waiter)
{
	if (session->is_removed)
		return -ENOENT;
	cancel_before(session, serial, -ECANCELED);
	for (struct turn *turn = session->pending; turn; turn = turn->next)
		if (turn->seq < seq)
			seq = turn->seq;
	if (session->answered && session->answered->serial >= serial) {
		if (session->answered->seq < seq)
			seq = session->answered->seq;
	} else {
		turn_unref(TAKE_PTR(session->answered));
	}
	if (seq <= session->record.first_seq)
		return 0;
	session->record.first_seq = seq;
	session->record.updated_ns = clock_wall_ns();
	return ask_store_session(session, waiter);
}

int session_remove(struct session *session, struct waiter *waiter)
{
	if (session->is_removed)
		return -ENOENT;
	session_ref(session);
	int rc = ask_store_removal(session, waiter);
	if (rc == -EINPROGRESS) {
		session->is_removed = true;
		ask_forget(session);
		cancel_before(session, UINT64_MAX, -ENOENT);
		turn_unref(TAKE_PTR(session->answered));
		waiters_wake(&session->loaded, -ENOENT);
	}
	session_unref(session);
	return rc;
}
