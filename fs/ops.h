/* SPDX-License-Identifier: Apache-2.0 */
/* The table that libfuse calls: each entry finds its node and hands a req to the node's ops. */
#ifndef ASKFS_FS_OPS_H
#define ASKFS_FS_OPS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops fs_ops;

/* While the session's buffer is being processed: take it over, so that a large write needs no
 * copy. The caller frees it. Set up by fs/mount.c around fuse_session_process_buf. */
struct fuse_buf;
void ops_set_buffer(struct fuse_buf *buffer);

#endif
