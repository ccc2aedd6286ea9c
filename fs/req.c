/* SPDX-License-Identifier: Apache-2.0 */
/* A request's life: made by fs/ops.c, moved between the loop thread and the I/O pool, parked,
 * answered. Forbidden: to touch it after an answer; to answer a parked one from another
 * thread than the loop's (the interrupt callback holds a pointer to it). */
#include "fs/req.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/fs.h"
#include "fs/req_new.h"

struct req *req_new(fuse_req_t fuse, struct node *node)
{
	struct req *req = calloc(1, sizeof(*req));

	if (!req) {
		fuse_reply_err(fuse, ENOMEM);
		return NULL;
	}
	req->fuse = fuse;
	req->fs = node->fs;
	req->node = node;
	buf_init(&req->buf, (size_t)1 << 30);
	dirlist_init(&req->list);
	return req;
}

/* The kernel has its answer. */
static void finish(struct req *req)
{
	req->is_answered = true;
	if (req->is_interrupt_posted)
		return; /* run_interrupt frees it */
	free(req->data);
	buf_release(&req->buf);
	dirlist_release(&req->list);
	free(req);
}

/* --- who asks --------------------------------------------------------------------- */

uid_t req_uid(const struct req *req)
{
	return fuse_req_ctx(req->fuse)->uid;
}

gid_t req_gid(const struct req *req)
{
	return fuse_req_ctx(req->fuse)->gid;
}

pid_t req_thread(const struct req *req)
{
	return fuse_req_ctx(req->fuse)->pid;
}

int req_caller(struct req *req, struct caller *out)
{
	enum { FEW = 32 };
	gid_t few[FEW];
	int count = fuse_req_getgroups(req->fuse, FEW, few);
	size_t extra = count > 0 ? (size_t)count : 0;

	*out = (struct caller){.uid = req_uid(req)};
	out->groups = calloc(extra + 1, sizeof(gid_t));
	if (!out->groups)
		return -ENOMEM;
	out->groups[0] = req_gid(req);
	out->group_count = 1;
	if (extra > FEW && fuse_req_getgroups(req->fuse, (int)extra, out->groups + 1) == (int)extra)
		out->group_count += extra;
	else if (extra && extra <= FEW) {
		memcpy(out->groups + 1, few, extra * sizeof(gid_t));
		out->group_count += extra;
	}
	return 0;
}

/* --- between the threads ---------------------------------------------------------- */

static void run_then(struct task *task)
{
	struct req *req = (struct req *)((char *)task - offsetof(struct req, task));

	req->then(req);
}

static void run_work(struct job *job)
{
	struct req *req = (struct req *)((char *)job - offsetof(struct req, job));
	struct loop *loop = req->fs->loop;
	bool comes_back = req->then != NULL;

	req->work(req);
	if (comes_back)
		loop_post(loop, &req->task);
}

void req_offload(struct req *req, void (*work)(struct req *), void (*then)(struct req *))
{
	assert(!req->is_parked);
	req->work = work;
	req->then = then;
	req->task.run = run_then;
	req->job.run = run_work;
	pool_submit(req->fs->io, &req->job);
}

static void run_interrupt(struct task *task)
{
	struct req *req = (struct req *)((char *)task - offsetof(struct req, interrupt_task));

	req->is_interrupt_posted = false;
	if (req->is_answered)
		finish(req);
	else
		req->interrupted(req);
}

/* Called by libfuse, with the request's lock held: mark and queue, answer later. */
static void on_interrupt(fuse_req_t fuse, void *context)
{
	struct req *req = context;

	(void)fuse;
	if (req->is_interrupt_posted)
		return;
	req->is_interrupt_posted = true;
	loop_post(req->fs->loop, &req->interrupt_task);
}

void req_park(struct req *req, void (*interrupted)(struct req *req))
{
	assert(loop_is_mine(req->fs->loop));
	req->is_parked = true;
	req->interrupted = interrupted;
	req->interrupt_task.run = run_interrupt;
	fuse_req_interrupt_func(req->fuse, on_interrupt, req);
}

/* --- the answers ------------------------------------------------------------------ */

void req_error(struct req *req, int error)
{
	assert(error <= 0);
	fuse_reply_err(req->fuse, -error);
	finish(req);
}

void req_done(struct req *req)
{
	req_error(req, 0);
}

void req_data(struct req *req, const void *data, size_t size)
{
	fuse_reply_buf(req->fuse, data, size);
	finish(req);
}

void req_slice(struct req *req, const void *data, size_t len, size_t size, off_t offset)
{
	if (offset < 0 || (size_t)offset >= len) {
		req_data(req, NULL, 0);
		return;
	}
	size_t left = len - (size_t)offset;
	req_data(req, (const char *)data + offset, size < left ? size : left);
}

void req_written(struct req *req, size_t size)
{
	fuse_reply_write(req->fuse, size);
	finish(req);
}

void req_link(struct req *req, const char *target)
{
	fuse_reply_readlink(req->fuse, target);
	finish(req);
}

void req_statfs(struct req *req, const struct statvfs *statvfs)
{
	fuse_reply_statfs(req->fuse, statvfs);
	finish(req);
}

void req_poll(struct req *req, unsigned revents)
{
	fuse_reply_poll(req->fuse, revents);
	finish(req);
}

/* The protocol of getxattr and listxattr: size 0 asks for the size. */
void req_xattr(struct req *req, int rc)
{
	size_t size = (size_t)req->number;

	if (!rc && req->buf.failed)
		rc = req->buf.failed;
	if (rc)
		fuse_reply_err(req->fuse, -rc);
	else if (size == 0)
		fuse_reply_xattr(req->fuse, req->buf.len);
	else if (size < req->buf.len)
		fuse_reply_err(req->fuse, ERANGE);
	else
		fuse_reply_buf(req->fuse, req->buf.data, req->buf.len);
	finish(req);
}

void req_fill_entry(struct node *node, struct fuse_entry_param *out)
{
	*out = (struct fuse_entry_param){
		.ino = (fuse_ino_t)(uintptr_t)node,
		.generation = 1,
		.attr_timeout = node->ops->attr_timeout,
		.entry_timeout = node->ops->entry_timeout,
	};
	node_stat(node, &out->attr);
}

void req_entry(struct req *req, struct node *node)
{
	struct fuse_entry_param entry;

	if (!node) {
		req_error(req, -ENOMEM);
		return;
	}
	req_fill_entry(node, &entry);
	node->lookups++;
	if (fuse_reply_entry(req->fuse, &entry))
		node_forget(node, 1); /* the caller has gone */
	finish(req);
}

void req_attr(struct req *req)
{
	struct stat attr;

	node_stat(req->node, &attr);
	fuse_reply_attr(req->fuse, &attr, req->node->ops->attr_timeout);
	finish(req);
}

void handle_free(struct handle *handle)
{
	struct fs *fs = handle->node->fs;

	*(handle->before ? &handle->before->next : &fs->handles) = handle->next;
	if (handle->next)
		handle->next->before = handle->before;
	if (handle->ops->release)
		handle->ops->release(handle);
	else
		free(handle);
}

static void fill_file(
	struct req *req, struct handle *handle, struct node *node, enum open_cache cache)
{
	handle->node = node;
	handle->flags = req->file.flags;
	handle->next = req->fs->handles;
	if (handle->next)
		handle->next->before = handle;
	req->fs->handles = handle;
	req->file.fh = (uint64_t)(uintptr_t)handle;
	req->file.keep_cache = cache == OPEN_CACHE_KEEP;
	req->file.direct_io = cache == OPEN_CACHE_DIRECT;
}

void req_open(struct req *req, struct handle *handle, enum open_cache cache)
{
	fill_file(req, handle, req->node, cache);
	if (fuse_reply_open(req->fuse, &req->file))
		handle_free(handle);
	finish(req);
}

void req_open_content(struct req *req, const struct handle_ops *ops)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (!handle) {
		req_error(req, -ENOMEM);
		return;
	}
	handle->ops = ops;
	req_open(req, handle, OPEN_CACHE_KEEP);
}

void req_create(struct req *req, struct node *node, struct handle *handle, enum open_cache cache)
{
	struct fuse_entry_param entry;

	fill_file(req, handle, node, cache);
	req_fill_entry(node, &entry);
	node->lookups++;
	if (fuse_reply_create(req->fuse, &entry, &req->file)) {
		handle_free(handle);
		node_forget(node, 1);
	}
	finish(req);
}

void req_list_begin(struct req *req, uint64_t above)
{
	dirlist_add(&req->list, ".", req->node->ino, S_IFDIR);
	dirlist_add(&req->list, "..", above, S_IFDIR);
}

void req_list(struct req *req)
{
	struct dir_handle *dir = calloc(1, sizeof(*dir));

	if (!dir || req->list.entries.failed) {
		free(dir);
		req_error(req, -ENOMEM);
		return;
	}
	dir->list = req->list;
	dirlist_init(&req->list);
	req->file.fh = (uint64_t)(uintptr_t)dir;
	if (fuse_reply_open(req->fuse, &req->file)) {
		dirlist_release(&dir->list);
		free(dir);
	}
	finish(req);
}
