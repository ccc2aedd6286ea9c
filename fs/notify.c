/* SPDX-License-Identifier: Apache-2.0 */
/* A node may be forgotten while a notification about it waits in the queue: then its number
 * is unknown to the kernel, which says so, and nothing is lost. */
#include "fs/notify.h"

#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/pool.h"
#include "fs/fs.h"
#include "fs/node.h"

struct notify {
	struct fs *fs;
	struct pool *pool; /* one thread: notifications keep their order */
};

enum notice_kind { NOTICE_ENTRY, NOTICE_INODE, NOTICE_STORE };

struct notice {
	struct job job;
	struct task task;
	struct fs *fs;
	enum notice_kind kind;
	fuse_ino_t ino;
	int with_content;
	void (*done)(void *context);
	void *context;
	size_t len;
	char data[]; /* the name, or what to store */
};

int notify_new(struct notify **out, struct fs *fs)
{
	struct notify *notify = calloc(1, sizeof(*notify));

	if (!notify)
		return -ENOMEM;
	notify->fs = fs;
	int rc = pool_new(&notify->pool, "askfs-notify", 1, 0);
	if (rc) {
		free(notify);
		return rc;
	}
	*out = notify;
	return 0;
}

static void finish_store(struct task *task)
{
	struct notice *notice = (struct notice *)((char *)task - offsetof(struct notice, task));

	notice->done(notice->context);
	free(notice);
}

static void store(struct notice *notice)
{
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(notice->len);

	data.buf[0].mem = notice->data;
	fuse_lowlevel_notify_store(notice->fs->session, notice->ino, 0, &data, 0);
	notice->task.run = finish_store;
	loop_post(notice->fs->loop, &notice->task);
}

static void run(struct job *job)
{
	struct notice *notice = (struct notice *)((char *)job - offsetof(struct notice, job));
	struct fuse_session *session = notice->fs->session;

	if (notice->kind == NOTICE_STORE) {
		store(notice);
		return;
	}
	if (notice->kind == NOTICE_ENTRY)
		fuse_lowlevel_notify_inval_entry(session, notice->ino, notice->data, notice->len);
	else
		fuse_lowlevel_notify_inval_inode(
			session, notice->ino, notice->with_content ? 0 : -1, 0);
	free(notice);
}

static struct notice *notice_new(struct notify *notify, struct node *node, enum notice_kind kind,
	const void *data, size_t len)
{
	struct notice *notice = calloc(1, sizeof(*notice) + len + 1);

	if (!notice)
		return NULL; /* the kernel's time-outs will do */
	notice->fs = notify->fs;
	notice->kind = kind;
	notice->ino = node == notify->fs->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
	notice->job.run = run;
	notice->len = len;
	if (len)
		memcpy(notice->data, data, len);
	return notice;
}

void notify_entry(struct notify *notify, struct node *dir, const char *name)
{
	struct notice *notice;

	if (dir->lookups == 0 && dir != notify->fs->root)
		return; /* the kernel does not know the folder */
	notice = notice_new(notify, dir, NOTICE_ENTRY, name, strlen(name));
	if (notice)
		pool_submit(notify->pool, &notice->job);
}

void notify_inode(struct notify *notify, struct node *node, int with_content)
{
	struct notice *notice;

	if (node->lookups == 0 && node != notify->fs->root)
		return;
	notice = notice_new(notify, node, NOTICE_INODE, NULL, 0);
	if (!notice)
		return;
	notice->with_content = with_content;
	pool_submit(notify->pool, &notice->job);
}

void notify_folder(struct notify *notify, struct node *node)
{
	if (node->lookups)
		fuse_lowlevel_notify_inval_inode(
			notify->fs->session, (fuse_ino_t)(uintptr_t)node, -1, 0);
}

void notify_store(struct notify *notify, struct node *node, const void *data, size_t len,
	void (*done)(void *context), void *context)
{
	struct notice *notice = notice_new(notify, node, NOTICE_STORE, data, len);

	if (!notice) {
		done(context);
		return;
	}
	notice->done = done;
	notice->context = context;
	pool_submit(notify->pool, &notice->job);
}

void notify_poll(struct fuse_pollhandle *ph)
{
	fuse_lowlevel_notify_poll(ph);
	fuse_pollhandle_destroy(ph);
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	pool_free(notify->pool);
	free(notify);
}
