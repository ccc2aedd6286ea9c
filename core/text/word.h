/* SPDX-License-Identifier: Apache-2.0 */
/* Where words are, before anything is known of their language. */
#ifndef ASKFS_CORE_TEXT_WORD_H
#define ASKFS_CORE_TEXT_WORD_H

#include <stdbool.h>
#include <stddef.h>

enum word_kind {
	WORD_SPACED, /* a script with blanks between words, or a number */
	WORD_IDEOGRAM, /* a run of Chinese, Japanese or Korean: no blanks, short words */
	WORD_UNSPACED, /* a run of Thai, Lao, Khmer or Burmese: no blanks, needs a dictionary */
};

/* Bytes [start, end) of the text: letters, marks and digits of one kind. A WORD_SPACED may
 * hold joiners: single signs between two of its characters that do not always part words
 * ("foo_bar", "3.14", "don't", "a@b.org"). */
struct word {
	enum word_kind kind;
	size_t start, end;
	bool has_joiner, has_digit, is_ascii;
};

/* The next word at or behind *at, which moves behind it. False at the end of the text.
 * Invalid UTF-8 parts words. */
bool word_next(const char *text, size_t len, size_t *at, struct word *word);

/* The length in bytes of the joiner at @text, 0 if there is none. @len > 0. */
size_t word_joiner(const char *text, size_t len);

#endif
