/* SPDX-License-Identifier: Apache-2.0 */
/* A node: what the kernel knows by a number. All of it belongs to the loop thread. */
#ifndef ASKFS_FS_NODE_H
#define ASKFS_FS_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/access.h"
#include "core/buf.h"
#include "core/uuid.h"

struct fs;
struct node;
struct req;
struct handle;
struct dirlist;
struct fuse_pollhandle;

/* The kinds of nodes. Every entry runs on the loop thread and never waits; it answers the
 * request with one of the req_ functions, exactly once: at once, or later (req_offload to
 * the I/O pool, req_park for what may wait without bound). NULL means what a Unix user
 * would expect of a folder or file that can't do it (said at each entry). */
struct node_ops {
	const char *name;

	/* How long the kernel may believe a name and its attributes, in seconds. 0 for names
	 * that move from node to node. */
	double entry_timeout, attr_timeout;

	/* Fill @out from memory: mode with its type, uid, gid, size, times, nlink. st_ino is
	 * filled by the caller. Never NULL. */
	void (*stat)(struct node *node, struct stat *out);

	/* The last reference of the kernel is gone: release what the node holds (not the node
	 * itself). NULL: nothing. */
	void (*forget)(struct node *node);

	/* Folders. lookup: req_entry or req_error(-ENOENT); the same answer for all callers.
	 * list: fill a dirlist with what the caller may see, then req_list. */
	void (*lookup)(struct node *dir, struct req *req, const char *name);
	void (*list)(struct node *dir, struct req *req);
	/* The node under a name of a listing, as lookup would answer, so that `ls -l` needs no
	 * lookups. NULL: there is none, or lookup has to be asked. */
	struct node *(*known)(struct node *dir, const char *name);
	/* The rest of a folder; NULL: -EPERM. create also opens: req_create. */
	void (*create)(struct node *dir, struct req *req, const char *name, mode_t mode, int flags);
	void (*mkdir)(struct node *dir, struct req *req, const char *name, mode_t mode);
	void (*symlink)(struct node *dir, struct req *req, const char *name, const char *target);
	void (*link)(struct node *dir, struct req *req, const char *name, struct node *target);
	void (*unlink)(struct node *dir, struct req *req, const char *name);
	void (*rmdir)(struct node *dir, struct req *req, const char *name);
	void (*rename)(struct node *dir, struct req *req, const char *name, struct node *to_dir,
		const char *to_name, unsigned flags);
	void (*fsyncdir)(struct node *dir, struct req *req); /* NULL: 0 */
	void (*statfs)(struct node *node, struct req *req); /* NULL: the inbox's */

	/* Files and links. open: req_open; @flags are open(2)'s. NULL: -EACCES. */
	void (*open)(struct node *node, struct req *req, int flags);
	void (*readlink)(struct node *node, struct req *req); /* NULL: -EINVAL */

	/* chmod, chown, utimens, truncate: @set has FUSE_SET_ATTR_ bits. req_attr. NULL:
	 * -EPERM. @handle is the one of ftruncate, else NULL. */
	void (*setattr)(struct node *node, struct req *req, const struct stat *attr, int set,
		struct handle *handle);

	/* Extended attributes; NULL: -ENODATA, none, -EOPNOTSUPP. @value NULL in setxattr
	 * removes; it stays valid until the request is answered, as does @name until the call
	 * returns. Only names that begin with "user." come here. getxattr and listxattr fill
	 * req->buf (a list has a NUL behind each name) and answer with req_xattr. */
	void (*getxattr)(struct node *node, struct req *req, const char *name);
	void (*listxattr)(struct node *node, struct req *req);
	void (*setxattr)(struct node *node, struct req *req, const char *name, const void *value,
		size_t size, int flags);
};

/* First member of every kind of node. */
struct node {
	const struct node_ops *ops;
	struct fs *fs;
	uint64_t key; /* identity: one live node a key */
	uint64_t ino; /* st_ino: the same for all renderings of a name, and after a restart */
	uint64_t lookups; /* what the kernel holds */
	struct node *next; /* in the table's bucket */
};

/* What every node begins with that stands for a document or a part of it. */
struct subject_node {
	struct node node;
	struct uuid subject;
};

/* What open() made; kept in fi->fh. @node lives at least as long. */
struct handle_ops {
	/* NULL: as in node_ops: read and write -EBADF, the others 0. req_data, req_written,
	 * req_done answer. @data of write stays valid until the request is answered. */
	void (*read)(struct handle *handle, struct req *req, size_t size, off_t offset);
	void (*write)(struct handle *handle, struct req *req, const void *data, size_t size,
		off_t offset);
	void (*flush)(struct handle *handle, struct req *req);
	void (*fsync)(struct handle *handle, struct req *req);
	void (*fallocate)(struct handle *handle, struct req *req, int mode, off_t offset,
		off_t len); /* NULL: -EOPNOTSUPP */
	/* Answer with req_poll. NULL: always ready. */
	void (*poll)(struct handle *handle, struct req *req, struct fuse_pollhandle *ph);
	/* The last of it: free the handle. NULL: free(). The kernel waits for nothing here. */
	void (*release)(struct handle *handle);
};

/* First member of every kind of handle; heap memory. */
struct handle {
	const struct handle_ops *ops;
	struct node *node;
	int flags; /* open(2)'s */
	struct handle *next, *before; /* among all that are open */
};

/* 63 bits of the SHA-256 of an identity, the top bit set: inode numbers that a restart does
 * not change and that never meet those of the inbox. @kind separates name spaces. */
uint64_t node_hash(const char *kind, const void *identity, size_t len);

/* The live node of that key, or NULL. */
struct node *node_find(struct fs *fs, uint64_t key);

/* A new node of @size bytes, zeroed but for its head. NULL when memory is short. It lives
 * until the kernel forgets it; one that never was handed to the kernel: node_drop. */
void *node_new(struct fs *fs, const struct node_ops *ops, size_t size, uint64_t key, uint64_t ino);
void node_drop(struct node *node);

/* Release every handle and free every node: the kernel is gone. */
void nodes_free(struct fs *fs);

/* The kernel returned @count references; frees the node with the last one. */
void node_forget(struct node *node, uint64_t count);

/* All three times. */
void node_set_times(struct stat *out, int64_t ns);

/* The node's stat with its st_ino. */
void node_stat(struct node *node, struct stat *out);

/* --- Files whose content is made when they are looked up -------------------------- */

/* Who may do what, and when it changed. */
struct attributes {
	struct access access; /* mode: permission bits */
	int64_t mtime_ns;
};

/* A file with that content (taken over; freed with the node). Two contents are two nodes with
 * one st_ino, so that a reader who has it open keeps his; the content's hash makes the key.
 * Every path walk looks it up again. NULL when memory is short or @data is NULL (@data is
 * freed all the same). */
struct node *node_text(
	struct fs *fs, uint64_t ino, const struct attributes *attributes, char *data, size_t len);

/* The same for content that changes rarely: the kernel believes the name for a second. */
struct node *node_text_stable(
	struct fs *fs, uint64_t ino, const struct attributes *attributes, char *data, size_t len);

/* The same under a @key that says what the content is, without looking at it: whoever finds
 * that key with node_find need not make the content again. */
struct node *node_text_keyed(struct fs *fs, uint64_t key, uint64_t ino,
	const struct attributes *attributes, char *data, size_t len);

/* The same about a document, under other ops, which may use the three functions: they show
 * the content as the other texts do. It begins with a subject_node. */
struct node *node_text_about(struct fs *fs, const struct node_ops *ops, const struct uuid *subject,
	uint64_t key, uint64_t ino, const struct attributes *attributes, char *data, size_t len);
void node_text_stat(struct node *node, struct stat *out);
void node_text_forget(struct node *node);
void node_text_open(struct node *node, struct req *req, int flags);

/* The key of a content that its bytes alone decide. */
uint64_t node_text_key(
	uint64_t ino, const struct attributes *attributes, const char *data, size_t len);

/* The same for a symbolic link; @target is copied. */
struct node *node_link(
	struct fs *fs, uint64_t ino, const struct attributes *attributes, const char *target);

#endif
