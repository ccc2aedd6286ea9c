/* SPDX-License-Identifier: Apache-2.0 */
/* A spool with a real loop and pool in a folder of its own, that can be opened again. */
#ifndef ASKFS_TESTS_UNIT_SPOOL_WORLD_H
#define ASKFS_TESTS_UNIT_SPOOL_WORLD_H

#include "core/loop.h"
#include "core/pool.h"
#include "core/spool.h"

struct spool_world {
	struct loop *loop;
	struct pool *pool;
	struct spool *spool;
	char *folder;
	int dir_fd;
};

void sw_open(struct spool_world *world);
void sw_close(struct spool_world *world);

/* Let everything that is under way come back; fails the test when it does not. */
void sw_settle(struct spool_world *world);

/* As after a restart: nothing is known but what is in the folder. */
void sw_reopen(struct spool_world *world);

/* Make a name and wait for it; it must succeed. */
struct spool_entry *sw_make(struct spool_world *world, struct spool_inode *folder, const char *name,
	enum spool_kind kind);

/* The name below the root, whose parts are separated by slashes; NULL: there is none. */
struct spool_entry *sw_find(struct spool_world *world, const char *path);

/* Bytes into the backing file of a name, as a handle would write them. */
void sw_write(struct spool_world *world, struct spool_entry *entry, const char *bytes);

/* A spool_done that stores the result in the int at @context. */
void sw_note(void *context, int result);

#endif
