/* SPDX-License-Identifier: Apache-2.0 */
/* While a container is parsed its members' bytes gather in one file without a name. Then they are
 * documents like any others: examined, parsed in batches, stored; and what is found in them is put
 * behind them in the same list. Everything is committed with the root in one transaction, so
 * that a version of an archive is there with all its members or not at all.
 *
 * A member's id is made from its container's and its path: the same file in the next version of
 * the archive is the same document, and an attempt that was killed leaves nothing to look up. */
#include "core/ingest_family.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/ingest_attempt.h"
#include "core/log.h"
#include "core/member_list.h"
#include "core/member_path.h"
#include "core/records.h"

#define BATCH_COUNT  64
#define BATCH_BYTES  ((uint64_t)4 << 20)
#define COPY_BYTES   ((size_t)64 << 10)
#define COPIES_TRIED 32

static struct attempt *root_of(struct attempt *attempt)
{
	return attempt->root ? attempt->root : attempt;
}

/* The whole fails. The sink returns it, which ends the parser. */
static int fail(struct family *family, int code, bool may_pass)
{
	family->code = code;
	family->may_pass = may_pass;
	return code;
}

static int out_of_memory(struct family *family)
{
	return fail(family, err_set(&family->err, -ENOMEM, "out of memory"), true);
}

/* The disk is full, or broken: that passes, and is seen in system/health until then. */
static int cannot_unpack(struct family *family, int code)
{
	err_set(&family->err, code, "cannot unpack: %s", strerror(-code));
	health_note(HEALTH_BLOBS, code, &family->err);
	return fail(family, code, true);
}

/* --- members -------------------------------------------------------------------------- */

struct member_job {
	struct ingest_job job; /* first member */
	struct ingest_setup *setup;
	bool is_told; /* that it is there */
};

static void tell(struct member_job *member, const struct document *record)
{
	enum member_news news = member->is_told ? MEMBER_CHANGED : MEMBER_CAME;

	records_tell_member(member->setup->ports.records, news, &record->id, record);
	member->is_told = true;
}

/* A member is on its own when the family was committed: only its embeddings may be missing. */
static void member_done(struct ingest_job *job)
{
	struct member_job *member = (struct member_job *)job;

	if (job->outcome == INGEST_INDEXED || job->outcome == INGEST_FAILED)
		tell(member, &job->record);
	else if (job->outcome == INGEST_LATER && !atomic_load(&member->setup->is_stopping))
		log_warn("the embeddings of %s have to wait for the next start: %s",
			job->document.path, job->err.text);
	ingest_job_release(job);
	free(member);
}

static void member_published(struct ingest_job *job, const struct document *record)
{
	tell((struct member_job *)job, record);
}

static void member_free(struct attempt *member)
{
	struct ingest_job *job = member->job;

	attempt_free(member);
	ingest_job_release(job);
	free(job);
}

/* What the job of a member says of it. @path is taken over. */
static int describe(
	struct ingest_job *job, const struct attempt *container, char *path, int64_t mtime_s)
{
	const struct document *holder = &container->job->document;
	struct document *document = &job->document;

	document_init(document);
	document_init(&job->record);
	document->path = path;
	document->id = uuid_within(&holder->id, path, strlen(path));
	document->parent = holder->id;
	document->access = holder->access;
	document->mtime_ns = mtime_s > 0 && mtime_s < INT64_MAX / NS_PER_SEC ? mtime_s * NS_PER_SEC
									     : holder->mtime_ns;
	document->created_ns = clock_wall_ns();
	document->realm = holder->realm ? strdup(holder->realm) : NULL;
	return holder->realm && !document->realm ? -ENOMEM : 0;
}

/* A member of @container with an attempt of its own; NULL: memory is short. */
static struct attempt *member_new(struct attempt *container, char *path, int64_t mtime_s)
{
	struct member_job *own = calloc(1, sizeof(*own));
	struct attempt *member = NULL;

	if (!own) {
		free(path);
		return NULL;
	}
	struct ingest_job *job = &own->job;
	own->setup = container->setup;
	if (describe(job, container, path, mtime_s) ||
		attempt_new(&member, container->setup, job)) {
		ingest_job_release(job);
		free(own);
		return NULL;
	}
	job->published = member_published;
	job->done = member_done;
	job->queued_ns = root_of(container)->job->queued_ns;
	member->root = root_of(container);
	member->depth = container->depth + 1;
	member->spooled_at = root_of(container)->family->spooled;
	return member;
}

static uint32_t *slot_of(const struct family *family, const struct uuid *id)
{
	uint64_t hash;

	memcpy(&hash, id->bytes + 8, sizeof(hash));
	for (size_t at = hash & (family->slot_count - 1);;
		at = (at + 1) & (family->slot_count - 1)) {
		uint32_t *slot = &family->slots[at];
		if (!*slot || uuid_equal(&family->members[*slot - 1]->job->document.id, id))
			return slot;
	}
}

static struct attempt *find_member(const struct family *family, const struct uuid *id)
{
	uint32_t place = family->slot_count ? *slot_of(family, id) : 0;

	return place ? family->members[place - 1] : NULL;
}

/* At most half of the slots are taken. */
static int reserve_slots(struct family *family)
{
	size_t count = family->slot_count ? 2 * family->slot_count : 64;

	if (2 * (family->count + 1) <= family->slot_count)
		return 0;
	uint32_t *slots = calloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(family->slots);
	family->slots = slots;
	family->slot_count = count;
	for (size_t i = 0; i < family->count; i++)
		*slot_of(family, &family->members[i]->job->document.id) = (uint32_t)i + 1;
	return 0;
}

static int family_add(struct family *family, struct attempt *member)
{
	if (reserve_slots(family))
		return -ENOMEM;
	if (family->count == family->cap) {
		size_t cap = family->cap ? 2 * family->cap : 16;
		struct attempt **more = realloc(family->members, cap * sizeof(struct attempt *));
		if (!more)
			return -ENOMEM;
		family->members = more;
		family->cap = cap;
	}
	family->members[family->count++] = member;
	*slot_of(family, &member->job->document.id) = (uint32_t)family->count;
	return 0;
}

static struct family *family_of(struct attempt *attempt)
{
	struct attempt *root = root_of(attempt);

	if (!root->family && (root->family = calloc(1, sizeof(*root->family))))
		root->family->spool = -1;
	return root->family;
}

/* Two of the same name are two documents: "a.txt", "a (2).txt". Where they are many, the count of
 * all goes on from there: no number of them is tried twice. */
static char *choose_path(const struct family *family, const struct attempt *container,
	const struct parse_member *member)
{
	const struct document *holder = &container->job->document;
	char *path = NULL;

	for (unsigned copy = 1;; copy++) {
		if (copy == COPIES_TRIED && family->count >= COPIES_TRIED)
			copy = (unsigned)family->count + 1;
		free(path);
		path = member_path(holder->path, member->path, member->path_len, copy);
		if (!path)
			return NULL;
		struct uuid id = uuid_within(&holder->id, path, strlen(path));
		if (!find_member(family, &id))
			return path;
	}
}

/* --- the sink ------------------------------------------------------------------------- */

static int check_count(struct family *family, const struct attempt *container)
{
	int rc = archive_limits_check_member(
		&container->setup->archive, family->count, container->depth, &family->err);

	return rc ? fail(family, rc, false) : 0;
}

static int check_bytes(struct family *family, const struct attempt *container, size_t len)
{
	const struct attempt *root = container->root ? container->root : container;
	int rc = archive_limits_check_bytes(
		&container->setup->archive, family->spooled + len, root->size, &family->err);

	return rc ? fail(family, rc, false) : 0;
}

static int open_unnamed(const struct attempt *attempt)
{
	int fd = open(attempt->setup->ports.scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* One that has not ended is of a container whose parser died amid it: what comes next, of another
 * container, is no part of it. */
static void forget_open(struct family *family)
{
	if (family->open)
		member_free(TAKE_PTR(family->open));
}

static int sink_member(void *context, const struct parse_member *found)
{
	struct attempt *container = context;
	struct family *family = family_of(container);

	if (!family)
		return -ENOMEM;
	forget_open(family);
	if (member_is_private(found->path, found->path_len))
		return 0; /* its bytes find no member open */
	int rc = check_count(family, container);
	if (rc)
		return rc;
	if (family->spool < 0 && (family->spool = open_unnamed(container)) < 0)
		return cannot_unpack(family, family->spool);
	char *path = choose_path(family, container, found);
	family->open = path ? member_new(container, path, found->mtime_s) : NULL;
	return family->open ? 0 : out_of_memory(family);
}

static int sink_member_data(void *context, const void *data, size_t len)
{
	struct attempt *container = context;
	struct family *family = root_of(container)->family;
	const char *at = data;

	if (attempt_is_cancelled(container))
		return -ECANCELED;
	if (!family || !family->open)
		return 0;
	int rc = check_bytes(family, container, len);
	while (len && !rc) {
		ssize_t n = pwrite(family->spool, at, len, (off_t)family->spooled);
		if (n < 0 && errno != EINTR)
			rc = cannot_unpack(family, -errno);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			family->spooled += (uint64_t)n;
			family->open->size += (uint64_t)n;
		}
	}
	return rc;
}

/* An empty file is no document, as in the inbox. */
static int sink_member_end(void *context, int result, const struct err *err)
{
	struct attempt *container = context;
	struct family *family = root_of(container)->family;
	struct attempt *member = family ? TAKE_PTR(family->open) : NULL;

	if (!member)
		return 0;
	if (!result && !member->size) {
		member_free(member);
		return 0;
	}
	if (result) {
		member->job->err = *err;
		attempt_fail(member, result);
	}
	if (family_add(family, member)) {
		member_free(member);
		return out_of_memory(family);
	}
	return 0;
}

void family_sink(struct parse_sink *sink)
{
	sink->member = sink_member;
	sink->member_data = sink_member_data;
	sink->member_end = sink_member_end;
}

/* --- the work ------------------------------------------------------------------------- */

/* The member's bytes into a file of its own, for as long as its batch lasts. */
static int open_member(struct family *family, struct attempt *member)
{
	AUTO_FREE char *block = malloc(COPY_BYTES);
	off_t from = (off_t)member->spooled_at, end = from + (off_t)member->size;

	member->fd = block ? open_unnamed(member) : -ENOMEM;
	int rc = member->fd < 0 ? member->fd : 0;
	while (!rc && from < end) {
		size_t want = end - from < (off_t)COPY_BYTES ? (size_t)(end - from) : COPY_BYTES;
		ssize_t n = pread(family->spool, block, want, from);
		ssize_t written = n > 0 ? write(member->fd, block, (size_t)n) : n;
		if (written < 0)
			rc = -errno;
		else if (written == 0)
			rc = -EIO;
		else
			from += written;
	}
	return rc ? cannot_unpack(family, rc) : 0;
}

/* Examine, parse and store one batch. */
static void work_batch(struct family *family, struct attempt *const *batch, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (open_member(family, batch[i]))
			return;
		attempt_examine(batch[i]);
	}
	attempt_parse(batch, count);
	for (size_t i = 0; i < count && !family->code; i++) {
		struct attempt *member = batch[i];
		attempt_store(member);
		if (member->fd >= 0)
			close(TAKE_FD(member->fd));
		ingest_text_forget(&member->text);
		if (member->fate == ATTEMPT_LATER || member->fate == ATTEMPT_CANCELLED) {
			family->err = member->job->err;
			fail(family, -EAGAIN, true);
		}
	}
}

/* The next members that are worked on together: many small ones, or a large one. */
static size_t next_batch(const struct family *family, size_t at, struct attempt *batch[BATCH_COUNT])
{
	uint64_t bytes = 0;
	size_t count = 0;

	while (at + count < family->count && count < BATCH_COUNT) {
		struct attempt *member = family->members[at + count];
		bytes += member->size;
		if (count && bytes > BATCH_BYTES)
			break;
		batch[count++] = member;
	}
	return count;
}

/* Nothing of it is kept. */
static void give_up(struct attempt *root)
{
	struct family *family = root->family;

	for (size_t i = 0; i < family->count; i++)
		attempt_discard(family->members[i]);
	root->job->err = family->err;
	if (family->may_pass || attempt_is_cancelled(root))
		attempt_later(root);
	else
		attempt_fail(root, family->code);
	family_free(root);
}

void family_work(struct attempt *root)
{
	struct family *family = root->family;
	struct attempt *batch[BATCH_COUNT];
	size_t count;

	if (!family)
		return;
	forget_open(family);
	if (root->fate != ATTEMPT_FRESH && !family->code) {
		family_free(root); /* the parser gave up: half an archive is none */
		return;
	}
	for (size_t at = 0; at < family->count && !family->code; at += count) {
		count = next_batch(family, at, batch);
		work_batch(family, batch, count);
	}
	if (family->spool >= 0)
		close(TAKE_FD(family->spool));
	if (family->code)
		give_up(root);
}

struct attempt *family_find(const struct attempt *root, const struct uuid *id)
{
	return root->family ? find_member(root->family, id) : NULL;
}

struct attempt **family_detach(struct attempt *root, size_t *count)
{
	struct family *family = root->family;

	*count = 0;
	if (!family)
		return NULL;
	for (size_t i = 0; i < family->count; i++)
		family->members[i]->root = NULL;
	*count = family->count;
	family->count = 0;
	return TAKE_PTR(family->members);
}

void family_free(struct attempt *root)
{
	struct family *family = TAKE_PTR(root->family);

	if (!family)
		return;
	forget_open(family);
	for (size_t i = 0; i < family->count; i++)
		member_free(family->members[i]);
	free(family->members);
	free(family->slots);
	if (family->spool >= 0)
		close(family->spool);
	free(family);
}
