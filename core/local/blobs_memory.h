/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs in memory: for tests, and for a knowledge base that shall leave nothing behind. */
#ifndef ASKFS_CORE_LOCAL_BLOBS_MEMORY_H
#define ASKFS_CORE_LOCAL_BLOBS_MEMORY_H

#include "core/blobs.h"

/* 0 or -ENOMEM with *err set. */
int blobs_memory_new(struct blobs **out, struct err *err);

#endif
