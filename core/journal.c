/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: what is appended while a write is under way goes out with the next one, so a
 * burst of creates costs few system calls. A record is its length, its CRC-32, its bytes.
 *
 * Space is reserved ahead (fallocate beyond the end), so that a full disk is noticed while
 * there still is room for the records that free space. A write that fails all the same is
 * cut off again and owed: memory and file come together as soon as there is space. */
#include "core/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/auto.h"
#include "core/health.h"
#include "core/log.h"

#define RECORD_MAX  ((size_t)1 << 20)
#define RESERVE	    ((off_t)1 << 20)
#define RESERVE_LOW ((off_t)256 << 10)

struct record_head {
	uint32_t len, crc;
};

/* What goes out together. */
struct batch {
	struct job job;
	struct task task;
	struct journal *journal;
	struct buf bytes;
	struct journal_wait *waits, **tail;
	bool must_sync;
	bool is_rewrite; /* the bytes replace the file instead of extending it */
	struct batch *next;
};

struct journal {
	int dir_fd, fd;
	char *name;
	struct loop *loop;
	struct pool *pool;
	struct batch *queue, **queue_tail; /* loop thread: not yet handed to the pool */
	bool is_flying; /* loop thread: one batch is with the pool */
	struct buf owed; /* I/O thread: what could not be written yet */
	off_t end, reserved; /* I/O thread */
	_Atomic uint64_t size;
	atomic_bool has_room;
};

void journal_frame(struct buf *records, const void *record, size_t len)
{
	struct record_head head = {
		.len = (uint32_t)len,
		.crc = (uint32_t)crc32(0, record, (unsigned)len),
	};

	assert(len > 0 && len <= RECORD_MAX);
	buf_add(records, &head, sizeof(head));
	buf_add(records, record, len);
}

/* --- I/O thread ------------------------------------------------------------------- */

static int write_all(int fd, const char *data, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Keep room ahead of the end; remember whether there is any. */
static void reserve(struct journal *journal)
{
	if (journal->reserved - journal->end >= RESERVE_LOW && atomic_load(&journal->has_room))
		return;
	int rc = fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, journal->end, RESERVE);
	if (rc == 0)
		journal->reserved = journal->end + RESERVE;
	atomic_store(&journal->has_room, rc == 0 || errno != ENOSPC);
}

static int append_owed(struct journal *journal)
{
	if (journal->owed.len == 0)
		return 0;
	int rc = write_all(journal->fd, journal->owed.data, journal->owed.len, journal->end);
	if (rc) {
		if (ftruncate(journal->fd, journal->end))
			log_error("journal: %s", strerror(errno));
		return rc;
	}
	journal->end += (off_t)journal->owed.len;
	buf_clear(&journal->owed);
	if (journal->owed.cap > RESERVE_LOW)
		buf_release(&journal->owed);
	return 0;
}

static int rewrite(struct journal *journal, const struct buf *bytes)
{
	AUTO_CLOSE int fd = openat(
		journal->dir_fd, "journal.new", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int rc = write_all(fd, bytes->data, bytes->len, 0);
	if (rc)
		return rc;
	if (fdatasync(fd) ||
		renameat(journal->dir_fd, "journal.new", journal->dir_fd, journal->name))
		return -errno;
	fsync(journal->dir_fd);
	close(journal->fd);
	journal->fd = TAKE_FD(fd);
	journal->end = (off_t)bytes->len;
	journal->reserved = 0;
	buf_clear(&journal->owed); /* the new records hold its effect */
	return 0;
}

static int write_batch(struct journal *journal, struct batch *batch)
{
	int rc;

	if (batch->is_rewrite) {
		rc = rewrite(journal, &batch->bytes);
		if (rc == -ENOSPC || rc == 0)
			return 0; /* without room the old file simply goes on */
		return rc;
	}
	if (buf_add(&journal->owed, batch->bytes.data, batch->bytes.len))
		return -ENOMEM;
	rc = append_owed(journal);
	if (!rc && batch->must_sync && fdatasync(journal->fd))
		rc = -errno;
	return rc;
}

static void finish_batch(struct task *task);

static void run_batch(struct job *job)
{
	struct batch *batch = (struct batch *)((char *)job - offsetof(struct batch, job));
	struct journal *journal = batch->journal;

	for (struct journal_wait *wait = batch->waits; wait; wait = wait->next)
		wait->result = wait->prepare ? wait->prepare(wait) : 0;
	int rc = health_note(HEALTH_SPOOL, write_batch(journal, batch), NULL);
	if (rc)
		log_error("journal: %s", strerror(-rc));
	for (struct journal_wait *wait = batch->waits; wait; wait = wait->next)
		if (!wait->result)
			wait->result = rc;
	reserve(journal);
	atomic_store(&journal->size, (uint64_t)journal->end);
	batch->task.run = finish_batch;
	loop_post(journal->loop, &batch->task);
}

/* --- loop thread ------------------------------------------------------------------ */

static void launch(struct journal *journal)
{
	struct batch *batch = journal->queue;

	if (journal->is_flying || !batch)
		return;
	journal->queue = batch->next;
	if (!journal->queue)
		journal->queue_tail = &journal->queue;
	journal->is_flying = true;
	batch->job.run = run_batch;
	pool_submit(journal->pool, &batch->job);
}

static void finish_batch(struct task *task)
{
	struct batch *batch = (struct batch *)((char *)task - offsetof(struct batch, task));
	struct journal *journal = batch->journal;
	struct journal_wait *wait = batch->waits;

	journal->is_flying = false;
	launch(journal);
	buf_release(&batch->bytes);
	free(batch);
	while (wait) {
		struct journal_wait *next = wait->next;
		wait->done(wait, wait->result);
		wait = next;
	}
}

/* The batch that new records go into: the last one that waits, unless it is a rewrite. */
static struct batch *open_batch(struct journal *journal, bool is_rewrite)
{
	if (!is_rewrite && journal->queue) {
		struct batch *last = journal->queue;
		while (last->next)
			last = last->next;
		if (!last->is_rewrite)
			return last;
	}
	struct batch *batch = calloc(1, sizeof(*batch));
	if (!batch)
		abort(); /* an acknowledged change would be forgotten */
	batch->journal = journal;
	batch->is_rewrite = is_rewrite;
	batch->tail = &batch->waits;
	buf_init(&batch->bytes, SIZE_MAX / 2);
	*journal->queue_tail = batch;
	journal->queue_tail = &batch->next;
	return batch;
}

static void add_wait(struct batch *batch, struct journal_wait *wait)
{
	if (!wait)
		return;
	wait->next = NULL;
	*batch->tail = wait;
	batch->tail = &wait->next;
}

void journal_append(
	struct journal *journal, const void *record, size_t len, struct journal_wait *wait)
{
	struct batch *batch = open_batch(journal, false);

	journal_frame(&batch->bytes, record, len);
	add_wait(batch, wait);
	launch(journal);
}

void journal_sync(struct journal *journal, struct journal_wait *wait)
{
	struct batch *batch = open_batch(journal, false);

	batch->must_sync = true;
	add_wait(batch, wait);
	launch(journal);
}

void journal_rewrite(struct journal *journal, struct buf *records)
{
	struct batch *batch = open_batch(journal, true);

	batch->bytes = *records;
	buf_init(records, records->max);
	launch(journal);
}

uint64_t journal_size(const struct journal *journal)
{
	return atomic_load(&journal->size);
}

bool journal_has_room(const struct journal *journal)
{
	return atomic_load(&journal->has_room);
}

bool journal_is_busy(const struct journal *journal)
{
	return journal->is_flying || journal->queue;
}

/* --- opening ---------------------------------------------------------------------- */

/* Replay all whole records of @data; *good: the bytes they take. A loss of power may leave zeros
 * at the end, which would pass for a record without bytes. */
static int replay_all(const char *data, size_t len, journal_fn replay, void *context, size_t *good)
{
	struct record_head head;

	*good = 0;
	while (len - *good >= sizeof(head)) {
		memcpy(&head, data + *good, sizeof(head));
		const char *record = data + *good + sizeof(head);
		if (head.len == 0 || head.len > RECORD_MAX || head.len > len - *good - sizeof(head))
			break;
		if (crc32(0, (const unsigned char *)record, head.len) != head.crc)
			break;
		int rc = replay(context, record, head.len);
		if (rc)
			return rc;
		*good += sizeof(head) + head.len;
	}
	return 0;
}

static int replay_file(struct journal *journal, journal_fn replay, void *context)
{
	struct stat attr;
	size_t good = 0;

	if (fstat(journal->fd, &attr))
		return -errno;
	size_t len = (size_t)attr.st_size, have = 0;
	AUTO_FREE char *data = malloc(len ? len : 1);
	if (!data)
		return -ENOMEM;
	while (have < len) {
		ssize_t n = pread(journal->fd, data + have, len - have, (off_t)have);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	int rc = replay_all(data, have, replay, context, &good);
	if (rc)
		return rc;
	if (good < have) {
		log_warn("journal: %zu bytes at its end were torn and are cut off", have - good);
		if (ftruncate(journal->fd, (off_t)good))
			return -errno;
	}
	journal->end = (off_t)good;
	return 0;
}

int journal_open(struct journal **out, int dir_fd, const char *name, struct loop *loop,
	struct pool *pool, journal_fn replay, void *context, struct err *err)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int rc = -ENOMEM;

	if (!journal)
		return err_set(err, -ENOMEM, "no memory");
	journal->fd = -1;
	journal->dir_fd = dir_fd;
	journal->loop = loop;
	journal->pool = pool;
	journal->queue_tail = &journal->queue;
	buf_init(&journal->owed, SIZE_MAX / 2);
	journal->name = strdup(name);
	if (!journal->name)
		goto fail;
	journal->fd = openat(dir_fd, name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	rc = journal->fd < 0 ? -errno : replay_file(journal, replay, context);
	if (rc)
		goto fail;
	atomic_store(&journal->has_room, true);
	reserve(journal);
	atomic_store(&journal->size, (uint64_t)journal->end);
	*out = journal;
	return 0;
fail:
	journal_free(journal);
	return err_set(err, rc, "%s: %s", name, strerror(-rc));
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	assert(!journal_is_busy(journal));
	if (journal->fd >= 0)
		close(journal->fd);
	buf_release(&journal->owed);
	free(journal->name);
	free(journal);
}
