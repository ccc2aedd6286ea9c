/* SPDX-License-Identifier: Apache-2.0 */
/* tools/: a folder a tool, with its schema and a file that calls it. What is written to a handle
 * of run are the arguments; the result is read on the same handle. A handle that was opened for
 * reading alone gives whoever reads his own last result. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/tool_jobs.h"
#include "fs/fs.h"
#include "fs/node_turn.h"
#include "fs/req.h"

struct tool_node {
	struct node node;
	const struct tool *tool;
};

static const struct tool *tool_of(const struct node *node)
{
	return ((const struct tool_node *)(const void *)node)->tool;
}

static uint64_t root_ino(void)
{
	return node_hash("tools", "", 0);
}

static uint64_t tool_ino(const struct tool *tool, const char *file)
{
	char identity[512];
	int len = snprintf(identity, sizeof(identity), "%s/%s", tool->name, file);

	return node_hash("tools", identity, (size_t)len);
}

static void fill(const struct node *node, struct stat *out, mode_t mode)
{
	out->st_mode = mode;
	out->st_nlink = S_ISDIR(mode) ? 2 : 1;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	node_set_times(out, node->fs->made_ns);
}

/* --- a handle of run ---------------------------------------------------------------- */

struct run_handle {
	struct handle handle;
	struct caller caller;
	struct buf arguments; /* since the last result was read */
	struct tool_job *job; /* a reference; NULL: nothing was called yet */
	uint64_t start; /* where byte 0 of the result stands */
	bool has_start; /* a result is being read */
	bool is_new; /* something is there that was not called yet */
	int refused; /* -EFBIG: it became too long */
};

static struct run_handle *run_handle(struct handle *handle)
{
	return (struct run_handle *)(void *)handle;
}

/* Take back what was called and not read yet. */
static void take_back(struct run_handle *self)
{
	if (self->has_start)
		buf_clear(&self->arguments); /* it was read: this is the next call */
	else if (self->job)
		tool_job_cancel(self->job);
	tool_job_unref(TAKE_PTR(self->job));
	self->has_start = false;
}

static void run_write(
	struct handle *handle, struct req *req, const void *data, size_t size, off_t offset)
{
	struct run_handle *self = run_handle(handle);

	(void)offset; /* the order of the writes is the order of the bytes */
	if (self->job)
		take_back(self);
	if (!self->refused && memchr(data, '\0', size))
		self->refused = -EINVAL; /* JSON has none */
	if (!self->refused)
		self->refused = buf_add(&self->arguments, data, size);
	if (self->refused) {
		req_error(req, self->refused);
		return;
	}
	self->is_new = true;
	req_written(req, size);
}

/* Call the tool with what was written. */
static int call(struct run_handle *self)
{
	struct node *node = self->handle.node;
	const char *arguments = self->arguments.data ? self->arguments.data : "";

	if (!self->is_new)
		return 0;
	int rc = self->refused ? self->refused
			       : tool_job_start(node->fs->tool_jobs, tool_of(node), &self->caller,
					 arguments, &self->job);
	self->is_new = rc != 0;
	return rc;
}

/* Shells flush before they have written all: what is no JSON yet is not called yet. */
static void run_flush(struct handle *handle, struct req *req)
{
	struct run_handle *self = run_handle(handle);
	cJSON *json = self->is_new ? cJSON_ParseWithOpts(self->arguments.data, NULL, 1) : NULL;
	int rc = json ? call(self) : 0;

	cJSON_Delete(json);
	req_error(req, rc);
}

/* req->data of a read that waits. */
struct run_wait {
	struct waiter waiter;
	struct req *req;
	struct run_handle *handle;
	size_t size;
	off_t offset;
};

static void read_result(struct run_wait *wait)
{
	struct run_handle *self = wait->handle;
	size_t len;
	const char *result = tool_job_result(self->job, &len);
	bool is_reader = (self->handle.flags & O_ACCMODE) == O_RDONLY;

	if (!self->has_start)
		self->start = is_reader ? 0 : (uint64_t)wait->offset;
	self->has_start = true;
	if ((uint64_t)wait->offset < self->start)
		req_data(wait->req, NULL, 0);
	else
		req_slice(wait->req, result, len, wait->size, wait->offset - (off_t)self->start);
}

static void read_step(struct waiter *waiter, int rc)
{
	struct run_wait *wait = (struct run_wait *)(void *)waiter;
	struct run_handle *self = wait->handle;

	if (!rc)
		rc = call(self);
	if (!rc && self->job)
		rc = tool_job_wait(self->job, waiter);
	if (rc == -EINPROGRESS && self->handle.flags & O_NONBLOCK) {
		waiter_cancel(waiter);
		rc = -EAGAIN;
	}
	if (rc == -EINPROGRESS)
		req_park_waiter(wait->req);
	else if (rc)
		req_error(wait->req, rc);
	else if (self->job)
		read_result(wait);
	else
		req_data(wait->req, NULL, 0);
}

static void run_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	struct run_wait *wait = calloc(1, sizeof(*wait));

	if (!wait) {
		req_error(req, -ENOMEM);
		return;
	}
	*wait = (struct run_wait){
		.waiter = {.done = read_step},
		.req = req,
		.handle = run_handle(handle),
		.size = size,
		.offset = offset,
	};
	req->data = wait;
	read_step(&wait->waiter, 0);
}

static void run_release(struct handle *handle)
{
	struct run_handle *self = run_handle(handle);

	call(self); /* not JSON: its result, for who reads later, says so */
	tool_job_unref(self->job);
	caller_release(&self->caller);
	buf_release(&self->arguments);
	free(self);
}

static const struct handle_ops run_handle_ops = {
	.read = run_read,
	.write = run_write,
	.flush = run_flush,
	.release = run_release,
};

/* --- run ---------------------------------------------------------------------------- */

static void run_stat(struct node *node, struct stat *out)
{
	fill(node, out, S_IFREG | 0666);
}

static void run_open(struct node *node, struct req *req, int flags)
{
	struct run_handle *self = calloc(1, sizeof(*self));
	int rc = self ? req_caller(req, &self->caller) : -ENOMEM;

	if (rc) {
		free(self);
		req_error(req, rc);
		return;
	}
	self->handle.ops = &run_handle_ops;
	buf_init(&self->arguments, node->fs->config->tool_argument_bytes);
	if ((flags & O_ACCMODE) == O_RDONLY)
		self->job = tool_jobs_last(node->fs->tool_jobs, tool_of(node), self->caller.uid);
	req_open(req, &self->handle, OPEN_CACHE_DIRECT);
}

/* What cp -p and rsync bring along is accepted, and stays what it is. */
static void run_setattr(
	struct node *node, struct req *req, const struct stat *attr, int set, struct handle *handle)
{
	(void)node;
	(void)handle;
	(void)attr;
	(void)set;
	req_attr(req);
}

static const struct node_ops run_ops = {
	.name = "tool run",
	.entry_timeout = 3600,
	.stat = run_stat,
	.open = run_open,
	.setattr = run_setattr,
};

/* --- the folders -------------------------------------------------------------------- */

static struct node *tool_node(
	struct fs *fs, const struct node_ops *ops, const struct tool *tool, const char *file)
{
	uint64_t ino = tool_ino(tool, file);
	struct node *found = node_find(fs, ino);
	struct tool_node *self = found ? NULL : node_new(fs, ops, sizeof(*self), ino, ino);

	if (self)
		self->tool = tool;
	return found ? found : self ? &self->node : NULL;
}

static struct node *schema_node(struct fs *fs, const struct tool *tool)
{
	char *text = tool_schema_text(tool);
	struct attributes attributes = {
		.access = {.owner = fs->uid, .group = fs->gid, .mode = 0444},
		.mtime_ns = fs->made_ns,
	};

	return node_text_stable(
		fs, tool_ino(tool, "schema.json"), &attributes, text, text ? strlen(text) : 0);
}

static void folder_stat(struct node *node, struct stat *out)
{
	fill(node, out, S_IFDIR | 0555);
}

static void folder_lookup(struct node *dir, struct req *req, const char *name)
{
	if (!strcmp(name, "run"))
		req_entry(req, tool_node(dir->fs, &run_ops, tool_of(dir), "run"));
	else if (!strcmp(name, "schema.json"))
		req_entry(req, schema_node(dir->fs, tool_of(dir)));
	else
		req_error(req, -ENOENT);
}

static void folder_list(struct node *dir, struct req *req)
{
	req_list_begin(req, root_ino());
	dirlist_add(&req->list, "run", tool_ino(tool_of(dir), "run"), S_IFREG);
	dirlist_add(&req->list, "schema.json", tool_ino(tool_of(dir), "schema.json"), S_IFREG);
	req_list(req);
}

static const struct node_ops folder_ops = {
	.name = "tool",
	.entry_timeout = 3600,
	.attr_timeout = 3600,
	.stat = folder_stat,
	.lookup = folder_lookup,
	.list = folder_list,
};

static void root_lookup(struct node *dir, struct req *req, const char *name)
{
	const struct tool *tool = tools_find(dir->fs->tools, name);

	if (tool)
		req_entry(req, tool_node(dir->fs, &folder_ops, tool, ""));
	else
		req_error(req, -ENOENT);
}

static void root_list(struct node *dir, struct req *req)
{
	const struct tools *tools = dir->fs->tools;

	req_list_begin(req, dir->fs->root->ino);
	for (size_t i = 0; i < tools_count(tools); i++) {
		const struct tool *tool = tools_at(tools, i);
		dirlist_add(&req->list, tool->name, tool_ino(tool, ""), S_IFDIR);
	}
	req_list(req);
}

static const struct node_ops root_ops = {
	.name = "tools",
	.entry_timeout = 3600,
	.attr_timeout = 3600,
	.stat = folder_stat,
	.lookup = root_lookup,
	.list = root_list,
};

struct node *node_tools_new(struct fs *fs)
{
	return node_new(fs, &root_ops, sizeof(struct node), root_ino(), root_ino());
}
