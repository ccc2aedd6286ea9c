/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pipeline: the worker that computes embeddings of versions that answer already. */
#ifndef ASKFS_CORE_INGEST_EMBED_H
#define ASKFS_CORE_INGEST_EMBED_H

#include "core/ingest_attempt.h"

struct ingest_embed;

/* Start the worker. 0 or -errno. */
int ingest_embed_new(struct ingest_embed **out, struct ingest_setup *setup, struct err *err);

/* Hand an attempt over, whose record is PROCESSING. Any thread. */
void ingest_embed_submit(struct ingest_embed *embed, struct attempt *attempt);

/* Attempts that are not complete end LATER; join. NULL is accepted. */
void ingest_embed_free(struct ingest_embed *embed);

#endif
