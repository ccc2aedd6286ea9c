/* SPDX-License-Identifier: Apache-2.0 */
/* The table of live nodes, and the two kinds that every folder uses: a text and a link.
 *
 * A node is found by its key while the kernel holds it, and made again when the kernel asks
 * again: nothing is kept for what nobody looks at. */
#include "fs/node.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "fs/fs.h"
#include "fs/req_new.h"

uint64_t node_hash(const char *kind, const void *identity, size_t len)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char stack[512];
	size_t kind_len = strlen(kind) + 1;
	char *heap = NULL, *bytes = stack;
	uint64_t hash;

	if (kind_len + len > sizeof(stack)) {
		bytes = heap = malloc(kind_len + len);
		if (!heap)
			abort();
	}
	memcpy(bytes, kind, kind_len);
	memcpy(bytes + kind_len, identity, len);
	SHA256((unsigned char *)bytes, kind_len + len, digest);
	free(heap);
	memcpy(&hash, digest, sizeof(hash));
	return hash | UINT64_C(1) << 63;
}

static struct node **bucket(struct fs *fs, uint64_t key)
{
	/* Inbox keys are small numbers, hashes are uniform: fold both. */
	return &fs->buckets[(key ^ key >> 29) % NODE_BUCKETS];
}

struct node *node_find(struct fs *fs, uint64_t key)
{
	for (struct node *node = *bucket(fs, key); node; node = node->next)
		if (node->key == key)
			return node;
	return NULL;
}

void *node_new(struct fs *fs, const struct node_ops *ops, size_t size, uint64_t key, uint64_t ino)
{
	struct node *node = calloc(1, size);

	if (!node)
		return NULL;
	assert(!node_find(fs, key));
	node->ops = ops;
	node->fs = fs;
	node->key = key;
	node->ino = ino;
	struct node **slot = bucket(fs, key);
	node->next = *slot;
	*slot = node;
	return node;
}

void node_drop(struct node *node)
{
	if (!node)
		return;
	struct node **slot = bucket(node->fs, node->key);
	while (*slot != node)
		slot = &(*slot)->next;
	*slot = node->next;
	if (node->ops->forget)
		node->ops->forget(node);
	free(node);
}

void node_forget(struct node *node, uint64_t count)
{
	if (node == node->fs->root)
		return;
	assert(node->lookups >= count);
	node->lookups -= count;
	if (node->lookups == 0)
		node_drop(node);
}

void nodes_free(struct fs *fs)
{
	while (fs->handles)
		handle_free(fs->handles);
	for (size_t i = 0; i < NODE_BUCKETS; i++)
		while (fs->buckets[i])
			node_drop(fs->buckets[i]);
}

void node_stat(struct node *node, struct stat *out)
{
	*out = (struct stat){.st_nlink = 1, .st_blksize = 4096};
	node->ops->stat(node, out);
	out->st_ino = node->ino;
	if (!out->st_blocks && S_ISREG(out->st_mode))
		out->st_blocks = (out->st_size + 511) / 512;
}

/* --- texts and links -------------------------------------------------------------- */

struct text_node {
	struct subject_node subject; /* first; nil: it is about no document */
	struct attributes attributes;
	char *data;
	size_t len;
};

void node_set_times(struct stat *out, int64_t ns)
{
	out->st_atim = out->st_mtim = out->st_ctim = clock_timespec(ns);
}

void node_text_stat(struct node *node, struct stat *out)
{
	struct text_node *text = (struct text_node *)node;
	bool is_link = node->ops->readlink != NULL;

	out->st_mode = is_link ? S_IFLNK | 0777 : S_IFREG | text->attributes.access.mode;
	out->st_uid = text->attributes.access.owner;
	out->st_gid = text->attributes.access.group;
	out->st_size = (off_t)text->len;
	node_set_times(out, text->attributes.mtime_ns);
}

void node_text_forget(struct node *node)
{
	free(((struct text_node *)node)->data);
}

static void text_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	struct text_node *text = (struct text_node *)handle->node;

	req_slice(req, text->data, text->len, size, offset);
}

void node_text_open(struct node *node, struct req *req, int flags)
{
	static const struct handle_ops ops = {.read = text_read};

	(void)node;
	if ((flags & O_ACCMODE) != O_RDONLY) {
		req_error(req, -EACCES);
		return;
	}
	req_open_content(req, &ops);
}

static void link_readlink(struct node *node, struct req *req)
{
	req_link(req, ((struct text_node *)node)->data);
}

/* The content of a node never changes, so its attributes hold; the name may move on. */
static const struct node_ops text_ops = {
	.name = "text",
	.attr_timeout = 3600,
	.stat = node_text_stat,
	.forget = node_text_forget,
	.open = node_text_open,
};

static const struct node_ops stable_ops = {
	.name = "text",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = node_text_stat,
	.forget = node_text_forget,
	.open = node_text_open,
};

static const struct node_ops link_ops = {
	.name = "link",
	.attr_timeout = 3600,
	.stat = node_text_stat,
	.forget = node_text_forget,
	.readlink = link_readlink,
};

/* Identity of a rendering: the file's number, what is in it and who may read it. */
uint64_t node_text_key(
	uint64_t ino, const struct attributes *attributes, const char *data, size_t len)
{
	uint64_t parts[] = {
		ino,
		(uint64_t)attributes->mtime_ns,
		attributes->access.mode,
		attributes->access.owner,
		attributes->access.group,
		node_hash("content", data, len),
	};

	return node_hash("text", parts, sizeof(parts));
}

static struct node *text_new(struct fs *fs, const struct node_ops *ops, uint64_t key, uint64_t ino,
	const struct attributes *attributes, char *data, size_t len)
{
	struct node *found = node_find(fs, key);

	if (found) {
		free(data);
		return found;
	}
	struct text_node *text = node_new(fs, ops, sizeof(*text), key, ino);
	if (!text) {
		free(data);
		return NULL;
	}
	text->attributes = *attributes;
	text->data = data;
	text->len = len;
	return &text->subject.node;
}

struct node *node_text(
	struct fs *fs, uint64_t ino, const struct attributes *attributes, char *data, size_t len)
{
	if (!data)
		return NULL;
	uint64_t key = node_text_key(ino, attributes, data, len);
	return text_new(fs, &text_ops, key, ino, attributes, data, len);
}

struct node *node_text_stable(
	struct fs *fs, uint64_t ino, const struct attributes *attributes, char *data, size_t len)
{
	if (!data)
		return NULL;
	uint64_t key = node_text_key(ino, attributes, data, len);
	return node_text_keyed(fs, key, ino, attributes, data, len);
}

struct node *node_text_keyed(struct fs *fs, uint64_t key, uint64_t ino,
	const struct attributes *attributes, char *data, size_t len)
{
	return data ? text_new(fs, &stable_ops, key, ino, attributes, data, len) : NULL;
}

struct node *node_text_about(struct fs *fs, const struct node_ops *ops, const struct uuid *subject,
	uint64_t key, uint64_t ino, const struct attributes *attributes, char *data, size_t len)
{
	struct node *node = data ? text_new(fs, ops, key, ino, attributes, data, len) : NULL;

	if (node)
		((struct subject_node *)node)->subject = *subject;
	return node;
}

struct node *node_link(
	struct fs *fs, uint64_t ino, const struct attributes *attributes, const char *target)
{
	char *copy = strdup(target);

	if (!copy)
		return NULL;
	uint64_t key = node_text_key(ino, attributes, copy, strlen(copy));
	return text_new(fs, &link_ops, key, ino, attributes, copy, strlen(copy));
}
