/* SPDX-License-Identifier: Apache-2.0 */
/* The reference: one mutex, every search looks at every chunk and sorts what it found. Where
 * another adapter ranks otherwise, this one is right. Nothing is called back with the lock
 * held: what is handed out is copied first. */
#include "core/local/vectors_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/vectors_memory_inside.h"

struct stored *memory_find(struct memory *memory, const struct uuid *id)
{
	for (size_t i = 0; i < memory->document_count; i++)
		if (uuid_equal(&memory->documents[i].id, id))
			return &memory->documents[i];
	return NULL;
}

static struct stored *find_or_make(struct memory *memory, const struct uuid *id)
{
	struct stored *have = memory_find(memory, id);

	if (have)
		return have;
	have = reallocarray(memory->documents, memory->document_count + 1, sizeof(*have));
	if (!have)
		return NULL;
	memory->documents = have;
	have += memory->document_count++;
	*have = (struct stored){.id = *id};
	return have;
}

struct version *memory_version(struct stored *document, uint32_t number)
{
	for (size_t i = 0; document && i < document->version_count; i++)
		if (document->versions[i].number == number)
			return &document->versions[i];
	return NULL;
}

static struct version *find_or_make_version(struct stored *document, uint32_t number)
{
	struct version *have = memory_version(document, number);

	if (have)
		return have;
	have = reallocarray(document->versions, document->version_count + 1, sizeof(*have));
	if (!have)
		return NULL;
	document->versions = have;
	have += document->version_count++;
	*have = (struct version){.number = number};
	return have;
}

/* The first entry whose index is at least @index. */
static size_t find_entry(const struct version *version, uint32_t index)
{
	size_t at = 0;

	while (at < version->count && version->entries[at].chunk.index < index)
		at++;
	return at;
}

struct entry *memory_entry(struct version *version, uint32_t index)
{
	size_t at = version ? find_entry(version, index) : 0;

	return version && at < version->count && version->entries[at].chunk.index == index
		? &version->entries[at]
		: NULL;
}

static void entry_release(struct memory *memory, struct entry *entry)
{
	free((char *)entry->chunk.text);
	free((char *)entry->chunk.heading);
	bag_release(&entry->bag);
	memory->embedding_count -= entry->span_count;
	free(entry->spans);
	free(entry->embeddings);
}

static void drop_version(struct memory *memory, struct stored *document, size_t at)
{
	struct version *version = &document->versions[at];

	for (size_t i = 0; i < version->count; i++)
		entry_release(memory, &version->entries[i]);
	free(version->entries);
	*version = document->versions[--document->version_count];
}

static void drop_document(struct memory *memory, struct stored *document)
{
	while (document->version_count > 0)
		drop_version(memory, document, document->version_count - 1);
	free(document->versions);
	free(document->content_type);
	free(document->path);
	*document = memory->documents[--memory->document_count];
}

int memory_chunk_copy(struct chunk *to, const struct chunk *from)
{
	*to = *from;
	to->text = strndup(from->text, from->text_len);
	to->heading = from->heading ? strdup(from->heading) : NULL;
	if (to->text && (to->heading || !from->heading))
		return 0;
	free((char *)to->text);
	free((char *)to->heading);
	return -ENOMEM;
}

static int put_entry(struct memory *memory, struct version *version, const char *title,
	const struct chunk *chunk)
{
	struct entry new = {0};

	bag_init(&new.bag);
	if (memory_chunk_copy(&new.chunk, chunk))
		return -ENOMEM;
	size_t at = find_entry(version, chunk->index);
	bool is_there = at < version->count && version->entries[at].chunk.index == chunk->index;
	struct entry *entries = version->entries;
	if (!is_there)
		entries = reallocarray(entries, version->count + 1, sizeof(*entries));
	if (entries)
		version->entries = entries;
	if (!entries || bag_fill(&new.bag, title, chunk)) {
		entry_release(memory, &new);
		return -ENOMEM;
	}
	if (is_there)
		entry_release(memory, &entries[at]);
	else
		memmove(entries + at + 1, entries + at, (version->count++ - at) * sizeof(*entries));
	entries[at] = new;
	return 0;
}

static int memory_add(struct vectors *vectors, const struct uuid *id, uint32_t number,
	const char *title, const struct chunk *chunks, size_t count, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	int rc = -ENOMEM;

	pthread_mutex_lock(&memory->lock);
	struct stored *document = find_or_make(memory, id);
	struct version *version = document ? find_or_make_version(document, number) : NULL;
	if (version)
		rc = 0;
	for (size_t i = 0; i < count && !rc; i++)
		rc = put_entry(memory, version, title, &chunks[i]);
	pthread_mutex_unlock(&memory->lock);
	return rc ? memory_short(err) : 0;
}

static int publish_one(struct memory *memory, const struct publication *publication)
{
	struct stored *document = find_or_make(memory, &publication->document);
	char *content_type = strdup(publication->content_type ? publication->content_type : "");
	char *path = strdup(publication->path ? publication->path : "");

	if (!document || !content_type || !path) {
		free(content_type);
		free(path);
		return -ENOMEM;
	}
	for (size_t i = document->version_count; i-- > 0;)
		if (document->versions[i].number != publication->version)
			drop_version(memory, document, i);
	free(document->content_type);
	free(document->path);
	document->content_type = content_type;
	document->path = path;
	document->access = publication->access;
	document->published = publication->version;
	return 0;
}

static int memory_publish(struct vectors *vectors, const struct publication *publications,
	size_t count, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < count && !rc; i++)
		rc = publish_one(memory, &publications[i]);
	pthread_mutex_unlock(&memory->lock);
	return rc ? memory_short(err) : 0;
}

static int memory_discard(
	struct vectors *vectors, const struct uuid *id, uint32_t number, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	(void)err;
	pthread_mutex_lock(&memory->lock);
	struct stored *document = memory_find(memory, id);
	struct version *version = memory_version(document, number);
	if (version && number != document->published) {
		drop_version(memory, document, (size_t)(version - document->versions));
		if (!document->published && document->version_count == 0)
			drop_document(memory, document);
	}
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static int memory_set_access(struct vectors *vectors, const struct uuid *id,
	const struct access *access, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	(void)err;
	pthread_mutex_lock(&memory->lock);
	struct stored *document = memory_find(memory, id);
	if (document)
		document->access = *access;
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static int memory_set_path(
	struct vectors *vectors, const struct uuid *id, const char *path, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	char *copy = strdup(path);

	if (!copy)
		return memory_short(err);
	pthread_mutex_lock(&memory->lock);
	struct stored *document = memory_find(memory, id);
	if (document) {
		free(document->path);
		document->path = copy;
		copy = NULL;
	}
	pthread_mutex_unlock(&memory->lock);
	free(copy);
	return 0;
}

static int memory_remove(struct vectors *vectors, const struct uuid *id, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	(void)err;
	pthread_mutex_lock(&memory->lock);
	struct stored *document = memory_find(memory, id);
	if (document)
		drop_document(memory, document);
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static int check_binding(
	struct memory *memory, const char *model, size_t dimension, struct err *err)
{
	if (memory->embedding_count == 0) {
		char *copy = strdup(model);
		if (!copy)
			return memory_short(err);
		free(memory->model);
		memory->model = copy;
		memory->dimension = dimension;
		return 0;
	}
	if (dimension == memory->dimension && strcmp(model, memory->model) == 0)
		return 0;
	return err_set(err, -EINVAL,
		"the index holds embeddings of %s (%zu numbers each), not of %s (%zu)",
		memory->model, memory->dimension, model, dimension);
}

static int memory_accepts(
	struct vectors *vectors, const char *model, size_t dimension, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	pthread_mutex_lock(&memory->lock);
	int rc = memory->embedding_count ? check_binding(memory, model, dimension, err) : 0;
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

static void forget_embedding(struct memory *memory, struct entry *entry)
{
	memory->embedding_count -= entry->span_count;
	free(entry->spans);
	free(entry->embeddings);
	entry->spans = NULL;
	entry->embeddings = NULL;
	entry->span_count = 0;
}

static int memory_unembed(struct vectors *vectors, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	(void)err;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < memory->document_count; i++)
		for (size_t v = 0; v < memory->documents[i].version_count; v++) {
			struct version *version = &memory->documents[i].versions[v];
			for (size_t k = 0; k < version->count; k++)
				forget_embedding(memory, &version->entries[k]);
		}
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static int take_embedding(struct memory *memory, struct entry *entry,
	const struct embedding *embedding, struct err *err)
{
	size_t floats = embedding->count * memory->dimension;
	struct nearness *spans = calloc(embedding->count + 1, sizeof(*spans));
	float *copy = malloc((floats + 1) * sizeof(*copy));

	if (!spans || !copy) {
		free(spans);
		free(copy);
		return memory_short(err);
	}
	for (size_t i = 0; i < embedding->count; i++)
		spans[i].span = embedding->spans[i];
	if (floats)
		memcpy(copy, embedding->vectors, floats * sizeof(*copy));
	memory->embedding_count += embedding->count - entry->span_count;
	free(entry->spans);
	free(entry->embeddings);
	entry->spans = spans;
	entry->embeddings = copy;
	entry->span_count = embedding->count;
	return 0;
}

static int memory_embed(struct vectors *vectors, const struct uuid *id, uint32_t number,
	const struct embedding *embedding, size_t dimension, const char *model, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	pthread_mutex_lock(&memory->lock);
	struct entry *entry =
		memory_entry(memory_version(memory_find(memory, id), number), embedding->index);
	int rc = check_binding(memory, model, dimension, err);
	if (!rc && !entry)
		rc = err_set(err, -ENOENT, "there is no chunk %u to embed", embedding->index);
	if (!rc)
		rc = take_embedding(memory, entry, embedding, err);
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

/* Copy the first chunk from @index on: 1, 0 if there is none, -ENOMEM. */
static int copy_next(struct memory *memory, const struct uuid *id, uint32_t number, uint32_t index,
	struct chunk *out)
{
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	const struct version *version = memory_version(memory_find(memory, id), number);
	size_t at = version ? find_entry(version, index) : 0;
	if (version && at < version->count)
		rc = memory_chunk_copy(out, &version->entries[at].chunk) ? -ENOMEM : 1;
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

static int memory_chunks(struct vectors *vectors, const struct uuid *id, uint32_t number,
	uint32_t first, uint32_t count, vectors_chunk_fn callback, void *context, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	struct chunk chunk;
	int rc, stop = 0;

	for (; count > 0 && !stop; count--) {
		rc = copy_next(memory, id, number, first, &chunk);
		if (rc <= 0)
			return rc ? memory_short(err) : 0;
		first = chunk.index + 1;
		stop = callback(context, &chunk);
		free((char *)chunk.text);
		free((char *)chunk.heading);
	}
	return 0;
}

static int memory_each(struct vectors *vectors,
	int (*callback)(void *context, const struct uuid *id, uint32_t number), void *context,
	struct err *err)
{
	struct memory *memory = (struct memory *)vectors;

	pthread_mutex_lock(&memory->lock);
	size_t count = memory->document_count;
	AUTO_FREE struct publication *list = calloc(count + 1, sizeof(*list));
	for (size_t i = 0; list && i < count; i++) {
		list[i].document = memory->documents[i].id;
		list[i].version = memory->documents[i].published;
	}
	pthread_mutex_unlock(&memory->lock);
	if (!list)
		return memory_short(err);
	for (size_t i = 0; i < count; i++)
		if (callback(context, &list[i].document, list[i].version))
			break;
	return 0;
}

static int memory_sync(struct vectors *vectors, struct err *err)
{
	(void)vectors;
	(void)err;
	return 0;
}

static int memory_check(struct vectors *vectors, struct buf *report, struct err *err)
{
	(void)vectors;
	(void)report;
	(void)err;
	return 0;
}

static void memory_free(struct vectors *vectors)
{
	struct memory *memory = (struct memory *)vectors;

	while (memory->document_count > 0)
		drop_document(memory, memory->documents);
	free(memory->documents);
	free(memory->model);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static const struct vectors_ops memory_ops = {
	.name = "memory",
	.add = memory_add,
	.publish = memory_publish,
	.discard = memory_discard,
	.set_access = memory_set_access,
	.set_path = memory_set_path,
	.remove = memory_remove,
	.embed = memory_embed,
	.accepts = memory_accepts,
	.unembed = memory_unembed,
	.similar = memory_similar,
	.words = memory_words,
	.dense = memory_dense,
	.chunks = memory_chunks,
	.each = memory_each,
	.sync = memory_sync,
	.check = memory_check,
	.free = memory_free,
};

int vectors_memory_new(struct vectors **out)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->vectors.ops = &memory_ops;
	pthread_mutex_init(&memory->lock, NULL);
	*out = &memory->vectors;
	return 0;
}
