/* SPDX-License-Identifier: Apache-2.0 */
/* A tokeniser: text to the numbers that a model knows pieces of words by. */
#ifndef ASKFS_CORE_LOCAL_EMBED_PIECES_H
#define ASKFS_CORE_LOCAL_EMBED_PIECES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

struct pieces;

/* SentencePiece's unigram model as a packed file has it, from @data on: 32-bit counts of pieces,
 * begin, end, padding, unknown; the pieces' texts and scores; the table of normalisation. The
 * bytes must stay as long as the tokeniser lives. *used: how many belong to it. 0; -EBADMSG
 * with *err set, -ENOMEM. */
int pieces_from_packed(
	struct pieces **out, const uint8_t *data, size_t size, size_t *used, struct err *err);

/* tokenizer.json (WordPiece, or unigram), else vocab.txt (WordPiece), of a folder in Hugging
 * Face's layout. 0; -ENOENT, -EBADMSG, -EOPNOTSUPP with *err set. */
int pieces_from_folder(struct pieces **out, const char *folder, struct err *err);

void pieces_free(struct pieces *pieces);

/* Numbers below this one are given out. */
size_t pieces_count(const struct pieces *pieces);

/* The pieces of @text between the marks of begin and end, at most @max (2 or more) numbers; the
 * rest of the text is left out. Invalid UTF-8 becomes U+FFFD first. The number of numbers, or
 * -ENOMEM. Any thread. Linear in @len. */
ssize_t pieces_encode(
	const struct pieces *pieces, const char *text, size_t len, uint32_t *ids, size_t max);

#endif
