/* SPDX-License-Identifier: Apache-2.0 */
/* Mounted askfs filesystems as other programs see them. For the commands, not the daemon. */
#ifndef ASKFS_FS_MOUNTS_H
#define ASKFS_FS_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"

/* The mount point of the askfs that @path lies in, also of one whose daemon is dead. 0 and
 * *mount_point (the caller frees it), -ENOENT with *err set if there is none. */
int mounts_find(const char *path, char **mount_point, struct err *err);

/* What system/health says. Zero-initialise it; mounts_health_release frees what is inside. */
struct mounts_health {
	bool is_ok;
	pid_t pid;
	char *state;
	uint64_t pending, processing, indexed, failed;
	uint64_t settling; /* files in the inbox that are not quiet for long enough yet */
	uint64_t queued; /* for ingestion */
	uint64_t chunks_left; /* that wait for their vectors */
	uint64_t chunks, vectors; /* embedded since the daemon was started */
	char *failing; /* "catalog: reason" a line; "" where nothing fails */
};

/* 0 or -errno with *err set: -ENOTCONN if the daemon is gone. */
int mounts_health_read(const char *mount_point, struct mounts_health *out, struct err *err);
void mounts_health_release(struct mounts_health *health);

/* The state folder that a command means: @state if that is given, else the one in use by the mount
 * @mount, or the default one of a mount there. It has to exist: none is made. The caller frees it;
 * NULL with *err set. */
char *mounts_state(const char *mount, const char *state, struct err *err);

/* Files that ingestion has not come to an end with. */
static inline uint64_t mounts_pending(const struct mounts_health *health)
{
	uint64_t known = health->pending + health->processing;
	uint64_t coming = health->settling + health->queued;

	return known > coming ? known : coming;
}

#endif
