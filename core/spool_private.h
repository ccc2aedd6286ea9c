/* SPDX-License-Identifier: Apache-2.0 */
/* What the spool's files share: spool.c (changes), spool_sync.c (putting them on the disk),
 * spool_open.c (finding them again). Loop thread. */
#ifndef ASKFS_CORE_SPOOL_PRIVATE_H
#define ASKFS_CORE_SPOOL_PRIVATE_H

#include "core/spool_record.h"
#include "core/spool_tree.h"

#define SPOOL_ROOT_INO 2

struct spool {
	struct spool_tree tree;
	struct journal *journal;
	struct loop *loop;
	struct pool *pool;
	int dir_fd;
	struct buf record; /* scratch; loop thread */
	struct spool_inode *unsynced; /* loop thread */
	struct timer sync_timer;
	unsigned jobs; /* on the pool now; loop thread */
};

/* The group sync comes within a second from now. */
void spool_arm_sync(struct spool *spool);
void spool_on_sync_timer(struct timer *timer);
void spool_forget_unsynced(struct spool *spool, struct spool_inode *inode);

/* The journal is far larger than what it describes, and at rest: write it anew. */
void spool_rewrite_if_due(struct spool *spool);

/* Append the record that is in the scratch buffer; nobody waits for it. */
void spool_append(struct spool *spool);

#endif
