/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of one job before its commit. Nothing here is seen by anybody: until the commit
 * everything belongs to a version that no record names, and attempt_discard takes it away. */
#include "core/ingest_attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/hash.h"
#include "core/ingest_family.h"
#include "core/ingest_record.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"

int attempt_new(struct attempt **out, struct ingest_setup *setup, struct ingest_job *job)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	if (!attempt)
		return -ENOMEM;
	attempt->setup = setup;
	attempt->job = job;
	attempt->fd = attempt->page.fd = -1;
	ingest_text_init(&attempt->text);
	document_init(&attempt->before);
	document_init(&attempt->record);
	*out = attempt;
	return 0;
}

void attempt_free(struct attempt *attempt)
{
	if (!attempt)
		return;
	family_free(attempt);
	if (attempt->fd >= 0)
		close(attempt->fd);
	if (attempt->page.fd >= 0)
		close(attempt->page.fd);
	free(attempt->page.name);
	free(attempt->page.url);
	ingest_text_release(&attempt->text);
	parsed_release(&attempt->parsed);
	document_release(&attempt->before);
	document_release(&attempt->record);
	free(attempt);
}

bool attempt_is_cancelled(const struct attempt *attempt)
{
	const struct attempt *root = attempt->root ? attempt->root : attempt;

	return atomic_load(&root->job->cancelled) || atomic_load(&attempt->setup->is_stopping);
}

void attempt_later(struct attempt *attempt)
{
	attempt->fate = attempt_is_cancelled(attempt) ? ATTEMPT_CANCELLED : ATTEMPT_LATER;
}

void attempt_fail(struct attempt *attempt, int code)
{
	attempt->fate = ATTEMPT_FAILED;
	attempt->code = code;
}

void attempt_open(struct attempt *attempt)
{
	struct ingest_job *job = attempt->job;
	struct stat status;

	if (attempt_is_cancelled(attempt)) {
		attempt->fate = ATTEMPT_CANCELLED;
		return;
	}
	attempt->fd = open(job->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (attempt->fd < 0 || fstat(attempt->fd, &status)) {
		err_set(&job->err, -errno, "cannot open the file: %s", strerror(errno));
		attempt_later(attempt);
		return;
	}
	attempt->size = (uint64_t)status.st_size;
}

/* These are the bytes of the version that answers: what is left to do? */
static void resume(struct attempt *attempt)
{
	const struct document *before = &attempt->before;
	struct embedder *embedder = attempt->setup->ports.embedder;
	const char *model = embedder ? embedder_info(embedder)->model : NULL;
	bool is_embedded = !model || !before->chunk_count ||
		(before->embedding_model && strcmp(before->embedding_model, model) == 0);

	attempt->version = before->version;
	attempt->text.chunk_count = before->chunk_count;
	if (before->status == DOC_INDEXED)
		attempt->fate = ATTEMPT_UNCHANGED;
	else
		attempt->fate = is_embedded ? ATTEMPT_COMPLETE : ATTEMPT_EMBED;
}

void attempt_examine(struct attempt *attempt)
{
	struct ingest_job *job = attempt->job;
	struct err why = job->err; /* of a member that could not be got out whole */

	if (attempt_is_over(attempt))
		return;
	int rc = hash_fd(attempt->fd, attempt->sha256, &attempt->size, &job->err);
	if (rc == 0)
		rc = catalog_get(attempt->setup->ports.catalog, &job->document.id, &attempt->before,
			&job->err);
	if (rc && rc != -ENOENT) {
		attempt_later(attempt);
		return;
	}
	job->err = why; /* that there is no record yet is no failure */
	attempt->version = ingest_record_next_version(&attempt->before);
	const struct document *before = &attempt->before;
	bool is_same = memcmp(before->sha256, attempt->sha256, HASH_SIZE) == 0;
	if (is_same && before->version)
		resume(attempt);
	else if (is_same && before->status == DOC_FAILED && job->is_adopted)
		attempt->fate = ATTEMPT_UNCHANGED;
}

/* Failures that are not the document's own and may pass. */
static bool may_pass(int code)
{
	switch (-code) {
	case EIO:
	case EAGAIN:
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EBUSY:
	case EINTR:
	case ECANCELED: return true;
	default: return false;
	}
}

static void settle(struct attempt *attempt, int rc)
{
	if (rc == 0)
		return;
	if (!attempt->job->err.text[0])
		err_set(&attempt->job->err, rc, "cannot read the document: %s", strerror(-rc));
	if (attempt->text.store_code || may_pass(rc) || attempt_is_cancelled(attempt))
		attempt_later(attempt);
	else
		attempt_fail(attempt, rc);
}

/* What the parser said of one item. Its sentence counts, unless a store failed below it. */
static void take_item(struct attempt *attempt, struct parse_item *item)
{
	attempt->parsed = item->parsed;
	if (item->result && !attempt->text.store_code)
		attempt->job->err = item->err;
	settle(attempt, item->result ? item->result : ingest_text_finish(attempt));
}

void attempt_parse(struct attempt *const *attempts, size_t count)
{
	AUTO_FREE struct parse_item *items = calloc(count, sizeof(*items));
	size_t used = 0;

	for (size_t i = 0; i < count && items; i++) {
		struct attempt *attempt = attempts[i];
		if (attempt->fate != ATTEMPT_FRESH)
			continue;
		bool has_page = attempt->page.fd >= 0;
		items[used++] = (struct parse_item){
			.fd = has_page ? attempt->page.fd : attempt->fd,
			.size = has_page ? attempt->page.size : attempt->size,
			.name = has_page ? attempt->page.name
					 : document_file_name(&attempt->job->document),
			.sink = ingest_text_sink(attempt),
		};
		family_sink(&items[used - 1].sink);
	}
	if (used)
		parser_run(attempts[0]->setup->ports.parser, items, used);
	used = 0;
	for (size_t i = 0; i < count; i++) {
		if (attempts[i]->fate != ATTEMPT_FRESH)
			continue;
		if (items)
			take_item(attempts[i], &items[used++]);
		else
			settle(attempts[i], -ENOMEM);
	}
}

static int put_blob(struct attempt *attempt, enum blob_kind kind, int fd, uint64_t size,
	const uint8_t sha256[HASH_SIZE])
{
	const struct blob_key key = {
		.document = attempt->job->document.id,
		.version = attempt->version,
		.kind = kind,
		.name = document_file_name(&attempt->job->document),
	};

	attempt->has_blobs = true;
	return blobs_put(attempt->setup->ports.blobs, &key, fd, size, sha256, &attempt->job->err);
}

/* The original of a document that was never indexed is kept even where it failed: it is what
 * there is to be seen of it. */
void attempt_store(struct attempt *attempt)
{
	bool is_fresh = attempt->fate == ATTEMPT_FRESH;
	struct err why = attempt->job->err;

	if (!is_fresh && (attempt->fate != ATTEMPT_FAILED || attempt->before.version))
		return;
	if (attempt_is_cancelled(attempt)) {
		attempt->fate = ATTEMPT_CANCELLED;
		return;
	}
	int rc = put_blob(attempt, BLOB_ORIGINAL, attempt->fd, attempt->size, attempt->sha256);
	if (rc == 0 && is_fresh) {
		int fd = ingest_text_fd(attempt);
		rc = fd < 0 ? fd
			    : put_blob(attempt, BLOB_TEXT, fd, attempt->text.size,
				      attempt->text.sha256);
	}
	if (rc)
		attempt_later(attempt);
	else
		attempt->job->err = why;
	close(TAKE_FD(attempt->fd));
}

static void remove_blob(struct attempt *attempt, enum blob_kind kind)
{
	const struct blob_key key = {
		.document = attempt->job->document.id, .version = attempt->version, .kind = kind};
	struct err err = ERR_NONE;

	if (blobs_remove(attempt->setup->ports.blobs, &key, &err))
		log_warn("a blob is left behind until the next start: %s", err.text);
}

void attempt_discard(struct attempt *attempt)
{
	struct err err = ERR_NONE;

	if (attempt->has_chunks &&
		vectors_discard(attempt->setup->ports.vectors, &attempt->job->document.id,
			attempt->version, &err))
		log_warn("chunks are left behind until the next start: %s", err.text);
	if (attempt->has_blobs) {
		remove_blob(attempt, BLOB_ORIGINAL);
		remove_blob(attempt, BLOB_TEXT);
	}
	attempt->has_chunks = attempt->has_blobs = false;
}

static enum ingest_outcome outcome_of(const struct attempt *attempt)
{
	switch (attempt->fate) {
	case ATTEMPT_FRESH:
	case ATTEMPT_COMPLETE:
	case ATTEMPT_EMBED: return INGEST_INDEXED;
	case ATTEMPT_FAILED: return INGEST_FAILED;
	case ATTEMPT_UNCHANGED: return INGEST_UNCHANGED;
	case ATTEMPT_CANCELLED: return INGEST_CANCELLED;
	case ATTEMPT_LATER: break;
	}
	return INGEST_LATER;
}

static void count_outcome(const struct ingest_job *job)
{
	switch (job->outcome) {
	case INGEST_INDEXED:
		metric_add(METRIC_INGEST_INDEXED, 1);
		metric_add(METRIC_INGEST_BYTES, job->record.size);
		metric_observe(HISTOGRAM_INGEST, clock_mono_ns() - job->queued_ns);
		break;
	case INGEST_FAILED: metric_add(METRIC_INGEST_FAILED, 1); break;
	case INGEST_UNCHANGED: metric_add(METRIC_INGEST_UNCHANGED, 1); break;
	default: break;
	}
}

void attempt_end(struct attempt *attempt)
{
	struct ingest_job *job = attempt->job;
	struct document *from =
		attempt->fate == ATTEMPT_UNCHANGED ? &attempt->before : &attempt->record;

	job->outcome = outcome_of(attempt);
	if (job->outcome != INGEST_LATER && job->outcome != INGEST_CANCELLED) {
		document_release(&job->record);
		job->record = *from;
		document_init(from);
	}
	if (job->outcome != INGEST_FAILED && job->outcome != INGEST_LATER)
		job->err = (struct err)ERR_NONE;
	if (!attempt->is_stored)
		count_outcome(job);
	attempt_free(attempt);
	job->done(job);
}
