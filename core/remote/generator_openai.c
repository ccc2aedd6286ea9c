/* SPDX-License-Identifier: Apache-2.0 */
/* The answer is streamed as it comes. It is whole when a choice said why it finished: a stream
 * that ends without that was broken off, and is asked for again. */
#include "core/remote/generator_openai.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/prompt.h"
#include "core/sse.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);
AUTO_DEFINE(http_end, struct http_call *);

#define REPLY_MAX ((size_t)64 << 20)
#define EVENT_MAX ((size_t)4 << 20)
/* A prompt that the model does not take is halved so often. */
#define HALVINGS 3

struct remote {
	struct generator generator;
	struct openai *server;
	char *model, *rules;
	size_t context_tokens, answer_tokens;
};

/* What a model thinks before it answers, where it writes that into the answer. */
static const char think_begin[] = "<think>", think_end[] = "</think>";

enum thought { THOUGHT_MAYBE, THOUGHT_OPEN, THOUGHT_OVER };

/* An answer on its way. */
struct reply {
	generator_sink sink;
	void *context;
	struct generation *out;
	struct err *err;
	struct buf held; /* what may belong to a thought */
	enum thought thought;
	bool is_finished; /* a finish_reason came */
};

static struct remote *remote_of(struct generator *generator)
{
	return (struct remote *)generator;
}

static const char *remote_model(struct generator *generator)
{
	return remote_of(generator)->model;
}

/* --- text --------------------------------------------------------------------------- */

static int pass(struct reply *reply, const char *text, size_t len)
{
	if (!len)
		return 0;
	if (buf_add(&reply->out->text, text, len))
		return err_set(reply->err, reply->out->text.failed, "the answer is too long");
	return reply->sink(reply->context, text, len) ? -ECANCELED : 0;
}

/* Behind a thought: its end, and the blanks there. */
static int end_thought(struct reply *reply)
{
	const char *end = reply->held.data ? strstr(reply->held.data, think_end) : NULL;

	if (!end)
		return 0;
	end += strlen(think_end);
	end += strspn(end, " \r\n\t");
	reply->thought = THOUGHT_OVER;
	return pass(reply, end, strlen(end));
}

/* A thought can only stand at the beginning. */
static int add_text(struct reply *reply, const char *text)
{
	if (reply->thought == THOUGHT_OVER)
		return pass(reply, text, strlen(text));
	if (buf_adds(&reply->held, text))
		return err_set(reply->err, reply->held.failed, "the answer is too long");
	if (reply->thought == THOUGHT_OPEN)
		return end_thought(reply);
	const char *begin = reply->held.data + strspn(reply->held.data, " \r\n\t");
	size_t len = strlen(begin), most = strlen(think_begin);
	if (!strncmp(begin, think_begin, len < most ? len : most)) {
		if (len >= most)
			reply->thought = THOUGHT_OPEN;
		return len >= most ? end_thought(reply) : 0;
	}
	reply->thought = THOUGHT_OVER;
	return pass(reply, begin, len);
}

/* --- events ------------------------------------------------------------------------- */

static void add_usage(struct generation *out, const cJSON *usage)
{
	const cJSON *input = cJSON_GetObjectItem(usage, "prompt_tokens");
	const cJSON *output = cJSON_GetObjectItem(usage, "completion_tokens");

	if (cJSON_IsNumber(input) && input->valuedouble >= 0)
		out->input_tokens = (uint64_t)input->valuedouble;
	if (cJSON_IsNumber(output) && output->valuedouble >= 0)
		out->output_tokens = (uint64_t)output->valuedouble;
}

static int take_finish(struct reply *reply, const char *reason)
{
	if (!reason)
		return 0;
	reply->is_finished = true;
	if (!strcmp(reason, "content_filter"))
		return err_set(
			reply->err, -EINVAL, "the server's content filter stopped the answer");
	return 0;
}

/* The chunk with the usage has no choice; the first one's content may be null. */
static int take_chunk(struct reply *reply, const cJSON *json)
{
	const cJSON *choice = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "choices"), 0);
	const cJSON *delta = cJSON_GetObjectItem(choice, "delta");
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(delta, "content"));
	const char *error = openai_error_text(json);

	if (error)
		return err_set(reply->err, -EIO, "the model's server broke off: %s", error);
	add_usage(reply->out, cJSON_GetObjectItem(json, "usage"));
	int rc = text ? add_text(reply, text) : 0;
	return rc ? rc
		  : take_finish(reply,
			    cJSON_GetStringValue(cJSON_GetObjectItem(choice, "finish_reason")));
}

static int take_event(void *context, const char *data, size_t len)
{
	struct reply *reply = context;

	if (len == strlen("[DONE]") && !memcmp(data, "[DONE]", len))
		return 0;
	AUTO(cJSON_Delete) cJSON *json = cJSON_ParseWithLength(data, len);
	if (!cJSON_IsObject(json))
		return err_set(
			reply->err, -EAGAIN, "the model's server sent an event that is not JSON");
	return take_chunk(reply, json);
}

static int read_events(struct http_call *call, struct reply *reply)
{
	struct sse sse;
	char part[4096];
	ssize_t n;
	int rc = 0;

	sse_init(&sse, EVENT_MAX);
	while (!rc && (n = http_read(call, part, sizeof(part), reply->err)) != 0)
		rc = n < 0 ? (int)n : sse_feed(&sse, part, (size_t)n, take_event, reply);
	sse_release(&sse);
	if (rc == -EPROTO || (!rc && !reply->is_finished))
		rc = err_set(reply->err, -EAGAIN,
			"the model's server broke off before the answer was complete");
	if (!rc && reply->thought == THOUGHT_MAYBE && reply->held.len)
		rc = pass(reply, reply->held.data, reply->held.len);
	return rc;
}

/* --- the request -------------------------------------------------------------------- */

static void add_message(cJSON *messages, const char *role, const char *text)
{
	cJSON *message = cJSON_CreateObject();

	cJSON_AddStringToObject(message, "role", role);
	cJSON_AddStringToObject(message, "content", text);
	cJSON_AddItemToArray(messages, message);
}

static cJSON *request_of(const struct remote *remote, const struct prompt *prompt)
{
	cJSON *body = cJSON_CreateObject(), *messages = cJSON_AddArrayToObject(body, "messages");

	cJSON_AddStringToObject(body, "model", remote->model);
	add_message(messages, "system", prompt->rules);
	for (size_t i = 0; i < prompt->count; i++)
		add_message(messages, prompt->messages[i].is_model ? "assistant" : "user",
			prompt->messages[i].text);
	cJSON_AddTrueToObject(body, "stream");
	cJSON_AddTrueToObject(cJSON_AddObjectToObject(body, "stream_options"), "include_usage");
	cJSON_AddNumberToObject(body, "max_tokens", (double)remote->answer_tokens);
	cJSON_AddNumberToObject(body, "temperature", 0);
	return body;
}

static int send(struct remote *remote, const struct generator_request *request, size_t tokens,
	struct http_call **call, struct err *err)
{
	struct prompt prompt;
	int rc = prompt_build(request, remote->rules, tokens, &prompt);

	if (rc)
		return err_set(err, rc, "the prompt could not be made: %s", strerror(-rc));
	AUTO(cJSON_Delete) cJSON *body = request_of(remote, &prompt);
	prompt_release(&prompt);
	return openai_send(remote->server,
		&(struct openai_request){
			.path = "/chat/completions",
			.model = remote->model,
			.body = body,
			.reply_max = REPLY_MAX,
			.is_patient = true,
			.cancelled = request->cancelled,
		},
		call, err);
}

/* Prompts that the model does not take are made smaller. */
static int send_fitting(struct remote *remote, const struct generator_request *request,
	struct http_call **call, struct err *err)
{
	size_t tokens = remote->context_tokens;
	int rc = send(remote, request, tokens, call, err);

	for (int i = 0; i < HALVINGS && rc == -E2BIG; i++) {
		tokens /= 2;
		rc = send(remote, request, tokens, call, err);
	}
	return rc == -EAGAIN ? -EIO : rc; /* it was tried often enough */
}

/* Small models do not always stop behind it. */
static bool is_refusal(const char *text)
{
	const char *said = text ? strstr(text, GENERATOR_REFUSAL) : NULL;

	return said && !strchr(text, '[') && strspn(text, " \n\"'*") == (size_t)(said - text);
}

static int refuse(struct reply *reply)
{
	int rc = pass(reply, GENERATOR_REFUSAL, strlen(GENERATOR_REFUSAL));

	reply->out->refused = true;
	return rc;
}

static int remote_generate(struct generator *generator, const struct generator_request *request,
	generator_sink sink, void *context, struct generation *out, struct err *err)
{
	struct remote *remote = remote_of(generator);
	AUTO(http_end) struct http_call *call = NULL;
	struct reply reply = {.sink = sink, .context = context, .out = out, .err = err};

	out->confidence = -1;
	if (!request->passage_count)
		return refuse(&reply);
	int rc = send_fitting(remote, request, &call, err);
	if (rc)
		return rc;
	buf_init(&reply.held, REPLY_MAX);
	rc = read_events(call, &reply);
	buf_release(&reply.held);
	if (!rc)
		out->refused = is_refusal(out->text.data);
	return rc;
}

static void remote_free(struct generator *generator)
{
	struct remote *remote = remote_of(generator);

	openai_free(remote->server);
	free(remote->model);
	free(remote->rules);
	free(remote);
}

static const struct generator_ops ops = {
	.name = "openai",
	.model = remote_model,
	.generate = remote_generate,
	.free = remote_free,
};

int generator_openai_new(struct generator **out, struct openai *server,
	const struct generator_openai_settings *settings, struct err *err)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return err_set(err, -ENOMEM, "out of memory");
	remote->generator.ops = &ops;
	remote->model = strdup(settings->model);
	remote->rules = strdup(settings->rules);
	remote->context_tokens = settings->context_tokens;
	remote->answer_tokens = settings->answer_tokens;
	if (!remote->model || !remote->rules) {
		remote_free(&remote->generator);
		return err_set(err, -ENOMEM, "out of memory");
	}
	remote->server = server;
	*out = &remote->generator;
	return 0;
}
