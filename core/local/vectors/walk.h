/* SPDX-License-Identifier: Apache-2.0 */
/* All chunks of a store, read beside a daemon that uses it meanwhile. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_WALK_H
#define ASKFS_CORE_LOCAL_VECTORS_WALK_H

#include "core/vectors.h"

struct chunk_walk;

/* Open the store in @folder for reading. *count: about how many chunks there are. 0 or -errno:
 * -ENOENT if there is none. One thread uses a walk. */
int chunk_walk_open(struct chunk_walk **out, const char *folder, uint64_t *count, struct err *err);

/* Call @callback for the next few chunks that are in use; what it is given lives until it
 * returns, and its result is passed over. Nothing is held open in the store between two calls.
 * How many, 0 at the end, -errno. */
int chunk_walk_next(
	struct chunk_walk *walk, vectors_chunk_fn callback, void *context, struct err *err);

void chunk_walk_free(struct chunk_walk *walk);

#endif
