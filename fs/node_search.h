/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes of a search share. */
#ifndef ASKFS_FS_NODE_SEARCH_H
#define ASKFS_FS_NODE_SEARCH_H

#include "core/search.h"
#include "fs/node.h"

/* The inode number of a name inside the search; "" is the search's own. */
uint64_t search_ino(const struct search *search, const char *name);

/* Of a file inside it: its maker's alone, as old as the results. */
struct attributes search_attributes(const struct search *search);

/* results.json as it is now. NULL: no memory. */
struct node *results_node_now(struct fs *fs, struct search *search);

#endif
