/* SPDX-License-Identifier: Apache-2.0 */
/* Port: a question, its passages and its history to a stream of answer text; or a conversation
 * with tools to what the model says next. */
#ifndef ASKFS_CORE_GENERATOR_H
#define ASKFS_CORE_GENERATOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/chat.h"
#include "core/err.h"
#include "core/vectors.h"

/* What an answer says when the documents hold none. */
#define GENERATOR_REFUSAL "The documents do not say."

/* An earlier turn of the conversation, oldest first. */
struct exchange {
	const char *question;
	const char *answer; /* without its list of sources */
};

/* Retrieved text that the answer may use, best first; number n is cited as [n] (from 1). */
struct passage {
	const struct hit *hit;
	const char *title; /* the document's title, else its file name; UTF-8 */
	double score; /* fused, 0 to 1 */
	double dense; /* cosine, -1 where there is none */
	const struct nearness *nearness; /* of its sentences, in order; NULL: not embedded */
	size_t nearness_count;
};

struct generator_request {
	const char *question;
	const struct exchange *history;
	size_t history_count;
	const struct passage *passages;
	size_t passage_count;
	const struct query_term *terms; /* the question's words with their idf */
	size_t term_count;
	double unrelated; /* the cosine that texts have which are not about the same */
	const atomic_bool *cancelled; /* set by another thread: stop soon; may be NULL */
};

/* Takes answer text as it is made, whole UTF-8 characters. Non-zero stops the generator,
 * which then returns -ECANCELED. */
typedef int (*generator_sink)(void *context, const char *text, size_t len);

/* A verbatim quotation the answer is made of. */
struct quote {
	size_t passage; /* index into the request's passages */
	uint64_t start_char, end_char;
	char *text; /* owned */
};

/* What came out. Zero-initialise it; generation_release frees what is inside. */
struct generation {
	struct buf text; /* all that went to the sink; its [n] cite passages */
	struct quote *quotes;
	size_t quote_count;
	bool refused; /* the documents hold no answer */
	double confidence; /* 0 to 1: calibrated probability that the answer is right; negative:
			    * the generator cannot know it */
	uint64_t input_tokens, output_tokens;
};

void generation_init(struct generation *generation);
void generation_release(struct generation *generation);

struct generator {
	const struct generator_ops *ops; /* first member of every adapter */
};

/* Any thread, several at once; may block for long. An adapter has generate (it quotes, and makes
 * its own way from passages to an answer) or chat (a language model, which core/agent.c leads). */
struct generator_ops {
	const char *name;
	const char *(*model)(struct generator *); /* for model_id */

	/* Answer. 0 or -errno with *err set; -ECANCELED when it was stopped; -EAGAIN when it was
	 * broken off, and may be asked again at once. */
	int (*generate)(struct generator *, const struct generator_request *, generator_sink,
		void *context, struct generation *out, struct err *);

	/* What comes next in the conversation: text to the sink, and tools that the model wants
	 * called. As generate; and -E2BIG: the conversation is too long for the model; -ENOTSUP:
	 * the model has no tools, and may be asked without them. */
	int (*chat)(struct generator *, const struct chat_request *, generator_sink, void *context,
		struct chat_reply *out, struct err *);

	void (*free)(struct generator *);
};

const char *generator_model(struct generator *);
int generator_generate(struct generator *, const struct generator_request *, generator_sink,
	void *context, struct generation *out, struct err *);
bool generator_can_chat(const struct generator *);

/* @sink: NULL: nobody listens, the reply has it all. */
int generator_chat(struct generator *, const struct chat_request *, generator_sink, void *context,
	struct chat_reply *out, struct err *);
void generator_free(struct generator *);

/* Calls since start, for metrics and for tests that count. Any thread. */
uint64_t generator_calls(void);

#endif
