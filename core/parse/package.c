/* SPDX-License-Identifier: Apache-2.0 */
/* One budget for all that is unpacked, names as OOXML compares them, and paths. Nothing is
 * unpacked that was not asked for. */
#include "core/parse/package.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/zip.h"

struct package {
	struct zip *zip;
	uint64_t unpacked; /* bytes so far */
};

int package_open(struct package **out, const struct source *source, struct err *err)
{
	struct package *package = calloc(1, sizeof(*package));

	if (!package)
		return err_set(err, -ENOMEM, "memory is short");
	int rc = zip_open(&package->zip, source, PACKAGE_PARTS_MAX, err);
	if (rc)
		package_close(package);
	else
		*out = package;
	return rc;
}

void package_close(struct package *package)
{
	if (!package)
		return;
	zip_close(package->zip);
	free(package);
}

size_t package_count(const struct package *package)
{
	return zip_count(package->zip);
}

const char *package_name(const struct package *package, size_t index)
{
	return zip_entry(package->zip, index)->name;
}

/* Some programs write backslashes. */
static bool is_same_name(const char *a, const char *b)
{
	a += *a == '/';
	b += *b == '/';
	while (*a &&
		(tolower((unsigned char)*a) == tolower((unsigned char)*b) ||
			(*a == '\\' && *b == '/'))) {
		a++;
		b++;
	}
	return !*a && !*b;
}

static size_t find(const struct package *package, const char *name)
{
	size_t count = package_count(package);

	for (size_t i = 0; i < count; i++)
		if (is_same_name(package_name(package, i), name))
			return i;
	return SIZE_MAX;
}

bool package_has(const struct package *package, const char *name)
{
	return find(package, name) != SIZE_MAX;
}

struct budget {
	struct package *package;
	source_fn *each;
	void *context;
	struct err *err;
};

static int spend(void *context, const char *data, size_t len)
{
	struct budget *budget = context;

	budget->package->unpacked += len;
	if (budget->package->unpacked > PACKAGE_BYTES_MAX)
		return err_set(budget->err, -EFBIG, "the document unpacks to more than %llu MiB",
			(unsigned long long)(PACKAGE_BYTES_MAX >> 20));
	return budget->each(budget->context, data, len);
}

int package_each(
	struct package *package, const char *name, source_fn *each, void *context, struct err *err)
{
	struct budget budget = {package, each, context, err};
	size_t index = find(package, name);

	return index == SIZE_MAX ? -ENOENT : zip_each(package->zip, index, spend, &budget, err);
}

static int append(void *context, const char *data, size_t len)
{
	return buf_add(context, data, len);
}

int package_read(struct package *package, const char *name, struct buf *out, struct err *err)
{
	return package_each(package, name, append, out, err);
}

/* Paths. */

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (tolower((unsigned char)c) - 'a') + 10;
}

/* Append one segment; ".." takes the last one away. False: it leads out. */
static bool add_segment(struct buf *path, const char *segment, size_t len)
{
	if (!len || (len == 1 && *segment == '.'))
		return true;
	if (len == 2 && !memcmp(segment, "..", 2)) {
		char *slash = path->len ? strrchr(path->data, '/') : NULL;
		if (!path->len)
			return false;
		path->len = slash ? (size_t)(slash - path->data) : 0;
		path->data[path->len] = '\0';
		return true;
	}
	if (path->len)
		buf_addc(path, '/');
	for (size_t i = 0; i < len; i++) {
		bool is_escape = segment[i] == '%' && i + 2 < len &&
			isxdigit((unsigned char)segment[i + 1]) &&
			isxdigit((unsigned char)segment[i + 2]);
		buf_addc(path,
			is_escape ? (char)(hex(segment[i + 1]) * 16 + hex(segment[i + 2]))
				  : segment[i]);
		i += is_escape ? 2 : 0;
	}
	return true;
}

char *package_resolve(const char *part, const char *target)
{
	const char *slash = strrchr(part, '/');
	size_t len = strcspn(target, "#?");
	AUTO_BUF struct buf path;

	buf_init(&path, 4096);
	buf_adds(&path, "");
	if (*target != '/' && slash)
		buf_add(&path, part, (size_t)(slash - part));
	for (size_t at = 0; at <= len;) {
		size_t end = at;
		while (end < len && target[end] != '/')
			end++;
		if (!add_segment(&path, target + at, end - at))
			return NULL;
		at = end + 1;
	}
	return path.failed ? NULL : buf_take(&path, NULL);
}
