/* SPDX-License-Identifier: Apache-2.0 */
/* Answers by a language model on a server that speaks OpenAI's chat completions. */
#ifndef ASKFS_CORE_REMOTE_GENERATOR_OPENAI_H
#define ASKFS_CORE_REMOTE_GENERATOR_OPENAI_H

#include "core/generator.h"
#include "core/remote/openai.h"

/* Borrowed for the call. */
struct generator_openai_settings {
	const char *model;
	const char *rules; /* the system prompt */
	size_t context_tokens; /* of a prompt, about */
	size_t answer_tokens; /* of an answer at most */
};

/* 0: the generator owns @server; -errno with *err set: @server stays the caller's. */
int generator_openai_new(struct generator **out, struct openai *server,
	const struct generator_openai_settings *settings, struct err *err);

#endif
