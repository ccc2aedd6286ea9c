/* SPDX-License-Identifier: Apache-2.0 */
/* Does a sentence say the contrary of what a question takes for granted? */
#ifndef ASKFS_CORE_TEXT_CONTRARY_H
#define ASKFS_CORE_TEXT_CONTRARY_H

#include <stdbool.h>
#include <stddef.h>

struct contrary {
	bool is_denied; /* the question negates ("wasn't the first"), and the sentence does not */
	bool is_opposed; /* a word's opposite stands where the question has the word: "least" for
			  * "most", "dependent" for "independent" */
};

/* Compare the words of both. What is not known as a negation or an opposite counts for nothing:
 * English, and less of some other languages. Any thread. */
struct contrary contrary_of(
	const char *question, size_t question_len, const char *sentence, size_t sentence_len);

#endif
