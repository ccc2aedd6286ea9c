/* SPDX-License-Identifier: Apache-2.0 */
/* From libfuse's calls to the nodes' tables. What a node can't do is answered here, in one
 * place, as a Unix user would expect it. No waiting, no decisions: those are the nodes'. */
#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/metrics.h"
#include "fs/dirlist_read.h"
#include "fs/fs.h"
#include "fs/req_new.h"

/* Writes up to this size are copied out of the session's buffer; larger ones take it over. */
#define COPY_LIMIT ((size_t)32 << 10)

static struct fuse_buf *buffer; /* loop thread: what is being processed now */

void ops_set_buffer(struct fuse_buf *buf)
{
	buffer = buf;
}

static struct node *node_of(fuse_req_t fuse, fuse_ino_t ino)
{
	struct fs *fs = fuse_req_userdata(fuse);

	return ino == FUSE_ROOT_ID ? fs->root : (struct node *)(uintptr_t)ino;
}

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return fi ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

/* A req for this call, counted; NULL was answered already. */
static struct req *begin(fuse_req_t fuse, fuse_ino_t ino, const char *operation)
{
	metric_fuse(operation);
	return req_new(fuse, node_of(fuse, ino));
}

static bool is_long(const char *name)
{
	return strlen(name) > 255;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = 1 << 20;
	conn->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS);
	conn->time_gran = 1;
}

static void op_lookup(fuse_req_t fuse, fuse_ino_t parent, const char *name)
{
	struct req *req = begin(fuse, parent, "lookup");

	if (!req)
		return;
	if (is_long(name))
		req_error(req, -ENAMETOOLONG);
	else if (!req->node->ops->lookup)
		req_error(req, -ENOTDIR);
	else
		req->node->ops->lookup(req->node, req, name);
}

static void op_forget(fuse_req_t fuse, fuse_ino_t ino, uint64_t count)
{
	node_forget(node_of(fuse, ino), count);
	fuse_reply_none(fuse);
}

static void op_forget_multi(fuse_req_t fuse, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		node_forget(node_of(fuse, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(fuse);
}

static void op_getattr(fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "getattr");

	(void)fi;
	if (req)
		req_attr(req);
}

static void op_setattr(
	fuse_req_t fuse, fuse_ino_t ino, struct stat *attr, int set, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "setattr");

	if (!req)
		return;
	if (req->node->ops->setattr)
		req->node->ops->setattr(req->node, req, attr, set, handle_of(fi));
	else
		req_error(req, -EPERM);
}

static void op_readlink(fuse_req_t fuse, fuse_ino_t ino)
{
	struct req *req = begin(fuse, ino, "readlink");

	if (!req)
		return;
	if (req->node->ops->readlink)
		req->node->ops->readlink(req->node, req);
	else
		req_error(req, -EINVAL);
}

static void op_mknod(fuse_req_t fuse, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	struct req *req = begin(fuse, parent, "mknod");

	(void)name;
	(void)mode;
	(void)dev;
	if (req)
		req_error(req, -EPERM); /* no pipes, sockets, devices */
}

static void op_mkdir(fuse_req_t fuse, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct req *req = begin(fuse, parent, "mkdir");

	if (!req)
		return;
	if (!req->node->ops->mkdir)
		req_error(req, -EPERM);
	else if (is_long(name))
		req_error(req, -ENAMETOOLONG);
	else
		req->node->ops->mkdir(req->node, req, name, mode);
}

static void op_unlink(fuse_req_t fuse, fuse_ino_t parent, const char *name)
{
	struct req *req = begin(fuse, parent, "unlink");

	if (!req)
		return;
	if (req->node->ops->unlink)
		req->node->ops->unlink(req->node, req, name);
	else
		req_error(req, -EPERM);
}

static void op_rmdir(fuse_req_t fuse, fuse_ino_t parent, const char *name)
{
	struct req *req = begin(fuse, parent, "rmdir");

	if (!req)
		return;
	if (req->node->ops->rmdir)
		req->node->ops->rmdir(req->node, req, name);
	else
		req_error(req, -EPERM);
}

static void op_symlink(fuse_req_t fuse, const char *target, fuse_ino_t parent, const char *name)
{
	struct req *req = begin(fuse, parent, "symlink");

	if (!req)
		return;
	if (!req->node->ops->symlink)
		req_error(req, -EPERM);
	else if (is_long(name))
		req_error(req, -ENAMETOOLONG);
	else
		req->node->ops->symlink(req->node, req, name, target);
}

static void op_rename(fuse_req_t fuse, fuse_ino_t parent, const char *name, fuse_ino_t to_parent,
	const char *to_name, unsigned flags)
{
	struct req *req = begin(fuse, parent, "rename");

	if (!req)
		return;
	struct node *to = node_of(fuse, to_parent);
	if (is_long(to_name))
		req_error(req, -ENAMETOOLONG);
	else if (!req->node->ops->rename || to->ops->rename != req->node->ops->rename)
		req_error(req, -EPERM);
	else
		req->node->ops->rename(req->node, req, name, to, to_name, flags);
}

static void op_link(fuse_req_t fuse, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct req *req = begin(fuse, parent, "link");

	if (!req)
		return;
	if (!req->node->ops->link)
		req_error(req, -EPERM);
	else if (is_long(name))
		req_error(req, -ENAMETOOLONG);
	else
		req->node->ops->link(req->node, req, name, node_of(fuse, ino));
}

static void op_open(fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "open");

	if (!req)
		return;
	req->file = *fi;
	if (req->node->ops->open)
		req->node->ops->open(req->node, req, fi->flags);
	else
		req_error(req, -EACCES);
}

static void op_create(fuse_req_t fuse, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, parent, "create");

	if (!req)
		return;
	req->file = *fi;
	if (!req->node->ops->create)
		req_error(req, -EPERM);
	else if (is_long(name))
		req_error(req, -ENAMETOOLONG);
	else
		req->node->ops->create(req->node, req, name, mode, fi->flags);
}

static void op_read(
	fuse_req_t fuse, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "read");
	struct handle *handle = handle_of(fi);

	if (!req)
		return;
	if (handle->ops->read)
		handle->ops->read(handle, req, size, offset);
	else
		req_error(req, -EBADF);
}

/* Keep what is to be written until the request is answered. */
static const void *keep_data(struct req *req, const char *data, size_t size)
{
	if (size > COPY_LIMIT && buffer && buffer->mem && data > (char *)buffer->mem &&
		data + size <= (char *)buffer->mem + buffer->size) {
		req->data = buffer->mem;
		buffer->mem = NULL; /* libfuse allocates another one */
		return data;
	}
	req->data = malloc(size ? size : 1);
	if (req->data)
		memcpy(req->data, data, size);
	return req->data;
}

static void op_write(fuse_req_t fuse, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "write");
	struct handle *handle = handle_of(fi);

	if (!req)
		return;
	if (!handle->ops->write) {
		req_error(req, -EBADF);
		return;
	}
	const void *kept = keep_data(req, data, size);
	if (kept)
		handle->ops->write(handle, req, kept, size, offset);
	else
		req_error(req, -ENOMEM);
}

static void op_flush(fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "flush");
	struct handle *handle = handle_of(fi);

	if (!req)
		return;
	if (handle->ops->flush)
		handle->ops->flush(handle, req);
	else
		req_done(req);
}

static void op_release(fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	metric_fuse("release");
	handle_free(handle_of(fi));
	fuse_reply_err(fuse, 0);
}

static void op_fsync(fuse_req_t fuse, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "fsync");
	struct handle *handle = handle_of(fi);

	(void)data_only;
	if (!req)
		return;
	if (handle->ops->fsync)
		handle->ops->fsync(handle, req);
	else
		req_done(req);
}

static void op_fallocate(fuse_req_t fuse, fuse_ino_t ino, int mode, off_t offset, off_t len,
	struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "fallocate");
	struct handle *handle = handle_of(fi);

	if (!req)
		return;
	if (handle->ops->fallocate)
		handle->ops->fallocate(handle, req, mode, offset, len);
	else
		req_error(req, -EOPNOTSUPP);
}

static void op_poll(
	fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct req *req = begin(fuse, ino, "poll");
	struct handle *handle = handle_of(fi);

	if (!req) {
		if (ph)
			fuse_pollhandle_destroy(ph);
		return;
	}
	if (handle->ops->poll) {
		handle->ops->poll(handle, req, ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	req_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

static void op_opendir(fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "opendir");

	if (!req)
		return;
	req->file = *fi;
	if (req->node->ops->list)
		req->node->ops->list(req->node, req);
	else
		req_error(req, -ENOTDIR);
}

/* Append an entry to an answer that has @room left; how many bytes it takes, or would. *given is
 * the node that the kernel holds from then on, or NULL. */
typedef size_t (*add_entry)(fuse_req_t fuse, struct node *dir, char *out, size_t room,
	const struct dirlist_head *head, const char *name, off_t next, struct node **given);

static size_t add_name(fuse_req_t fuse, struct node *dir, char *out, size_t room,
	const struct dirlist_head *head, const char *name, off_t next, struct node **given)
{
	struct stat attr = {.st_ino = head->ino, .st_mode = head->type};

	(void)dir;
	*given = NULL;
	return fuse_add_direntry(fuse, out, room, name, &attr, next);
}

/* With what lookup would say of the name: `ls -l` in few requests. */
static size_t add_known(fuse_req_t fuse, struct node *dir, char *out, size_t room,
	const struct dirlist_head *head, const char *name, off_t next, struct node **given)
{
	struct fuse_entry_param entry = {.attr = {.st_ino = head->ino, .st_mode = head->type}};
	struct node *node = dir->ops->known ? dir->ops->known(dir, name) : NULL;

	if (node) {
		req_fill_entry(node, &entry);
		node->lookups++;
	}
	size_t need = fuse_add_direntry_plus(fuse, out, room, name, &entry, next);
	if (need > room && node)
		node_forget(node, 1);
	*given = need > room ? NULL : node;
	return need;
}

/* The offset of an entry is where the next one begins, plus 1: 0 is the start. */
static void read_folder(fuse_req_t fuse, struct node *node, size_t size, off_t offset,
	const struct dir_handle *dir, add_entry add)
{
	AUTO_FREE char *out = malloc(size);
	/* No entry is smaller than its head. */
	AUTO_FREE struct node **given =
		calloc(size / sizeof(struct dirlist_head) + 1, sizeof(struct node *));
	size_t used = 0, count = 0, at = offset ? (size_t)offset - 1 : 0, next;
	struct dirlist_head head;
	const char *name;

	if (!out || !given) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	while ((next = dirlist_next(&dir->list, at, &head, &name))) {
		size_t need = add(fuse, node, out + used, size - used, &head, name, (off_t)next + 1,
			&given[count]);
		if (need > size - used)
			break;
		count += given[count] != NULL;
		used += need;
		at = next;
	}
	if (fuse_reply_buf(fuse, out, used))
		while (count) /* the caller has gone */
			node_forget(given[--count], 1);
}

static void op_readdir(
	fuse_req_t fuse, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	metric_fuse("readdir");
	read_folder(fuse, node_of(fuse, ino), size, offset, (struct dir_handle *)(uintptr_t)fi->fh,
		add_name);
}

static void op_readdirplus(
	fuse_req_t fuse, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	metric_fuse("readdirplus");
	read_folder(fuse, node_of(fuse, ino), size, offset, (struct dir_handle *)(uintptr_t)fi->fh,
		add_known);
}

static void op_releasedir(fuse_req_t fuse, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct dir_handle *dir = (struct dir_handle *)(uintptr_t)fi->fh;

	(void)ino;
	dirlist_release(&dir->list);
	free(dir);
	fuse_reply_err(fuse, 0);
}

static void op_fsyncdir(fuse_req_t fuse, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
	struct req *req = begin(fuse, ino, "fsyncdir");

	(void)data_only;
	(void)fi;
	if (!req)
		return;
	if (req->node->ops->fsyncdir)
		req->node->ops->fsyncdir(req->node, req);
	else
		req_done(req);
}

static void op_statfs(fuse_req_t fuse, fuse_ino_t ino)
{
	struct req *req = begin(fuse, ino, "statfs");

	if (!req)
		return;
	struct node *root = req->fs->root;
	const struct node_ops *ops = req->node->ops->statfs ? req->node->ops : root->ops;
	ops->statfs(req->node, req);
}

/* --- extended attributes ---------------------------------------------------------- */

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static void op_setxattr(fuse_req_t fuse, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	struct req *req = begin(fuse, ino, "setxattr");

	if (!req)
		return;
	if (!has_prefix(name, "user.") || !req->node->ops->setxattr) {
		req_error(req, -EOPNOTSUPP);
		return;
	}
	req->data = malloc(size ? size : 1);
	if (!req->data) {
		req_error(req, -ENOMEM);
		return;
	}
	memcpy(req->data, value, size);
	req->node->ops->setxattr(req->node, req, name, req->data, size, flags);
}

static void op_removexattr(fuse_req_t fuse, fuse_ino_t ino, const char *name)
{
	struct req *req = begin(fuse, ino, "removexattr");

	if (!req)
		return;
	if (!has_prefix(name, "user.") || !req->node->ops->setxattr)
		req_error(req, -ENODATA);
	else
		req->node->ops->setxattr(req->node, req, name, NULL, 0, 0);
}

/* "security.capability" is asked for at every write: no req for what nobody has. */
static void op_getxattr(fuse_req_t fuse, fuse_ino_t ino, const char *name, size_t size)
{
	struct node *node = node_of(fuse, ino);

	metric_fuse("getxattr");
	if (has_prefix(name, "system.")) {
		fuse_reply_err(
			fuse, EOPNOTSUPP); /* an ACL that nobody enforces must not be accepted */
		return;
	}
	if (!has_prefix(name, "user.") || !node->ops->getxattr) {
		fuse_reply_err(fuse, ENODATA);
		return;
	}
	struct req *req = req_new(fuse, node);
	if (!req)
		return;
	req->number = (int64_t)size;
	node->ops->getxattr(node, req, name);
}

static void op_listxattr(fuse_req_t fuse, fuse_ino_t ino, size_t size)
{
	struct req *req = begin(fuse, ino, "listxattr");

	if (!req)
		return;
	req->number = (int64_t)size;
	if (req->node->ops->listxattr)
		req->node->ops->listxattr(req->node, req);
	else
		req_xattr(req, 0);
}

const struct fuse_lowlevel_ops fs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.poll = op_poll,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
};
