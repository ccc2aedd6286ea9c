/* SPDX-License-Identifier: Apache-2.0 */
/* A wrapper around any embedder: the same passage is never embedded twice with one model. */
#ifndef ASKFS_CORE_LOCAL_EMBEDDER_CACHED_H
#define ASKFS_CORE_LOCAL_EMBEDDER_CACHED_H

#include <stddef.h>

#include "core/embedder.h"

/* Remember the passages' vectors of @inner in embeddings.db in the folder @state_path, about
 * @max_bytes of them, one at least: the least recently used go first. A file that cannot be used
 * is made anew. 0: the wrapper owns @inner; -errno with *err set: @inner stays the caller's. */
int embedder_cached_new(struct embedder **out, struct embedder *inner, const char *state_path,
	uint64_t max_bytes, struct err *err);

#endif
