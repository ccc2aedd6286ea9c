/* SPDX-License-Identifier: Apache-2.0 */
#include "core/remote/openai.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/auto.h"
#include "core/clock.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);
AUTO_DEFINE(http_end, struct http_call *);

#define CONNECT_NS (10 * NS_PER_SEC)
#define ERROR_MAX  ((size_t)64 << 10)
/* Waiting between two tries: doubled from the first to the last, half of it by chance. */
#define WAIT_FIRST_NS (NS_PER_SEC / 2)
#define WAIT_LAST_NS  (30 * NS_PER_SEC)
#define MODELS_SHOWN  12

struct openai {
	atomic_uint refs;
	struct http *http;
	char *base_url;
	char *authorization; /* a header; NULL: none */
	int64_t idle_ns;
	unsigned retries;
};

int openai_new(struct openai **out, const struct openai_settings *settings, struct err *err)
{
	size_t len = strlen(settings->base_url);
	struct openai *server = calloc(1, sizeof(*server));

	while (len && settings->base_url[len - 1] == '/')
		len--;
	if (!server)
		return err_set(err, -ENOMEM, "out of memory");
	atomic_init(&server->refs, 1);
	server->idle_ns = settings->idle_ns;
	server->retries = settings->retries;
	server->base_url = strndup(settings->base_url, len);
	int rc = server->base_url ? http_new(&server->http) : -ENOMEM;
	if (!rc && settings->api_key[0] &&
		asprintf(&server->authorization, "Authorization: Bearer %s", settings->api_key) <
			0) {
		server->authorization = NULL;
		rc = -ENOMEM;
	}
	if (rc) {
		openai_free(server);
		return err_set(err, rc, "out of memory");
	}
	*out = server;
	return 0;
}

struct openai *openai_ref(struct openai *server)
{
	atomic_fetch_add(&server->refs, 1);
	return server;
}

void openai_free(struct openai *server)
{
	if (!server || atomic_fetch_sub(&server->refs, 1) > 1)
		return;
	http_free(server->http);
	free(server->base_url);
	if (server->authorization)
		explicit_bzero(server->authorization, strlen(server->authorization));
	free(server->authorization);
	free(server);
}

const char *openai_base_url(const struct openai *server)
{
	return server->base_url;
}

/* --- errors ------------------------------------------------------------------------- */

const char *openai_error_text(const cJSON *json)
{
	const cJSON *error = cJSON_GetObjectItem(json, "error");
	const char *text = cJSON_GetStringValue(error);

	if (!text)
		text = cJSON_GetStringValue(cJSON_GetObjectItem(error, "message"));
	if (!text && cJSON_IsObject(error))
		text = "an error without a message";
	if (!text) /* seen of proxies before such servers */
		text = cJSON_GetStringValue(cJSON_GetObjectItem(json, "detail"));
	return text;
}

static const char *error_code(const cJSON *json)
{
	const cJSON *error = cJSON_GetObjectItem(json, "error");
	const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(error, "code"));

	if (!code)
		code = cJSON_GetStringValue(cJSON_GetObjectItem(error, "type"));
	return code ? code : "";
}

static bool says(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* llama.cpp: 400 exceed_context_size_error, and 500 for an input that does not fit into its batch;
 * OpenAI and vLLM: 400 with a code or a sentence. */
static bool is_too_long(int status, const char *code, const char *text)
{
	if (status == 413 || says(code, "exceed_context_size") ||
		says(code, "context_length_exceeded") || says(text, "too large to process"))
		return true;
	return (status == 400 || status == 422) &&
		(says(text, "context length") || says(text, "context size") ||
			says(text, "maximum context") || says(text, "input length exceeds"));
}

/* A budget that is used up does not come back by waiting. */
static bool may_pass(int status, const char *code)
{
	if (says(code, "insufficient_quota"))
		return false;
	return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

/* The model is not there: name those that are. */
static int no_model(struct openai *server, const struct openai_request *request, const char *text,
	struct err *err)
{
	AUTO_BUF struct buf names;

	buf_init(&names, BUF_MAX_DEFAULT);
	if (!request->model || openai_models(server, &names, NULL) || !names.len)
		return err_set(err, -ENOENT, "%s%s is not there: %s", server->base_url,
			request->path, text);
	return err_set(err, -ENOENT, "the server at %s has no model %s; it has %s",
		server->base_url, request->model, names.data);
}

/* Ollama: 400 "… does not support tools"; vLLM: 400 and llama.cpp: 500 name the switch of theirs
 * that is off. */
static bool has_no_tools(const struct openai_request *request, int status, const char *text)
{
	return request->has_tools && (status == 400 || status == 422 || status >= 500) &&
		(says(text, "support tools") || says(text, "tool choice") ||
			says(text, "tools param"));
}

static int judge(struct openai *server, const struct openai_request *request, int status,
	const cJSON *json, struct err *err)
{
	const char *text = openai_error_text(json), *code = error_code(json);

	text = text ? text : "no reason was given";
	if (is_too_long(status, code, text))
		return err_set(
			err, -E2BIG, "the model takes less text than it was given: %s", text);
	if (has_no_tools(request, status, text))
		return err_set(err, -ENOTSUP, "the model has no tools: %s", text);
	if (status == 401 || status == 403)
		return err_set(err, -EACCES,
			"the server at %s refuses the API key (%s): [openai] api_key_file names "
			"the file that holds it",
			server->base_url, text);
	if (status == 404 || (status == 400 && says(text, "model") && says(text, "not found")))
		return no_model(server, request, text, err);
	return err_set(err, may_pass(status, code) ? -EAGAIN : -EINVAL,
		"the server at %s answers %d: %s", server->base_url, status, text);
}

static int refuse(struct openai *server, const struct openai_request *request, int status,
	struct http_call *call, struct err *err)
{
	AUTO_BUF struct buf body;

	buf_init(&body, ERROR_MAX);
	http_read_all(call, &body, NULL);
	AUTO(cJSON_Delete) cJSON *json = body.data ? cJSON_Parse(body.data) : NULL;
	return judge(server, request, status, json, err);
}

/* --- sending ------------------------------------------------------------------------ */

static int unreachable(struct openai *server, int rc, struct err *err)
{
	struct err why = *err;

	if (rc == -ECANCELED || rc == -EFBIG)
		return rc;
	return err_set(err, rc, "no answer from the server at %s: %s", server->base_url, why.text);
}

/* How long the server asks to be left alone; 0: it does not say. */
static int64_t asked_wait(struct http_call *call)
{
	AUTO_FREE char *text = http_header(call, "retry-after");
	double seconds = text ? strtod(text, NULL) : 0;

	return seconds > 0 && seconds < 3600 ? (int64_t)(seconds * NS_PER_SEC) : 0;
}

/* One try. *wait_ns: what the server asks for. */
static int try_once(struct openai *server, const struct openai_request *request, const char *url,
	const char *body, struct http_call **out, int64_t *wait_ns, struct err *err)
{
	const char *headers[] = {
		"Accept: application/json, text/event-stream",
		"Content-Type: application/json",
		server->authorization,
		NULL,
	};
	struct http_request http = {
		.url = url,
		.headers = headers,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.connect_ns = CONNECT_NS,
		.idle_ns = server->idle_ns,
		.reply_max = request->reply_max,
		.cancelled = request->cancelled,
	};
	AUTO(http_end) struct http_call *call = NULL;

	*wait_ns = 0;
	int rc = http_begin(server->http, &http, &call, err);
	if (rc)
		return rc;
	int status = http_status(call, err);
	if (status < 0)
		return unreachable(server, status, err);
	if (status / 100 == 2) {
		*out = TAKE_PTR(call);
		return 0;
	}
	*wait_ns = asked_wait(call);
	return refuse(server, request, status, call, err);
}

static int64_t choose_wait(unsigned tries, int64_t asked_ns)
{
	int64_t most = WAIT_FIRST_NS << (tries < 8 ? tries : 8);
	uint32_t chance = 0;

	if (asked_ns)
		return asked_ns;
	most = most < WAIT_LAST_NS ? most : WAIT_LAST_NS;
	getrandom(&chance, sizeof(chance), 0);
	return most / 2 + (int64_t)((double)most / 2 * chance / UINT32_MAX);
}

int openai_send(struct openai *server, const struct openai_request *request, struct http_call **out,
	struct err *err)
{
	AUTO_FREE char *body = request->body ? cJSON_PrintUnformatted(request->body) : NULL;
	AUTO_FREE char *url = NULL;
	struct err mine = ERR_NONE;
	int64_t wait_ns;

	err = err ? err : &mine;
	if ((request->body && !body) ||
		asprintf(&url, "%s%s", server->base_url, request->path) < 0) {
		url = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (unsigned tries = 0;; tries++) {
		int rc = try_once(server, request, url, body, out, &wait_ns, err);
		if (rc != -EAGAIN || !request->is_patient || tries == server->retries)
			return rc;
		if (!clock_sleep(choose_wait(tries, wait_ns), request->cancelled))
			return err_set(err, -ECANCELED, "cancelled");
	}
}

int openai_ask(
	struct openai *server, const struct openai_request *request, cJSON **out, struct err *err)
{
	AUTO(http_end) struct http_call *call = NULL;
	AUTO_BUF struct buf body;
	struct err mine = ERR_NONE;

	err = err ? err : &mine;
	buf_init(&body, request->reply_max);
	int rc = openai_send(server, request, &call, err);
	if (rc)
		return rc;
	rc = http_read_all(call, &body, err);
	if (rc)
		return unreachable(server, rc, err);
	*out = cJSON_Parse(body.data ? body.data : "");
	if (!*out)
		return err_set(err, -EPROTO,
			"the server at %s answers with something that is not JSON: is [openai] "
			"base_url right? It ends in /v1, mostly",
			server->base_url);
	return 0;
}

int openai_models(struct openai *server, struct buf *out, struct err *err)
{
	AUTO(cJSON_Delete) cJSON *json = NULL;
	const cJSON *model;
	size_t count = 0;
	int rc = openai_ask(server,
		&(struct openai_request){.path = "/models", .reply_max = (size_t)16 << 20}, &json,
		err);

	if (rc)
		return rc;
	cJSON_ArrayForEach(model, cJSON_GetObjectItem(json, "data"))
	{
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(model, "id"));
		if (!name)
			continue;
		if (count++ == MODELS_SHOWN) {
			buf_adds(out, " and more");
			break;
		}
		buf_addf(out, "%s%s", count > 1 ? ", " : "", name);
	}
	return out->failed;
}
