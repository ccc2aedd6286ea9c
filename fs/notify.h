/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the kernel what changed behind its back. Each of these may wait for a lock that a
 * request of ours holds, so they run on a thread of their own, never on the loop thread. */
#ifndef ASKFS_FS_NOTIFY_H
#define ASKFS_FS_NOTIFY_H

#include <stddef.h>

struct fs;
struct node;
struct notify;

/* 0 or -errno. */
int notify_new(struct notify **out, struct fs *fs);

/* The name in that folder leads elsewhere now, or nowhere. Loop thread; never waits. */
void notify_entry(struct notify *notify, struct node *dir, const char *name);

/* The attributes of the node have changed, and with @content its content. Loop thread. */
void notify_inode(struct notify *notify, struct node *node, int with_content);

/* The same for a folder, done when it returns: folders have no pages that could be waited for.
 * Loop thread. */
void notify_folder(struct notify *notify, struct node *node);

/* Fill the kernel's cache of @node with @data (copied) and set its size, then call @done on
 * the loop thread: how an open that waited learns the size of what it opens. Loop thread. */
void notify_store(struct notify *notify, struct node *node, const void *data, size_t len,
	void (*done)(void *context), void *context);

/* A poll of that handle may look again; takes @ph over. Any thread; does not wait. */
struct fuse_pollhandle;
void notify_poll(struct fuse_pollhandle *ph);

/* Finish what is queued, join. */
void notify_free(struct notify *notify);

#endif
