/* SPDX-License-Identifier: Apache-2.0 */
/* A call that the model wants: whether it may be made, and what it gets to see of the result.
 *
 * What documents say is not to be obeyed. So once any text that the user did not write stands in
 * the chat, the model may read what the user may read, and nothing that it calls can carry any of
 * that away (may_call). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/agent_inside.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/prompt.h"
#include "core/text/utf8.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* Of the context, what the result of one call may take. */
#define RESULT_SHARE(tokens) ((tokens) / 3)
#define BYTES_A_TOKEN	     3
/* Of a thought and of arguments, what is kept of a step, in bytes. */
#define STEP_MAX ((size_t)4096)

/* --- what the model may have called ------------------------------------------------- */

/* Does the address end here, and not go on as another one? */
static bool ends_here(const char *rest)
{
	bool may_go_on = *rest && strchr(".?,;:!'()", *rest);
	char next = may_go_on ? rest[1] : rest[0];

	return !next ||
		(!isalnum((unsigned char)next) && !strchr("/-_%=&#~+@$*", next) &&
			!((unsigned char)next & 0x80));
}

/* Does the question hold that address word for word? */
static bool stands_in(const char *question, const char *url)
{
	size_t len = strlen(url);

	for (const char *at = question; len && (at = strstr(at, url)); at++)
		if (ends_here(at + len))
			return true;
	return false;
}

/* Only what the user wrote himself may go out to an address once there is other text. */
static int may_call(
	const struct run *run, const struct tool *tool, const cJSON *arguments, struct err *err)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(arguments, "url"));

	if (!run->is_tainted || tool->reach == TOOL_READS)
		return 0;
	if (tool->reach == TOOL_FETCHES && url && stands_in(run->turn->question, url))
		return 0;
	return err_set(err, -EPERM,
		tool->reach == TOOL_FETCHES
			? "only addresses that stand in the question may be fetched now"
			: "%s may not be called any more: the conversation holds text of documents",
		tool->name);
}

static bool was_called(const struct run *run, const char *name, const cJSON *arguments)
{
	const cJSON *step;

	cJSON_ArrayForEach(step, run->steps)
	{
		const char *tool = cJSON_GetStringValue(cJSON_GetObjectItem(step, "tool"));
		bool has_succeeded = cJSON_IsTrue(cJSON_GetObjectItem(step, "success"));
		if (has_succeeded && tool && !strcmp(tool, name) &&
			cJSON_Compare(cJSON_GetObjectItem(step, "arguments"), arguments, true))
			return true;
	}
	return false;
}

static const struct tool *find_tool(const struct run *run, const char *name, struct err *err)
{
	const struct tools *tools = tools_of(run);
	const struct tool *tool = tools_find(tools, name);
	AUTO_BUF struct buf names;

	buf_init(&names, BUF_MAX_DEFAULT);
	if (tool)
		return tool;
	for (size_t i = 0; i < tools_count(tools); i++)
		buf_addf(&names, "%s%s", i ? ", " : "", tools_at(tools, i)->name);
	err_set(err, -ENOENT, "there is no tool \"%s\"; there are %s", name,
		names.data ? names.data : "none");
	return NULL;
}

/* --- results ------------------------------------------------------------------------ */

/* What was found, under the numbers that it is cited by. */
static int add_found(struct run *run, struct tool_output *output, struct buf *text)
{
	struct retrieval *found = run->turn->found;
	size_t count = output->found.passage_count;
	AUTO_FREE size_t *places = calloc(count + 1, sizeof(*places));
	AUTO_FREE struct passage *passages = calloc(count + 1, sizeof(*passages));

	if (!places || !passages || retrieval_merge(found, &output->found, places))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		passages[i] = found->passages[places[i]++];
	if (output->is_digest && count)
		buf_addf(text, "Cite it as [%zu].\n", places[0]);
	else
		prompt_add_passages(text, passages, count, places, RESULT_SHARE(context_of(run)));
	return run->turn->grown(run->turn->context, found->passage_count);
}

/* Data that has no passages, or says what they say. */
static void add_data(struct run *run, const struct tool_output *output, struct buf *text)
{
	AUTO_FREE char *json = cJSON_PrintUnformatted(output->data);
	size_t len = json ? strlen(json) : 0, most = RESULT_SHARE(context_of(run)) * BYTES_A_TOKEN;

	buf_adds(text, "<passage kind=\"result\">\n");
	if (json)
		prompt_add_text(text, json, len > most ? utf8_valid_prefix(json, most) : len);
	buf_adds(text, len > most ? " … (cut)\n</passage>\n" : "\n</passage>\n");
}

/* Words that a site or a program may have chosen are data as well. */
static int render_error(const struct tool *tool, int rc, const struct err *err, struct buf *text)
{
	const char *why = err->text[0] ? err->text : strerror(-rc);
	bool is_foreign = tool && tool->reach != TOOL_READS;

	buf_adds(text, is_foreign ? "error: <passage kind=\"result\">\n" : "error: ");
	prompt_add_text(text, why, strlen(why));
	return buf_adds(text, is_foreign ? "\n</passage>\n" : "");
}

static int render_result(struct run *run, struct tool_output *output, struct buf *text)
{
	size_t count = output->found.passage_count;

	run->has_result |=
		count || !cJSON_IsArray(output->data) || cJSON_GetArraySize(output->data) > 0;
	if (!count || output->is_digest)
		add_data(run, output, text);
	int rc = add_found(run, output, text);
	return rc ? rc : text->failed;
}

/* A text as it is kept of a step. */
static void add_short(cJSON *step, const char *member, const char *text)
{
	size_t len = strlen(text);
	AUTO_FREE char *cut =
		len > STEP_MAX ? strndup(text, utf8_valid_prefix(text, STEP_MAX)) : NULL;

	cJSON_AddStringToObject(step, member, cut ? cut : text);
}

/* Arguments that are longer become the text that they begin with. */
static cJSON *short_arguments(const cJSON *arguments)
{
	AUTO_FREE char *text = arguments ? cJSON_PrintUnformatted(arguments) : NULL;

	if (!text)
		return cJSON_CreateNull();
	if (strlen(text) <= STEP_MAX)
		return cJSON_Duplicate(arguments, true);
	text[utf8_valid_prefix(text, STEP_MAX)] = '\0';
	return cJSON_CreateString(text);
}

void agent_add_step(struct run *run, const char *name, const cJSON *arguments, int rc,
	const char *result, int64_t begun_ns)
{
	cJSON *step = cJSON_CreateObject();

	cJSON_AddNumberToObject(step, "step", cJSON_GetArraySize(run->steps) + 1);
	if (run->thought && run->thought[0])
		add_short(step, "thought", run->thought);
	else
		cJSON_AddNullToObject(step, "thought");
	free(TAKE_PTR(run->thought));
	cJSON_AddStringToObject(step, "tool", name);
	cJSON_AddItemToObject(step, "arguments", short_arguments(arguments));
	cJSON_AddBoolToObject(step, "success", rc == 0);
	cJSON_AddStringToObject(step, "result", result);
	cJSON_AddNumberToObject(
		step, "latency_ms", (double)((clock_mono_ns() - begun_ns) / NS_PER_MS));
	cJSON_AddItemToArray(run->steps, step);
}

static struct tool_call call_of(const struct run *run)
{
	return (struct tool_call){
		.caller = run->turn->caller,
		.options = run->turn->options,
		.cancelled = run->turn->cancelled,
	};
}

int agent_call(struct run *run, const struct chat_call *call, struct buf *text)
{
	AUTO(cJSON_Delete) cJSON *arguments = cJSON_Parse(call->arguments);
	struct err err = ERR_NONE;
	struct tool_output output = {0};
	int64_t begun_ns = clock_mono_ns();
	const struct tool *tool = find_tool(run, call->name, &err);
	int rc = tool ? may_call(run, tool, arguments, &err) : -ENOENT;

	if (!rc && was_called(run, call->name, arguments))
		rc = err_set(&err, -EALREADY,
			"%s was called with these arguments already: answer from what there is",
			call->name);
	if (!rc) {
		rc = tool_run(tools_of(run), tool, call->arguments ? call->arguments : "",
			call_of(run), &output, &err);
		run->is_tainted = true; /* by an error as well */
	}
	int failed = rc ? render_error(tool, rc, &err, text) : render_result(run, &output, text);
	agent_add_step(run, call->name, arguments, rc,
		!rc		      ? output.summary
			: err.text[0] ? err.text
				      : strerror(-rc),
		begun_ns);
	tool_output_release(&output);
	if (atomic_load(run->turn->cancelled))
		return -ECANCELED;
	return failed;
}
