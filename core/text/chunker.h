/* SPDX-License-Identifier: Apache-2.0 */
/* Text to chunks: paragraphs first, then sentences, then words. */
#ifndef ASKFS_CORE_TEXT_CHUNKER_H
#define ASKFS_CORE_TEXT_CHUNKER_H

#include <stddef.h>
#include <stdint.h>

#include "core/chunk.h"
#include "core/parser.h"

struct chunker;

/* Takes chunks in order; @chunk points into the chunker and is valid until it returns.
 * Non-zero stops and becomes the result. */
typedef int (*chunker_fn)(void *context, const struct chunk *chunk);

/* Chunks of at most @size code points, each beginning with up to @overlap code points of the
 * one before (@overlap < @size). 0, -EINVAL, -ENOMEM. Memory is bounded by a few hundred KiB
 * whatever the text's length. One thread at a time. */
int chunker_new(
	struct chunker **out, size_t size, size_t overlap, chunker_fn callback, void *context);

/* Feed text (valid UTF-8, whole characters) and marks as the parser gives them; a mark comes
 * before the text it points at. Chunks come out as soon as they are certain. The result does
 * not depend on how the text was cut into pieces. */
int chunker_text(struct chunker *chunker, const char *utf8, size_t len);
int chunker_mark(struct chunker *chunker, const struct mark *mark);

/* The text has ended: the rest comes out. White space alone gives no chunk. */
int chunker_finish(struct chunker *chunker);
void chunker_free(struct chunker *chunker);

#endif
