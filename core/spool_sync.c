/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the disk: a group sync within a second of every change, and fsync of one file. The
 * files' bytes go first, then the journal: a record on the disk never tells of bytes that are
 * not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/spool_private.h"

#define SYNC_NS NS_PER_SEC

/* More files than this are written by one syncfs. */
#define SYNC_EACH 64

void spool_arm_sync(struct spool *spool)
{
	if (!spool->sync_timer.slot)
		loop_timer(spool->loop, &spool->sync_timer, clock_mono_ns() + SYNC_NS);
}

void spool_forget_unsynced(struct spool *spool, struct spool_inode *inode)
{
	if (!inode->is_unsynced)
		return;
	struct spool_inode **slot = &spool->unsynced;
	while (*slot != inode)
		slot = &(*slot)->next_unsynced;
	*slot = inode->next_unsynced;
	inode->is_unsynced = false;
}

struct sync {
	struct journal_wait wait; /* first: its prepare runs before the journal is synced */
	struct spool *spool;
	spool_done done;
	void *context;
	size_t count;
	uint64_t inos[SYNC_EACH];
};

static int sync_file(int dir_fd, uint64_t ino)
{
	char name[24];
	AUTO_CLOSE int fd = openat(dir_fd, spool_file(ino, name), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return fdatasync(fd) ? -errno : 0;
}

static int sync_files(struct journal_wait *wait)
{
	struct sync *sync = (struct sync *)wait;
	int dir_fd = sync->spool->dir_fd, rc = 0;

	if (sync->count > SYNC_EACH)
		return syncfs(dir_fd) ? -errno : 0;
	for (size_t i = 0; i < sync->count && !rc; i++)
		rc = sync_file(dir_fd, sync->inos[i]);
	if (!rc && sync->count && fsync(dir_fd))
		rc = -errno;
	return rc;
}

static void finish_sync(struct journal_wait *wait, int result)
{
	struct sync *sync = (struct sync *)wait;

	sync->spool->jobs--;
	if (sync->done)
		sync->done(sync->context, result);
	free(sync);
}

/* NULL: no memory, and @done was told so. */
static struct sync *sync_new(struct spool *spool, spool_done done, void *context)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (!sync) {
		if (done)
			done(context, -ENOMEM);
		return NULL;
	}
	sync->spool = spool;
	sync->done = done;
	sync->context = context;
	sync->wait.prepare = sync_files;
	sync->wait.done = finish_sync;
	return sync;
}

static void submit(struct sync *sync)
{
	sync->spool->jobs++;
	journal_sync(sync->spool->journal, &sync->wait);
}

void spool_sync(struct spool *spool, spool_done done, void *context)
{
	struct sync *sync = sync_new(spool, done, context);

	if (!sync)
		return;
	while (spool->unsynced) {
		struct spool_inode *inode = spool->unsynced;
		spool->unsynced = inode->next_unsynced;
		inode->is_unsynced = false;
		if (sync->count < SYNC_EACH)
			sync->inos[sync->count] = inode->ino;
		sync->count++;
	}
	loop_timer_cancel(spool->loop, &spool->sync_timer);
	submit(sync);
}

void spool_sync_inode(
	struct spool *spool, struct spool_inode *inode, spool_done done, void *context)
{
	struct sync *sync = sync_new(spool, done, context);

	if (!sync)
		return;
	sync->count = 1;
	sync->inos[0] = inode->ino;
	spool_forget_unsynced(spool, inode);
	submit(sync);
}

void spool_on_sync_timer(struct timer *timer)
{
	struct spool *spool = (struct spool *)((char *)timer - offsetof(struct spool, sync_timer));

	spool_rewrite_if_due(spool);
	spool_sync(spool, NULL, NULL);
}

bool spool_is_busy(const struct spool *spool)
{
	return spool->jobs || journal_is_busy(spool->journal);
}
