/* SPDX-License-Identifier: Apache-2.0 */
/* One spelling for what readers take as the same word. */
#ifndef ASKFS_CORE_TEXT_FOLD_H
#define ASKFS_CORE_TEXT_FOLD_H

#include <stddef.h>

/* Longer words are cut, in documents and in questions alike. */
#define FOLD_MAX 96

/* A folded word: UTF-8, not NUL-terminated. */
struct folded {
	size_t len;
	char text[FOLD_MAX];
};

/* Lower case (full case folding), compatibility forms, decimal digits of every script as
 * ASCII; marks that readers leave out are dropped (Arabic and Hebrew vowel points, tatweel,
 * stress marks). Accents stay, because stemmers need them. Any thread. */
void fold_word(const char *word, size_t len, struct folded *out);

/* Drop the accents of Latin and Greek letters, and those of Cyrillic ones that readers leave
 * out. Signs that are parts of letters (Indic vowels, kana voicing, the breve of short i)
 * stay. In place. Any thread. */
void fold_accents(struct folded *folded);

#endif
