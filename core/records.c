/* SPDX-License-Identifier: Apache-2.0 */
/* One lock for all records: a change takes microseconds, and whoever holds it waits for
 * nothing but the local database. What the vectors must know is told them before the record
 * is written where it takes rights away, and in any case under the lock, so that the last
 * change wins in both places. */
#include "core/records.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct records {
	pthread_mutex_t lock; /* held over catalog, blobs and vectors: nothing calls back */
	struct catalog *catalog;
	struct blobs *blobs;
	struct vectors *vectors;
};

int records_new(
	struct records **out, struct catalog *catalog, struct blobs *blobs, struct vectors *vectors)
{
	struct records *records = calloc(1, sizeof(*records));

	if (!records)
		return -ENOMEM;
	pthread_mutex_init(&records->lock, NULL);
	records->catalog = catalog;
	records->blobs = blobs;
	records->vectors = vectors;
	*out = records;
	return 0;
}

void records_free(struct records *records)
{
	if (!records)
		return;
	pthread_mutex_destroy(&records->lock);
	free(records);
}

void records_lock(struct records *records)
{
	pthread_mutex_lock(&records->lock);
}

void records_unlock(struct records *records)
{
	pthread_mutex_unlock(&records->lock);
}

static bool has_other_access(const struct document *a, const struct document *b)
{
	return a->access.owner != b->access.owner || a->access.group != b->access.group ||
		a->access.mode != b->access.mode;
}

static bool has_other_path(const struct document *a, const struct document *b)
{
	return strcmp(a->path ? a->path : "", b->path ? b->path : "") != 0;
}

/* Tell the vectors what @to has and @from has not. */
static int tell_vectors(struct records *records, const struct document *from,
	const struct document *to, struct err *err)
{
	int rc = 0;

	if (has_other_access(from, to))
		rc = vectors_set_access(records->vectors, &to->id, &to->access, err);
	if (rc == 0 && has_other_path(from, to))
		rc = vectors_set_path(records->vectors, &to->id, to->path ? to->path : "", err);
	return rc;
}

/* Read, change, write. A record that cannot be written takes back what the vectors were told. */
static int change_locked(struct records *records, const struct uuid *id,
	int (*change)(void *context, struct document *document), void *context,
	struct document *after, struct err *err)
{
	AUTO_DOCUMENT struct document before = {0};
	AUTO_DOCUMENT struct document document = {0};
	const struct document *one = &document;

	int rc = catalog_get(records->catalog, id, &before, err);
	if (rc == 0 && document_copy(&document, &before))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = change(context, &document);
	if (rc)
		return rc;
	rc = tell_vectors(records, &before, &document, err);
	if (rc == 0)
		rc = catalog_put(records->catalog, &one, 1, err);
	if (rc) {
		tell_vectors(records, &document, &before, NULL);
		return rc;
	}
	if (after) {
		*after = document;
		document_init(&document);
	}
	return 0;
}

int records_change(struct records *records, const struct uuid *id,
	int (*change)(void *context, struct document *document), void *context,
	struct document *after, struct err *err)
{
	records_lock(records);
	int rc = change_locked(records, id, change, context, after, err);
	records_unlock(records);
	return rc;
}

/* The chunks go first: from then on nothing finds the document. The record goes before the
 * blobs, so that what a kill leaves is a blob without a record and is cleaned up at start. */
int records_delete(struct records *records, const struct uuid *id, struct err *err)
{
	records_lock(records);
	int rc = vectors_remove(records->vectors, id, err);
	if (rc == 0)
		rc = catalog_remove(records->catalog, id, err);
	records_unlock(records);
	return rc ? rc : blobs_remove_document(records->blobs, id, err);
}
