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
	struct family_rest *rests; /* of each attempt of the batch */
	size_t rest_count;
	struct uuid *gone;
	size_t gone_count;
	size_t follower_count; /* of records, behind those of the attempts */
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

/* @count: of the batch; @all: with what is inside. */
static int commit_init(struct commit *commit, struct ingest_setup *setup, size_t count, size_t all)
{
	*commit = (struct commit){
		.setup = setup,
		.attempts = calloc(all, sizeof(*commit->attempts)),
		.records = calloc(all, sizeof(*commit->records)),
		.publications = calloc(all, sizeof(*commit->publications)),
		.rests = calloc(count, sizeof(*commit->rests)),
	};
	return commit->attempts && commit->records && commit->publications && commit->rests
		? 0
		: -ENOMEM;
}

static void commit_release(struct commit *commit)
{
	free(commit->attempts);
	free(commit->records);
	free(commit->publications);
	for (size_t i = 0; i < commit->rest_count; i++)
		family_rest_release(&commit->rests[i]);
	free(commit->rests);
	free(commit->gone);
}

/* Read the record as it is now, under the lock. */
static int read_before(struct attempt *attempt)
{
	struct err *err = &attempt->job->err;
	struct err why = *err;

	document_release(&attempt->before);
	int rc = catalog_get(
		attempt->setup->ports.catalog, &attempt->job->document.id, &attempt->before, err);
	if (rc && rc != -ENOENT)
		return rc;
	*err = why;
	return 0;
}

/* Merge it with what the attempt came to. @root NULL: it is none's member. */
static int make_record(const struct attempt *root, struct attempt *attempt)
{
	int rc = read_before(attempt);

	if (rc)
		return rc;
	document_release(&attempt->record);
	if (root)
		rc = family_settle(root, attempt);
	if (rc == 0)
		rc = ingest_record_make(attempt);
	return rc ? err_set(&attempt->job->err, -ENOMEM, "out of memory") : 0;
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

/* The records of all that is inside: they take part with the root, or the root does not. */
static int gather_family(struct commit *commit, struct attempt *root)
{
	struct family *family = root->family;
	struct err *err = &root->job->err;
	int rc = 0;

	for (size_t i = 0; family && i < family->count && rc == 0; i++) {
		struct attempt *member = family->members[i];
		rc = attempt_is_over(member) ? 0 : make_record(root, member);
		if (rc)
			*err = member->job->err;
	}
	if (rc == 0)
		rc = family_rest_read(root, &commit->rests[commit->rest_count], err);
	if (rc) {
		family_rest_release(&commit->rests[commit->rest_count]);
		return rc;
	}
	commit->rest_count++;
	for (size_t i = 0; family && i < family->count; i++)
		if (!attempt_is_over(family->members[i]))
			add_attempt(commit, family->members[i]);
	return 0;
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
		else if (make_record(NULL, attempt) || gather_family(commit, attempt))
			attempt_later(attempt);
		else
			add_attempt(commit, attempt);
	}
}

/* Write the records of @list back as they were. */
static void put_back(struct commit *commit, const struct member_list *list)
{
	struct err err = ERR_NONE;

	for (size_t i = 0; i < list->count; i++) {
		const struct document *one = &list->documents[i];
		if (catalog_put(commit->setup->ports.catalog, &one, 1, &err))
			log_error("a record is wrong until the next start: %s", err.text);
	}
}

/* Write the records back as they were. */
static void undo(struct commit *commit)
{
	struct catalog *catalog = commit->setup->ports.catalog;
	struct err err = ERR_NONE;

	for (size_t i = 0; i < commit->rest_count; i++) {
		put_back(commit, &commit->rests[i].gone);
		put_back(commit, &commit->rests[i].before);
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

/* Tell the vectors how a record changes that keeps its version: on, or back. */
static int tell_one(struct commit *commit, const struct document *before,
	const struct document *after, bool is_back, struct err *err)
{
	return records_tell_vectors(commit->setup->ports.records, is_back ? after : before,
		is_back ? before : after, err);
}

/* The bits and paths of what is not published anew: of attempts that keep their version, and of
 * members that follow a root. */
static int tell_vectors(struct commit *commit, bool is_back, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < commit->count && (rc == 0 || is_back); i++) {
		const struct attempt *attempt = commit->attempts[i];
		if (attempt->fate != ATTEMPT_FRESH && attempt->before.version)
			rc = tell_one(commit, &attempt->before, &attempt->record, is_back, err);
	}
	for (size_t i = 0; i < commit->rest_count; i++) {
		const struct family_rest *rest = &commit->rests[i];
		for (size_t j = 0; j < rest->after.count && (rc == 0 || is_back); j++)
			rc = tell_one(commit, &rest->before.documents[j], &rest->after.documents[j],
				is_back, err);
	}
	return rc;
}

/* The rest of the families: the records that follow, and the ids of those that go. */
static int gather_rests(struct commit *commit, struct err *err)
{
	size_t gone = 0, after = 0;

	for (size_t i = 0; i < commit->rest_count; i++) {
		gone += commit->rests[i].gone.count;
		after += commit->rests[i].after.count;
	}
	if (!gone && !after)
		return 0;
	const struct document **records =
		realloc(commit->records, (commit->count + after) * sizeof(*commit->records));
	commit->records = records ? records : commit->records;
	commit->gone = calloc(gone + 1, sizeof(*commit->gone));
	if (!records || !commit->gone)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < commit->rest_count; i++) {
		const struct family_rest *rest = &commit->rests[i];
		for (size_t j = 0; j < rest->after.count; j++)
			commit->records[commit->count + commit->follower_count++] =
				&rest->after.documents[j];
		for (size_t j = 0; j < rest->gone.count; j++)
			commit->gone[commit->gone_count++] = rest->gone.documents[j].id;
	}
	return 0;
}

/* No search finds what is gone from here on; and who shows documents is told. */
static void finish_rests(struct commit *commit)
{
	struct ports *ports = &commit->setup->ports;
	struct err err = ERR_NONE;

	for (size_t i = 0; i < commit->gone_count; i++) {
		if (vectors_remove(ports->vectors, &commit->gone[i], &err))
			log_warn("chunks are left behind until the next start: %s", err.text);
		records_tell_member(ports->records, MEMBER_GONE, &commit->gone[i], NULL);
	}
	for (size_t i = 0; i < commit->follower_count; i++) {
		const struct document *record = commit->records[commit->count + i];
		records_tell_member(ports->records, MEMBER_CHANGED, &record->id, record);
	}
}

static int write_commit(struct commit *commit, struct err *err)
{
	struct ports *ports = &commit->setup->ports;
	int rc = gather_rests(commit, err);

	if (rc == 0)
		rc = tell_vectors(commit, false, err);
	if (rc == 0)
		rc = catalog_write(ports->catalog, commit->records,
			commit->count + commit->follower_count, commit->gone, commit->gone_count,
			err);
	if (rc == 0 && commit->publication_count) {
		rc = vectors_publish(
			ports->vectors, commit->publications, commit->publication_count, err);
		if (rc)
			undo(commit);
	}
	if (rc == 0)
		finish_rests(commit);
	else
		tell_vectors(commit, true, NULL);
	return rc;
}

static void remove_gone_blobs(const struct commit *commit)
{
	struct err err = ERR_NONE;

	for (size_t i = 0; i < commit->gone_count; i++)
		if (blobs_remove_document(commit->setup->ports.blobs, &commit->gone[i], &err))
			log_warn("a blob is left behind until the next start: %s", err.text);
}

/* All or none of those that are still wanted. 0, or -errno with *err set. */
static int commit_once(struct attempt *const *attempts, size_t count, struct err *err)
{
	struct ingest_setup *setup = attempts[0]->setup;
	struct commit commit;

	int rc = commit_init(&commit, setup, count, count_all(attempts, count));
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
