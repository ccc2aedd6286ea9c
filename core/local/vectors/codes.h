/* SPDX-License-Identifier: Apache-2.0 */
/* The embeddings of one chunk as a row keeps them: for each part of it the span, a scale (a float),
 * and a byte a dimension. Byte order is the machine's. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_CODES_H
#define ASKFS_CORE_LOCAL_VECTORS_CODES_H

#include <sys/types.h>

#include "core/buf.h"
#include "core/local/dense.h"
#include "core/vectors.h"

/* Append the codes of @embedding. 0 or -ENOMEM. Any thread. */
int codes_pack(const struct embedding *embedding, size_t dimension, struct buf *out);

/* How many there are in @size bytes; -1 if that cannot be. */
ssize_t codes_count(size_t size, size_t dimension);

/* Number @i of them, and if @span is not NULL its span; points into @codes. */
struct dense_code codes_at(const void *codes, size_t dimension, size_t i, struct span *span);

#endif
