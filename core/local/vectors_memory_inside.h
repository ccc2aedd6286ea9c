/* SPDX-License-Identifier: Apache-2.0 */
/* What vectors_memory.c keeps, for vectors_memory_search.c. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_MEMORY_INSIDE_H
#define ASKFS_CORE_LOCAL_VECTORS_MEMORY_INSIDE_H

#include <errno.h>
#include <pthread.h>

#include "core/local/lexical/bag.h"
#include "core/vectors.h"

struct entry {
	struct chunk chunk; /* text and heading owned */
	struct bag bag;
	struct nearness *spans; /* cosine unused; NULL: none yet */
	float *embeddings; /* one a span */
	size_t span_count;
};

struct version {
	uint32_t number;
	struct entry *entries; /* by index */
	size_t count;
};

struct stored {
	struct uuid id;
	struct access access;
	char *content_type, *path;
	uint32_t published; /* 0: none */
	struct version *versions;
	size_t version_count;
};

struct memory {
	struct vectors vectors;
	pthread_mutex_t lock;
	struct stored *documents; /* lock; in no order */
	size_t document_count; /* lock */
	char *model; /* lock; what the embeddings are made with */
	size_t dimension; /* lock */
	size_t embedding_count; /* lock */
};

static inline int memory_short(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* The version of that number, NULL: none; @document may be NULL. */
struct version *memory_version(struct stored *document, uint32_t number);

/* The chunk of that index, NULL: none; @version may be NULL. */
struct entry *memory_entry(struct version *version, uint32_t index);

/* The document, NULL: none. */
struct stored *memory_find(struct memory *memory, const struct uuid *id);

/* A copy whose text and heading are heap memory. */
int memory_chunk_copy(struct chunk *to, const struct chunk *from);

int memory_words(
	struct vectors *, const struct search_query *, struct search_result *out, struct err *);
int memory_similar(struct vectors *, const struct uuid *document, uint32_t version, uint32_t index,
	const float *embedding, size_t dimension, struct nearness **out, size_t *count,
	struct err *err);
int memory_dense(
	struct vectors *, const struct search_query *, struct search_result *out, struct err *);

#endif
