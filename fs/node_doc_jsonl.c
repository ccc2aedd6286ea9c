/* SPDX-License-Identifier: Apache-2.0 */
/* chunks.jsonl: rendered while it is read, some chunks at a time, since a large document has a
 * million of them. The record knows its size; a handle remembers where it is, so that reading
 * on is cheap, and a jump back begins anew. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/chunk_json.h"
#include "fs/fs.h"
#include "fs/node_doc.h"

/* How many chunks are rendered at once. */
#define CHUNKS_AT_ONCE 128

struct jsonl_node {
	union {
		struct subject_node subject;
		struct {
			struct node node;
			struct uuid id;
		};
	};
	uint32_t version;
	uint64_t size;
	struct attributes attributes;
};

/* Reads of one handle follow each other (read-ahead may overlap them): a lock orders them. */
struct jsonl_handle {
	struct handle handle;
	pthread_mutex_t lock;
	struct buf window; /* lock: rendered, from @window_at on */
	uint64_t window_at; /* lock: bytes */
	uint32_t next_chunk; /* lock: the first one behind the window */
};

struct reading {
	struct jsonl_handle *handle;
	size_t size;
	uint64_t offset;
	struct buf out;
};

static struct jsonl_node *jsonl_of(struct node *node)
{
	return (struct jsonl_node *)node;
}

static void jsonl_stat(struct node *node, struct stat *out)
{
	struct jsonl_node *jsonl = jsonl_of(node);
	const struct library_entry *entry = library_find(node->fs->library, &jsonl->id);

	if (entry)
		jsonl->attributes.access = entry->access;
	out->st_mode = S_IFREG | jsonl->attributes.access.mode;
	out->st_uid = jsonl->attributes.access.owner;
	out->st_gid = jsonl->attributes.access.group;
	out->st_size = (off_t)jsonl->size;
	node_set_times(out, jsonl->attributes.mtime_ns);
}

/* --- reading ---------------------------------------------------------------------- */

struct rendering {
	struct jsonl_node *node;
	struct jsonl_handle *handle;
};

static int render_chunk(void *context, const struct chunk *chunk)
{
	struct rendering *rendering = context;
	struct jsonl_node *node = rendering->node;

	rendering->handle->next_chunk = chunk->index + 1;
	return chunk_to_json(&node->id, node->version, chunk, &rendering->handle->window);
}

/* The next chunks into the window. 0 with an empty window: there are no more. */
static int advance(struct jsonl_node *node, struct jsonl_handle *handle, struct err *err)
{
	struct rendering rendering = {.node = node, .handle = handle};

	handle->window_at += handle->window.len;
	buf_clear(&handle->window);
	return vectors_chunks(node->node.fs->ports->vectors, &node->id, node->version,
		handle->next_chunk, CHUNKS_AT_ONCE, render_chunk, &rendering, err);
}

static void rewind_to_start(struct jsonl_handle *handle)
{
	buf_clear(&handle->window);
	handle->window_at = 0;
	handle->next_chunk = 0;
}

/* Append to @out what the window has at @offset. */
static void take(const struct jsonl_handle *handle, uint64_t offset, size_t size, struct buf *out)
{
	uint64_t skip = offset - handle->window_at;

	if (skip >= handle->window.len)
		return;
	size_t left = handle->window.len - (size_t)skip;
	buf_add(out, handle->window.data + skip, left < size ? left : size);
}

static int read_locked(struct jsonl_node *node, struct reading *reading, struct err *err)
{
	struct jsonl_handle *handle = reading->handle;
	int rc = 0;

	if (reading->offset < handle->window_at)
		rewind_to_start(handle);
	while (!rc && reading->out.len < reading->size) {
		uint64_t at = reading->offset + reading->out.len;
		take(handle, at, reading->size - reading->out.len, &reading->out);
		if (reading->out.len == reading->size || reading->out.failed)
			break;
		rc = advance(node, handle, err);
		if (!rc && handle->window.len == 0)
			break;
	}
	return rc ? rc : reading->out.failed ? reading->out.failed : handle->window.failed;
}

static void work_read(struct req *req)
{
	struct reading *reading = req->data;
	struct jsonl_handle *handle = reading->handle;

	buf_init(&reading->out, reading->size);
	pthread_mutex_lock(&handle->lock);
	int rc = read_locked(jsonl_of(req->node), reading, &req->err);
	pthread_mutex_unlock(&handle->lock);
	struct buf out = reading->out;
	if (rc)
		req_error(req, rc);
	else
		req_data(req, out.data, out.len);
	buf_release(&out);
}

static void jsonl_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	if (!reading) {
		req_error(req, -ENOMEM);
		return;
	}
	reading->handle = (struct jsonl_handle *)handle;
	reading->size = size;
	reading->offset = (uint64_t)offset;
	req->data = reading;
	req_offload(req, work_read, NULL);
}

static void jsonl_release(struct handle *handle)
{
	struct jsonl_handle *jsonl = (struct jsonl_handle *)handle;

	buf_release(&jsonl->window);
	pthread_mutex_destroy(&jsonl->lock);
	free(jsonl);
}

static void jsonl_open(struct node *node, struct req *req, int flags)
{
	static const struct handle_ops ops = {.read = jsonl_read, .release = jsonl_release};

	(void)node;
	if ((flags & O_ACCMODE) != O_RDONLY) {
		req_error(req, -EACCES);
		return;
	}
	struct jsonl_handle *handle = calloc(1, sizeof(*handle));
	if (!handle) {
		req_error(req, -ENOMEM);
		return;
	}
	handle->handle.ops = &ops;
	pthread_mutex_init(&handle->lock, NULL);
	buf_init(&handle->window, BUF_MAX_DEFAULT);
	req_open(req, &handle->handle, OPEN_CACHE_KEEP);
}

static const struct node_ops jsonl_ops = {
	.name = "chunks.jsonl",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = jsonl_stat,
	.open = jsonl_open,
	.setattr = doc_setattr,
	.getxattr = doc_getxattr,
	.listxattr = doc_listxattr,
};

struct node *doc_jsonl_node(struct fs *fs, const struct library_entry *entry)
{
	uint64_t ino = doc_ino(&entry->id, "chunks.jsonl");
	uint64_t identity[] = {ino, entry->version, entry->chunks_size};
	uint64_t key = node_hash("jsonl", identity, sizeof(identity));
	struct node *found = node_find(fs, key);

	if (found)
		return found;
	struct jsonl_node *jsonl = node_new(fs, &jsonl_ops, sizeof(*jsonl), key, ino);
	if (!jsonl)
		return NULL;
	jsonl->id = entry->id;
	jsonl->version = entry->version;
	jsonl->size = entry->chunks_size;
	jsonl->attributes = doc_attributes(entry);
	return &jsonl->node;
}
