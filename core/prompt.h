/* SPDX-License-Identifier: Apache-2.0 */
/* What a language model is told: the rules, the conversation, the passages and the question.
 * Passages are data: each stands between marks that its text cannot write itself. */
#ifndef ASKFS_CORE_PROMPT_H
#define ASKFS_CORE_PROMPT_H

#include <stddef.h>

#include "core/chat.h"
#include "core/generator.h"

/* The rules where the user has none of their own. */
extern const char prompt_rules[];

struct prompt_limits {
	size_t tokens; /* of the whole, about */
	size_t history_tokens; /* of the earlier turns */
};

/* Build it: the rules, then as many of the latest turns as fit, then the passages, the best first,
 * and the question. Neighbouring chunks of one document become one passage, under the number of the
 * better one. The question and the best passage are always in it. @out is empty before; 0 or
 * -ENOMEM, -EFBIG with @out empty. Any thread. */
int prompt_build(const struct generator_request *request, const char *rules,
	const struct prompt_limits *limits, struct chat *out);

/* Append passages as a prompt has them, about @tokens tokens of them at most, but the first one
 * always. @numbers[i] is what passage i is cited by; NULL: i + 1. 0 or -errno. */
int prompt_add_passages(struct buf *out, const struct passage *passages, size_t count,
	const size_t *numbers, size_t tokens);

/* Append text that is not ours, as data in a prompt: it can't end the passage that it is in. */
void prompt_add_text(struct buf *out, const char *text, size_t len);

#endif
