/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the program: `askfs COMMAND [OPTIONS] [ARGUMENTS]`. */
#ifndef ASKFS_FS_CMD_H
#define ASKFS_FS_CMD_H

#include "core/buf.h"

/* Exit statuses; askfs(1) documents them. */
enum cmd_status {
	CMD_OK = 0,
	CMD_FAILED = 1, /* what was asked for could not be done */
	CMD_USAGE = 2, /* the command line or the configuration is wrong */
	CMD_UNREACHABLE = 3, /* no askfs is mounted there, or its daemon does not answer */
	CMD_TIMED_OUT = 4,
};

/* One command, in the table of cmd.c. --help and --version are dealt with before run. */
struct command {
	const char *name;
	const char *synopsis; /* behind the name: "[--watch] MOUNT" */
	const char *summary; /* one line of `askfs --help` */
	const char *help; /* options and what else is to say; lines with their newlines */
	/* argv[0] is the command's name. Returns an enum cmd_status. */
	int (*run)(int argc, char **argv);
	int (*more_help)(struct buf *out); /* text made at run time, behind help; may be NULL */
};

extern const struct command cmd_mount, cmd_unmount, cmd_status, cmd_ask, cmd_doctor, cmd_check,
	cmd_extract, cmd_eval, cmd_reindex;

/* main() without its adapters: find the command and run it. Called as mount.fuse.askfs (or as
 * `askfs SOURCE MOUNT -o …`, as mount.fuse calls it) it is `askfs mount`. */
int cmd_main(int argc, char **argv);

/* "askfs NAME: sentence" and a hint at --help, to stderr; CMD_USAGE. */
int cmd_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "askfs NAME: sentence" to stderr; @status. */
int cmd_fail(const struct command *command, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
