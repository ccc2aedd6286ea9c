/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog in memory: for tests, and for a knowledge base that shall leave nothing behind. */
#ifndef ASKFS_CORE_LOCAL_CATALOG_MEMORY_H
#define ASKFS_CORE_LOCAL_CATALOG_MEMORY_H

#include "core/catalog.h"

/* 0 or -ENOMEM with *err set. */
int catalog_memory_new(struct catalog **out, struct err *err);

#endif
