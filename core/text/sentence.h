/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of a text: what is quoted, and later what is embedded. */
#ifndef ASKFS_CORE_TEXT_SENTENCE_H
#define ASKFS_CORE_TEXT_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes [start, end) of the text, blanks at both ends left out. */
typedef int (*sentence_fn)(void *context, size_t start, size_t end);

/* Every sentence of @text (valid UTF-8) in order: the sentence breaks of UAX #29, mended where
 * they break after abbreviations ("Dr. Who", "z. B.", "No. 5", initials), and at blank lines,
 * headings, list items and table rows. Scripts that do not end their sentences (Thai) break at
 * blanks, in pieces that are fit to be quoted. A non-zero callback stops. 0, -ENOMEM, or what
 * the callback returned. Any thread. */
int sentence_each(const char *text, size_t len, sentence_fn callback, void *context);

/* False for bytes that are not worth a call of sentence_end_at; from 0xd6 on stand the lead
 * bytes of terminators outside ASCII. */
static inline bool sentence_may_end(char byte)
{
	unsigned char c = (unsigned char)byte;

	return c < 0x80 ? c == '.' || c == '\n' || c == '!' || c == '?' || c == '\f' : c >= 0xd6;
}

/* If a sentence ends with the character at @at (a full stop, a line's end), the offset behind
 * it and its closing signs; else 0. Looks at a few hundred bytes around @at, no more. */
size_t sentence_end_at(const char *text, size_t len, size_t at);

/* The first offset from @at on where something else than a blank stands; @len if none does. */
size_t sentence_skip_blanks(const char *text, size_t len, size_t at);

/* @end with the blanks before it, down to @start, left out. */
size_t sentence_trim_blanks(const char *text, size_t start, size_t end);

#endif
