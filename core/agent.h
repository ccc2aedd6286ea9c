/* SPDX-License-Identifier: Apache-2.0 */
/* A language model at work on one question: it gets the passages that were found, calls tools when
 * it needs more, and answers.
 *
 * Source: Yao et al., ReAct: Synergizing Reasoning and Acting in Language Models, ICLR 2023. */
#ifndef ASKFS_CORE_AGENT_H
#define ASKFS_CORE_AGENT_H

#include <stdatomic.h>

#include <cjson/cJSON.h>

#include "core/config.h"
#include "core/generator.h"
#include "core/options.h"
#include "core/retrieval.h"
#include "core/tools.h"

struct agent;

/* All of them outlive the agent. */
struct agent_parts {
	const struct config *config;
	struct generator *generator; /* one that can chat */
	const struct tools *tools;
	const char *rules; /* NULL: prompt_rules */
};

/* Any thread, once made. 0 or -ENOMEM. */
int agent_new(struct agent **out, const struct agent_parts *parts);
void agent_free(struct agent *agent);

/* One question. The functions are called by the thread that calls agent_answer. */
struct agent_turn {
	const char *question;
	const struct exchange *history;
	size_t history_count;
	const struct caller *caller;
	struct retrieval *found; /* what the answer may cite; what tools find is appended */
	const struct options *options; /* of the session: its model, its filter */
	enum agent_mode mode;
	const atomic_bool *cancelled;

	generator_sink text; /* the answer as it is made */
	int (*grown)(void *context, size_t passage_count); /* there are more passages now */
	void (*restart)(void *context); /* the text so far was not the answer */
	void *context;
};

/* Answer. *steps: what was done on the way, an array; the caller deletes it, also after a failure.
 * As generator_generate otherwise. Worker thread; blocks. */
int agent_answer(struct agent *agent, const struct agent_turn *turn, struct generation *out,
	cJSON **steps, struct err *err);

/* Append to @out the question as it reads when it stands alone, by what the model makes of it. 0,
 * or -errno: it could not; -ECANCELED. */
int agent_rewrite(struct agent *agent, const struct agent_turn *turn, struct buf *out);

#endif
