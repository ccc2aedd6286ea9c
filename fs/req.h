/* SPDX-License-Identifier: Apache-2.0 */
/* A request of the kernel: answered exactly once, by whichever thread has the answer. */
#ifndef ASKFS_FS_REQ_H
#define ASKFS_FS_REQ_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "core/access.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/pool.h"
#include "fs/dirlist.h"
#include "fs/node.h"

/* Heap memory, gone once answered. Between parts that run on different threads it belongs to
 * the part that runs. */
struct req {
	fuse_req_t fuse;
	struct fs *fs;
	struct node *node; /* what the request is about */
	struct fuse_file_info file; /* of open, create, opendir: what will be answered */

	struct job job; /* req_offload */
	void (*work)(struct req *req); /* I/O pool */
	void (*then)(struct req *req); /* loop thread */
	struct task task;

	/* For the operation's own use between its parts. */
	void *data; /* freed with free() when the request is answered */
	struct buf buf; /* released likewise; ceiling 1 GiB */
	struct dirlist list; /* released likewise, unless req_list took it */
	struct err err;
	int64_t number;
	int result;

	/* Parking. */
	void (*interrupted)(struct req *req);
	struct task interrupt_task;
	bool is_parked, is_answered, is_interrupt_posted; /* loop thread */
};

/* Who asks: uid and groups, read now. A /proc read: microseconds. The caller releases it.
 * 0 or -ENOMEM. Loop thread, before the request is answered. */
int req_caller(struct req *req, struct caller *out);
uid_t req_uid(const struct req *req);
gid_t req_gid(const struct req *req);
pid_t req_thread(const struct req *req); /* 0: it is not known here */

/* Run @work on the I/O pool; then, if @then is not NULL, @then on the loop thread. With @then
 * NULL @work answers, with one of the functions marked "any thread". Loop thread. */
void req_offload(struct req *req, void (*work)(struct req *), void (*then)(struct req *));

/* Keep the request until somebody answers it. When the kernel interrupts it, @interrupted is
 * called on the loop thread: it takes the request off whatever it waits on and answers -EINTR.
 * Loop thread; not before work that may answer it from another thread. */
void req_park(struct req *req, void (*interrupted)(struct req *req));

/* The answers. The request is gone when they return. @error is a negative errno. */
void req_error(struct req *req, int error); /* any thread */
void req_done(struct req *req); /* any thread: 0 */
void req_data(struct req *req, const void *data, size_t size); /* any thread: read */
void req_written(struct req *req, size_t size); /* any thread */
void req_link(struct req *req, const char *target); /* any thread: readlink */
void req_statfs(struct req *req, const struct statvfs *statvfs); /* any thread */
void req_poll(struct req *req, unsigned revents); /* any thread */
void req_xattr(struct req *req, int rc); /* any thread: req->buf, or the error @rc */
void req_entry(struct req *req, struct node *node); /* loop thread; NULL: -ENOMEM */
void req_attr(struct req *req); /* loop thread: setattr */
void req_list(struct req *req); /* loop thread: opendir */

/* Begin a listing: "." is the node, ".." has the inode number @above. Loop thread. */
void req_list_begin(struct req *req, uint64_t above);

/* open succeeded: @handle (NULL: the node's own content is read, see node_text) and how the
 * kernel shall cache. Loop thread. */
enum open_cache {
	OPEN_CACHE_KEEP, /* content never changes under this node */
	OPEN_CACHE_FRESH, /* what the kernel holds of it is stale */
	OPEN_CACHE_DIRECT, /* every read and write comes here */
};
void req_open(struct req *req, struct handle *handle, enum open_cache cache);

/* The same with a handle that has no state of its own: content that never changes under the node
 * is read by @ops. */
void req_open_content(struct req *req, const struct handle_ops *ops);

/* create succeeded: node and handle. */
void req_create(struct req *req, struct node *node, struct handle *handle, enum open_cache cache);

/* Slice a read out of @data as the kernel asked. Any thread. */
void req_slice(struct req *req, const void *data, size_t len, size_t size, off_t offset);

#endif
