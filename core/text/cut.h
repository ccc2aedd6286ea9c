/* SPDX-License-Identifier: Apache-2.0 */
/* Where a text is best cut in two. */
#ifndef ASKFS_CORE_TEXT_CUT_H
#define ASKFS_CORE_TEXT_CUT_H

#include <stddef.h>

/* Holds ICU's break iterators, made at first use. One thread at a time. */
struct cutter;

int cutter_new(struct cutter **out);
void cutter_free(struct cutter *cutter);

/* The best end of a piece of @text in (@least, @most]: the last end of a paragraph, else of a
 * sentence, else of a word, else of a character as readers see it. @most < @len, and what
 * lies behind it serves to decide. */
size_t cut_end(struct cutter *cutter, const char *text, size_t len, size_t least, size_t most);

/* The best beginning in [@least, @most]: the first one of a sentence, else of a word, else of
 * a character; @most if none is before it. */
size_t cut_start(struct cutter *cutter, const char *text, size_t len, size_t least, size_t most);

#endif
