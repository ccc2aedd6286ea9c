/* SPDX-License-Identifier: Apache-2.0 */
/* After a kill: bring catalog, vectors and blobs together again. The catalog decides what there
 * is. What the vectors lack of it is put back to what they have, and its file, which is still
 * in the inbox because nothing leaves before it is safe, is ingested again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/chunk_json.h"
#include "core/ingest.h"
#include "core/log.h"

/* A document of the catalog, and what else is known of it. */
struct known {
	struct uuid id;
	bool is_member; /* it has no file in the inbox */
	bool is_processing;
	uint32_t version; /* the catalog's */
	uint32_t published; /* the vectors' */
	uint32_t *versions; /* whose originals are kept */
	size_t version_count;
};

struct recovery {
	const struct ports *ports;
	struct known *known; /* by id */
	size_t count, cap;
	struct uuid *strangers; /* in the vectors alone */
	size_t stranger_count;
};

static int add_known(void *context, const struct document *document)
{
	struct recovery *recovery = context;

	if (recovery->count == recovery->cap) {
		size_t cap = recovery->cap ? 2 * recovery->cap : 256;
		struct known *more = realloc(recovery->known, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		recovery->known = more;
		recovery->cap = cap;
	}
	struct known *known = &recovery->known[recovery->count];
	*known = (struct known){.id = document->id,
		.is_member = !uuid_is_nil(&document->parent),
		.is_processing = document->status == DOC_PROCESSING,
		.version = document->version};
	known->versions = calloc(document->version_count + 1, sizeof(*known->versions));
	if (!known->versions)
		return -ENOMEM;
	for (size_t i = 0; i < document->version_count; i++)
		known->versions[known->version_count++] = document->versions[i].number;
	recovery->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return uuid_compare(&((const struct known *)a)->id, &((const struct known *)b)->id);
}

static struct known *find(struct recovery *recovery, const struct uuid *id)
{
	struct known wanted = {.id = *id};

	return recovery->count
		? bsearch(&wanted, recovery->known, recovery->count, sizeof(wanted), compare)
		: NULL;
}

static int see_vectors(void *context, const struct uuid *document, uint32_t version)
{
	struct recovery *recovery = context;
	struct known *known = find(recovery, document);

	if (known) {
		known->published = version;
		return 0;
	}
	size_t size = (recovery->stranger_count + 1) * sizeof(struct uuid);
	struct uuid *more = realloc(recovery->strangers, size);
	if (!more)
		return -ENOMEM;
	recovery->strangers = more;
	recovery->strangers[recovery->stranger_count++] = *document;
	return 0;
}

static int see_blob(
	void *context, const struct uuid *document, uint32_t version, enum blob_kind kind)
{
	struct recovery *recovery = context;
	struct blob_key key = {.document = *document, .version = version, .kind = kind};
	const struct known *known = find(recovery, document);
	bool is_wanted = known && known->version == version;

	for (size_t i = 0; known && kind == BLOB_ORIGINAL && i < known->version_count; i++)
		is_wanted = is_wanted || known->versions[i] == version;
	return is_wanted ? 0 : blobs_remove(recovery->ports->blobs, &key, NULL);
}

/* Forget the originals of versions that were never published. */
static void drop_unpublished(struct document *record, uint32_t published)
{
	size_t kept = 0;

	for (size_t i = 0; i < record->version_count; i++)
		if (record->versions[i].number <= published)
			record->versions[kept++] = record->versions[i];
		else
			free(record->versions[i].name);
	record->version_count = kept;
}

static int count_chunk(void *context, const struct chunk *chunk)
{
	struct document *record = context;

	record->chunk_count++;
	record->chunks_size += chunk_json_size(&record->id, record->version, chunk);
	record->token_count += chunk->token_count;
	return 0;
}

/* What the record says of the content is the lost version's: say the published one's again. Its
 * hash and time are left empty, so that the file in the inbox is another one in any case. */
static int describe_published(
	struct recovery *recovery, struct document *record, uint32_t published, struct err *err)
{
	struct blob_key key = {.document = record->id, .version = published, .kind = BLOB_TEXT};
	struct stat attr;

	drop_unpublished(record, published);
	record->version = published;
	record->status = published ? DOC_INDEXED : DOC_PENDING;
	record->chunk_count = 0;
	record->chunks_size = 0;
	record->token_count = record->text_size = 0;
	record->mtime_ns = 0;
	memset(record->sha256, 0, sizeof(record->sha256));
	record->updated_ns = document_next_update(record);
	if (!published)
		return 0;
	if (record->version_count)
		record->size = record->versions[record->version_count - 1].size;
	AUTO_CLOSE int fd = blobs_open(recovery->ports->blobs, &key, NULL);
	if (fd >= 0 && fstat(fd, &attr) == 0)
		record->text_size = (uint64_t)attr.st_size;
	return vectors_chunks(recovery->ports->vectors, &record->id, published, 0, UINT32_MAX,
		count_chunk, record, err);
}

/* The walk over the blobs shall take what the record says now: the text of the version that
 * answers stays, and what the lost one stored goes. */
static void know_published(struct known *known)
{
	size_t kept = 0;

	for (size_t i = 0; i < known->version_count; i++)
		if (known->versions[i] <= known->published)
			known->versions[kept++] = known->versions[i];
	known->version_count = kept;
	known->version = known->published;
}

/* The record names a version that the vectors do not have: back to the one they have. */
static int put_back(struct recovery *recovery, struct known *known, struct err *err)
{
	AUTO_DOCUMENT struct document record;
	const struct document *one = &record;
	char text[UUID_TEXT];
	int rc;

	document_init(&record);
	if (known->is_member && !known->published) { /* it comes again with what holds it */
		know_published(known);
		rc = catalog_remove(recovery->ports->catalog, &known->id, err);
		return rc ? rc : vectors_remove(recovery->ports->vectors, &known->id, err);
	}
	rc = catalog_get(recovery->ports->catalog, &known->id, &record, err);
	if (rc)
		return rc;
	log_warn("document %s: version %u was not finished when askfs ended; it is made again",
		uuid_format(&known->id, text), known->version);
	rc = describe_published(recovery, &record, known->published, err);
	if (rc)
		return rc;
	rc = catalog_put(recovery->ports->catalog, &one, 1, err);
	if (rc == 0)
		know_published(known);
	return rc;
}

/* A member that waited for an embedder which is not there any more: its words are complete. */
static int release_member(struct recovery *recovery, const struct known *known, struct err *err)
{
	AUTO_DOCUMENT struct document record;
	const struct document *one = &record;

	document_init(&record);
	int rc = catalog_get(recovery->ports->catalog, &known->id, &record, err);
	if (rc)
		return rc;
	record.status = DOC_INDEXED;
	record.updated_ns = record.indexed_ns = document_next_update(&record);
	return catalog_put(recovery->ports->catalog, &one, 1, err);
}

static int recover(struct recovery *recovery, struct err *err)
{
	const struct ports *ports = recovery->ports;
	int rc = catalog_each(ports->catalog, add_known, recovery, err);

	if (rc)
		return rc;
	if (recovery->count)
		qsort(recovery->known, recovery->count, sizeof(struct known), compare);
	rc = vectors_each(ports->vectors, see_vectors, recovery, err);
	for (size_t i = 0; i < recovery->stranger_count && !rc; i++)
		rc = vectors_remove(ports->vectors, &recovery->strangers[i], err);
	for (size_t i = 0; i < recovery->count && !rc; i++) {
		struct known *known = &recovery->known[i];
		if (known->version != known->published)
			rc = put_back(recovery, known, err);
		else if (known->is_member && known->is_processing && !ports->embedder)
			rc = release_member(recovery, known, err);
	}
	return rc ? rc : blobs_each(ports->blobs, see_blob, recovery, err);
}

int ingest_recover(const struct ports *ports, struct err *err)
{
	struct recovery recovery = {.ports = ports};
	int rc = recover(&recovery, err);

	for (size_t i = 0; i < recovery.count; i++)
		free(recovery.known[i].versions);
	free(recovery.known);
	free(recovery.strangers);
	return rc;
}
