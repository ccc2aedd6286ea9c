/* SPDX-License-Identifier: Apache-2.0 */
/* A turn is made by the loop thread and belongs to it. A worker that answers it reads the
 * question and the caller, which never change then, fills in the answer, which nobody else
 * looks at before the turn is TURN_DONE, and appends to the stream, which has a lock.
 *
 * A handle that writes on after its commit makes another turn that succeeds the first one:
 * those who wait are moved over, and readers of the old one follow. So nobody who waited for
 * half a question gets an answer to it. */
#include "core/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask_engine.h"
#include "core/session.h"

/* More than any answer: a model that never stops is stopped here. */
#define STREAM_MAX ((size_t)16 << 20)

static void wake_progress(struct task *task)
{
	struct turn *turn = (struct turn *)(void *)((char *)task - offsetof(struct turn, wake));

	pthread_mutex_lock(&turn->lock);
	turn->is_posted = false;
	pthread_mutex_unlock(&turn->lock);
	waiters_wake(&turn->progress, 0);
}

struct turn *turn_new(struct session *session, const struct caller *caller)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (!turn)
		return NULL;
	if (caller_copy(&turn->caller, caller)) {
		free(turn);
		return NULL;
	}
	turn->refs = 1;
	turn->session = session_ref(session);
	turn->state = TURN_WRITING;
	options_init(&turn->options);
	waiters_init(&turn->commit);
	waiters_init(&turn->answered);
	waiters_init(&turn->progress);
	pthread_mutex_init(&turn->lock, NULL);
	buf_init(&turn->stream, STREAM_MAX);
	turn->wake.run = wake_progress;
	return turn;
}

struct turn *turn_ref(struct turn *turn)
{
	turn->refs++;
	return turn;
}

void turn_unref(struct turn *turn)
{
	if (!turn || --turn->refs)
		return;
	turn_unref(turn->successor);
	session_unref(turn->session);
	caller_release(&turn->caller);
	options_release(&turn->options);
	answer_release(&turn->answer);
	buf_release(&turn->stream);
	pthread_mutex_destroy(&turn->lock);
	free(turn->question);
	free(turn);
}

struct turn *turn_latest(struct turn *turn)
{
	while (turn->successor)
		turn = turn->successor;
	return turn;
}

void turn_succeed(struct turn *old, struct turn *new)
{
	old->successor = turn_ref(new);
	waiters_move(&new->answered, &old->answered);
	waiters_move(&new->progress, &old->progress);
	pthread_mutex_lock(&old->lock);
	if (old->stream.len)
		buf_add(&new->stream, old->stream.data, old->stream.len);
	pthread_mutex_unlock(&old->lock);
	if (new->stream.len)
		turn_stream_restart(new, false);
}

static int unfinished(const struct turn *turn)
{
	switch (turn->state) {
	case TURN_DONE: return 0;
	case TURN_CANCELLED: return turn->end;
	default: return -EINPROGRESS;
	}
}

int turn_wait(struct turn *turn, struct waiter *waiter)
{
	turn = turn_latest(turn);

	int rc = unfinished(turn);
	if (rc == -EINPROGRESS) {
		struct ask *ask = turn->session->ask;
		waiters_add(&turn->answered, waiter, ask->ports.loop, ask->config->ask_wait_ns);
		ask_kick(turn->session);
	}
	return rc;
}

static ssize_t copy(const char *data, size_t have, void *out, size_t len, uint64_t offset)
{
	size_t rest = offset < have ? have - (size_t)offset : 0;
	size_t count = rest < len ? rest : len;

	if (count)
		memcpy(out, data + offset, count);
	return (ssize_t)count;
}

ssize_t turn_stream_read(struct turn *turn, void *out, size_t len, uint64_t offset)
{
	turn = turn_latest(turn);
	pthread_mutex_lock(&turn->lock);
	bool is_plain = turn->state == TURN_DONE && turn->stream.len == 0;
	const char *data = is_plain ? turn->answer.text : turn->stream.data;
	size_t have = is_plain ? turn->answer.text_len : turn->stream.len;
	ssize_t count = copy(data, have, out, len, offset);
	pthread_mutex_unlock(&turn->lock);
	if (count > 0 || unfinished(turn) != -EINPROGRESS)
		return count;
	ask_kick(turn->session);
	return -EAGAIN;
}

void turn_stream_wait(struct turn *turn, struct waiter *waiter)
{
	waiters_add(&turn_latest(turn)->progress, waiter, NULL, 0);
}

/* The wake needs no reference: the job's own is given back by turn->task, which is posted
 * later, and the loop runs what is posted in its order. */
int turn_stream_add(struct turn *turn, const char *text, size_t len)
{
	if (len == 0)
		return 0;
	pthread_mutex_lock(&turn->lock);
	int rc = buf_add(&turn->stream, text, len);
	bool has_to_post = !turn->is_posted;
	turn->is_posted = true;
	pthread_mutex_unlock(&turn->lock);
	if (has_to_post)
		loop_post(turn->session->ask->ports.loop, &turn->wake);
	return rc;
}

void turn_stream_restart(struct turn *turn, bool wipes)
{
	static const char notice[] = "\n(the answer begins again)\n\n";

	pthread_mutex_lock(&turn->lock);
	for (size_t i = 0; wipes && i < turn->stream.len; i++) /* readers keep their offsets */
		if (turn->stream.data[i] != '\n')
			turn->stream.data[i] = ' ';
	if (turn->stream.len > turn->stream_start)
		buf_adds(&turn->stream, notice);
	turn->stream_start = turn->stream.len;
	pthread_mutex_unlock(&turn->lock);
}

void turn_stream_finish(struct turn *turn)
{
	const struct answer *answer = &turn->answer;

	pthread_mutex_lock(&turn->lock);
	size_t said = turn->stream.len - turn->stream_start;
	bool is_prefix = said <= answer->text_len &&
		(!said || !memcmp(turn->stream.data + turn->stream_start, answer->text, said));
	if (is_prefix && turn->stream_start == 0) {
		buf_release(&turn->stream); /* the text itself is the stream */
	} else {
		if (!is_prefix)
			buf_addc(&turn->stream, '\n');
		buf_adds(&turn->stream, answer->text + (is_prefix ? said : 0));
	}
	pthread_mutex_unlock(&turn->lock);
}

bool turn_cites(const struct turn *turn, const struct uuid *document)
{
	for (size_t i = 0; i < turn->answer.source_count; i++)
		if (uuid_equal(&turn->answer.sources[i].document, document))
			return true;
	return false;
}
