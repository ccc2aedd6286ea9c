/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs unmount`: returns when the daemon has ended, so that its state folder may be used at
 * once. The daemon says its pid in system/health; a pidfd tells when it is gone, even if the
 * number is given to another process meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/auto.h"
#include "fs/cmd.h"
#include "fs/mounts.h"

#define DAEMON_ENDS_MS 60000

extern char **environ;

/* The daemon's pidfd, or -1: it is dead (*is_dead), or its pid is one of another namespace. */
static int open_daemon(const char *mount_point, bool *is_dead)
{
	struct mounts_health health = {0};
	char path[64], comm[32] = "";

	int rc = mounts_health_read(mount_point, &health, NULL);
	*is_dead = rc == -ENOTCONN;
	if (rc)
		return -1;
	pid_t pid = health.pid;
	mounts_health_release(&health);
	AUTO_CLOSE int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	if (!file || !fgets(comm, sizeof(comm), file) || strncmp(comm, "askfs", 5))
		return -1;
	return TAKE_FD(fd);
}

/* fusermount3 may unmount what its user has mounted; it says itself what it can't do. */
static int unmount_as_user(const char *mount_point, bool is_lazy)
{
	char program[] = "fusermount3", unmount[] = "-u", lazy[] = "-z", end[] = "--";
	AUTO_FREE char *where = strdup(mount_point);
	char *argv[6] = {program, unmount};
	int count = 2, status;
	pid_t pid;

	if (!where)
		return -ENOMEM;
	if (is_lazy)
		argv[count++] = lazy;
	argv[count++] = end;
	argv[count] = where;
	int rc = posix_spawnp(&pid, program, NULL, NULL, argv, environ);
	if (rc)
		return -rc;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
}

static int unmount(const char *mount_point, bool is_lazy)
{
	if (umount2(mount_point, UMOUNT_NOFOLLOW | (is_lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	return errno == EPERM ? unmount_as_user(mount_point, is_lazy) : -errno;
}

static int say_why(const char *mount_point, int rc)
{
	if (rc == -EBUSY)
		return cmd_fail(&cmd_unmount, CMD_FAILED,
			"%s is in use: a program has a file open there or is in it (fuser -m shows "
			"which); --lazy unmounts all the same",
			mount_point);
	if (rc == -ENOENT)
		return cmd_fail(&cmd_unmount, CMD_FAILED,
			"fusermount3 is missing (package fuse3): only root can unmount without it");
	if (rc != -ECANCELED)
		return cmd_fail(&cmd_unmount, CMD_FAILED, "%s: %s", mount_point, strerror(-rc));
	return CMD_FAILED;
}

static int wait_for(int daemon_fd)
{
	struct pollfd poll_fd = {.fd = daemon_fd, .events = POLLIN};
	int rc;

	do
		rc = poll(&poll_fd, 1, DAEMON_ENDS_MS);
	while (rc < 0 && errno == EINTR);
	if (rc > 0)
		return CMD_OK;
	return cmd_fail(&cmd_unmount, CMD_TIMED_OUT,
		"it is unmounted, but its daemon has not ended after %d s", DAEMON_ENDS_MS / 1000);
}

static int unmount_run(int argc, char **argv)
{
	const char *path = NULL;
	bool is_lazy = false, is_dead;
	struct err err = ERR_NONE;
	AUTO_FREE char *mount_point = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--lazy") == 0 || strcmp(argv[i], "-l") == 0)
			is_lazy = true;
		else if (argv[i][0] == '-' && strcmp(argv[i], "--"))
			return cmd_usage(&cmd_unmount, "%s is not expected", argv[i]);
		else if (strcmp(argv[i], "--") && path)
			return cmd_usage(&cmd_unmount, "%s is one argument too many", argv[i]);
		else if (strcmp(argv[i], "--"))
			path = argv[i];
	}
	if (!path)
		return cmd_usage(&cmd_unmount, "where askfs is mounted is missing");
	if (mounts_find(path, &mount_point, &err))
		return cmd_fail(&cmd_unmount, CMD_UNREACHABLE, "%s", err.text);
	AUTO_CLOSE int daemon_fd = open_daemon(mount_point, &is_dead);
	/* Programs that are in a dead mount can do nothing there but leave. */
	int rc = unmount(mount_point, is_lazy || is_dead);
	if (rc)
		return say_why(mount_point, rc);
	return daemon_fd < 0 || is_lazy ? CMD_OK : wait_for(daemon_fd);
}

const struct command cmd_unmount = {
	.name = "unmount",
	.synopsis = "[--lazy] MOUNT",
	.summary = "Unmount, and return when the daemon has ended.",
	.help = "  -l, --lazy   also while a program uses it: it vanishes at once, and the daemon\n"
		"               ends after the last program has let go of it\n",
	.run = unmount_run,
};
