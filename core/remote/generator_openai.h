/* SPDX-License-Identifier: Apache-2.0 */
/* Answers by a language model on a server that speaks OpenAI's chat completions. */
#ifndef ASKFS_CORE_REMOTE_GENERATOR_OPENAI_H
#define ASKFS_CORE_REMOTE_GENERATOR_OPENAI_H

#include "core/generator.h"
#include "core/remote/openai.h"

/* @model is copied. 0: the generator owns @server; -errno with *err set: @server stays the
 * caller's. */
int generator_openai_new(
	struct generator **out, struct openai *server, const char *model, struct err *err);

#endif
