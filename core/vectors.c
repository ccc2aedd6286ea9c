/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatchers of the port: the only callers of an adapter's entries. */
#include "core/vectors.h"

#include <assert.h>
#include <stdlib.h>

void search_result_release(struct search_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->hit_count; i++) {
		free((char *)result->hits[i].chunk.text);
		free((char *)result->hits[i].chunk.heading);
	}
	for (size_t i = 0; i < result->term_count; i++)
		free(result->terms[i].text);
	free(result->hits);
	free(result->terms);
	*result = (struct search_result){0};
}

int vectors_add(struct vectors *vectors, const struct uuid *document, uint32_t version,
	const char *title, const struct chunk *chunks, size_t count, struct err *err)
{
	assert(version > 0);
	return vectors->ops->add(vectors, document, version, title, chunks, count, err);
}

int vectors_publish(struct vectors *vectors, const struct publication *publications, size_t count,
	struct err *err)
{
	return vectors->ops->publish(vectors, publications, count, err);
}

int vectors_discard(
	struct vectors *vectors, const struct uuid *document, uint32_t version, struct err *err)
{
	return vectors->ops->discard(vectors, document, version, err);
}

int vectors_set_access(struct vectors *vectors, const struct uuid *document,
	const struct access *access, struct err *err)
{
	return vectors->ops->set_access(vectors, document, access, err);
}

int vectors_set_path(
	struct vectors *vectors, const struct uuid *document, const char *path, struct err *err)
{
	return vectors->ops->set_path(vectors, document, path, err);
}

int vectors_remove(struct vectors *vectors, const struct uuid *document, struct err *err)
{
	return vectors->ops->remove(vectors, document, err);
}

int vectors_embed(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t first, const float *embeddings, size_t count, size_t dimension, const char *model,
	struct err *err)
{
	return vectors->ops->embed(
		vectors, document, version, first, embeddings, count, dimension, model, err);
}

int vectors_words(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	assert(query->caller && query->text);
	return vectors->ops->words(vectors, query, out, err);
}

int vectors_dense(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	assert(query->caller && query->embedding);
	return vectors->ops->dense(vectors, query, out, err);
}

int vectors_chunks(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t first, uint32_t count, vectors_chunk_fn callback, void *context, struct err *err)
{
	return vectors->ops->chunks(
		vectors, document, version, first, count, callback, context, err);
}

int vectors_each(struct vectors *vectors,
	int (*callback)(void *context, const struct uuid *document, uint32_t version),
	void *context, struct err *err)
{
	return vectors->ops->each(vectors, callback, context, err);
}

int vectors_sync(struct vectors *vectors, struct err *err)
{
	return vectors->ops->sync(vectors, err);
}

int vectors_check(struct vectors *vectors, struct buf *report, struct err *err)
{
	return vectors->ops->check(vectors, report, err);
}

void vectors_free(struct vectors *vectors)
{
	if (vectors)
		vectors->ops->free(vectors);
}
