/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock from ABI 1 on, by its system calls (landlock(7)); without it a mount namespace
 * whose root is an empty tmpfs with the short list bound into it. */
#include "core/parse/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "core/auto.h"
#include "core/parse/namespace.h"

/* What readers open: poppler's tables of character codes, fonts and where they are. */
static const char *const short_list[] = {"/usr/share/poppler", "/usr/share/fonts",
	"/usr/local/share/fonts", "/usr/share/fontconfig", "/etc/fonts", "/var/cache/fontconfig"};

/* struct landlock_ruleset_attr of ABI 6; installed headers may be older than the kernel. */
struct ruleset {
	uint64_t access_fs;
	uint64_t access_net; /* from ABI 4 */
	uint64_t scoped; /* from ABI 6 */
};
#define ACCESS_FS_1	((UINT64_C(1) << 13) - 1) /* all of ABI 1 */
#define ACCESS_REFER	(UINT64_C(1) << 13) /* ABI 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */
#define ACCESS_IOCTL	(UINT64_C(1) << 15) /* ABI 5 */
#define ACCESS_NET	UINT64_C(3) /* bind and connect of TCP */
#define SCOPED		UINT64_C(3) /* abstract Unix sockets, signals */

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static int make_ruleset(long abi)
{
	struct ruleset ruleset = {.access_fs = ACCESS_FS_1};
	size_t size = abi >= 6 ? sizeof(ruleset) : abi >= 4 ? 16 : 8;

	if (abi >= 2)
		ruleset.access_fs |= ACCESS_REFER;
	if (abi >= 3)
		ruleset.access_fs |= ACCESS_TRUNCATE;
	if (abi >= 4)
		ruleset.access_net = ACCESS_NET;
	if (abi >= 5)
		ruleset.access_fs |= ACCESS_IOCTL;
	if (abi >= 6)
		ruleset.scoped = SCOPED;
	return (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
}

/* A folder that does not exist is no loss. */
static int allow_reading(int ruleset, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = fd,
	};

	if (fd < 0)
		return 0;
	return (int)syscall(
		SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
}

int files_landlock(struct err *err)
{
	AUTO_CLOSE int ruleset = make_ruleset(landlock_abi());

	if (ruleset < 0)
		return err_set(err, -errno, "landlock: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(short_list); i++)
		if (allow_reading(ruleset, short_list[i]))
			return err_set(
				err, -errno, "landlock: %s: %s", short_list[i], strerror(errno));
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		return err_set(err, -errno, "landlock: %s", strerror(errno));
	return 0;
}

/* mkdir -p of @path below the current folder. */
static void make_folders(const char *path)
{
	char part[128];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
}

static int bind_reading(const char *path)
{
	const char *below = path + 1;

	if (access(path, R_OK))
		return 0;
	make_folders(below);
	if (mount(path, below, NULL, MS_BIND, NULL))
		return -errno;
	return mount(NULL, below, NULL,
		       MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)
		? -errno
		: 0;
}

/* The old root is left on top of the new one and then detached: pivot_root(2), NOTES. */
static int enter_namespace(void)
{
	int rc = namespace_enter(CLONE_NEWNS);

	if (rc)
		return rc;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") ||
		chdir("/tmp"))
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(short_list); i++) {
		if ((rc = bind_reading(short_list[i])))
			return rc;
	}
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return -errno;
	return 0;
}

#ifdef ASKFS_PARSE_TEST
/* Tests choose a level that this kernel would not need. */
static bool is_forbidden(const char *level)
{
	const char *forbidden = getenv("ASKFS_PARSE_WITHOUT");

	return forbidden && strstr(forbidden, level);
}
#else
static bool is_forbidden(const char *level)
{
	(void)level;
	return false;
}
#endif

enum confine_level files_begin(void)
{
	if (landlock_abi() >= 1 && !is_forbidden("landlock"))
		return CONFINE_LANDLOCK;
	if (!is_forbidden("namespace") && !enter_namespace())
		return CONFINE_NAMESPACE;
	return CONFINE_REFUSE;
}
