/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of a text: what is quoted, and later what is embedded. */
#ifndef ASKFS_CORE_TEXT_SENTENCE_H
#define ASKFS_CORE_TEXT_SENTENCE_H

#include <stddef.h>

/* Bytes [start, end) of the text, blanks at both ends left out. */
typedef int (*sentence_fn)(void *context, size_t start, size_t end);

/* Every sentence of @text (valid UTF-8) in order: ICU's sentence breaks, mended where they
 * break after abbreviations ("Dr. Who", "z. B.", "No. 5", initials), and at blank lines and
 * list items. A non-zero callback stops. 0, -ENOMEM, or what the callback returned. Any
 * thread. */
int sentence_each(const char *text, size_t len, sentence_fn callback, void *context);

#endif
