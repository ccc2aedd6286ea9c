/* SPDX-License-Identifier: Apache-2.0 */
/* What a language model is told: the rules, the conversation, the passages and the question.
 * Passages are data: each stands between marks that its text cannot write itself. */
#ifndef ASKFS_CORE_PROMPT_H
#define ASKFS_CORE_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/generator.h"

/* The rules where the user has none of their own. */
extern const char prompt_rules[];

struct prompt_message {
	bool is_model; /* said by the model; else by the user */
	char *text;
};

/* Zero-initialise it; prompt_release frees what is inside. */
struct prompt {
	char *rules;
	struct prompt_message *messages; /* the last one holds passages and question */
	size_t count;
};

/* Build it, about @tokens tokens large at most: the best passages first, then the latest turns.
 * Neighbouring chunks of one document become one passage, under the number of the better one. The
 * question and the best passage are always in it. 0 or -ENOMEM, -EFBIG. Any thread. */
int prompt_build(const struct generator_request *request, const char *rules, size_t tokens,
	struct prompt *out);
void prompt_release(struct prompt *prompt);

#endif
