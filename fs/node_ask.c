/* SPDX-License-Identifier: Apache-2.0 */
/* ask/: a file a session. What it shows is fs/node_turn.c's; here is the folder, and the
 * handle that a question is written on. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask.h"
#include "core/auto.h"
#include "core/clock.h"
#include "fs/fs.h"
#include "fs/node_turn.h"
#include "fs/req.h"

/* --- a handle that was opened for writing ----------------------------------------- */

struct ask_handle {
	struct handle handle;
	struct draft *draft;
};

/* req->data of a request that waits. */
struct ask_wait {
	struct waiter waiter;
	struct req *req;
	struct ask_handle *handle;
	struct session *session; /* a reference, or NULL */
	size_t size;
	off_t offset;
	int flags;
};

static struct ask_wait *wait_of(struct waiter *waiter)
{
	return (struct ask_wait *)(void *)waiter;
}

static struct ask_wait *wait_new(struct req *req, void (*done)(struct waiter *, int))
{
	struct ask_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->waiter.done = done;
	wait->req = req;
	free(req->data);
	req->data = wait;
	return wait;
}

static struct ask_handle *ask_handle(struct handle *handle)
{
	return (struct ask_handle *)(void *)handle;
}

static void handle_write(
	struct handle *handle, struct req *req, const void *data, size_t size, off_t offset)
{
	ssize_t count = draft_write(ask_handle(handle)->draft, data, size);

	(void)offset; /* the order of the writes is the order of the bytes */
	if (count < 0)
		req_error(req, (int)count);
	else
		req_written(req, (size_t)count);
}

static void answer(struct waiter *waiter, int rc)
{
	req_error(wait_of(waiter)->req, rc);
}

static void handle_flush(struct handle *handle, struct req *req)
{
	struct ask_wait *wait = wait_new(req, answer);

	if (!wait) {
		req_error(req, -ENOMEM);
		return;
	}
	int rc = draft_flush(ask_handle(handle)->draft, &wait->waiter);
	if (rc != -EINPROGRESS)
		req_error(req, rc);
}

static void read_step(struct waiter *waiter, int rc)
{
	struct ask_wait *wait = wait_of(waiter);
	struct draft *draft = wait->handle->draft;
	struct req *req = wait->req;

	if (!rc)
		rc = draft_wait(draft, waiter);
	if (rc == -EINPROGRESS && wait->flags & O_NONBLOCK) {
		waiter_cancel(waiter);
		rc = -EAGAIN;
	}
	if (rc == -EINPROGRESS) {
		req_park_waiter(req);
		return;
	}
	AUTO_FREE char *data = malloc(wait->size ? wait->size : 1);
	if (rc || !data) {
		req_error(req, rc ? rc : -ENOMEM);
		return;
	}
	ssize_t count = draft_copy(draft, data, wait->size, (uint64_t)wait->offset);
	req_data(req, data, (size_t)count);
}

static void handle_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	struct ask_wait *wait = wait_new(req, read_step);

	if (!wait) {
		req_error(req, -ENOMEM);
		return;
	}
	wait->handle = ask_handle(handle);
	wait->size = size;
	wait->offset = offset;
	wait->flags = handle->flags;
	read_step(&wait->waiter, 0);
}

static void sync_catalog(struct req *req)
{
	struct err err = ERR_NONE;

	req_error(req, catalog_sync(req->fs->ports->catalog, &err));
}

/* What was committed is safe from a loss of power; nothing is committed by it. */
static void handle_fsync(struct handle *handle, struct req *req)
{
	(void)handle;
	req_offload(req, sync_catalog, NULL);
}

static void handle_release(struct handle *handle)
{
	draft_release(ask_handle(handle)->draft);
	free(handle);
}

static const struct handle_ops handle_ops = {
	.read = handle_read,
	.write = handle_write,
	.flush = handle_flush,
	.fsync = handle_fsync,
	.release = handle_release,
};

int ask_handle_new(struct handle **out, struct req *req, struct session *session, int flags)
{
	struct ask_handle *handle = calloc(1, sizeof(*handle));
	struct caller caller;

	if (!handle)
		return -ENOMEM;
	int rc = session->is_removed ? -ENOENT : req_caller(req, &caller);
	if (!rc) {
		rc = draft_new(&handle->draft, session, &caller, flags & O_TRUNC);
		caller_release(&caller);
	}
	if (rc) {
		free(handle);
		return rc;
	}
	handle->handle.ops = &handle_ops;
	*out = &handle->handle;
	return 0;
}

int ask_handle_truncate(struct handle *handle, uint64_t size)
{
	if (handle->ops != &handle_ops)
		return -EINVAL;
	return draft_truncate(ask_handle(handle)->draft, size);
}

/* --- the folder ------------------------------------------------------------------- */

/* When the newest session was made. */
static void ask_stat(struct node *node, struct stat *out)
{
	const struct ask *ask = node->fs->ask;
	int64_t newest = 0;

	for (size_t i = 0; i < ask_count(ask); i++)
		if (ask_at(ask, i)->record.created_ns > newest)
			newest = ask_at(ask, i)->record.created_ns;
	out->st_mode = S_IFDIR | 01777;
	out->st_nlink = 2;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	node_set_times(out, newest);
}

static void ask_lookup(struct node *dir, struct req *req, const char *name)
{
	struct session *session = ask_find(dir->fs->ask, name);

	if (session)
		turn_node_lookup(req, session, TURN_TEXT);
	else
		req_error(req, -ENOENT);
}

static void ask_list(struct node *dir, struct req *req)
{
	struct ask *ask = dir->fs->ask;
	struct caller caller;

	if (req_caller(req, &caller)) {
		req_error(req, -ENOMEM);
		return;
	}
	req_list_begin(req, dir->fs->root->ino);
	for (size_t i = 0; i < ask_count(ask); i++) {
		const struct session *session = ask_at(ask, i);
		if (access_may_read(&session->record.access, &caller))
			dirlist_add(&req->list, session->record.name,
				turn_node_ino(session, TURN_TEXT), S_IFREG);
	}
	caller_release(&caller);
	req_list(req);
}

static void create_step(struct waiter *waiter, int rc)
{
	struct ask_wait *wait = wait_of(waiter);
	struct session *session = wait->session;
	struct req *req = wait->req;
	struct handle *handle = NULL;

	if (!rc)
		rc = session_load(session, waiter);
	if (rc == -EINPROGRESS)
		return;
	struct node *node = rc ? NULL : turn_node_now(req->fs, session, TURN_TEXT, req_thread(req));
	if (!rc && !node)
		rc = -ENOMEM;
	if (!rc)
		rc = ask_handle_new(&handle, req, session, wait->flags);
	session_unref(session);
	if (!rc) {
		turn_node_written(node, req);
		req_create(req, node, handle, OPEN_CACHE_DIRECT);
		return;
	}
	if (node && node->lookups == 0)
		node_drop(node);
	req_error(req, rc);
}

/* The mode is not asked for: a session is its maker's alone until he says otherwise. */
static void ask_create(struct node *dir, struct req *req, const char *name, mode_t mode, int flags)
{
	struct ask_wait *wait = wait_new(req, create_step);
	struct session *session;
	struct caller caller;
	int rc = wait ? req_caller(req, &caller) : -ENOMEM;

	(void)mode;
	if (!rc) {
		rc = ask_make(dir->fs->ask, name, &caller, &session);
		caller_release(&caller);
	}
	if (rc == -EEXIST && !(flags & O_EXCL)) {
		session = ask_find(dir->fs->ask, name);
		rc = 0;
	}
	if (rc) {
		req_error(req, rc);
		return;
	}
	wait->session = session_ref(session);
	wait->flags = flags;
	create_step(&wait->waiter, 0);
}

static void ask_unlink(struct node *dir, struct req *req, const char *name)
{
	struct session *session = ask_find(dir->fs->ask, name);
	struct ask_wait *wait = session ? wait_new(req, answer) : NULL;

	if (!wait) {
		req_error(req, session ? -ENOMEM : -ENOENT);
		return;
	}
	int rc = session_remove(session, &wait->waiter);
	if (rc != -EINPROGRESS)
		req_error(req, rc);
}

static const struct node_ops ask_ops = {
	.name = "ask",
	.entry_timeout = 3600,
	.stat = ask_stat,
	.lookup = ask_lookup,
	.list = ask_list,
	.create = ask_create,
	.unlink = ask_unlink,
};

struct node *node_ask_new(struct fs *fs)
{
	uint64_t ino = node_hash("ask", "", 0);

	return node_new(fs, &ask_ops, sizeof(struct node), ino, ino);
}
