/* SPDX-License-Identifier: Apache-2.0 */
/* Languages by their function words. */
#ifndef ASKFS_CORE_TEXT_LANGUAGE_H
#define ASKFS_CORE_TEXT_LANGUAGE_H

#include <stddef.h>
#include <stdint.h>

/* In order of preference where two are equally likely. Languages of the Latin script come
 * first, because only among them function words have to decide. */
enum language {
	LANG_ENGLISH,
	LANG_GERMAN,
	LANG_FRENCH,
	LANG_SPANISH,
	LANG_ITALIAN,
	LANG_PORTUGUESE,
	LANG_DUTCH,
	LANG_SWEDISH,
	LANG_DANISH,
	LANG_NORWEGIAN,
	LANG_FINNISH,
	LANG_TURKISH,
	LANG_ROMANIAN,
	LANG_HUNGARIAN,
	LANG_CATALAN,
	LANG_INDONESIAN,
	LANG_LATIN_COUNT,
	LANG_RUSSIAN = LANG_LATIN_COUNT,
	LANG_ARABIC,
	LANG_GREEK,
	LANG_HINDI,
	LANG_ARMENIAN,
	LANG_TAMIL,
	LANG_COUNT,
	LANG_NONE = LANG_COUNT
};

#define LANG_BIT(language) (UINT32_C(1) << (language))
#define LANG_LATIN_MASK	   (LANG_BIT(LANG_LATIN_COUNT) - 1)

/* The languages in which @word (folded, without accents) is a function word, as LANG_BITs.
 * Any thread. */
uint32_t language_function_word(const char *word, size_t len);

/* Votes of a text's function words. Zero-initialise it. */
struct language_vote {
	uint32_t weight[LANG_LATIN_COUNT];
	uint32_t words; /* function words seen */
};

/* Count the word with this mask: one that few languages share weighs more. */
void language_vote_add(struct language_vote *vote, uint32_t mask);

/* The language with the most votes; LANG_NONE where there are fewer than @least words. */
enum language language_vote_best(const struct language_vote *vote, uint32_t least);

/* The languages with at least three quarters of the best one's votes; 0 if there are none. */
uint32_t language_vote_likely(const struct language_vote *vote);

/* The language whose stemmer serves words that begin with code point @c, LANG_NONE where there
 * is none; LANG_ENGLISH stands for every language of the Latin script. */
enum language language_of_script(uint32_t c);

#endif
