/* SPDX-License-Identifier: Apache-2.0 */
/* Words to stems, by language, with a memory for frequent words. */
#ifndef ASKFS_CORE_TEXT_STEM_H
#define ASKFS_CORE_TEXT_STEM_H

#include <stddef.h>

#include "core/text/fold.h"
#include "core/text/language.h"

/* Snowball stemmers, made at first use, and a cache of what words became. One thread at a
 * time. */
struct stemmer;

int stemmer_new(struct stemmer **out);
void stemmer_free(struct stemmer *stemmer);

/* The token of a word of a text in @language: folded, stemmed, without accents. A language
 * without a stemmer leaves the stem as it is. */
void stemmer_run(struct stemmer *stemmer, enum language language, const char *word, size_t len,
	struct folded *out);

#endif
