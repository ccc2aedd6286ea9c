/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder: one for a mount, private, locked by the daemon that works in it. */
#ifndef ASKFS_FS_STATE_H
#define ASKFS_FS_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct state {
	char *path; /* absolute */
	char *realm;
	int dir_fd, spool_fd, lock_fd;
	int64_t made_ns; /* when it was made; since 1970 */
	bool was_ended; /* the daemon before had come to its end, or there was none */
};

/* Where the state of a mount is if nobody says otherwise: below $XDG_STATE_HOME/askfs, for root
 * below /var/lib/askfs, "<name>-<hash of the mount's path>". The caller frees it. */
char *state_default_path(const char *mount_point);

/* Make (0700) or open the folder and lock it. -EACCES if others may read it, -EBUSY with the
 * holder's process id if another daemon has it. @realm "": the one it was made with, the host's
 * name at first. 0 or -errno with *err set. */
int state_open(struct state *state, const char *path, const char *realm, struct err *err);
void state_release(struct state *state);

/* A small file @name in the folder @path: its text (the caller frees it), NULL if it is not there
 * or cannot be read. */
char *state_note_read(const char *path, const char *name);

/* Write it, all or nothing; NULL removes it. 0 or -errno. */
int state_note_write(const char *path, const char *name, const char *text);

/* Everything is written: the next daemon need not look for what a kill may have left. */
void state_end(struct state *state);

#endif
