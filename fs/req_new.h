/* SPDX-License-Identifier: Apache-2.0 */
/* Making requests and freeing handles: for fs/ops.c alone. */
#ifndef ASKFS_FS_REQ_NEW_H
#define ASKFS_FS_REQ_NEW_H

#include "fs/req.h"

/* An open folder. */
struct dir_handle {
	struct dirlist list;
};

/* NULL: memory is short, and the kernel was told so. */
struct req *req_new(fuse_req_t fuse, struct node *node);

void req_fill_entry(struct node *node, struct fuse_entry_param *out);
void handle_free(struct handle *handle);

#endif
