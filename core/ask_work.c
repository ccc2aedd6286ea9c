/* SPDX-License-Identifier: Apache-2.0 */
/* The work of one turn, on a worker: history, passages, generator, citations, answer.
 *
 * Deleted is deleted: a document that went while the answer was being written makes it begin
 * again, so that no answer that completes after a deletion has used the document. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/filter.h"
#include "core/history.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/text/asks.h"

#define ATTEMPTS 3
#define PAUSE_NS (NS_PER_SEC / 8)

/* What one attempt holds. */
struct attempt {
	struct turn *turn;
	struct ask *ask;
	struct history history;
	struct retrieval retrieval;
	struct generation generation;
	struct citations citations;
	cJSON *steps; /* of the agent */
	struct buf body; /* what came through the citations */
	struct err err;
};

static void attempt_release(struct attempt *attempt)
{
	history_release(&attempt->history);
	generation_release(&attempt->generation);
	citations_release(&attempt->citations);
	cJSON_Delete(attempt->steps);
	retrieval_release(&attempt->retrieval);
	buf_release(&attempt->body);
}

/* Whatever has become certain of the text goes to the stream. */
static int stream_from(struct attempt *attempt, size_t start)
{
	const struct buf *body = &attempt->body;

	if (body->failed)
		return body->failed;
	if (body->len == start)
		return 0;
	return turn_stream_add(attempt->turn, body->data + start, body->len - start);
}

static int take_text(void *context, const char *text, size_t len)
{
	struct attempt *attempt = context;
	size_t start = attempt->body.len;

	if (atomic_load(&attempt->turn->cancelled))
		return -ECANCELED;
	int rc = citations_feed(&attempt->citations, text, len, &attempt->body);
	return rc ? rc : stream_from(attempt, start);
}

static enum agent_mode mode_of(const struct attempt *attempt)
{
	enum agent_mode mode = attempt->turn->options.agent;

	if (mode == AGENT_DEFAULT)
		agent_mode_parse(attempt->ask->config->agent_mode, &mode);
	return mode;
}

static int grow(void *context, size_t passage_count)
{
	struct attempt *attempt = context;

	return citations_grow(&attempt->citations, passage_count);
}

static void restart(void *context)
{
	struct attempt *attempt = context;

	citations_restart(&attempt->citations);
	buf_clear(&attempt->body);
	turn_stream_restart(attempt->turn, false);
}

static struct agent_turn agent_turn_of(struct attempt *attempt)
{
	struct turn *turn = attempt->turn;

	return (struct agent_turn){
		.question = turn->question,
		.history = attempt->history.exchanges,
		.history_count = attempt->history.count,
		.caller = &turn->caller,
		.found = &attempt->retrieval,
		.options = &turn->options,
		.mode = mode_of(attempt),
		.cancelled = &turn->cancelled,
		.text = take_text,
		.grown = grow,
		.restart = restart,
		.context = attempt,
	};
}

static int read_history(struct attempt *attempt)
{
	struct turn *turn = attempt->turn;
	struct history_request history = {
		.catalog = attempt->ask->ports.catalog,
		.conversation = turn->session->record.conversation,
		.from_seq = turn->history_from,
		.end_seq = turn->seq,
		.caller = &turn->caller,
		.turns = attempt->ask->config->ask_history_turns,
	};

	return history_read(&history, &attempt->history, &attempt->err);
}

/* Does @alone hold the question as it stands alone, by the model? */
static bool was_rewritten(struct attempt *attempt, struct buf *alone)
{
	const struct agent_turn turn = agent_turn_of(attempt);
	struct agent *agent = attempt->ask->ports.agent;

	return agent && turn.history_count && attempt->ask->config->answer_rewrite &&
		agent_rewrite(agent, &turn, alone) == 0;
}

static int find_passages(struct attempt *attempt)
{
	struct turn *turn = attempt->turn;
	const struct config *config = attempt->ask->config;
	AUTO_BUF struct buf alone;

	buf_init(&alone, BUF_MAX_DEFAULT);
	if (attempt->ask->ports.agent && mode_of(attempt) == AGENT_ALWAYS)
		return 0; /* it searches itself */
	AUTO_FREE struct uuid *listed = NULL;
	size_t listed_count = 0;
	int rc = filter_documents(
		attempt->ask->ports.catalog, &turn->options, &listed, &listed_count, &attempt->err);
	if (rc)
		return rc;
	bool is_alone = was_rewritten(attempt, &alone);
	struct retrieve_request request = {
		.question = is_alone ? alone.data : turn->question,
		.history = attempt->history.exchanges,
		.history_count = is_alone ? 0 : attempt->history.count,
		.caller = &turn->caller,
		.top_k = turn->options.top_k ? turn->options.top_k : config->top_k,
		.threshold = turn->options.threshold >= 0 ? turn->options.threshold
							  : config->similarity_threshold,
		.per_document =
			asks_for_several(turn->question, turn->question_len, NULL, NULL) ? 1 : 0,
		.content_type = turn->options.type,
		.path = turn->options.path,
		.documents = listed,
		.document_count = listed_count,
	};
	return retrieve(
		&attempt->ask->ports.retriever, &request, &attempt->retrieval, &attempt->err);
}

static int generate(struct attempt *attempt)
{
	struct turn *turn = attempt->turn;
	struct generator_request request = {
		.question = turn->question,
		.history = attempt->history.exchanges,
		.history_count = attempt->history.count,
		.passages = attempt->retrieval.passages,
		.passage_count = attempt->retrieval.passage_count,
		.terms = attempt->retrieval.terms,
		.term_count = attempt->retrieval.term_count,
		.unrelated = attempt->retrieval.unrelated,
		.cancelled = &turn->cancelled,
	};

	return generator_generate(attempt->ask->ports.generator, &request, take_text, attempt,
		&attempt->generation, &attempt->err);
}

static int write_answer(struct attempt *attempt)
{
	const struct agent_turn turn = agent_turn_of(attempt);
	struct agent *agent = attempt->ask->ports.agent;
	int rc = citations_init(&attempt->citations, attempt->retrieval.passage_count);

	if (rc)
		return rc;
	rc = agent
		? agent_answer(agent, &turn, &attempt->generation, &attempt->steps, &attempt->err)
		: generate(attempt);
	if (rc)
		return rc;
	size_t start = attempt->body.len;
	rc = citations_finish(&attempt->citations, &attempt->body);
	return rc ? rc : stream_from(attempt, start);
}

/* Is each document that the answer may have used still there, and the caller's to read? */
static bool passages_stand(struct attempt *attempt)
{
	const struct retrieval *retrieval = &attempt->retrieval;
	const struct caller *caller = &attempt->turn->caller;
	struct catalog *catalog = attempt->ask->ports.catalog;

	for (size_t i = 0; i < retrieval->passage_count; i++)
		if (!catalog_may_read(catalog, &retrieval->documents[i].id, caller))
			return false;
	for (size_t i = 0; i < retrieval->mentioned_count; i++)
		if (!catalog_may_read(catalog, &retrieval->mentioned[i], caller))
			return false;
	return true;
}

/* -ESTALE: a document went meanwhile; -EAGAIN: the generator was broken off. */
static int make_attempt(struct attempt *attempt)
{
	int rc = read_history(attempt);

	if (!rc)
		rc = find_passages(attempt);
	if (!rc)
		rc = write_answer(attempt);
	if (!rc && !passages_stand(attempt))
		rc = err_set(&attempt->err, -ESTALE,
			"documents were deleted while the answer was being written");
	return rc;
}

static void count_answer(const struct attempt *attempt, int rc)
{
	if (rc)
		metric_add(METRIC_ANSWERS_FAILED, 1);
	else if (attempt->generation.refused)
		metric_add(METRIC_ANSWERS_REFUSED, 1);
	else if (attempt->citations.count)
		metric_add(METRIC_ANSWERS_GROUNDED, 1);
}

static int build(struct attempt *attempt, int rc)
{
	struct turn *turn = attempt->turn;
	struct answer_parts parts = {
		.question = turn->question,
		.conversation = &turn->session->record.conversation,
		.model = turn->options.model ? turn->options.model
					     : generator_model(attempt->ask->ports.generator),
		.latency_ns = clock_mono_ns() - turn->started_ns,
		.body = attempt->body.data,
		.steps = attempt->steps,
		.failure = rc,
		.failure_text = attempt->err.text,
	};
	if (!rc) {
		parts.retrieval = &attempt->retrieval;
		parts.generation = &attempt->generation;
		parts.citations = &attempt->citations;
	} else {
		log_warn("a question could not be answered: %s",
			attempt->err.text[0] ? attempt->err.text : strerror(-rc));
	}
	return answer_build(&parts, &turn->answer);
}

static void attempt_init(struct attempt *attempt, struct turn *turn)
{
	*attempt = (struct attempt){.turn = turn, .ask = turn->session->ask};
	generation_init(&attempt->generation);
	buf_init(&attempt->body, BUF_MAX_DEFAULT);
}

void ask_work(struct job *job)
{
	struct turn *turn = EMBEDDING(job, struct turn, job);
	struct attempt attempt;
	int rc = -ESTALE;

	for (int i = 0; i < ATTEMPTS && (rc == -ESTALE || rc == -EAGAIN); i++) {
		if (i > 0) {
			if (rc == -EAGAIN) /* what was broken off is left alone for a moment */
				clock_sleep(PAUSE_NS << i, &turn->cancelled);
			attempt_release(&attempt);
			turn_stream_restart(turn, rc == -ESTALE);
		}
		attempt_init(&attempt, turn);
		rc = make_attempt(&attempt);
	}
	if (atomic_load(&turn->cancelled)) {
		turn->result = -ECANCELED;
	} else {
		count_answer(&attempt, rc);
		turn->result = build(&attempt, rc);
	}
	attempt_release(&attempt);
	loop_post(turn->session->ask->ports.loop, &turn->task);
}
