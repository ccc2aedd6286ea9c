/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of thing a question asks for, and whether a sentence holds one. */
#ifndef ASKFS_CORE_TEXT_ASKS_H
#define ASKFS_CORE_TEXT_ASKS_H

#include <stdbool.h>
#include <stddef.h>

enum asks { ASKS_ANYTHING, ASKS_TIME, ASKS_NUMBER, ASKS_PERSON, ASKS_PLACE };

/* By its interrogatives ("when", "wie viele", "谁") and nouns ("what year"). Any thread. */
enum asks asks_of(const char *question, size_t len);

/* Does it ask about several documents ("compare …", "list all …"), so that one sentence of each
 * says more than three of one? Then [*start, *end) are the bytes that ask so, which are no word
 * of the matter; both may be NULL. Any thread. */
bool asks_for_several(const char *question, size_t len, size_t *start, size_t *end);

/* How well the word [@text, @len) of a sentence would do for an answer, 0 to 1: a number or a
 * date by its digits and number words, a name by its capital. @is_first: it begins the
 * sentence, where a capital says less. */
double asks_fit(enum asks asks, const char *word, size_t len, bool is_first);

/* Would asks_fit() know an answer of this kind in the sentence? Not without capitals or the
 * number words of its language: true for the Latin script alone. Any thread. */
bool asks_shows(enum asks asks, const char *sentence, size_t len);

#endif
