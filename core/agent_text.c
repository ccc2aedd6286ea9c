/* SPDX-License-Identifier: Apache-2.0 */
#include "core/agent_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static const char thought_mark[] = "THOUGHT:", action_mark[] = "ACTION:", answer_mark[] = "ANSWER:",
		  observation_mark[] = "OBSERVATION:";

/* Where a line of @text begins with @mark, from byte @from on; NULL: none does. */
static const char *find_mark_from(const char *text, size_t from, const char *mark)
{
	for (const char *at = text + from; (at = strstr(at, mark)); at++)
		if (at == text || at[-1] == '\n')
			return at;
	return NULL;
}

static const char *find_mark(const char *text, const char *mark)
{
	return find_mark_from(text, 0, mark);
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

/* --- the relay ---------------------------------------------------------------------- */

void relay_init(struct relay *relay, enum relay_kind kind, generator_sink sink, void *context)
{
	*relay = (struct relay){.kind = kind, .sink = sink, .context = context};
	buf_init(&relay->held, BUF_MAX_DEFAULT);
}

void relay_release(struct relay *relay)
{
	buf_release(&relay->held);
}

static int pass(struct relay *relay, const char *text)
{
	relay->is_through = true;
	return *text ? relay->sink(relay->context, text, strlen(text)) : 0;
}

int relay_text(void *context, const char *text, size_t len)
{
	struct relay *relay = context;

	if (relay->is_through || relay->kind == RELAY_ANSWER) {
		relay->is_through = true;
		return relay->sink(relay->context, text, len);
	}
	if (buf_add(&relay->held, text, len))
		return -EFBIG;
	const char *begin = skip_blanks(relay->held.data);
	if (relay->kind == RELAY_TOOLS && *begin && !strchr("{[`<", *begin))
		return pass(relay, begin);
	size_t known = relay->held.len - len, from = known > 16 ? known - 16 : 0;
	const char *answer = relay->kind == RELAY_PROTOCOL
		? find_mark_from(relay->held.data, from, answer_mark)
		: NULL;
	const char *action = answer ? find_mark(relay->held.data, action_mark) : NULL;
	if (answer && (!action || action > answer))
		return pass(relay, skip_blanks(answer + strlen(answer_mark)));
	return 0;
}

int relay_flush(struct relay *relay)
{
	if (relay->is_through || !relay->held.data)
		return 0;
	int rc = pass(relay, relay->held.data);
	return rc && rc != -EFBIG ? -ECANCELED : rc;
}

/* --- the protocol ------------------------------------------------------------------- */

void protocol_rules(const struct tools *tools, struct buf *out)
{
	buf_adds(out,
		"\nIf the passages do not hold the answer, you may call a tool. Then reply with "
		"exactly two lines, and wait for the observation:\n\n"
		"THOUGHT: what is missing\n"
		"ACTION: tool_name {\"argument\": \"value\"}\n\n"
		"When you can answer, reply with\n\n"
		"THOUGHT: what you know now\n"
		"ANSWER: the answer, with its citations\n\n"
		"The tools, each with the JSON Schema of its arguments:\n\n");
	for (size_t i = 0; i < tools_count(tools); i++) {
		const struct tool *tool = tools_at(tools, i);
		buf_addf(out, "%s: %s %s\n", tool->name, tool->description, tool->parameters);
	}
}

void protocol_cut(char *text)
{
	char *made_up = text ? (char *)find_mark(text, observation_mark) : NULL;

	if (made_up)
		*made_up = '\0';
}

static char *trimmed(const char *start, const char *end)
{
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	return strndup(start, (size_t)(end - start));
}

/* "name {…}", and nothing behind it but an observation that the model made up. */
static int parse_action(const char *text, struct chat_call *call, struct err *err)
{
	const char *name = text + strspn(text, " \t"), *end;
	size_t len = strcspn(name, " \t\r\n{(");
	const char *arguments = skip_blanks(name + len);

	AUTO(cJSON_Delete) cJSON *json = cJSON_ParseWithOpts(arguments, &end, 0);
	if (!len || !cJSON_IsObject(json))
		return err_set(err, -EINVAL,
			"ACTION: must be followed by a tool's name and its arguments as one JSON "
			"object");
	const char *rest = skip_blanks(end);
	if (*rest && strncmp(rest, observation_mark, strlen(observation_mark)) != 0)
		return err_set(err, -EINVAL, "nothing may follow the arguments of an ACTION");
	call->name = strndup(name, len);
	call->arguments = cJSON_PrintUnformatted(json);
	return call->name && call->arguments ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int protocol_parse(const char *text, char **thought, struct chat_call *call, struct err *err)
{
	const char *at = find_mark(text, thought_mark), *action = find_mark(text, action_mark);

	*thought = NULL;
	*call = (struct chat_call){0};
	if (!action)
		return err_set(err, -EINVAL,
			"reply with THOUGHT: and ACTION: lines, or with THOUGHT: and ANSWER: "
			"lines");
	if (at && at < action)
		*thought = trimmed(at + strlen(thought_mark), action);
	return parse_action(action + strlen(action_mark), call, err);
}

/* --- calls in the text -------------------------------------------------------------- */

static const char open_tag[] = "<tool_call>", close_tag[] = "</tool_call>";

/* The next call's text from *text on: in the tags that some models write, in a code fence, or as it
 * is; *text moves behind it. NULL: there is none, or no memory. */
static char *next_written(const char **text)
{
	const char *start = skip_blanks(*text), *end = start + strlen(start);

	*text = end;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	if (start == end)
		return NULL;
	if (!strncmp(start, "```", 3)) {
		start += strcspn(start, "\n");
		end -= end - start > 3 && !strncmp(end - 3, "```", 3) ? 3 : 0;
	} else if (!strncmp(start, open_tag, strlen(open_tag))) {
		const char *close = strstr(start, close_tag);
		start += strlen(open_tag);
		*text = close ? close + strlen(close_tag) : end;
		end = close ? close : end;
	}
	return trimmed(start, end);
}

static int add_written(const struct tools *tools, const cJSON *json, struct chat_reply *reply)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(json, "name"));
	const cJSON *arguments = cJSON_GetObjectItem(json, "arguments");

	arguments = arguments ? arguments : cJSON_GetObjectItem(json, "parameters");
	if (!name || !tools_find(tools, name) || !cJSON_IsObject(arguments))
		return -ENOENT;
	struct chat_call *call = chat_reply_add_call(reply);
	if (!call)
		return -ENOMEM;
	call->name = strdup(name);
	call->arguments = cJSON_PrintUnformatted(arguments);
	return call->name && call->arguments ? 0 : -ENOMEM;
}

static int add_written_text(const struct tools *tools, const char *text, struct chat_reply *reply)
{
	AUTO(cJSON_Delete) cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
	const cJSON *one;
	int rc = -ENOENT;

	if (cJSON_IsObject(json))
		return add_written(tools, json, reply);
	cJSON_ArrayForEach(one, json)
	{
		rc = add_written(tools, one, reply);
		if (rc)
			return rc;
	}
	return rc;
}

int written_calls(const struct tools *tools, const char *text, struct chat_reply *reply)
{
	char *one;
	int rc = -ENOENT;

	while ((one = next_written(&text))) {
		rc = add_written_text(tools, one, reply);
		free(one);
		if (rc)
			return reply->call_count && rc == -ENOENT ? 0 : rc;
	}
	return rc;
}
