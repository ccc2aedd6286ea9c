/* SPDX-License-Identifier: Apache-2.0 */
/* The one moment at which anything becomes visible. Records are written before the vectors
 * publish: if publishing fails the old records are written back; and a process that dies
 * between the two leaves records whose version the vectors do not have, which ingest_recover
 * sees. The other order would drop the old chunks before the new record is there. */
#include "core/ingest_attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/ingest_record.h"
#include "core/log.h"

/* One transaction under way. */
struct commit {
	struct ingest_setup *setup;
	struct attempt **attempts; /* those that take part */
	const struct document **records;
	struct publication *publications;
	size_t count, publication_count;
};

static int commit_init(struct commit *commit, struct ingest_setup *setup, size_t count)
{
	*commit = (struct commit){
		.setup = setup,
		.attempts = calloc(count, sizeof(*commit->attempts)),
		.records = calloc(count, sizeof(*commit->records)),
		.publications = calloc(count, sizeof(*commit->publications)),
	};
	return commit->attempts && commit->records && commit->publications ? 0 : -ENOMEM;
}

static void commit_release(struct commit *commit)
{
	free(commit->attempts);
	free(commit->records);
	free(commit->publications);
}

/* Read the record as it is now, under the lock, and merge. */
static int make_record(struct attempt *attempt)
{
	struct err *err = &attempt->job->err;
	struct err why = *err;

	document_release(&attempt->before);
	int rc = catalog_get(
		attempt->setup->ports.catalog, &attempt->job->document.id, &attempt->before, err);
	if (rc && rc != -ENOENT)
		return rc;
	*err = why;
	document_release(&attempt->record);
	return ingest_record_make(attempt) ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static void add_attempt(struct commit *commit, struct attempt *attempt)
{
	const struct document *record = &attempt->record;

	commit->attempts[commit->count] = attempt;
	commit->records[commit->count++] = record;
	if (attempt->fate != ATTEMPT_FRESH)
		return;
	commit->publications[commit->publication_count++] = (struct publication){
		.document = record->id,
		.version = record->version,
		.access = record->access,
		.content_type = record->content_type,
		.path = record->path,
	};
}

/* Let those take part that are still wanted. */
static void gather(struct commit *commit, struct attempt *const *attempts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct attempt *attempt = attempts[i];
		if (attempt_is_over(attempt) || attempt->is_committed)
			continue;
		if (attempt_is_cancelled(attempt))
			attempt->fate = ATTEMPT_CANCELLED;
		else if (make_record(attempt))
			attempt_later(attempt);
		else
			add_attempt(commit, attempt);
	}
}

/* Write the records back as they were. */
static void undo(struct commit *commit)
{
	struct catalog *catalog = commit->setup->ports.catalog;
	struct err err = ERR_NONE;

	for (size_t i = 0; i < commit->count; i++) {
		const struct document *before = &commit->attempts[i]->before;
		int rc = uuid_is_nil(&before->id)
			? catalog_remove(catalog, &commit->records[i]->id, &err)
			: catalog_put(catalog, &before, 1, &err);
		if (rc)
			log_error("a record is wrong until the next start: %s", err.text);
	}
}

static int write_commit(struct commit *commit, struct err *err)
{
	int rc = catalog_put(commit->setup->ports.catalog, commit->records, commit->count, err);

	if (rc || !commit->publication_count)
		return rc;
	rc = vectors_publish(
		commit->setup->ports.vectors, commit->publications, commit->publication_count, err);
	if (rc)
		undo(commit);
	return rc;
}

/* All or none of those that are still wanted. 0, or -errno with *err set. */
static int commit_once(struct attempt *const *attempts, size_t count, struct err *err)
{
	struct ingest_setup *setup = attempts[0]->setup;
	struct commit commit;

	int rc = commit_init(&commit, setup, count);
	if (rc)
		err_set(err, rc, "out of memory");
	records_lock(setup->ports.records);
	if (rc == 0)
		gather(&commit, attempts, count);
	if (rc == 0 && commit.count)
		rc = write_commit(&commit, err);
	records_unlock(setup->ports.records);
	for (size_t i = 0; i < commit.count && rc == 0; i++)
		commit.attempts[i]->is_committed = true;
	commit_release(&commit);
	return rc;
}

/* What a committed version replaces. */

static void remove_blob(struct attempt *attempt, uint32_t version, enum blob_kind kind)
{
	const struct blob_key key = {
		.document = attempt->record.id, .version = version, .kind = kind};
	struct err err = ERR_NONE;

	if (blobs_remove(attempt->setup->ports.blobs, &key, &err))
		log_warn("a blob is left behind until the next start: %s", err.text);
}

static bool has_version(const struct document *record, uint32_t number)
{
	for (size_t i = 0; i < record->version_count; i++)
		if (record->versions[i].number == number)
			return true;
	return false;
}

static void clean_up(struct attempt *attempt)
{
	const struct document *before = &attempt->before, *after = &attempt->record;

	if (before->version && before->version != after->version)
		remove_blob(attempt, before->version, BLOB_TEXT);
	for (size_t i = 0; i < before->version_count; i++)
		if (!has_version(after, before->versions[i].number))
			remove_blob(attempt, before->versions[i].number, BLOB_ORIGINAL);
}

static void end_commit(struct attempt *attempt)
{
	if (attempt->is_committed) {
		clean_up(attempt);
		if (attempt->fate == ATTEMPT_FAILED)
			attempt->has_blobs = false; /* the record's now */
	}
	if (!attempt->is_committed || attempt->fate == ATTEMPT_FAILED)
		attempt_discard(attempt);
}

static void postpone(struct attempt *attempt, const struct err *err)
{
	if (attempt_is_over(attempt) || attempt->is_committed)
		return;
	attempt->job->err = *err;
	attempt_later(attempt);
}

void attempts_commit(struct attempt *const *attempts, size_t count)
{
	struct err err = ERR_NONE;
	int rc = commit_once(attempts, count, &err);

	/* One record may be what the store refuses: the others shall not wait for it. */
	for (size_t i = 0; i < count && rc; i++) {
		struct err own = err;
		if (count == 1 || commit_once(&attempts[i], 1, &own))
			postpone(attempts[i], &own);
	}
	for (size_t i = 0; i < count; i++)
		end_commit(attempts[i]);
}
