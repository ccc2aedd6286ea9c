/* SPDX-License-Identifier: Apache-2.0 */
/* A follow-up question as it reads when it stands alone, so that a search can find what it is
 * about. */
#include <errno.h>
#include <string.h>

#include "core/agent_inside.h"
#include "core/auto.h"
#include "core/log.h"
#include "core/prompt.h"

/* A question that stands alone. */
#define REWRITE_TOKENS 200
#define REWRITE_MAX    2000

static const char rewrite_rules[] =
	"You get a conversation and then a question. Rewrite the question so that it can be "
	"understood without the conversation: put in what its pronouns and omissions stand for. "
	"Keep its language. Change nothing else, do not answer it, and reply with the question "
	"alone. If it can stand alone already, repeat it.\n";

/* A line that may be the question again: not empty, not much longer, not an explanation. */
static bool is_question(const struct agent_turn *turn, const char *text, size_t len)
{
	return len > 0 && len < REWRITE_MAX && len < 4 * strlen(turn->question) + 400 &&
		!memchr(text, '\n', len);
}

int agent_rewrite(struct agent *agent, const struct agent_turn *turn, struct buf *out)
{
	struct generator_request request = {
		.question = turn->question,
		.history = turn->history,
		.history_count = turn->history_count,
	};
	struct prompt_limits limits = {
		agent->parts.config->answer_context, agent->parts.config->answer_history};
	AUTO_CHAT struct chat chat = {0};
	struct chat_reply reply;
	struct err err = ERR_NONE;
	int rc = prompt_build(&request, rewrite_rules, &limits, &chat);

	if (rc)
		return rc;
	chat_reply_init(&reply);
	rc = generator_chat(agent->parts.generator,
		&(struct chat_request){
			.chat = &chat,
			.model = turn->options->model,
			.length = REWRITE_TOKENS,
			.cancelled = turn->cancelled,
		},
		NULL, NULL, &reply, &err);
	const char *text = reply.text.data ? reply.text.data : "";
	text += strspn(text, " \t\r\n\"");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r\n\"", text[len - 1]))
		len--;
	if (!rc && !is_question(turn, text, len))
		rc = -EPROTO;
	if (!rc)
		rc = buf_add(out, text, len);
	if (rc && rc != -ECANCELED)
		log_debug("a follow-up question was not rewritten: %s", err.text);
	chat_reply_release(&reply);
	return rc;
}
