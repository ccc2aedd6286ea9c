/* SPDX-License-Identifier: Apache-2.0 */
/* A node holds a turn: whatever the name means later, this one goes on to show this answer.
 *
 * A node that was looked up before its answer was there has size 0 in the kernel's eyes. So
 * an open waits for the answer, then pushes it into the kernel's cache, which sets the size,
 * and is answered when that is done: a reader that trusts the size reads it whole. Each of
 * these steps puts the request into a list and comes back to the same function, which goes on
 * from where things stand. */
#include "fs/node_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "fs/fs.h"
#include "fs/notify.h"

#define TRANSCRIPT_MAX ((size_t)256 << 20)

struct turn_node {
	struct node node;
	enum turn_file file;
	struct session *session; /* a reference */
	struct turn *turn; /* a reference; NULL: nothing was asked yet */
	bool is_pushed; /* the kernel knows the size */
	bool is_pushing, is_rendering;
	bool was_read; /* opened for reading: the kernel may hold pages of it */
	bool is_written; /* opened for writing: the kernel's size of it is what was written */
	bool is_rendered;
	struct buf rendered; /* transcript.md */
	struct waiters ready; /* that it is rendered, or pushed */
};

/* What is done for a node elsewhere. It holds the node as the kernel would, and finds it by
 * its key: when the daemon ends, the nodes go first. */
struct turn_job {
	struct job job;
	struct task task;
	struct fs *fs;
	uint64_t key;
	struct transcript_request request;
	char *name; /* the session's; owned */
	struct buf text;
	int rc;
};

static struct turn_node *turn_node(struct node *node)
{
	return (struct turn_node *)(void *)node;
}

/* A thread that dies between the two steps leaves its entry behind: so many are kept. */
#define RETRIES_MAX 16384

static struct turn_retry *find_retry(struct fs *fs, uint64_t ino, pid_t thread)
{
	for (size_t i = 0; i < fs->retry_count; i++)
		if (fs->retries[i].ino == ino && fs->retries[i].thread == thread)
			return &fs->retries[i];
	return NULL;
}

static void add_retry(struct fs *fs, uint64_t ino, pid_t thread)
{
	if (fs->retry_count == RETRIES_MAX)
		fs->retry_count = 0;
	struct turn_retry *more =
		realloc(fs->retries, (fs->retry_count + 1) * sizeof(*fs->retries));
	if (!more)
		return; /* it is told ESTALE */
	fs->retries = more;
	more[fs->retry_count++] = (struct turn_retry){ino, thread};
}

static void drop_retry(struct fs *fs, struct turn_retry *retry)
{
	*retry = fs->retries[--fs->retry_count];
}

/* --- content ---------------------------------------------------------------------- */

static bool is_settled(const struct turn_node *self)
{
	return !self->turn || turn_latest(self->turn)->state == TURN_DONE;
}

/* What the file holds, once it is settled and rendered. */
static const char *content(const struct turn_node *self, size_t *len)
{
	static const char nothing[] = "null\n";
	const struct turn *turn = self->turn ? turn_latest(self->turn) : NULL;

	*len = 0;
	if (!is_settled(self))
		return "";
	if (self->file == TURN_TRANSCRIPT) {
		*len = self->is_rendered ? self->rendered.len : 0;
		return self->rendered.data;
	}
	if (self->file == TURN_STREAM)
		return "";
	if (!turn) {
		*len = self->file == TURN_JSON ? strlen(nothing) : 0;
		return nothing;
	}
	*len = self->file == TURN_JSON ? turn->answer.json_len : turn->answer.text_len;
	return self->file == TURN_JSON ? turn->answer.json : turn->answer.text;
}

static struct turn_job *turn_job_new(struct turn_node *self)
{
	struct turn_job *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->fs = self->node.fs;
	work->key = self->node.key;
	buf_init(&work->text, TRANSCRIPT_MAX);
	self->node.lookups++;
	return work;
}

/* The node again, unless it is gone; node_forget gives it back. */
static struct turn_node *turn_job_free(struct turn_job *work)
{
	struct node *node = node_find(work->fs, work->key);

	buf_release(&work->text);
	free(work->name);
	free(work);
	return node ? turn_node(node) : NULL;
}

static void render_done(struct task *task)
{
	struct turn_job *work =
		(struct turn_job *)(void *)((char *)task - offsetof(struct turn_job, task));
	struct buf text = work->text;
	int rc = work->rc;

	buf_init(&work->text, TRANSCRIPT_MAX);
	struct turn_node *self = turn_job_free(work);
	if (!self) {
		buf_release(&text);
		return;
	}
	buf_release(&self->rendered);
	self->rendered = text;
	self->is_rendering = false;
	self->is_rendered = rc == 0;
	waiters_wake(&self->ready, rc);
	node_forget(&self->node, 1);
}

static void render_run(struct job *job)
{
	struct turn_job *work = (struct turn_job *)(void *)job;
	struct err err = ERR_NONE;

	work->rc = transcript_render(&work->request, &work->text, &err);
	loop_post(work->fs->loop, &work->task);
}

static int render(struct turn_node *self, struct waiter *waiter)
{
	const struct session_record *record = &self->session->record;
	struct turn_job *work = self->is_rendering ? NULL : turn_job_new(self);

	if (!self->is_rendering) {
		char *name = work ? strdup(record->name) : NULL;
		if (!name)
			return -ENOMEM;
		work->name = name;
		work->request = (struct transcript_request){
			.catalog = self->node.fs->ports->catalog,
			.name = name,
			.conversation = record->conversation,
			.from_seq = record->first_seq,
			.end_seq =
				self->turn ? turn_latest(self->turn)->seq + 1 : record->first_seq,
		};
		work->job.run = render_run;
		work->task.run = render_done;
		self->is_rendering = true;
		pool_submit(self->node.fs->io, &work->job);
	}
	waiters_add(&self->ready, waiter, NULL, 0);
	return -EINPROGRESS;
}

static void push_done(void *context)
{
	struct turn_node *self = turn_job_free(context);

	if (!self)
		return;
	self->is_pushing = false;
	self->is_pushed = true;
	waiters_wake(&self->ready, 0);
	node_forget(&self->node, 1);
}

static int push(struct turn_node *self, struct waiter *waiter)
{
	size_t len;
	const char *data = content(self, &len);

	if (self->is_pushed || len == 0)
		return 0;
	if (!self->is_pushing) {
		struct turn_job *work = turn_job_new(self);
		if (!work)
			return -ENOMEM;
		self->is_pushing = true;
		notify_store(self->node.fs->notify, &self->node, data, len, push_done, work);
	}
	waiters_add(&self->ready, waiter, NULL, 0);
	return -EINPROGRESS;
}

/* --- attributes ------------------------------------------------------------------- */

static void turn_stat(struct node *node, struct stat *out)
{
	const struct turn_node *self = turn_node(node);
	const struct session_record *record = &self->session->record;
	const struct turn *turn = self->turn ? turn_latest(self->turn) : NULL;
	mode_t mask = self->file == TURN_TEXT ? 0777 : 0444;
	size_t len;

	content(self, &len);
	out->st_mode = S_IFREG | (record->access.mode & mask);
	out->st_uid = record->access.owner;
	out->st_gid = record->access.group;
	out->st_size = (off_t)len;
	node_set_times(out,
		!turn			    ? record->created_ns
			: turn->answered_ns ? turn->answered_ns
					    : turn->committed_ns);
}

static void turn_forget(struct node *node)
{
	struct turn_node *self = turn_node(node);

	waiters_wake(&self->ready, -ESHUTDOWN);
	turn_unref(self->turn);
	session_unref(self->session);
	buf_release(&self->rendered);
}

/* --- waiting ---------------------------------------------------------------------- */

static void interrupted(struct req *req)
{
	waiter_cancel(req->data);
	req_error(req, -EINTR);
}

void req_park_waiter(struct req *req)
{
	if (!req->is_parked)
		req_park(req, interrupted);
}

/* req->data of a request that waits. */
struct turn_wait {
	struct waiter waiter;
	struct req *req;
};

static struct turn_wait *wait_of(struct waiter *waiter)
{
	return (struct turn_wait *)(void *)waiter;
}

static struct turn_wait *wait_new(struct req *req, void (*done)(struct waiter *, int))
{
	struct turn_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->waiter.done = done;
	wait->req = req;
	req->data = wait;
	return wait;
}

/* --- open and read ---------------------------------------------------------------- */

static void turn_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	size_t len;
	const char *data = content(turn_node(handle->node), &len);

	req_slice(req, data, len, size, offset);
}

static const struct handle_ops read_ops = {.read = turn_read};

/* Looked up before, and opened after, somebody wrote to it. */
static void open_uncached(struct req *req)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (!handle) {
		req_error(req, -ENOMEM);
		return;
	}
	handle->ops = &read_ops;
	req_open(req, handle, OPEN_CACHE_DIRECT);
}

/* 0: it may be opened; -EINPROGRESS: @waiter was queued. */
static int make_ready(struct turn_node *self, struct waiter *waiter)
{
	int rc = self->turn ? turn_wait(self->turn, waiter) : 0;

	if (!rc && self->file == TURN_TRANSCRIPT && !self->is_rendered)
		rc = render(self, waiter);
	return rc || self->is_written ? rc : push(self, waiter);
}

static void open_step(struct waiter *waiter, int rc)
{
	struct req *req = wait_of(waiter)->req;

	if (!rc)
		rc = make_ready(turn_node(req->node), waiter);
	if (rc == -EINPROGRESS) {
		req_park_waiter(req);
		return;
	}
	struct turn_node *self = turn_node(req->node);
	if (rc) {
		req_error(req, rc);
	} else if (self->is_written) {
		open_uncached(req);
	} else {
		self->was_read = true;
		req_open_content(req, &read_ops);
	}
}

/* What is written sets the size that the kernel has of a node, and would cut, or lengthen, what
 * others read of the answer. So nobody writes to a node that was read, and a written one is looked
 * up no more: the writer is sent to look the name up again, and finds a node of his own. */
static void open_for_writing(struct turn_node *self, struct req *req, int flags)
{
	struct handle *handle;
	int rc = self->file == TURN_TEXT ? 0 : -EACCES;

	pid_t thread = req_thread(req);
	bool has_looked = find_retry(req->fs, self->node.ino, thread); /* by /dev/fd: in vain */
	if (!rc && self->was_read && thread && !has_looked) {
		add_retry(req->fs, self->node.ino, thread);
		rc = -ESTALE;
	}
	if (!rc)
		rc = ask_handle_new(&handle, req, self->session, flags);
	if (rc) {
		req_error(req, rc);
		return;
	}
	turn_node_written(&self->node, req);
	req_open(req, handle, OPEN_CACHE_DIRECT);
}

void turn_node_written(struct node *node, const struct req *req)
{
	struct turn_node *self = turn_node(node);
	struct turn_retry *retry = find_retry(node->fs, node->ino, req_thread(req));

	self->is_written = true;
	self->session->writings++;
	if (retry)
		drop_retry(node->fs, retry);
}

static void turn_open(struct node *node, struct req *req, int flags)
{
	struct turn_node *self = turn_node(node);

	if ((flags & O_ACCMODE) != O_RDONLY) {
		open_for_writing(self, req, flags);
	} else if (self->file == TURN_STREAM) {
		turn_stream_open(req, self->turn);
	} else if (flags & O_NONBLOCK && !is_settled(self)) {
		req_error(req, -EAGAIN);
	} else {
		struct turn_wait *wait = wait_new(req, open_step);
		if (wait)
			open_step(&wait->waiter, 0);
		else
			req_error(req, -ENOMEM);
	}
}

/* --- chmod, truncate, touch of ask/<session> -------------------------------------- */

static void attr_step(struct waiter *waiter, int rc)
{
	struct req *req = wait_of(waiter)->req;

	if (rc)
		req_error(req, rc);
	else
		req_attr(req);
}

/* cp -p and mv bring the mode of the question's file along: what it gives to others is left
 * out, so that a conversation stays its owner's. */
static int change_access(struct turn_node *self, struct req *req, const struct stat *attr, int set)
{
	struct access access = self->session->record.access;
	struct turn_wait *wait = wait_new(req, attr_step);

	if (!wait)
		return -ENOMEM;
	if (set & FUSE_SET_ATTR_MODE)
		access.mode = attr->st_mode & 0600;
	if (set & FUSE_SET_ATTR_UID)
		access.owner = attr->st_uid;
	if (set & FUSE_SET_ATTR_GID)
		access.group = attr->st_gid;
	return session_set_access(self->session, &access, &wait->waiter);
}

/* truncate(2) without a handle empties the session at once. */
static int cut(
	struct turn_node *self, struct req *req, const struct stat *attr, struct handle *handle)
{
	if (handle)
		return ask_handle_truncate(handle, (uint64_t)attr->st_size);
	if (attr->st_size)
		return -EINVAL;
	struct turn_wait *wait = wait_new(req, attr_step);
	return wait
		? session_hide(self->session, UINT64_MAX, self->session->next_seq, &wait->waiter)
		: -ENOMEM;
}

/* Times are accepted and stay what they are: those of the answer. */
static void turn_setattr(
	struct node *node, struct req *req, const struct stat *attr, int set, struct handle *handle)
{
	struct turn_node *self = turn_node(node);
	int rc = 0;

	if (self->file != TURN_TEXT)
		rc = -EPERM;
	else if (set & FUSE_SET_ATTR_SIZE)
		rc = cut(self, req, attr, handle);
	else if (set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		rc = change_access(self, req, attr, set);
	if (rc == -EINPROGRESS)
		return;
	if (rc)
		req_error(req, rc);
	else
		req_attr(req);
}

/* --- the nodes -------------------------------------------------------------------- */

static const struct node_ops turn_ops = {
	.name = "turn",
	.stat = turn_stat,
	.forget = turn_forget,
	.open = turn_open,
	.setattr = turn_setattr,
};

uint64_t turn_node_ino(const struct session *session, enum turn_file file)
{
	static const char *const kinds[] = {"ask", "answer.json", "transcript.md", "stream"};

	return node_hash(kinds[file], &session->record.conversation, sizeof(struct uuid));
}

struct node *turn_node_now(
	struct fs *fs, struct session *session, enum turn_file file, pid_t thread)
{
	struct turn *turn = session_current(session);
	uint64_t ino = turn_node_ino(session, file);
	uint64_t parts[] = {
		ino,
		file == TURN_TEXT ? session->writings : 0,
		find_retry(fs, ino, thread) ? (uint64_t)thread : 0,
		(uint64_t)(uintptr_t)turn,
		turn ? 0 : session->record.first_seq,
		file == TURN_TRANSCRIPT ? ask_removals(fs->ask) : 0,
		file == TURN_TRANSCRIPT ? session->record.first_seq : 0,
	};
	uint64_t key = node_hash("turn", parts, sizeof(parts));
	struct node *found = node_find(fs, key);

	if (found)
		return found;
	struct turn_node *self = node_new(fs, &turn_ops, sizeof(*self), key, parts[0]);
	if (!self)
		return NULL;
	self->file = file;
	self->session = session_ref(session);
	self->turn = turn ? turn_ref(turn) : NULL;
	self->is_pushed = is_settled(self);
	buf_init(&self->rendered, TRANSCRIPT_MAX);
	waiters_init(&self->ready);
	return &self->node;
}

/* req->data of a lookup that waits. */
struct turn_lookup {
	struct waiter waiter;
	struct req *req;
	struct session *session; /* a reference */
	enum turn_file file;
};

static void lookup_step(struct waiter *waiter, int rc)
{
	struct turn_lookup *lookup = (struct turn_lookup *)(void *)waiter;
	struct req *req = lookup->req;
	struct node *node = NULL;

	if (!rc)
		rc = session_load(lookup->session, waiter);
	if (!rc) {
		node = turn_node_now(req->fs, lookup->session, lookup->file, req_thread(req));
		struct turn_node *self = node ? turn_node(node) : NULL;
		if (self && lookup->file == TURN_TRANSCRIPT && is_settled(self) &&
			!self->is_rendered)
			rc = render(self, waiter);
	}
	if (rc == -EINPROGRESS)
		return;
	session_unref(lookup->session);
	if (rc)
		req_error(req, rc);
	else
		req_entry(req, node);
}

void turn_node_lookup(struct req *req, struct session *session, enum turn_file file)
{
	struct turn_lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup) {
		req_error(req, -ENOMEM);
		return;
	}
	lookup->waiter.done = lookup_step;
	lookup->req = req;
	lookup->session = session_ref(session);
	lookup->file = file;
	req->data = lookup;
	lookup_step(&lookup->waiter, 0);
}
