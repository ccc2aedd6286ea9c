/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece's table of normalisation as tokenizer.json holds it: a double-array trie (Aoe
 * 1989; Yata's darts-clone) of byte strings, and what each becomes. */
#ifndef ASKFS_CORE_LOCAL_EMBED_CHARSMAP_H
#define ASKFS_CORE_LOCAL_EMBED_CHARSMAP_H

#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"

struct charsmap;

/* Decode it from base64. 0; -EBADMSG or -ENOMEM with *err set. */
int charsmap_new(struct charsmap **out, const char *base64, struct err *err);
void charsmap_free(struct charsmap *charsmap);

/* Append what @text (valid UTF-8) becomes, as Hugging Face's normaliser "Precompiled" does it: a
 * grapheme of less than six bytes is looked up as a whole, the others character by character.
 * 0 or -ENOMEM. Any thread. */
int charsmap_apply(const struct charsmap *charsmap, const char *text, size_t len, struct buf *out);

#endif
