/* SPDX-License-Identifier: Apache-2.0 */
/* Words, by script: what the words' index stores and what a question is made of. */
#ifndef ASKFS_CORE_TEXT_TOKENIZER_H
#define ASKFS_CORE_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

/* A tokenizer holds break iterators and stemmers: costly to make, cheap to use again. One
 * thread at a time; each worker has its own (tokenizer_mine). */
struct tokenizer;

/* A token: folded (case, accents, compatibility forms) and stemmed, UTF-8, not
 * NUL-terminated, valid until the callback returns. */
struct token {
	const char *text;
	size_t len;
	size_t start, end; /* bytes of the source text it stands for */
};

typedef int (*token_fn)(void *context, const struct token *token);

int tokenizer_new(struct tokenizer **out);
void tokenizer_free(struct tokenizer *tokenizer);

/* The calling thread's own tokenizer, made at first use and freed when the thread ends. NULL
 * only when memory is short. */
struct tokenizer *tokenizer_mine(void);

/* Every token of @text in order. Invalid UTF-8 is passed over. The stemmer is chosen by the
 * language that the text itself shows (function words and script). A non-zero callback
 * stops. The same word gives the same token in a document and in a question: where the
 * language is in doubt a question may use tokenizer_question. */
int tokenizer_run(struct tokenizer *tokenizer, const char *text, size_t len, token_fn callback,
	void *context);

/* The same for a question, which is too short to show its language: function words of the
 * question's language are left out (unless nothing else is there). Where a word has another
 * stem in another likely language, the further forms may follow as tokens of the same
 * start and end. */
int tokenizer_question(struct tokenizer *tokenizer, const char *text, size_t len, token_fn callback,
	void *context);

/* How many words @text has: a cheap count, without stemming. */
size_t tokenizer_count(struct tokenizer *tokenizer, const char *text, size_t len);

#endif
