/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks in memory, searched by looking at every one of them: for tests and for trying out. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_MEMORY_H
#define ASKFS_CORE_LOCAL_VECTORS_MEMORY_H

#include "core/vectors.h"

/* Nothing is kept beyond the life of the object. 0 or -ENOMEM. */
int vectors_memory_new(struct vectors **out);

#endif
