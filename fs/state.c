/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/state.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"

static char *state_base(void)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *base = NULL;
	int rc;

	if (geteuid() == 0)
		return strdup("/var/lib/askfs");
	if (xdg && xdg[0] == '/')
		rc = asprintf(&base, "%s/askfs", xdg);
	else
		rc = asprintf(&base, "%s/.local/state/askfs", home ? home : "");
	return rc < 0 ? NULL : base;
}

char *state_default_path(const char *mount_point)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	const char *slash = strrchr(mount_point, '/');
	const char *name = slash && slash[1] ? slash + 1 : "root";
	AUTO_FREE char *base = state_base();
	char *path;

	SHA256((const unsigned char *)mount_point, strlen(mount_point), digest);
	if (!base ||
		asprintf(&path, "%s/%s-%02x%02x%02x%02x", base, name, digest[0], digest[1],
			digest[2], digest[3]) < 0)
		return NULL;
	return path;
}

/* mkdir -p, every new folder private. */
static int make_path(const char *path)
{
	AUTO_FREE char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(copy, 0700) && errno != EEXIST ? -errno : 0;
}

static int check_private(int fd, const char *path, struct err *err)
{
	struct stat attr;

	if (fstat(fd, &attr))
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (attr.st_uid != geteuid())
		return err_set(err, -EACCES,
			"%s belongs to another user: name a state folder of your own "
			"with --state",
			path);
	if (attr.st_mode & 077)
		return err_set(err, -EACCES,
			"%s can be read by others, and it holds every document: "
			"chmod 700 %s",
			path, path);
	return 0;
}

static int lock(struct state *state, struct err *err)
{
	char text[32] = "";

	state->lock_fd = openat(state->dir_fd, "lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (state->lock_fd < 0)
		return err_set(err, -errno, "%s/lock: %s", state->path, strerror(errno));
	if (flock(state->lock_fd, LOCK_EX | LOCK_NB)) {
		if (pread(state->lock_fd, text, sizeof(text) - 1, 0) < 0)
			text[0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		return err_set(err, -EBUSY,
			"%s is in use by another askfs (process %s): unmount that one "
			"first, or name another folder with --state",
			state->path, text);
	}
	ssize_t n = pread(state->lock_fd, text, sizeof(text) - 1, 0);
	state->was_ended = n == 0 || (n > 0 && text[0] == 'e');
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(state->lock_fd, 0) || pwrite(state->lock_fd, text, (size_t)len, 0) < 0)
		return err_set(err, -errno, "%s/lock: %s", state->path, strerror(errno));
	return 0;
}

/* The realm is written once, when the folder is made. */
static int read_realm(struct state *state, const char *wanted)
{
	char text[256] = "";
	AUTO_CLOSE int fd = openat(state->dir_fd, "realm", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[strcspn(text, "\n")] = '\0';
	if (!text[0] && gethostname(text, sizeof(text) - 2) == 0) {
		size_t len = strlen(text);
		text[len] = '\n';
		if (pwrite(fd, text, len + 1, 0) < 0)
			return -errno;
		text[len] = '\0';
	}
	struct stat attr; /* the file is never written again */
	if (fstat(fd, &attr))
		return -errno;
	state->made_ns = (int64_t)attr.st_mtim.tv_sec * NS_PER_SEC + attr.st_mtim.tv_nsec;
	state->realm = strdup(wanted[0] ? wanted : text);
	return state->realm ? 0 : -ENOMEM;
}

static int open_folder(struct state *state, const char *name)
{
	if (mkdirat(state->dir_fd, name, 0700) && errno != EEXIST)
		return -errno;
	int fd = openat(state->dir_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_parts(struct state *state, const char *realm, struct err *err)
{
	static const char *const folders[] = {"blobs", "tmp"};
	int rc = read_realm(state, realm);

	for (size_t i = 0; i < ARRAY_LEN(folders) && !rc; i++) {
		int fd = open_folder(state, folders[i]);
		rc = fd < 0 ? fd : 0;
		if (fd >= 0)
			close(fd);
	}
	if (!rc) {
		state->spool_fd = open_folder(state, "spool");
		rc = state->spool_fd < 0 ? state->spool_fd : 0;
	}
	return rc ? err_set(err, rc, "%s: %s", state->path, strerror(-rc)) : 0;
}

int state_open(struct state *state, const char *path, const char *realm, struct err *err)
{
	*state = (struct state){.dir_fd = -1, .spool_fd = -1, .lock_fd = -1};
	int rc = make_path(path);

	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	state->path = realpath(path, NULL);
	state->dir_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (!state->path || state->dir_fd < 0)
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!rc)
		rc = check_private(state->dir_fd, state->path, err);
	if (!rc)
		rc = lock(state, err);
	if (!rc)
		rc = open_parts(state, realm, err);
	if (rc)
		state_release(state);
	return rc;
}

char *state_note_read(const char *path, const char *name)
{
	AUTO_FREE char *file_path = NULL, *text = NULL;
	size_t size = 0;

	if (asprintf(&file_path, "%s/%s", path, name) < 0)
		return NULL;
	AUTO_FCLOSE FILE *file = fopen(file_path, "re");
	if (!file || getdelim(&text, &size, '\0', file) < 0)
		return NULL;
	return TAKE_PTR(text);
}

int state_note_write(const char *path, const char *name, const char *text)
{
	AUTO_FREE char *file_path = NULL, *new_path = NULL;

	if (asprintf(&file_path, "%s/%s", path, name) < 0 ||
		asprintf(&new_path, "%s/%s.new", path, name) < 0)
		return -ENOMEM;
	if (!text)
		return unlink(file_path) && errno != ENOENT ? -errno : 0;
	AUTO_CLOSE int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd) || rename(new_path, file_path)) {
		int rc = errno ? -errno : -EIO;
		unlink(new_path);
		return rc;
	}
	return 0;
}

void state_end(struct state *state)
{
	static const char word[] = "ended\n";

	if (state->lock_fd >= 0 && !ftruncate(state->lock_fd, 0) &&
		pwrite(state->lock_fd, word, sizeof(word) - 1, 0) < 0)
		return; /* the next one looks, that is all */
}

void state_release(struct state *state)
{
	free(state->path);
	free(state->realm);
	if (state->spool_fd >= 0)
		close(state->spool_fd);
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	if (state->dir_fd >= 0)
		close(state->dir_fd);
	*state = (struct state){.dir_fd = -1, .spool_fd = -1, .lock_fd = -1};
}
