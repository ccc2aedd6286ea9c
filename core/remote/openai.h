/* SPDX-License-Identifier: Apache-2.0 */
/* A server that speaks OpenAI's interface: Ollama, llama.cpp, vLLM, LM Studio, OpenAI itself.
 * What adapters for it have in common: where it is, how it is asked, and what its errors mean in
 * words.
 *
 * Source: OpenAI API reference (chat completions, embeddings, models); where servers differ, what
 * they were seen to send is said beside the code. */
#ifndef ASKFS_CORE_REMOTE_OPENAI_H
#define ASKFS_CORE_REMOTE_OPENAI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/http.h"

/* Borrowed by openai_new only for the call. */
struct openai_settings {
	const char *base_url; /* "http://127.0.0.1:11434/v1"; a slash at its end is taken off */
	const char *api_key; /* "": none is sent */
	int64_t idle_ns; /* a reply that is silent for so long is given up */
	unsigned retries; /* of what may pass, where a call may wait for it */
};

/* Any thread, several at once. */
struct openai;

/* Nothing is sent yet. 0 or -ENOMEM, -EINVAL (no URL) with *err set. */
int openai_new(struct openai **out, const struct openai_settings *settings, struct err *err);

/* Counted: every reference is given back by openai_free, and the last one ends it. */
struct openai *openai_ref(struct openai *server);
void openai_free(struct openai *server);

const char *openai_base_url(const struct openai *server);

/* A request to a path below the base URL. */
struct openai_request {
	const char *path; /* "/chat/completions" */
	const char *model; /* for errors; NULL: none is meant */
	const cJSON *body; /* NULL: GET */
	bool has_tools; /* it offers some */
	size_t reply_max;
	bool is_patient; /* try again, after a while, what may pass */
	const atomic_bool *cancelled; /* may be NULL */
};

/* Send it, and return when the server has said that it answers: *out is to be read, and ended by
 * http_end. Otherwise with *err in words: -EAGAIN (it may pass), -E2BIG (more text than the model
 * takes), -EACCES (the key), -ENOENT (no such model or path), -ETIMEDOUT, -ECANCELED, -ENOTSUP (the
 * model has no tools), -EINVAL (the server refuses the request). */
int openai_send(struct openai *server, const struct openai_request *request, struct http_call **out,
	struct err *err);

/* The same, and the whole reply as JSON; the caller frees it. -EPROTO: it is none. */
int openai_ask(
	struct openai *server, const struct openai_request *request, cJSON **out, struct err *err);

/* The names of the models that the server has, ", " between them. 0 or -errno with *err set. */
int openai_models(struct openai *server, struct buf *out, struct err *err);

/* What went wrong in words, from the "error" member of a reply or an event: an object with a
 * message, or a text. NULL: it has none. Points into @json. */
const char *openai_error_text(const cJSON *json);

#endif
