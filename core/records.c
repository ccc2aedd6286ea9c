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

#include "core/member_list.h"

struct records {
	pthread_mutex_t lock; /* held over catalog, blobs and vectors: nothing calls back */
	struct catalog *catalog;
	struct blobs *blobs;
	struct vectors *vectors;
	records_member_fn member_changed;
	void *member_context;
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

void records_watch_members(struct records *records, records_member_fn changed, void *context)
{
	records->member_changed = changed;
	records->member_context = context;
}

void records_tell_member(struct records *records, enum member_news news, const struct uuid *id,
	const struct document *document)
{
	if (records->member_changed)
		records->member_changed(records->member_context, news, id, document);
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
	return !access_is_same(&a->access, &b->access);
}

static bool has_other_path(const struct document *a, const struct document *b)
{
	return strcmp(a->path ? a->path : "", b->path ? b->path : "") != 0;
}

int records_tell_vectors(struct records *records, const struct document *from,
	const struct document *to, struct err *err)
{
	int rc = 0;

	if (has_other_access(from, to))
		rc = vectors_set_access(records->vectors, &to->id, &to->access, err);
	if (rc == 0 && has_other_path(from, to))
		rc = vectors_set_path(records->vectors, &to->id, to->path ? to->path : "", err);
	return rc;
}

/* The records that one change writes, and what they were. */
struct change {
	struct member_list before, after;
	const struct document **rows; /* of after */
};

static void change_release(struct change *change)
{
	member_list_release(&change->before);
	member_list_release(&change->after);
	free(change->rows);
}

/* Gather the members of @to, as they are and as they shall be. */
static int change_members(struct records *records, struct change *change,
	const struct document *from, const struct document *to, struct err *err)
{
	if (!has_other_access(from, to) && !has_other_path(from, to))
		return 0;
	int rc = member_list_read(&change->before, records->catalog, &to->id, err);
	if (rc || !change->before.count)
		return rc;
	change->after.documents = calloc(change->before.count, sizeof(struct document));
	for (size_t i = 0; i < change->before.count; i++) {
		struct document *member = &change->after.documents[i];
		if (!change->after.documents || document_copy(member, &change->before.documents[i]))
			return err_set(err, -ENOMEM, "out of memory");
		change->after.count++;
		if (member_follow(member, from, to))
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* Tell the vectors of every record, and write all in one transaction. What cannot be written
 * takes back what the vectors were told. */
static int write_change(struct records *records, struct change *change, const struct document *from,
	const struct document *to, struct err *err)
{
	size_t count = change->after.count, told = 0;
	struct document *before = change->before.documents, *after = change->after.documents;

	change->rows = calloc(count + 1, sizeof(*change->rows));
	int rc = change->rows ? records_tell_vectors(records, from, to, err)
			      : err_set(err, -ENOMEM, "out of memory");
	for (; told < count && rc == 0; told++)
		rc = records_tell_vectors(records, &before[told], &after[told], err);
	if (rc == 0) {
		change->rows[0] = to;
		for (size_t i = 0; i < count; i++)
			change->rows[i + 1] = &after[i];
		rc = catalog_put(records->catalog, change->rows, count + 1, err);
	}
	if (rc == 0)
		return 0;
	records_tell_vectors(records, to, from, NULL);
	while (told--)
		records_tell_vectors(records, &after[told], &before[told], NULL);
	return rc;
}

/* Read, change, write. */
static int change_locked(struct records *records, const struct uuid *id,
	int (*edit)(void *context, struct document *document), void *context,
	struct document *after, struct err *err)
{
	AUTO_DOCUMENT struct document before = {0};
	AUTO_DOCUMENT struct document document = {0};
	struct change change __attribute__((cleanup(change_release))) = {0};

	int rc = catalog_get(records->catalog, id, &before, err);
	if (rc == 0 && document_copy(&document, &before))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = edit(context, &document);
	if (rc == 0)
		rc = change_members(records, &change, &before, &document, err);
	if (rc == 0)
		rc = write_change(records, &change, &before, &document, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < change.after.count; i++)
		records_tell_member(records, MEMBER_CHANGED, &change.after.documents[i].id,
			&change.after.documents[i]);
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

/* Under the lock: the chunks of all, then the records of all. */
static int delete_locked(struct records *records, const struct uuid *id,
	const struct member_list *members, struct err *err)
{
	struct uuid *gone = calloc(members->count + 1, sizeof(*gone));
	int rc = gone ? vectors_remove(records->vectors, id, err)
		      : err_set(err, -ENOMEM, "out of memory");

	if (gone)
		gone[0] = *id;
	for (size_t i = 0; i < members->count && rc == 0; i++) {
		gone[i + 1] = members->documents[i].id;
		rc = vectors_remove(records->vectors, &gone[i + 1], err);
	}
	if (rc == 0)
		rc = catalog_write(records->catalog, NULL, 0, gone, members->count + 1, err);
	free(gone);
	for (size_t i = 0; i < members->count && rc == 0; i++)
		records_tell_member(records, MEMBER_GONE, &members->documents[i].id, NULL);
	return rc;
}

/* The chunks go first: from then on nothing finds the document. The record goes before the
 * blobs, so that what a kill leaves is a blob without a record and is cleaned up at start. */
int records_delete(struct records *records, const struct uuid *id, struct err *err)
{
	AUTO_MEMBER_LIST struct member_list members = {0};

	records_lock(records);
	int rc = member_list_read(&members, records->catalog, id, err);
	if (rc == 0)
		rc = delete_locked(records, id, &members, err);
	records_unlock(records);
	if (rc)
		return rc;
	for (size_t i = 0; i < members.count; i++) {
		int removed = blobs_remove_document(records->blobs, &members.documents[i].id, err);
		rc = rc ? rc : removed;
	}
	int removed = blobs_remove_document(records->blobs, id, err);
	return rc ? rc : removed;
}
