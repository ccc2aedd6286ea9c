/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a snapshot of a folder: for whoever answers readdir. */
#ifndef ASKFS_FS_DIRLIST_READ_H
#define ASKFS_FS_DIRLIST_READ_H

#include "fs/dirlist.h"

struct dirlist_head {
	uint64_t ino;
	uint32_t type; /* S_IFDIR … */
	uint32_t name_len;
};

/* The entry at byte @offset (0: the first) and the offset of the next one; 0 at the end. */
size_t dirlist_next(
	const struct dirlist *list, size_t offset, struct dirlist_head *head, const char **name);

#endif
