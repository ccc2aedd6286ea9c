/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the agent share; nobody else includes it. */
#ifndef ASKFS_CORE_AGENT_INSIDE_H
#define ASKFS_CORE_AGENT_INSIDE_H

#include <pthread.h>

#include "core/agent.h"

/* Models that are remembered. */
#define TOOLLESS_MAX 16

struct agent {
	struct agent_parts parts;
	struct chat_tool *tools;
	pthread_mutex_t lock;
	char *toolless[TOOLLESS_MAX]; /* lock: models of which a server said that they have none */
	size_t toolless_count; /* lock: how many there were; the latest are kept */
};

/* One question on its way. */
struct run {
	struct agent *agent;
	const struct agent_turn *turn;
	struct generation *out;
	struct err *err;
	struct chat chat;
	bool is_protocol; /* calls are text */
	bool has_tools; /* in the round that is under way */
	bool is_tainted; /* the chat holds text that the user did not write */
	bool has_result; /* a call succeeded */
	cJSON *steps;
	char *thought; /* of the round that is under way; NULL: none */
};

static inline const struct tools *tools_of(const struct run *run)
{
	return run->agent->parts.tools;
}

static inline size_t context_of(const struct run *run)
{
	return run->agent->parts.config->answer_context;
}

/* Make a call that the model wants; append its result, for the model, to @text. 0, also when the
 * call failed; -errno: the question does. */
int agent_call(struct run *run, const struct chat_call *call, struct buf *text);

/* What answer.json and the transcript have of a step. @rc and @result: how it went, in words. */
void agent_add_step(struct run *run, const char *name, const cJSON *arguments, int rc,
	const char *result, int64_t begun_ns);

#endif
