/* SPDX-License-Identifier: Apache-2.0 */
/* A handle is one turn: its bytes in the order they came are the question. Shells flush a
 * file before they have written to it, between the commands of a group, and once a duplicated
 * descriptor is closed; so a FLUSH commits if there is something new, and a write after that
 * takes the commit back: `(cat question; date) > ask/x` is one question, asked once. */
#include "core/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/text/utf8.h"

struct draft {
	struct session *session; /* a reference */
	struct caller caller;
	struct buf text;
	struct turn *turn; /* the latest, committed or TURN_WRITING; a reference */
	struct turn *reading; /* whose answer is read; a reference */
	uint32_t seq; /* of its turn; 0: none was committed */
	uint64_t opened; /* turns up to this serial were committed before */
	uint32_t opened_seq; /* sequence of the next turn when it was opened */
	uint64_t start; /* where byte 0 of the answer stands */
	bool has_start;
	bool is_new; /* something is there that was not committed */
	bool has_written, has_truncated;
	int refused; /* -EFBIG: it became too long */
};

int draft_new(
	struct draft **out, struct session *session, const struct caller *caller, bool truncates)
{
	struct draft *draft = calloc(1, sizeof(*draft));

	if (!draft)
		return -ENOMEM;
	if (caller_copy(&draft->caller, caller)) {
		free(draft);
		return -ENOMEM;
	}
	draft->session = session_ref(session);
	draft->opened = session->ask->serial;
	draft->opened_seq = session->next_seq;
	draft->has_truncated = truncates;
	buf_init(&draft->text, session->ask->config->ask_max_question_bytes);
	*out = draft;
	return 0;
}

/* A committed turn is taken back; who waits for it now waits for what comes. */
static int take_back(struct draft *draft)
{
	struct session *session = draft->session;

	if (!draft->turn || draft->turn->state == TURN_WRITING)
		return 0;
	struct turn *turn = turn_new(session, &draft->caller);
	if (!turn)
		return -ENOMEM;
	turn->serial = draft->turn->serial;
	if (draft->turn->state != TURN_CANCELLED) {
		if (draft->turn->state != TURN_DONE) {
			turn_succeed(draft->turn, turn);
			ask_cancel(draft->turn, -ECANCELED);
		}
		if (!session->writing || session->writing->serial <= turn->serial) {
			turn_unref(session->writing);
			session->writing = turn_ref(turn);
		}
	}
	turn_unref(draft->turn);
	draft->turn = turn;
	return 0;
}

ssize_t draft_write(struct draft *draft, const void *data, size_t len)
{
	if (draft->refused)
		return draft->refused;
	int rc = take_back(draft);
	if (rc)
		return rc;
	draft->has_written = true;
	draft->is_new = true;
	rc = buf_add(&draft->text, data, len);
	if (rc) {
		draft->refused = rc;
		return rc;
	}
	return (ssize_t)len;
}

int draft_truncate(struct draft *draft, uint64_t size)
{
	if (size > draft->text.len)
		return -EINVAL;
	if (size == 0)
		draft->has_truncated = true;
	if (size == draft->text.len && !draft->refused)
		return 0;
	int rc = take_back(draft);
	if (rc)
		return rc;
	AUTO_FREE char *kept = buf_take(&draft->text, NULL);
	draft->refused = 0;
	draft->is_new = size > 0;
	return kept ? buf_add(&draft->text, kept, size) : -ENOMEM;
}

static bool is_blank(const char *text, size_t len)
{
	static const char *const blanks[] = {"\xc2\xa0", "\xe3\x80\x80", "\xef\xbb\xbf"};

	while (len > 0) {
		size_t step = strchr(" \t\r\n\v\f", *text) && *text ? 1 : 0;
		for (size_t i = 0; i < ARRAY_LEN(blanks) && !step; i++)
			if (len >= strlen(blanks[i]) && !memcmp(text, blanks[i], strlen(blanks[i])))
				step = strlen(blanks[i]);
		if (!step)
			return false;
		text += step;
		len -= step;
	}
	return true;
}

static int check(const struct draft *draft)
{
	const struct buf *text = &draft->text;

	if (draft->refused)
		return draft->refused;
	if (draft->session->is_removed)
		return -ENOENT;
	if (draft->session->ask->is_stopping)
		return -ESHUTDOWN;
	if (!utf8_is_valid(text->data, text->len) || memchr(text->data, '\0', text->len))
		return -EINVAL;
	return is_blank(text->data, text->len) ? -EINVAL : 0;
}

static int commit(struct draft *draft)
{
	struct session *session = draft->session;
	struct turn *turn = draft->turn;

	if (!turn)
		turn = draft->turn = turn_new(session, &draft->caller);
	char *question = strndup(draft->text.data, draft->text.len);
	if (!turn || !question) {
		free(question);
		return -ENOMEM;
	}
	if (session->writing == turn)
		turn_unref(TAKE_PTR(session->writing));
	uint32_t former = draft->seq >= session->record.first_seq ? draft->seq : 0;
	bool is_last = former && former + 1 == session->next_seq;
	if (!is_last) /* what is owed stands at the end */
		draft->seq = session->next_seq++;
	free(turn->question);
	turn->question = question;
	turn->question_len = draft->text.len;
	turn->seq = draft->seq;
	draft->has_start = false;
	int rc = ask_commit(turn);
	if (!rc && former && !is_last)
		ask_store_retraction(session, former);
	return rc;
}

int draft_flush(struct draft *draft, struct waiter *waiter)
{
	bool is_cancelled = draft->turn && draft->turn->state == TURN_CANCELLED;

	if (is_cancelled && draft->turn->has_failed)
		draft->is_new = true;
	if (draft->is_new) {
		int rc = check(draft);
		if (!rc && is_cancelled)
			rc = take_back(draft);
		if (!rc)
			rc = commit(draft);
		if (rc)
			return rc;
		draft->is_new = false;
	}
	if (!draft->turn || draft->turn->state != TURN_COMMITTING)
		return 0;
	if (waiter)
		waiters_add(&draft->turn->commit, waiter, NULL, 0);
	return -EINPROGRESS;
}

int draft_wait(struct draft *draft, struct waiter *waiter)
{
	int rc = draft_flush(draft, NULL);
	if (rc && rc != -EINPROGRESS)
		return rc;
	struct turn *turn = draft->turn;
	if (!turn) {
		rc = session_load(draft->session, waiter);
		if (rc)
			return rc;
		turn = session_current(draft->session);
	}
	if (draft->reading != turn) {
		turn_unref(draft->reading);
		draft->reading = turn ? turn_ref(turn) : NULL;
	}
	return turn ? turn_wait(turn, waiter) : 0;
}

ssize_t draft_copy(struct draft *draft, void *out, size_t len, uint64_t offset)
{
	if (!draft->reading)
		return 0;
	if (!draft->has_start) {
		draft->start = draft->turn ? offset : 0;
		draft->has_start = true;
	}
	const struct answer *answer = &turn_latest(draft->reading)->answer;
	uint64_t from = offset - draft->start;
	if (offset < draft->start || from >= answer->text_len)
		return 0;
	size_t rest = answer->text_len - (size_t)from;
	size_t count = rest < len ? rest : len;
	memcpy(out, answer->text + from, count);
	return (ssize_t)count;
}

/* What was taken back and not committed again: the question as a whole was refused. */
static void drop_rewrite(struct draft *draft)
{
	struct session *session = draft->session;

	ask_cancel(draft->turn, -ECANCELED);
	if (!draft->seq || draft->seq < session->record.first_seq || session->is_removed)
		return;
	ask_store_retraction(session, draft->seq);
	if (session->answered && session->answered->seq == draft->seq) {
		turn_unref(TAKE_PTR(session->answered));
		session->is_loaded = false;
	}
}

void draft_release(struct draft *draft)
{
	if (!draft)
		return;
	if (draft->turn && draft->turn->state == TURN_WRITING)
		drop_rewrite(draft);
	else if (draft->turn)
		ask_kick_turn(draft->turn);
	if (draft->has_truncated && !draft->has_written)
		session_hide(draft->session, draft->opened + 1, draft->opened_seq, NULL);
	turn_unref(draft->turn);
	turn_unref(draft->reading);
	session_unref(draft->session);
	caller_release(&draft->caller);
	buf_release(&draft->text);
	free(draft);
}
