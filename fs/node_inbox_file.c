/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the inbox, and the attributes of everything in it. A handle has a descriptor of its
 * own on the backing file; all that touches the disk runs on the I/O pool.
 *
 * close() promises that a kill loses nothing: the bytes are in the kernel's page cache since
 * write() returned, the name is in the journal since create() returned, so FLUSH has nothing
 * left to do (but with `sync = close`, where it is an fsync). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/document_tags.h"
#include "core/inbox.h"
#include "core/library.h"
#include "fs/fs.h"
#include "fs/node_inbox.h"

struct inbox_handle {
	struct handle handle;
	struct fs *fs;
	struct spool_inode *inode; /* held */
	int fd;
	struct job close_job;
};

static struct spool_inode *inode_of(const struct node *node)
{
	return ((const struct inbox_node *)node)->inode;
}

/* --- attributes ------------------------------------------------------------------- */

void inbox_node_stat(struct node *node, struct stat *out)
{
	const struct spool_inode *inode = inode_of(node);
	static const mode_t types[] = {
		[SPOOL_FILE] = S_IFREG,
		[SPOOL_FOLDER] = S_IFDIR,
		[SPOOL_LINK] = S_IFLNK,
	};

	out->st_mode = types[inode->kind] | inode->mode;
	out->st_uid = inode->uid;
	out->st_gid = inode->gid;
	out->st_nlink = inode->kind == SPOOL_FOLDER ? 2 + inode->folders : inode->names;
	out->st_size =
		inode->kind == SPOOL_LINK ? (off_t)strlen(inode->target) : (off_t)inode->size;
	out->st_atim = clock_timespec(inode->atime_ns);
	out->st_mtim = clock_timespec(inode->mtime_ns);
	out->st_ctim = clock_timespec(inode->ctime_ns);
}

void inbox_node_forget(struct node *node)
{
	spool_unref(node->fs->spool, inode_of(node));
}

static int64_t to_ns(struct timespec time)
{
	return (int64_t)time.tv_sec * NS_PER_SEC + time.tv_nsec;
}

static int64_t pick_time(int set, int is_now, struct timespec time)
{
	return set & is_now ? clock_wall_ns() : to_ns(time);
}

/* The journal has it, or the documents obey: the second of the two answers. */
static void finish_setattr(void *context, int result)
{
	struct req *req = context;

	req->result = req->result ? req->result : result;
	if (--req->number)
		return;
	if (req->result)
		req_error(req, req->result);
	else
		req_attr(req);
}

/* Everything but the size. */
static void set_attributes(struct node *node, struct req *req, const struct stat *attr, int set)
{
	struct fs *fs = node->fs;
	struct spool_inode *inode = inode_of(node);
	struct spool_attr to = {
		.mode = attr->st_mode,
		.uid = attr->st_uid,
		.gid = attr->st_gid,
		.atime_ns = pick_time(set, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		.mtime_ns = pick_time(set, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};
	int which = 0;

	which |= set & FUSE_SET_ATTR_MODE ? SPOOL_MODE : 0;
	which |= set & FUSE_SET_ATTR_UID ? SPOOL_UID : 0;
	which |= set & FUSE_SET_ATTR_GID ? SPOOL_GID : 0;
	which |= set & FUSE_SET_ATTR_ATIME ? SPOOL_ATIME : 0;
	which |= set & FUSE_SET_ATTR_MTIME ? SPOOL_MTIME : 0;
	if (!which) {
		req_attr(req);
		return;
	}
	bool is_told = which & (SPOOL_MODE | SPOOL_UID | SPOOL_GID | SPOOL_MTIME);
	req->result = 0;
	req->number = 1 + is_told;
	spool_setattr(fs->spool, inode, &to, which, finish_setattr, req);
	if (is_told)
		inbox_attr_changed(fs->inbox, inode, finish_setattr, req);
}

/* A truncation: first the journal learns that the file may change, then the file changes. */
struct truncation {
	struct req *req;
	struct stat attr;
	int set;
	bool is_shared; /* fd is a handle's */
	int fd;
};

static void work_truncate(struct req *req)
{
	struct truncation *t = req->data;
	char name[24];

	if (t->fd < 0)
		t->fd = openat(spool_dir_fd(req->fs->spool),
			spool_file(inode_of(req->node)->ino, name), O_RDWR | O_CLOEXEC);
	req->result = t->fd < 0 || ftruncate(t->fd, t->attr.st_size) ? -errno : 0;
	struct stat attr;
	req->number = !req->result && fstat(t->fd, &attr) == 0 ? to_ns(attr.st_mtim) : 0;
	if (t->fd >= 0 && !t->is_shared)
		close(t->fd);
}

static void then_truncated(struct req *req)
{
	struct truncation *t = req->data;
	struct spool_inode *inode = inode_of(req->node);
	struct stat attr = t->attr;
	int set = t->set & ~FUSE_SET_ATTR_SIZE;

	if (req->result) {
		req_error(req, req->result);
		return;
	}
	inode->size = (uint64_t)attr.st_size;
	spool_wrote(req->fs->spool, inode);
	if (req->number)
		inode->mtime_ns = req->number;
	inbox_closed(req->fs->inbox, inode);
	set_attributes(req->node, req, &attr, set);
}

static void journaled_truncate(void *context, int result)
{
	struct req *req = context;

	if (result) {
		req_error(req, result);
		return;
	}
	inbox_wrote(req->fs->inbox, inode_of(req->node));
	req_offload(req, work_truncate, then_truncated);
}

void inbox_node_setattr(
	struct node *node, struct req *req, const struct stat *attr, int set, struct handle *handle)
{
	struct fs *fs = node->fs;

	/* rsync -a tree/ inbox/ sets them, and must not fail: they are kept as they are. */
	if (inode_of(node) == spool_root(fs->spool))
		set &= ~(FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID);
	if (!(set & FUSE_SET_ATTR_SIZE) || node->ops != &inbox_file_ops) {
		set_attributes(node, req, attr, set);
		return;
	}
	if ((uint64_t)attr->st_size > fs->config->max_file_bytes) {
		req_error(req, -EFBIG);
		return;
	}
	struct truncation *t = calloc(1, sizeof(*t));
	if (!t) {
		req_error(req, -ENOMEM);
		return;
	}
	t->attr = *attr;
	t->set = set;
	t->is_shared = handle != NULL;
	t->fd = handle ? ((struct inbox_handle *)handle)->fd : -1;
	req->data = t;
	spool_open_for_write(fs->spool, inode_of(node), journaled_truncate, req);
}

/* --- extended attributes ---------------------------------------------------------- */

static struct spool_entry *first_name(const struct node *node)
{
	return inode_of(node)->name;
}

/* "user.askfs.id", ".state" and ".error" are ours. 1: answered. */
static int get_own(struct node *node, const char *name, struct buf *out)
{
	struct spool_entry *entry = first_name(node);
	char text[UUID_TEXT];

	if (!entry || node->ops != &inbox_file_ops)
		return -ENODATA;
	if (strcmp(name, "user.askfs.id") == 0)
		return uuid_is_nil(&entry->document)
			? -ENODATA
			: buf_adds(out, uuid_format(&entry->document, text));
	if (strcmp(name, "user.askfs.state") == 0) {
		const char *state = inbox_state(node->fs->inbox, entry);
		return *state ? buf_adds(out, state) : -ENODATA;
	}
	return -ENODATA;
}

static void work_error(struct req *req)
{
	AUTO_DOCUMENT struct document document;
	struct uuid *id = req->data;

	document_init(&document);
	int rc = catalog_get(req->fs->ports->catalog, id, &document, &req->err);
	if (!rc)
		rc = document.error ? buf_adds(&req->buf, document.error) : -ENODATA;
	req_xattr(req, rc == -ENOENT ? -ENODATA : rc);
}

void inbox_node_getxattr(struct node *node, struct req *req, const char *name)
{
	const struct spool_xattr *xattr = spool_getxattr(inode_of(node), name);
	struct spool_entry *entry = first_name(node);

	if (xattr) {
		req_xattr(req, buf_add(&req->buf, xattr->value, xattr->size));
		return;
	}
	if (strcmp(name, "user.askfs.error") == 0 && entry && !uuid_is_nil(&entry->document)) {
		req->data = malloc(sizeof(struct uuid));
		if (req->data) {
			memcpy(req->data, &entry->document, sizeof(struct uuid));
			req_offload(req, work_error, NULL);
			return;
		}
	}
	req_xattr(req, get_own(node, name, &req->buf));
}

void inbox_node_listxattr(struct node *node, struct req *req)
{
	static const char *const own[] = {"user.askfs.id", "user.askfs.state"};
	AUTO_BUF struct buf value;

	for (const struct spool_xattr *x = inode_of(node)->xattrs; x; x = x->next)
		buf_add(&req->buf, x->name, strlen(x->name) + 1);
	buf_init(&value, 4096);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		buf_clear(&value);
		if (get_own(node, own[i], &value) == 0)
			buf_add(&req->buf, own[i], strlen(own[i]) + 1);
	}
	req_xattr(req, 0);
}

void inbox_node_setxattr(struct node *node, struct req *req, const char *name, const void *value,
	size_t size, int flags)
{
	struct fs *fs = node->fs;
	bool is_ours = strncmp(name, "user.askfs.", strlen("user.askfs.")) == 0;
	int rc = is_ours ? document_check_xattr(name, value, size) : 0;

	if (!rc)
		rc = spool_setxattr(
			fs->spool, inode_of(node), name, value, size, flags, inbox_req_done, req);
	if (rc)
		req_error(req, rc);
	else if (is_ours && value)
		inbox_attr_changed(fs->inbox, inode_of(node), NULL, NULL);
	else if (is_ours)
		inbox_attr_removed(fs->inbox, inode_of(node), name);
}

/* --- opening and closing ---------------------------------------------------------- */

static bool is_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

/* Cut an open file to nothing; req->data becomes the time of that. */
static int empty(int fd, struct req *req)
{
	int64_t *time_ns = malloc(sizeof(*time_ns));
	struct stat attr;

	req->data = time_ns;
	if (!time_ns)
		return -ENOMEM;
	if (ftruncate(fd, 0) || fstat(fd, &attr))
		return -errno;
	*time_ns = to_ns(attr.st_mtim);
	return 0;
}

static void work_open(struct req *req)
{
	char name[24];

	int flags = (is_writing(req->file.flags) ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	int fd = openat(
		spool_dir_fd(req->fs->spool), spool_file(inode_of(req->node)->ino, name), flags);
	if (fd >= 0 && req->file.flags & O_TRUNC) {
		req->result = empty(fd, req);
		if (req->result) {
			close(fd);
			return;
		}
	}
	req->result = fd < 0 ? -errno : 0;
	req->number = fd;
}

static void then_opened(struct req *req)
{
	struct spool_inode *inode = inode_of(req->node);
	struct fs *fs = req->fs;

	if (req->result) {
		req_error(req, req->result);
		return;
	}
	struct handle *handle = inbox_handle_new(fs, inode, (int)req->number, req->file.flags);
	if (!handle) {
		req_error(req, -ENOMEM);
		return;
	}
	if (req->file.flags & O_TRUNC) {
		inode->size = 0;
		spool_wrote(fs->spool, inode);
		inode->mtime_ns = *(const int64_t *)req->data;
	}
	req_open(req, handle, OPEN_CACHE_FRESH);
}

static void journaled_open(void *context, int result)
{
	struct req *req = context;
	struct spool_inode *inode = inode_of(req->node);

	if (result) {
		req_error(req, result);
		return;
	}
	if (req->file.flags & O_TRUNC)
		inbox_wrote(req->fs->inbox, inode);
	req_offload(req, work_open, then_opened);
}

static void file_open(struct node *node, struct req *req, int flags)
{
	if (is_writing(flags))
		spool_open_for_write(node->fs->spool, inode_of(node), journaled_open, req);
	else
		req_offload(req, work_open, then_opened);
}

/* --- reading and writing ---------------------------------------------------------- */

static struct inbox_handle *file_of(struct handle *handle)
{
	return (struct inbox_handle *)handle;
}

/* What read and write need on the I/O pool. */
struct transfer {
	void *kept; /* the written bytes' memory */
	const void *data;
	size_t size;
	off_t offset;
	int fd;
	int64_t mtime_ns; /* of the backing file after a write: what a restart finds */
};

static struct transfer *transfer_new(
	struct req *req, struct handle *handle, size_t size, off_t offset)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->kept = req->data;
	t->size = size;
	t->offset = offset;
	t->fd = file_of(handle)->fd;
	req->data = t;
	return t;
}

static void work_read(struct req *req)
{
	struct transfer *t = req->data;
	AUTO_FREE char *data = malloc(t->size ? t->size : 1);

	if (!data) {
		req_error(req, -ENOMEM);
		return;
	}
	ssize_t n = pread(t->fd, data, t->size, t->offset);
	if (n < 0)
		req_error(req, -errno);
	else
		req_data(req, data, (size_t)n);
}

static void file_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	if (transfer_new(req, handle, size, offset))
		req_offload(req, work_read, NULL);
	else
		req_error(req, -ENOMEM);
}

static void work_write(struct req *req)
{
	struct transfer *t = req->data;
	size_t done = 0;

	req->result = 0;
	while (done < t->size) {
		ssize_t n = pwrite(t->fd, (const char *)t->data + done, t->size - done,
			t->offset + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			req->result = n < 0 ? -errno : -EIO;
			break;
		}
		done += (size_t)n;
	}
	struct stat attr;
	t->mtime_ns = fstat(t->fd, &attr) ? 0 : to_ns(attr.st_mtim);
	health_note(HEALTH_SPOOL, req->result, NULL);
	req->number = (int64_t)done;
	free(t->kept);
}

/* Only now may the size be shown: a write that failed did not extend the file. */
static void then_written(struct req *req)
{
	struct transfer *t = req->data;
	struct spool_inode *inode = inode_of(req->node);
	uint64_t end = (uint64_t)t->offset + (uint64_t)req->number;

	if (end > inode->size && req->number > 0)
		inode->size = end;
	if (t->mtime_ns && !inode->has_own_mtime)
		inode->mtime_ns = t->mtime_ns;
	if (req->number > 0)
		req_written(req, (size_t)req->number);
	else
		req_error(req, req->result);
}

static void file_write(
	struct handle *handle, struct req *req, const void *data, size_t size, off_t offset)
{
	struct inbox_handle *file = file_of(handle);
	uint64_t limit = file->fs->config->max_file_bytes;

	if (size == 0) {
		req_written(req, 0);
		return;
	}
	if ((uint64_t)offset >= limit || size > limit - (uint64_t)offset) {
		req_error(req, -EFBIG);
		return;
	}
	struct transfer *t = transfer_new(req, handle, size, offset);
	if (!t) {
		req_error(req, -ENOMEM);
		return;
	}
	t->data = data;
	inbox_wrote(file->fs->inbox, file->inode);
	spool_wrote(file->fs->spool, file->inode);
	req_offload(req, work_write, then_written);
}

static void work_fallocate(struct req *req)
{
	struct transfer *t = req->data;
	struct stat attr;

	req->result = fallocate(t->fd, (int)req->number, t->offset, (off_t)t->size) ? -errno : 0;
	if (!req->result && fstat(t->fd, &attr) == 0) {
		t->offset = attr.st_size;
		t->mtime_ns = to_ns(attr.st_mtim);
	}
}

static void then_fallocated(struct req *req)
{
	struct transfer *t = req->data;
	struct spool_inode *inode = inode_of(req->node);

	if (!req->result)
		inode->size = (uint64_t)t->offset;
	if (t->mtime_ns && !inode->has_own_mtime)
		inode->mtime_ns = t->mtime_ns;
	req_error(req, req->result);
}

static void file_fallocate(
	struct handle *handle, struct req *req, int mode, off_t offset, off_t len)
{
	struct inbox_handle *file = file_of(handle);
	uint64_t limit = file->fs->config->max_file_bytes;

	if ((uint64_t)offset >= limit || (uint64_t)len > limit - (uint64_t)offset) {
		req_error(req, -EFBIG);
		return;
	}
	if (!transfer_new(req, handle, (size_t)len, offset)) {
		req_error(req, -ENOMEM);
		return;
	}
	req->number = mode;
	inbox_wrote(file->fs->inbox, file->inode);
	spool_wrote(file->fs->spool, file->inode);
	req_offload(req, work_fallocate, then_fallocated);
}

/* The bytes, then the journal. */
static void file_fsync(struct handle *handle, struct req *req)
{
	spool_sync_inode(file_of(handle)->fs->spool, file_of(handle)->inode, inbox_req_done, req);
}

static void file_flush(struct handle *handle, struct req *req)
{
	struct inbox_handle *file = file_of(handle);

	if (is_writing(handle->flags) && strcmp(file->fs->config->sync, "close") == 0)
		file_fsync(handle, req);
	else if (is_writing(handle->flags))
		spool_flush(file->fs->spool, file->inode, inbox_req_done, req);
	else
		req_done(req);
}

static void run_close(struct job *job)
{
	struct inbox_handle *file =
		(struct inbox_handle *)((char *)job - offsetof(struct inbox_handle, close_job));

	close(file->fd);
	free(file);
}

static void file_release(struct handle *handle)
{
	struct inbox_handle *file = file_of(handle);
	struct spool_inode *inode = file->inode;

	if (is_writing(handle->flags)) {
		inode->writers--;
		inbox_closed(file->fs->inbox, inode);
	}
	spool_unref(file->fs->spool, inode);
	file->close_job.run = run_close;
	pool_submit(file->fs->io, &file->close_job);
}

struct handle *inbox_handle_new(struct fs *fs, struct spool_inode *inode, int fd, int flags)
{
	static const struct handle_ops ops = {
		.read = file_read,
		.write = file_write,
		.flush = file_flush,
		.fsync = file_fsync,
		.fallocate = file_fallocate,
		.release = file_release,
	};
	struct inbox_handle *file = calloc(1, sizeof(*file));

	if (!file) {
		close(fd);
		return NULL;
	}
	file->handle.ops = &ops;
	file->handle.flags = flags;
	file->fs = fs;
	file->inode = inode;
	file->fd = fd;
	spool_ref(inode);
	if (is_writing(flags))
		inode->writers++;
	return &file->handle;
}

const struct node_ops inbox_file_ops = {
	.name = "inbox file",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = inbox_node_stat,
	.forget = inbox_node_forget,
	.open = file_open,
	.statfs = inbox_node_statfs,
	.setattr = inbox_node_setattr,
	.getxattr = inbox_node_getxattr,
	.listxattr = inbox_node_listxattr,
	.setxattr = inbox_node_setxattr,
};
