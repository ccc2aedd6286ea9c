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
#include "core/ingest_family.h"
#include "core/ingest_record.h"
#include "core/log.h"

/* One transaction under way. */
struct commit {
	struct ingest_setup *setup;
	struct attempt **attempts; /* those that take part */
	const struct document **records;
	struct publication *publications;
	size_t count, publication_count;
	struct document *gone; /* records of members that this version holds no more; owned */
	struct uuid *gone_ids;
	size_t gone_count;
};

/* An attempt and what is inside it. */
static size_t count_family(const struct attempt *attempt)
{
	return 1 + (attempt->family ? attempt->family->count : 0);
}

static size_t count_all(struct attempt *const *attempts, size_t count)
{
	size_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += count_family(attempts[i]);
	return all;
}

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
	for (size_t i = 0; i < commit->gone_count; i++)
		document_release(&commit->gone[i]);
	free(commit->gone);
	free(commit->gone_ids);
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

static int add_gone(struct commit *commit, struct member_list *gone, struct err *err)
{
	size_t count = commit->gone_count + gone->count;

	if (!gone->count)
		return 0;
	struct document *documents = realloc(commit->gone, count * sizeof(*documents));
	if (documents)
		commit->gone = documents;
	struct uuid *ids = realloc(commit->gone_ids, count * sizeof(*ids));
	if (ids)
		commit->gone_ids = ids;
	if (!documents || !ids)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < gone->count; i++) {
		ids[commit->gone_count] = gone->documents[i].id;
		documents[commit->gone_count++] = gone->documents[i];
	}
	gone->count = 0;
	return 0;
}

/* The records of all that is inside: they take part with the root, or the root does not. */
static int gather_family(struct commit *commit, struct attempt *root)
{
	struct family *family = root->family;
	struct err *err = &root->job->err;
	AUTO_MEMBER_LIST struct member_list gone = {0};

	int rc = family_settle(root) ? err_set(err, -ENOMEM, "out of memory") : 0;
	for (size_t i = 0; family && i < family->count && rc == 0; i++) {
		struct attempt *member = family->members[i];
		rc = attempt_is_over(member) ? 0 : make_record(member);
		if (rc)
			*err = member->job->err;
	}
	if (rc == 0)
		rc = family_gone(root, &gone, err);
	if (rc == 0)
		rc = add_gone(commit, &gone, err);
	for (size_t i = 0; family && i < family->count && rc == 0; i++)
		if (!attempt_is_over(family->members[i]))
			add_attempt(commit, family->members[i]);
	return rc;
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
		else if (make_record(attempt) || gather_family(commit, attempt))
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

	for (size_t i = 0; i < commit->gone_count; i++) {
		const struct document *gone = &commit->gone[i];
		if (catalog_put(catalog, &gone, 1, &err))
			log_error("a record is wrong until the next start: %s", err.text);
	}
	for (size_t i = 0; i < commit->count; i++) {
		const struct document *before = &commit->attempts[i]->before;
		int rc = uuid_is_nil(&before->id)
			? catalog_remove(catalog, &commit->records[i]->id, &err)
			: catalog_put(catalog, &before, 1, &err);
		if (rc)
			log_error("a record is wrong until the next start: %s", err.text);
	}
}

/* No search finds them from here on. */
static void drop_gone(struct commit *commit)
{
	struct ports *ports = &commit->setup->ports;
	struct err err = ERR_NONE;

	for (size_t i = 0; i < commit->gone_count; i++) {
		if (vectors_remove(ports->vectors, &commit->gone_ids[i], &err))
			log_warn("chunks are left behind until the next start: %s", err.text);
		records_tell_member(ports->records, MEMBER_GONE, &commit->gone_ids[i], NULL);
	}
}

static int write_commit(struct commit *commit, struct err *err)
{
	struct ports *ports = &commit->setup->ports;
	int rc = catalog_write(ports->catalog, commit->records, commit->count, commit->gone_ids,
		commit->gone_count, err);

	if (rc == 0 && commit->publication_count) {
		rc = vectors_publish(
			ports->vectors, commit->publications, commit->publication_count, err);
		if (rc)
			undo(commit);
	}
	if (rc == 0)
		drop_gone(commit);
	return rc;
}

static void remove_gone_blobs(const struct commit *commit)
{
	struct err err = ERR_NONE;

	for (size_t i = 0; i < commit->gone_count; i++)
		if (blobs_remove_document(commit->setup->ports.blobs, &commit->gone_ids[i], &err))
			log_warn("a blob is left behind until the next start: %s", err.text);
}

/* All or none of those that are still wanted. 0, or -errno with *err set. */
static int commit_once(struct attempt *const *attempts, size_t count, struct err *err)
{
	struct ingest_setup *setup = attempts[0]->setup;
	struct commit commit;

	int rc = commit_init(&commit, setup, count_all(attempts, count));
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
	if (rc == 0)
		remove_gone_blobs(&commit);
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
	for (size_t i = 0; i < count; i++) {
		const struct family *family = attempts[i]->family;
		for (size_t j = 0; family && j < family->count; j++)
			end_commit(family->members[j]);
		end_commit(attempts[i]);
	}
}
