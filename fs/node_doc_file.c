/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose bytes are a blob: originals and the extracted text. An original that was not
 * ingested yet is read where it is, in the inbox. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/spool.h"
#include "fs/fs.h"
#include "fs/node_doc.h"

/* How long after a version's files went the next one's can be looked up. */
#define SWITCH_NS (50 * NS_PER_MS)

struct blob_node {
	union {
		struct subject_node subject;
		struct {
			struct node node;
			struct uuid id;
		};
	};
	struct blob_key key;
	uint64_t spool_ino; /* 0: it is a blob */
	uint64_t size;
	struct attributes attributes;
};

struct blob_handle {
	struct handle handle;
	struct job close_job;
	int fd; /* -1: read through the port */
};

static struct blob_node *blob_of(struct node *node)
{
	return (struct blob_node *)node;
}

static void blob_stat(struct node *node, struct stat *out)
{
	struct blob_node *blob = blob_of(node);
	const struct library_entry *entry = library_find(node->fs->library, &blob->key.document);

	if (entry)
		blob->attributes.access = entry->access;
	out->st_mode = S_IFREG | blob->attributes.access.mode;
	out->st_uid = blob->attributes.access.owner;
	out->st_gid = blob->attributes.access.group;
	out->st_size = (off_t)blob->size;
	node_set_times(out, blob->attributes.mtime_ns);
}

/* --- reading ---------------------------------------------------------------------- */

struct reading {
	struct blob_handle *handle;
	size_t size;
	off_t offset;
};

static void work_read(struct req *req)
{
	struct reading *reading = req->data;
	struct blob_node *blob = blob_of(req->node);
	AUTO_FREE char *data = malloc(reading->size ? reading->size : 1);
	ssize_t n;

	if (!data)
		n = -ENOMEM;
	else if (reading->handle->fd < 0)
		n = blobs_read(req->fs->ports->blobs, &blob->key, data, reading->size,
			(uint64_t)reading->offset, &req->err);
	else if ((n = pread(reading->handle->fd, data, reading->size, reading->offset)) < 0)
		n = -errno;
	if (n < 0)
		req_error(req, (int)n);
	else
		req_data(req, data, (size_t)n);
}

static void blob_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	if (!reading) {
		req_error(req, -ENOMEM);
		return;
	}
	reading->handle = (struct blob_handle *)handle;
	reading->size = size;
	reading->offset = offset;
	req->data = reading;
	req_offload(req, work_read, NULL);
}

static void run_close(struct job *job)
{
	struct blob_handle *handle =
		(struct blob_handle *)((char *)job - offsetof(struct blob_handle, close_job));

	close(handle->fd);
	free(handle);
}

static void blob_release(struct handle *handle)
{
	struct blob_handle *blob = (struct blob_handle *)handle;

	if (blob->fd < 0) {
		free(blob);
		return;
	}
	blob->close_job.run = run_close;
	pool_submit(handle->node->fs->io, &blob->close_job);
}

static void work_open(struct req *req)
{
	struct blob_node *blob = blob_of(req->node);
	char name[24];
	int fd;

	if (blob->spool_ino) {
		fd = openat(spool_dir_fd(req->fs->spool), spool_file(blob->spool_ino, name),
			O_RDONLY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	} else {
		fd = blobs_open(req->fs->ports->blobs, &blob->key, &req->err);
		if (fd == -ENOENT) /* a newer version has come; the library is about to know */
			clock_sleep(SWITCH_NS, NULL);
	}
	req->number = fd;
}

static void then_opened(struct req *req)
{
	static const struct handle_ops ops = {.read = blob_read, .release = blob_release};
	struct blob_handle *handle;
	int fd = (int)req->number;

	if (fd < 0 && fd != -EOPNOTSUPP) {
		/* Another version has taken its place: the kernel looks the name up again. */
		req_error(req, fd == -ENOENT ? -ESTALE : fd);
		return;
	}
	handle = calloc(1, sizeof(*handle));
	if (!handle) {
		if (fd >= 0)
			close(fd);
		req_error(req, -ENOMEM);
		return;
	}
	handle->handle.ops = &ops;
	handle->fd = fd >= 0 ? fd : -1;
	req_open(req, &handle->handle,
		blob_of(req->node)->spool_ino ? OPEN_CACHE_FRESH : OPEN_CACHE_KEEP);
}

static void blob_open(struct node *node, struct req *req, int flags)
{
	(void)node;
	if ((flags & O_ACCMODE) != O_RDONLY)
		req_error(req, -EACCES);
	else
		req_offload(req, work_open, then_opened);
}

static const struct node_ops blob_ops = {
	.name = "blob",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = blob_stat,
	.open = blob_open,
	.setattr = doc_setattr,
	.getxattr = doc_getxattr,
	.listxattr = doc_listxattr,
};

/* The inode in the inbox that is this document; NULL: there is none. */
static struct spool_inode *find_spooled(struct fs *fs, const struct library_entry *entry)
{
	struct spool_inode *folder = spool_root(fs->spool);
	const char *path = entry->path;
	char name[256];

	for (;;) {
		size_t len = strcspn(path, "/");
		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		struct spool_entry *found = spool_lookup(fs->spool, folder, name);
		if (!found)
			return NULL;
		if (!path[len])
			return uuid_equal(&found->document, &entry->id) ? found->inode : NULL;
		folder = found->inode;
		path += len + 1;
	}
}

struct node *doc_blob_node(struct fs *fs, const struct library_entry *entry, enum blob_kind kind,
	uint32_t version, uint64_t size, int64_t mtime_ns, const char *path)
{
	struct spool_inode *spooled = version ? NULL : find_spooled(fs, entry);
	uint64_t ino = doc_ino(&entry->id, path);
	uint64_t identity[] = {ino, version, spooled ? spooled->ino : 0,
		spooled ? spooled->size : size, (uint64_t)mtime_ns};
	uint64_t key = node_hash("blob", identity, sizeof(identity));
	struct node *found = node_find(fs, key);

	if (found)
		return found;
	struct blob_node *blob = node_new(fs, &blob_ops, sizeof(*blob), key, ino);
	if (!blob)
		return NULL;
	blob->id = entry->id;
	blob->key = (struct blob_key){.document = entry->id, .version = version, .kind = kind};
	blob->spool_ino = spooled ? spooled->ino : 0;
	blob->size = identity[3];
	blob->attributes = (struct attributes){.access = entry->access, .mtime_ns = mtime_ns};
	return &blob->node;
}
