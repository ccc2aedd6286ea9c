/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder held when it was opened: one snapshot a handle, so that a reader who pauses
 * neither misses nor sees twice what was there all the time. */
#ifndef ASKFS_FS_DIRLIST_H
#define ASKFS_FS_DIRLIST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/buf.h"

/* Packed entries: ino, type, name. Embedded by value; release it. */
struct dirlist {
	struct buf entries;
	size_t count;
};

void dirlist_init(struct dirlist *list);
void dirlist_release(struct dirlist *list);

/* Append an entry (@type: S_IFDIR …). A failure is kept in the buffer and found by req_list. */
void dirlist_add(struct dirlist *list, const char *name, uint64_t ino, mode_t type);

#endif
