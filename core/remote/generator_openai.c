/* SPDX-License-Identifier: Apache-2.0 */
/* The answer is streamed as it comes. It is whole when a choice said why it finished: a stream
 * that ends without that was broken off, and is asked for again. */
#include "core/remote/generator_openai.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/sse.h"
#include "core/text/utf8.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);
AUTO_DEFINE(http_end, struct http_call *);

#define REPLY_MAX ((size_t)64 << 20)
#define EVENT_MAX ((size_t)4 << 20)
/* Tools that a model may want called in one reply. */
#define CALLS_MAX 64
/* The longest arguments that a model may write for one of them. */
#define ARGUMENTS_MAX ((size_t)1 << 20)

struct remote {
	struct generator generator;
	struct openai *server;
	char *model;
};

/* What a model thinks before it answers, where it writes that into the answer. */
static const char think_begin[] = "<think>", think_end[] = "</think>";

enum thought { THOUGHT_MAYBE, THOUGHT_OPEN, THOUGHT_OVER };

/* An answer on its way. */
struct reply {
	generator_sink sink;
	void *context;
	struct chat_reply *out;
	struct err *err;
	struct buf held; /* what may belong to a thought */
	enum thought thought;
	bool is_finished; /* a finish_reason came */
	double indexes[CALLS_MAX]; /* of its calls, as the server counts them */
	struct buf arguments[CALLS_MAX]; /* of its calls, as far as they came */
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
	int rc = reply->sink(reply->context, text, len);
	if (rc == -EFBIG)
		return err_set(reply->err, rc, "the answer is too long");
	return rc ? -ECANCELED : 0;
}

/* Behind a thought: its end, and the blanks there. */
static int end_thought(struct reply *reply)
{
	const char *end = reply->held.data ? strstr(reply->held.data, think_end) : NULL;
	size_t least = strlen(think_end) - 1;

	if (!end) { /* of the thought nothing is needed but what may begin its end */
		size_t drop = reply->held.len > least ? reply->held.len - least : 0;
		memmove(reply->held.data, reply->held.data + drop, reply->held.len - drop + 1);
		reply->held.len -= drop;
		return 0;
	}
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

static void add_usage(struct chat_reply *out, const cJSON *usage)
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

/* The text of a slot grows by a piece of it. */
static int extend(char **slot, const char *piece)
{
	char *whole = NULL;

	if (!piece || !*piece)
		return 0;
	if (asprintf(&whole, "%s%s", *slot ? *slot : "", piece) < 0)
		return -ENOMEM;
	free(*slot);
	*slot = whole;
	return 0;
}

/* The call that a piece belongs to: the latest of its index; some servers give every call the index
 * 0, and an id of its own. */
static struct chat_call *find_call(struct reply *reply, const cJSON *piece)
{
	struct chat_reply *out = reply->out;
	const cJSON *index = cJSON_GetObjectItem(piece, "index");
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(piece, "id"));
	double at = cJSON_IsNumber(index) ? index->valuedouble : (double)out->call_count;

	for (size_t i = out->call_count; i-- > 0;) {
		struct chat_call *call = &out->calls[i];
		if (reply->indexes[i] != at)
			continue;
		if (!id || !*id || !call->id || !strcmp(call->id, id))
			return call;
		break;
	}
	if (out->call_count >= CALLS_MAX)
		return NULL;
	reply->indexes[out->call_count] = at;
	buf_init(&reply->arguments[out->call_count], ARGUMENTS_MAX);
	return chat_reply_add_call(out);
}

/* A call comes in pieces: first its id and name, then its arguments, bit by bit, as text; as an
 * object from some servers. */
static int take_call(struct reply *reply, const cJSON *piece)
{
	const cJSON *function = cJSON_GetObjectItem(piece, "function");
	const cJSON *arguments = cJSON_GetObjectItem(function, "arguments");
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(piece, "id"));
	struct chat_call *call = find_call(reply, piece);
	AUTO_FREE char *object =
		cJSON_IsObject(arguments) ? cJSON_PrintUnformatted(arguments) : NULL;

	if (!call)
		return 0; /* more than anybody would want */
	int rc = call->id ? 0 : extend(&call->id, id);
	if (!rc)
		rc = extend(
			&call->name, cJSON_GetStringValue(cJSON_GetObjectItem(function, "name")));
	if (rc)
		return err_set(reply->err, rc, "out of memory");
	const char *more = object ? object : cJSON_GetStringValue(arguments);
	if (more && buf_adds(&reply->arguments[call - reply->out->calls], more))
		return err_set(reply->err, -EFBIG,
			"the model writes more than %zu bytes of arguments for a tool",
			ARGUMENTS_MAX);
	return 0;
}

static int take_calls(struct reply *reply, const cJSON *pieces)
{
	const cJSON *piece;
	int rc = 0;

	cJSON_ArrayForEach(piece, pieces)
	{
		rc = rc ? rc : take_call(reply, piece);
	}
	return rc;
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
	if (!rc)
		rc = take_calls(reply, cJSON_GetObjectItem(delta, "tool_calls"));
	return rc ? rc
		  : take_finish(reply,
			    cJSON_GetStringValue(cJSON_GetObjectItem(choice, "finish_reason")));
}

/* NULs and halves of a character pair, escaped: a stream may break between the halves. They become
 * U+FFFD. */
static void mend_escapes(char *json)
{
	unsigned before = 0, code;

	for (char *at = json; (at = strchr(at, '\\')); at += at[1] ? 2 : 1) {
		if (at[1] != 'u' || strspn(at + 2, "0123456789abcdefABCDEF") < 4 ||
			sscanf(at + 2, "%4x", &code) != 1)
			continue;
		bool is_high = code >= 0xd800 && code < 0xdc00,
		     is_low = code >= 0xdc00 && code < 0xe000;
		unsigned next = 0;
		if (is_high && at[6] == '\\' && at[7] == 'u')
			sscanf(at + 8, "%4x", &next);
		bool is_pair = (is_high && next >= 0xdc00 && next < 0xe000) || (is_low && before);
		if (!code || ((is_high || is_low) && !is_pair))
			memcpy(at + 2, "fffd", 4);
		before = is_high && is_pair;
	}
}

/* Of an event, in UTF-8 whatever the server makes of that; NULL: it is not JSON. */
static cJSON *parse_event(const char *data, size_t len)
{
	AUTO_BUF struct buf clean;

	buf_init(&clean, EVENT_MAX * 3);
	if (utf8_sanitize(data, len, &clean) || !clean.data)
		return NULL;
	mend_escapes(clean.data);
	return cJSON_ParseWithLength(clean.data, clean.len);
}

static int take_event(void *context, const char *data, size_t len)
{
	struct reply *reply = context;

	if (len == strlen("[DONE]") && !memcmp(data, "[DONE]", len))
		return 0;
	AUTO(cJSON_Delete) cJSON *json = parse_event(data, len);
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

static void add_calls(cJSON *message, const struct chat_message *from)
{
	cJSON *calls = from->call_count ? cJSON_AddArrayToObject(message, "tool_calls") : NULL;

	for (size_t i = 0; i < from->call_count; i++) {
		cJSON *call = cJSON_CreateObject();
		cJSON *function = cJSON_AddObjectToObject(call, "function");
		cJSON_AddStringToObject(call, "id", from->calls[i].id);
		cJSON_AddStringToObject(call, "type", "function");
		cJSON_AddStringToObject(function, "name", from->calls[i].name);
		cJSON_AddStringToObject(function, "arguments",
			from->calls[i].arguments ? from->calls[i].arguments : "{}");
		cJSON_AddItemToArray(calls, call);
	}
}

static cJSON *messages_of(const struct chat *chat)
{
	static const char *const roles[] = {
		[CHAT_SYSTEM] = "system",
		[CHAT_USER] = "user",
		[CHAT_MODEL] = "assistant",
		[CHAT_TOOL] = "tool",
	};
	cJSON *messages = cJSON_CreateArray();

	for (size_t i = 0; i < chat->count; i++) {
		const struct chat_message *from = &chat->messages[i];
		cJSON *message = cJSON_CreateObject();
		cJSON_AddStringToObject(message, "role", roles[from->role]);
		cJSON_AddStringToObject(message, "content", from->text);
		add_calls(message, from);
		if (from->call_id)
			cJSON_AddStringToObject(message, "tool_call_id", from->call_id);
		cJSON_AddItemToArray(messages, message);
	}
	return messages;
}

static cJSON *tools_of(const struct chat_request *request)
{
	cJSON *tools = cJSON_CreateArray();

	for (size_t i = 0; i < request->tool_count; i++) {
		cJSON *tool = cJSON_CreateObject();
		cJSON *function = cJSON_AddObjectToObject(tool, "function");
		cJSON_AddStringToObject(tool, "type", "function");
		cJSON_AddStringToObject(function, "name", request->tools[i].name);
		cJSON_AddStringToObject(function, "description", request->tools[i].description);
		cJSON_AddRawToObject(function, "parameters", request->tools[i].parameters);
		cJSON_AddItemToArray(tools, tool);
	}
	return tools;
}

static const char *model_of(const struct remote *remote, const struct chat_request *request)
{
	return request->model ? request->model : remote->model;
}

static cJSON *body_of(const struct remote *remote, const struct chat_request *request)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "model", model_of(remote, request));
	cJSON_AddItemToObject(body, "messages", messages_of(request->chat));
	if (request->tool_count)
		cJSON_AddItemToObject(body, "tools", tools_of(request));
	cJSON_AddTrueToObject(body, "stream");
	cJSON_AddTrueToObject(cJSON_AddObjectToObject(body, "stream_options"), "include_usage");
	cJSON_AddNumberToObject(body, "max_tokens", (double)request->length);
	cJSON_AddNumberToObject(body, "temperature", 0);
	return body;
}

static int post(struct remote *remote, const struct chat_request *request, struct http_call **call,
	struct err *err)
{
	AUTO(cJSON_Delete) cJSON *body = body_of(remote, request);
	int rc = openai_send(remote->server,
		&(struct openai_request){
			.path = "/chat/completions",
			.model = model_of(remote, request),
			.body = body,
			.has_tools = request->tool_count > 0,
			.reply_max = REPLY_MAX,
			.is_patient = true,
			.cancelled = request->cancelled,
		},
		call, err);

	return rc == -EAGAIN ? -EIO : rc; /* it was tried often enough */
}

static int remote_chat(struct generator *generator, const struct chat_request *request,
	generator_sink sink, void *context, struct chat_reply *out, struct err *err)
{
	AUTO(http_end) struct http_call *call = NULL;
	struct reply reply = {.sink = sink, .context = context, .out = out, .err = err};
	int rc = post(remote_of(generator), request, &call, err);

	if (rc)
		return rc;
	buf_init(&reply.held, REPLY_MAX);
	rc = read_events(call, &reply);
	buf_release(&reply.held);
	for (size_t i = 0; i < out->call_count; i++) {
		struct chat_call *called = &out->calls[i];
		called->arguments = buf_take(&reply.arguments[i], NULL);
		if (!called->name)
			called->name = strdup("");
		if (!called->arguments || !called->name)
			rc = err_set(err, -ENOMEM, "out of memory");
	}
	return rc;
}

static void remote_free(struct generator *generator)
{
	struct remote *remote = remote_of(generator);

	openai_free(remote->server);
	free(remote->model);
	free(remote);
}

static const struct generator_ops ops = {
	.name = "openai",
	.model = remote_model,
	.chat = remote_chat,
	.free = remote_free,
};

int generator_openai_new(
	struct generator **out, struct openai *server, const char *model, struct err *err)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return err_set(err, -ENOMEM, "out of memory");
	remote->generator.ops = &ops;
	remote->model = strdup(model);
	if (!remote->model) {
		remote_free(&remote->generator);
		return err_set(err, -ENOMEM, "out of memory");
	}
	remote->server = server;
	*out = &remote->generator;
	return 0;
}
