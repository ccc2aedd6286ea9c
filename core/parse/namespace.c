/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"

static int write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	return fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : -errno;
}

/* An identity that is not mapped can make no folder, and owns nothing. */
static int map_ids(unsigned uid, unsigned gid)
{
	char map[64];

	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	int rc = write_file("/proc/self/uid_map", map);
	rc = rc ? rc : write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	return rc ? rc : write_file("/proc/self/gid_map", map);
}

int namespace_enter(int flags)
{
	unsigned uid = geteuid(), gid = getegid();

	if (!unshare(flags))
		return 0;
	if (errno != EPERM || !uid)
		return -errno;
	return unshare(flags | CLONE_NEWUSER) ? -errno : map_ids(uid, gid);
}
