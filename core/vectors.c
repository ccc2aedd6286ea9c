/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatchers of the port: the only callers of an adapter's entries. */
#include "core/vectors.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/health.h"

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
	return health_note(HEALTH_VECTORS,
		vectors->ops->add(vectors, document, version, title, chunks, count, err), err);
}

int vectors_publish(struct vectors *vectors, const struct publication *publications, size_t count,
	struct err *err)
{
	return health_note(
		HEALTH_VECTORS, vectors->ops->publish(vectors, publications, count, err), err);
}

int vectors_discard(
	struct vectors *vectors, const struct uuid *document, uint32_t version, struct err *err)
{
	return health_note(
		HEALTH_VECTORS, vectors->ops->discard(vectors, document, version, err), err);
}

int vectors_set_access(struct vectors *vectors, const struct uuid *document,
	const struct access *access, struct err *err)
{
	return health_note(
		HEALTH_VECTORS, vectors->ops->set_access(vectors, document, access, err), err);
}

int vectors_set_path(
	struct vectors *vectors, const struct uuid *document, const char *path, struct err *err)
{
	return health_note(
		HEALTH_VECTORS, vectors->ops->set_path(vectors, document, path, err), err);
}

int vectors_remove(struct vectors *vectors, const struct uuid *document, struct err *err)
{
	return health_note(HEALTH_VECTORS, vectors->ops->remove(vectors, document, err), err);
}

int vectors_embed(struct vectors *vectors, const struct uuid *document, uint32_t version,
	const struct embedding *embedding, size_t dimension, const char *model, struct err *err)
{
	return health_note(HEALTH_VECTORS,
		vectors->ops->embed(vectors, document, version, embedding, dimension, model, err),
		err);
}

int vectors_accepts(struct vectors *vectors, const char *model, size_t dimension, struct err *err)
{
	return vectors->ops->accepts(vectors, model, dimension, err);
}

int vectors_unembed(struct vectors *vectors, struct err *err)
{
	return health_note(HEALTH_VECTORS, vectors->ops->unembed(vectors, err), err);
}

int vectors_similar(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t index, const float *embedding, size_t dimension, struct nearness **out,
	size_t *count, struct err *err)
{
	*out = NULL;
	*count = 0;
	return health_note(HEALTH_VECTORS,
		vectors->ops->similar(
			vectors, document, version, index, embedding, dimension, out, count, err),
		err);
}

int vectors_words(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	assert(query->caller && query->text);
	return health_note(HEALTH_VECTORS, vectors->ops->words(vectors, query, out, err), err);
}

int vectors_dense(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	assert(query->caller && query->embedding);
	return health_note(HEALTH_VECTORS, vectors->ops->dense(vectors, query, out, err), err);
}

int vectors_chunks(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t first, uint32_t count, vectors_chunk_fn callback, void *context, struct err *err)
{
	return health_note(HEALTH_VECTORS,
		vectors->ops->chunks(
			vectors, document, version, first, count, callback, context, err),
		err);
}

static int take_chunk(void *context, const struct chunk *chunk)
{
	struct chunk *out = context;

	*out = *chunk;
	out->text = strndup(chunk->text, chunk->text_len);
	out->heading = chunk->heading ? strdup(chunk->heading) : NULL;
	if (chunk->heading && !out->heading)
		free((char *)TAKE_PTR(out->text));
	return 1;
}

int vectors_fill(struct vectors *vectors, struct hit *hit, struct err *err)
{
	static const char none[] = "";
	struct chunk chunk = {.text = none};

	if (hit->chunk.text)
		return 0;
	int rc = vectors_chunks(vectors, &hit->document, hit->version, hit->chunk.index, 1,
		take_chunk, &chunk, err);

	if (rc < 0 || chunk.text == none)
		return rc < 0 ? rc : -ENOENT;
	hit->chunk = chunk; /* what it has is released, whatever comes */
	return chunk.text ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int vectors_each(struct vectors *vectors,
	int (*callback)(void *context, const struct uuid *document, uint32_t version),
	void *context, struct err *err)
{
	return health_note(
		HEALTH_VECTORS, vectors->ops->each(vectors, callback, context, err), err);
}

int vectors_sync(struct vectors *vectors, struct err *err)
{
	return health_note(HEALTH_VECTORS, vectors->ops->sync(vectors, err), err);
}

int vectors_check(struct vectors *vectors, struct buf *report, struct err *err)
{
	return health_note(HEALTH_VECTORS, vectors->ops->check(vectors, report, err), err);
}

void vectors_free(struct vectors *vectors)
{
	if (vectors)
		vectors->ops->free(vectors);
}
