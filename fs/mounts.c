/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/self/mountinfo knows every mount, and needs no answer from a daemon that may be dead.
 * What the daemon says of itself is read from its system/health like by anybody else. */
#include "fs/mounts.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/buf.h"
#include "fs/state.h"

/* Undo the octal escapes of mountinfo (\040 for a blank), in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Without asking the filesystems on the way: for a mount whose daemon is dead. */
static char *absolute_by_text(const char *path)
{
	AUTO_FREE char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	AUTO_BUF struct buf out;
	const char *parts[] = {cwd ? cwd : "", path};

	buf_init(&out, PATH_MAX);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const char *part = parts[i];
		while (*(part += strspn(part, "/"))) {
			size_t len = strcspn(part, "/");
			bool is_dot = len == 1 && part[0] == '.';
			if (!is_dot && (buf_addc(&out, '/') || buf_add(&out, part, len)))
				return NULL;
			part += len;
		}
	}
	return buf_take(&out, NULL);
}

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return true;
	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* One line: "36 35 98:0 /root /mount/point options [fields] - type source options". The
 * mount point is cut out of @line; false if the line has another form. */
static bool parse_line(char *line, const char **mount_point, bool *is_askfs)
{
	char *rest = line, *field = NULL, *separator = strstr(line, " - ");

	for (int i = 0; i < 5; i++)
		field = strsep(&rest, " ");
	if (!field || !separator)
		return false;
	*is_askfs = strncmp(separator + 3, "fuse.askfs ", 11) == 0;
	unescape(field);
	*mount_point = field;
	return true;
}

/* The deepest mount above @path, and of several in one place the last: it hides the others. */
static int search(const char *path, char **mount_point)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL, *best = NULL;
	size_t size = 0;
	bool is_best_askfs = false;

	if (!file)
		return -errno;
	while (getline(&line, &size, file) >= 0) {
		const char *here;
		bool is_askfs;
		if (!parse_line(line, &here, &is_askfs) || !lies_in(path, here))
			continue;
		if (best && strlen(here) < strlen(best))
			continue;
		free(best);
		best = strdup(here);
		if (!best)
			return -ENOMEM;
		is_best_askfs = is_askfs;
	}
	if (!is_best_askfs)
		return -ENOENT;
	*mount_point = TAKE_PTR(best);
	return 0;
}

int mounts_find(const char *path, char **mount_point, struct err *err)
{
	AUTO_FREE char *absolute = realpath(path, NULL);

	if (!absolute && (errno == ENOTCONN || errno == ECONNABORTED || errno == EIO))
		absolute = absolute_by_text(path);
	if (!absolute)
		return err_set(err, -ENOENT, "%s: %s", path, strerror(errno));
	int rc = search(absolute, mount_point);
	if (rc == -ENOENT)
		return err_set(err, rc, "%s: no askfs is mounted there", path);
	return rc ? err_set(err, rc, "/proc/self/mountinfo: %s", strerror(-rc)) : 0;
}

static int read_all(const char *path, struct buf *out)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	char piece[4096];
	size_t len;

	if (!file)
		return -errno;
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		if (buf_add(out, piece, len))
			return out->failed;
	return ferror(file) ? -EIO : 0;
}

static uint64_t number_in(const cJSON *root, const char *object, const char *name)
{
	const cJSON *inner = cJSON_GetObjectItemCaseSensitive(root, object);
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(inner, name);

	return cJSON_IsNumber(item) && item->valuedouble > 0 ? (uint64_t)item->valuedouble : 0;
}

static const char *text_in(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

static int take_failing(const cJSON *root, struct mounts_health *out)
{
	AUTO_BUF struct buf lines;
	const cJSON *row;

	buf_init(&lines, BUF_MAX_DEFAULT);
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(root, "components"))
	{
		if (strcmp(text_in(row, "status"), "failing") == 0)
			buf_addf(&lines, "%s: %s\n", text_in(row, "name"), text_in(row, "error"));
	}
	if (lines.failed)
		return lines.failed;
	out->failing = buf_take(&lines, NULL);
	return out->failing ? 0 : -ENOMEM;
}

static int take_health(const cJSON *root, struct mounts_health *out)
{
	const cJSON *pid = cJSON_GetObjectItemCaseSensitive(root, "pid");

	out->is_ok = strcmp(text_in(root, "status"), "ok") == 0;
	out->pid = cJSON_IsNumber(pid) ? pid->valueint : 0;
	out->pending = number_in(root, "documents", "PENDING");
	out->processing = number_in(root, "documents", "PROCESSING");
	out->indexed = number_in(root, "documents", "INDEXED");
	out->failed = number_in(root, "documents", "FAILED");
	out->settling = number_in(root, "inbox", "settling");
	out->queued = number_in(root, "queues", "ingest");
	out->chunks_left = number_in(root, "embedding", "chunks_left");
	out->chunks = number_in(root, "embedding", "chunks");
	out->vectors = number_in(root, "embedding", "vectors");
	out->state = strdup(text_in(root, "state"));
	return out->state ? take_failing(root, out) : -ENOMEM;
}

int mounts_health_read(const char *mount_point, struct mounts_health *out, struct err *err)
{
	AUTO_FREE char *path = NULL;
	AUTO_BUF struct buf text;

	*out = (struct mounts_health){0};
	buf_init(&text, (size_t)1 << 20);
	if (asprintf(&path, "%s/system/health", mount_point) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = read_all(path, &text);
	if (rc == -ENOTCONN || rc == -ECONNABORTED)
		return err_set(err, -ENOTCONN,
			"%s: its daemon is gone; askfs unmount removes what is left", mount_point);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	cJSON *root = cJSON_ParseWithLength(text.data ? text.data : "", text.len);
	rc = cJSON_IsObject(root) ? take_health(root, out) : -EBADMSG;
	cJSON_Delete(root);
	if (rc) {
		mounts_health_release(out);
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	return 0;
}

void mounts_health_release(struct mounts_health *health)
{
	if (!health)
		return;
	free(health->state);
	free(health->failing);
	*health = (struct mounts_health){0};
}

static char *state_of_mount(const char *mount, struct err *err)
{
	struct mounts_health health;
	AUTO_FREE char *mount_point = NULL, *path = realpath(mount, NULL);

	if (!path) {
		err_set(err, -errno, "%s: %s", mount, strerror(errno));
		return NULL;
	}
	if (mounts_find(path, &mount_point, NULL) || mounts_health_read(mount_point, &health, NULL))
		return state_default_path(path);
	char *state = TAKE_PTR(health.state);
	mounts_health_release(&health);
	return state;
}

char *mounts_state(const char *mount, const char *state, struct err *err)
{
	struct stat attr;
	char *path = state ? strdup(state) : state_of_mount(mount, err);

	if (!path) {
		if (!err->text[0])
			err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	if (stat(path, &attr) || !S_ISDIR(attr.st_mode)) {
		err_set(err, -ENOENT, "%s: there is no such state folder", path);
		free(path);
		return NULL;
	}
	return path;
}
