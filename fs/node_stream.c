/* SPDX-License-Identifier: Apache-2.0 */
/* sessions/<session>/stream: the answer while it is being written. Every read comes here
 * (direct I/O), so that it may be parked until more is there. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "core/auto.h"
#include "fs/node_turn.h"
#include "fs/notify.h"

/* A handle on the stream; somebody may poll it. */
struct stream_handle {
	struct handle handle;
	struct turn *turn; /* a reference; NULL: nothing was asked yet */
	uint64_t seen; /* how far it was read: what lies behind is news to a poll */
	struct waiter waiter;
	struct fuse_pollhandle *poll; /* to be told; NULL: nobody polls */
};

/* req->data of a read. */
struct stream_wait {
	struct waiter waiter;
	struct req *req;
	struct stream_handle *handle;
	size_t size;
	uint64_t offset;
};

static void read_step(struct waiter *waiter, int rc)
{
	struct stream_wait *wait = (struct stream_wait *)(void *)waiter;
	struct stream_handle *self = wait->handle;
	AUTO_FREE char *data = malloc(wait->size ? wait->size : 1);
	ssize_t count = data ? rc : -ENOMEM;

	if (count == 0 && self->turn)
		count = turn_stream_read(self->turn, data, wait->size, wait->offset);
	if (count == -EAGAIN && !(self->handle.flags & O_NONBLOCK)) {
		turn_stream_wait(self->turn, waiter);
		req_park_waiter(wait->req);
		return;
	}
	if (count < 0) {
		req_error(wait->req, (int)count);
		return;
	}
	self->seen = wait->offset + (uint64_t)count;
	req_data(wait->req, data, (size_t)count);
}

static void stream_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	struct stream_wait *wait = calloc(1, sizeof(*wait));

	if (!wait) {
		req_error(req, -ENOMEM);
		return;
	}
	wait->waiter.done = read_step;
	wait->req = req;
	wait->handle = (struct stream_handle *)(void *)handle;
	wait->size = size;
	wait->offset = (uint64_t)offset;
	req->data = wait;
	read_step(&wait->waiter, 0);
}

static void stream_grew(struct waiter *waiter, int rc)
{
	struct stream_handle *self = (struct stream_handle *)(void *)((char *)waiter -
		offsetof(struct stream_handle, waiter));
	struct fuse_pollhandle *poll = TAKE_PTR(self->poll);

	(void)rc;
	if (poll)
		notify_poll(poll);
}

static void stream_poll(struct handle *handle, struct req *req, struct fuse_pollhandle *poll)
{
	struct stream_handle *self = (struct stream_handle *)(void *)handle;
	char byte;
	bool has_to_wait =
		self->turn && turn_stream_read(self->turn, &byte, 1, self->seen) == -EAGAIN;

	if (poll) {
		if (self->poll)
			fuse_pollhandle_destroy(self->poll);
		self->poll = has_to_wait ? poll : NULL;
		if (!has_to_wait)
			fuse_pollhandle_destroy(poll);
	}
	if (self->poll && !self->waiter.next)
		turn_stream_wait(self->turn, &self->waiter);
	req_poll(req, has_to_wait ? 0 : POLLIN | POLLRDNORM);
}

static void stream_release(struct handle *handle)
{
	struct stream_handle *self = (struct stream_handle *)(void *)handle;

	waiter_cancel(&self->waiter);
	if (self->poll)
		fuse_pollhandle_destroy(self->poll);
	turn_unref(self->turn);
	free(self);
}

static const struct handle_ops stream_ops = {
	.read = stream_read, .poll = stream_poll, .release = stream_release};

void turn_stream_open(struct req *req, struct turn *turn)
{
	struct stream_handle *self = calloc(1, sizeof(*self));

	if (!self) {
		req_error(req, -ENOMEM);
		return;
	}
	self->handle.ops = &stream_ops;
	self->turn = turn ? turn_ref(turn) : NULL;
	self->waiter.done = stream_grew;
	req_open(req, &self->handle, OPEN_CACHE_DIRECT);
}
