/* SPDX-License-Identifier: Apache-2.0 */
/* What the inbox's folders and files share. */
#ifndef ASKFS_FS_NODE_INBOX_H
#define ASKFS_FS_NODE_INBOX_H

#include "core/spool.h"
#include "fs/node.h"
#include "fs/req.h"

/* A file, folder or link in the inbox: the node holds the inode. */
struct inbox_node {
	struct node node;
	struct spool_inode *inode;
};

extern const struct node_ops inbox_folder_ops, inbox_file_ops, inbox_link_ops;

/* The node of an inode, made if need be. NULL: no memory. */
struct node *inbox_node_of(struct fs *fs, struct spool_inode *inode);

void inbox_node_stat(struct node *node, struct stat *out);
void inbox_node_forget(struct node *node);
void inbox_node_setattr(struct node *node, struct req *req, const struct stat *attr, int set,
	struct handle *handle);
void inbox_node_getxattr(struct node *node, struct req *req, const char *name);
void inbox_node_listxattr(struct node *node, struct req *req);
void inbox_node_setxattr(struct node *node, struct req *req, const char *name, const void *value,
	size_t size, int flags);
void inbox_node_statfs(struct node *node, struct req *req);

/* A handle on a backing file; takes @fd. NULL: no memory (fd is closed). */
struct handle *inbox_handle_new(struct fs *fs, struct spool_inode *inode, int fd, int flags);

/* A spool_done that answers 0 or the error; @context is the req. */
void inbox_req_done(void *context, int result);

/* inbox_parts.renamed: @context is the fs. */
void inbox_node_renamed(void *context, struct spool_inode *folder, const char *name);

#endif
