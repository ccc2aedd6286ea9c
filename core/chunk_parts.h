/* SPDX-License-Identifier: Apache-2.0 */
/* What of a chunk gets a vector: the whole, or each of its sentences. */
#ifndef ASKFS_CORE_CHUNK_PARTS_H
#define ASKFS_CORE_CHUNK_PARTS_H

#include "core/chunk.h"
#include "core/embedder.h"
#include "core/vectors.h"

/* A part: @len bytes of the chunk's text, and where they are in text.txt. Non-zero stops. */
typedef int (*chunk_part_fn)(void *context, const char *text, size_t len, const struct span *span);

/* Every part of @chunk that has a letter or a digit, in order; sentences are cut as the answerer
 * cuts them, so that it finds them again. 0, -ENOMEM, or what the callback returned. Any
 * thread. */
int chunk_parts(
	const struct chunk *chunk, enum embed_unit unit, chunk_part_fn callback, void *context);

#endif
