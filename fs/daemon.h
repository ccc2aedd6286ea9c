/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: everything put together, mounted, served, and taken apart again. */
#ifndef ASKFS_FS_DAEMON_H
#define ASKFS_FS_DAEMON_H

#include "core/buf.h"
#include "core/config.h"
#include "core/err.h"

struct daemon_options {
	const struct config *config;
	const char *mount_point; /* absolute */
	const char *state_path;
	const char *fuse_options; /* for mount: "allow_other,nosuid" */
};

struct daemon;

/* Are the options for the mount known? 0, -EINVAL, -ENOMEM with *err set. */
int daemon_check_options(const char *fuse_options, struct err *err);

/* Open the state, choose the adapters, mount. 0 or -errno with *err set. Threads exist
 * afterwards: no fork from here on. */
int daemon_new(struct daemon **out, const struct daemon_options *options, struct err *err);

/* Serve until SIGTERM, SIGINT, SIGHUP or until it is unmounted. */
void daemon_run(struct daemon *daemon);

/* Refuse what is new, cancel what runs, answer everybody who waits, unmount, free. */
void daemon_free(struct daemon *daemon);

#endif
