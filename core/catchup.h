/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that came when there was no embedder, or another one, get their embeddings while
 * nothing else is to do. Everything belongs to the loop thread. */
#ifndef ASKFS_CORE_CATCHUP_H
#define ASKFS_CORE_CATCHUP_H

#include <stdbool.h>

#include "core/ingest.h"
#include "core/library.h"
#include "core/loop.h"
#include "core/pool.h"
#include "core/ports.h"

struct catchup;

/* What it works with; all of it outlives it. */
struct catchup_parts {
	struct loop *loop;
	struct pool *io;
	struct library *library;
	struct ports *ports; /* with an embedder */
	struct ingest *ingest;
};

/* 0 or -ENOMEM. */
int catchup_new(struct catchup **out, const struct catchup_parts *parts);

/* Look for such documents, once, and queue them, a few at a time. What fails changes nothing and
 * is tried again after the next start. */
void catchup_start(struct catchup *catchup);

/* Queue no more. NULL is accepted here and below. */
void catchup_stop(struct catchup *catchup);

/* True while something it began has not come back. */
bool catchup_is_busy(const struct catchup *catchup);
void catchup_free(struct catchup *catchup);

#endif
