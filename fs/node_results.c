/* SPDX-License-Identifier: Apache-2.0 */
/* results.json of a search. Once the search was run it is a text like any other; looked up
 * before that, it is a node of its own, whose open waits for the search and then pushes what
 * was found into the kernel's cache, as fs/node_turn.c does with answers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fs.h"
#include "fs/node_search.h"
#include "fs/node_session.h"
#include "fs/node_turn.h"
#include "fs/notify.h"
#include "fs/req.h"

/* results.json of a search that was looked up before it was run. */
struct results_node {
	struct node node;
	struct search *search; /* a reference */
	char *data; /* NULL: not there yet */
	size_t len;
	bool is_pushed, is_pushing;
	struct waiters pushed;
};

/* req->data of an open that waits. */
struct results_wait {
	struct waiter waiter;
	struct req *req;
};

static void results_stat(struct node *node, struct stat *out)
{
	const struct results_node *self = (struct results_node *)(void *)node;

	out->st_mode = S_IFREG | 0400;
	out->st_uid = self->search->access.owner;
	out->st_gid = self->search->access.group;
	out->st_size = (off_t)self->len;
	node_set_times(out, search_attributes(self->search).mtime_ns);
}

static void results_forget(struct node *node)
{
	struct results_node *self = (struct results_node *)(void *)node;

	waiters_wake(&self->pushed, -ESHUTDOWN);
	search_unref(self->search);
	free(self->data);
}

static void results_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	const struct results_node *self = (struct results_node *)(void *)handle->node;

	req_slice(req, self->data, self->len, size, offset);
}

static const struct handle_ops results_handle_ops = {.read = results_read};

/* A push under way: it holds the node as the kernel would, and finds it by its key: when the
 * daemon ends, the nodes go first. */
struct results_push {
	struct fs *fs;
	uint64_t key;
};

static void push_done(void *context)
{
	struct results_push *push = context;
	struct results_node *self = (struct results_node *)(void *)node_find(push->fs, push->key);

	free(push);
	if (!self)
		return;
	self->is_pushing = false;
	self->is_pushed = true;
	waiters_wake(&self->pushed, 0);
	node_forget(&self->node, 1);
}

static int start_push(struct results_node *self)
{
	struct results_push *push = calloc(1, sizeof(*push));

	if (!push)
		return -ENOMEM;
	*push = (struct results_push){self->node.fs, self->node.key};
	self->is_pushing = true;
	self->node.lookups++;
	notify_store(self->node.fs->notify, &self->node, self->data, self->len, push_done, push);
	return 0;
}

/* Wait for the search, keep what it found, push it into the kernel's cache: 0 when all of it
 * is done. */
static int make_ready(struct results_node *self, struct waiter *waiter)
{
	int rc = self->data ? 0 : search_wait(self->search, waiter);

	if (rc || self->is_pushed)
		return rc;
	if (!self->data) {
		self->len = self->search->findings.json_len;
		self->data = strdup(self->search->findings.json);
		if (!self->data)
			return -ENOMEM;
	}
	rc = self->is_pushing ? 0 : start_push(self);
	if (rc)
		return rc;
	waiters_add(&self->pushed, waiter, NULL, 0);
	return -EINPROGRESS;
}

static void results_open_step(struct waiter *waiter, int rc)
{
	struct req *req = ((struct results_wait *)(void *)waiter)->req;

	if (!rc)
		rc = make_ready((struct results_node *)(void *)req->node, waiter);
	if (rc == -EINPROGRESS) {
		req_park_waiter(req);
		return;
	}
	if (rc)
		req_error(req, rc);
	else
		req_open_content(req, &results_handle_ops);
}

static void results_open(struct node *node, struct req *req, int flags)
{
	const struct results_node *self = (struct results_node *)(void *)node;
	bool may_wait =
		!(flags & O_NONBLOCK) || self->data || self->search->state != SEARCH_PENDING;

	if ((flags & O_ACCMODE) != O_RDONLY || !may_wait) {
		req_error(req, may_wait ? -EACCES : -EAGAIN);
		return;
	}
	struct results_wait *wait = calloc(1, sizeof(*wait));
	if (!wait) {
		req_error(req, -ENOMEM);
		return;
	}
	wait->waiter.done = results_open_step;
	wait->req = req;
	req->data = wait;
	results_open_step(&wait->waiter, 0);
}

static const struct node_ops results_ops = {
	.name = "results",
	.stat = results_stat,
	.forget = results_forget,
	.open = results_open,
};

/* A node of its own for each run that was not over when it was looked up. */
static struct node *pending_results(struct fs *fs, struct search *search)
{
	uint64_t ino = search_ino(search, "results.json");
	uint64_t parts[] = {ino, search->runs};
	uint64_t key = node_hash("results", parts, sizeof(parts));
	struct node *found = node_find(fs, key);

	if (found)
		return found;
	struct results_node *self = node_new(fs, &results_ops, sizeof(*self), key, ino);
	if (!self)
		return NULL;
	self->search = search_ref(search);
	waiters_init(&self->pushed);
	return &self->node;
}

struct node *results_node_now(struct fs *fs, struct search *search)
{
	struct attributes attributes = search_attributes(search);

	if (search->state != SEARCH_READY)
		return pending_results(fs, search);
	return node_text(fs, search_ino(search, "results.json"), &attributes,
		strdup(search->findings.json), search->findings.json_len);
}
