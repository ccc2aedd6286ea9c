/* SPDX-License-Identifier: Apache-2.0 */
/* sessions/<session>/options.json: read and write. A handle has the file as it was opened; what
 * is written is checked, and kept, by the FLUSH that brings it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask.h"
#include "core/auto.h"
#include "fs/fs.h"
#include "fs/node_session.h"
#include "fs/req.h"

struct options_handle {
	struct handle handle;
	struct buf text; /* the file as this handle sees it */
	bool is_new; /* written since the last flush */
	bool has_written, has_truncated;
};

static struct options_handle *options_handle(struct handle *handle)
{
	return (struct options_handle *)(void *)handle;
}

static void options_stat(struct node *node, struct stat *out)
{
	const struct session *session = session_of(node);
	AUTO_BUF struct buf text = {0};

	buf_init(&text, OPTIONS_MAX_BYTES * 2);
	options_render(&session->options, &text);
	out->st_mode = S_IFREG | (session->record.access.mode & 0666);
	out->st_uid = session->record.access.owner;
	out->st_gid = session->record.access.group;
	out->st_size = (off_t)text.len;
	node_set_times(out, session->record.updated_ns);
}

static void options_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	const struct buf *text = &options_handle(handle)->text;

	req_slice(req, text->data, text->len, size, offset);
}

/* Written at any offset up to the end, as an editor does that writes in place. */
static void options_write(
	struct handle *handle, struct req *req, const void *data, size_t size, off_t offset)
{
	struct options_handle *self = options_handle(handle);
	struct buf *text = &self->text;
	size_t at = (size_t)offset;

	if (offset < 0 || at > text->len) {
		req_error(req, -EINVAL);
		return;
	}
	if (at + size > OPTIONS_MAX_BYTES) {
		req_error(req, -EFBIG);
		return;
	}
	size_t inside = text->len - at < size ? text->len - at : size;
	if (inside)
		memcpy(text->data + at, data, inside);
	if (buf_add(text, (const char *)data + inside, size - inside)) {
		req_error(req, -ENOMEM);
		return;
	}
	self->is_new = self->has_written = true;
	req_written(req, size);
}

/* req->data of a FLUSH that waits. */
struct options_wait {
	struct waiter waiter;
	struct req *req;
};

static void flush_done(struct waiter *waiter, int rc)
{
	req_error(((struct options_wait *)(void *)waiter)->req, rc);
}

static void options_flush(struct handle *handle, struct req *req)
{
	struct options_handle *self = options_handle(handle);
	struct options_wait *wait;

	if (!self->is_new) {
		req_done(req);
		return;
	}
	wait = calloc(1, sizeof(*wait));
	if (!wait) {
		req_error(req, -ENOMEM);
		return;
	}
	wait->waiter.done = flush_done;
	wait->req = req;
	req->data = wait;
	int rc = session_set_options(
		session_of(handle->node), self->text.data, self->text.len, &wait->waiter, NULL);
	if (rc == -EINPROGRESS)
		self->is_new = false;
	else
		req_error(req, rc);
}

/* Emptied and not written again: the defaults. */
static void options_release_handle(struct handle *handle)
{
	struct options_handle *self = options_handle(handle);

	if (self->has_truncated && !self->has_written)
		session_set_options(session_of(handle->node), "", 0, NULL, NULL);
	buf_release(&self->text);
	free(self);
}

static const struct handle_ops options_handle_ops = {
	.read = options_read,
	.write = options_write,
	.flush = options_flush,
	.release = options_release_handle,
};

static void options_open(struct node *node, struct req *req, int flags)
{
	struct options_handle *self = calloc(1, sizeof(*self));
	int rc = self ? 0 : -ENOMEM;

	if (!rc) {
		self->handle.ops = &options_handle_ops;
		self->has_truncated = flags & O_TRUNC;
		buf_init(&self->text, OPTIONS_MAX_BYTES * 2);
		if (!self->has_truncated)
			rc = options_render(&session_of(node)->options, &self->text);
	}
	if (rc) {
		free(self);
		req_error(req, rc);
		return;
	}
	bool is_reader = (flags & O_ACCMODE) == O_RDONLY;
	req_open(req, &self->handle, is_reader ? OPEN_CACHE_FRESH : OPEN_CACHE_DIRECT);
}

static void options_setattr(
	struct node *node, struct req *req, const struct stat *attr, int set, struct handle *handle)
{
	(void)node;
	if (set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
		req_error(req, -EPERM);
		return;
	}
	if (set & FUSE_SET_ATTR_SIZE) {
		struct options_handle *self = handle ? options_handle(handle) : NULL;
		if (!self || attr->st_size) {
			req_error(req, -EINVAL);
			return;
		}
		buf_clear(&self->text);
		self->has_truncated = true;
	}
	req_attr(req);
}

const struct node_ops session_options_ops = {
	.name = "options",
	.stat = options_stat,
	.forget = session_node_forget,
	.open = options_open,
	.setattr = options_setattr,
};
