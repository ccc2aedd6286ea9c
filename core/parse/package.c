/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive walks a zip in the order of the file. A part that lies behind the last one is
 * reached by walking on, one that lies before it by beginning again: headers are skipped by
 * seeking, so even a walk from the start costs microseconds a part.
 *
 * Nothing is unpacked that was not asked for, and all that is counts against one budget. */
#include "core/parse/package.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/auto.h"
#include "core/parse/archive_source.h"

struct package {
	const struct source *source;
	struct archive *archive; /* open, standing behind the header of part next - 1 */
	struct archive_source input;
	char **names;
	size_t count, cap;
	size_t next; /* the part whose header comes next */
	uint64_t unpacked; /* bytes so far */
};

static int broken(struct archive *archive, struct err *err)
{
	const char *why = archive ? archive_error_string(archive) : NULL;

	return err_set(err, -EBADMSG, "the document is broken: %s", why ? why : "it is no zip");
}

/* Stand before the first part. */
static int begin(struct package *package, struct err *err)
{
	archive_read_free(package->archive);
	package->next = 0;
	package->archive = archive_read_new();
	if (!package->archive)
		return err_set(err, -ENOMEM, "memory is short");
	archive_read_support_format_zip_seekable(package->archive);
	if (archive_source_open(&package->input, package->archive, package->source) != ARCHIVE_OK)
		return broken(package->archive, err);
	return 0;
}

static int add_name(struct package *package, const char *name, struct err *err)
{
	if (package->count == PACKAGE_PARTS_MAX)
		return err_set(
			err, -EFBIG, "the document has more than %d parts", PACKAGE_PARTS_MAX);
	if (package->count == package->cap) {
		size_t cap = package->cap ? package->cap * 2 : 32;
		char **names = realloc(package->names, cap * sizeof(*names));
		if (!names)
			return err_set(err, -ENOMEM, "memory is short");
		package->names = names;
		package->cap = cap;
	}
	package->names[package->count] = strdup(name ? name : "");
	if (!package->names[package->count])
		return err_set(err, -ENOMEM, "memory is short");
	package->count++;
	return 0;
}

static int list(struct package *package, struct err *err)
{
	struct archive_entry *entry;
	int rc = begin(package, err), step = ARCHIVE_OK;

	while (!rc && (step = archive_read_next_header(package->archive, &entry)) >= ARCHIVE_WARN &&
		step != ARCHIVE_EOF)
		rc = add_name(package, archive_entry_pathname(entry), err);
	if (!rc && step != ARCHIVE_EOF && !package->count)
		rc = broken(package->archive, err);
	package->next = SIZE_MAX; /* behind all: the first read begins again */
	return rc;
}

int package_open(struct package **out, const struct source *source, struct err *err)
{
	struct package *package = calloc(1, sizeof(*package));

	if (!package)
		return err_set(err, -ENOMEM, "memory is short");
	package->source = source;
	int rc = list(package, err);
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
	archive_read_free(package->archive);
	for (size_t i = 0; i < package->count; i++)
		free(package->names[i]);
	free(package->names);
	free(package);
}

size_t package_count(const struct package *package)
{
	return package->count;
}

const char *package_name(const struct package *package, size_t index)
{
	return package->names[index];
}

static size_t find(const struct package *package, const char *name)
{
	name += *name == '/';
	for (size_t i = 0; i < package->count; i++)
		if (!strcasecmp(package->names[i] + (package->names[i][0] == '/'), name))
			return i;
	return SIZE_MAX;
}

bool package_has(const struct package *package, const char *name)
{
	return find(package, name) != SIZE_MAX;
}

/* Walk to the header of part @index. */
static int seek(struct package *package, size_t index, struct err *err)
{
	struct archive_entry *entry;
	int rc = package->next > index ? begin(package, err) : 0;

	while (!rc && package->next <= index) {
		if (archive_read_next_header(package->archive, &entry) < ARCHIVE_WARN)
			return broken(package->archive, err);
		if (package->next++ == index && archive_entry_is_data_encrypted(entry))
			return err_set(err, -EKEYREJECTED,
				"the document is encrypted: save it without a password and drop it "
				"again");
	}
	return rc;
}

int package_each(
	struct package *package, const char *name, source_fn *each, void *context, struct err *err)
{
	size_t index = find(package, name), len;
	const void *data;
	la_int64_t offset;
	int step, rc;

	if (index == SIZE_MAX)
		return -ENOENT;
	if ((rc = seek(package, index, err)))
		return rc;
	while ((step = archive_read_data_block(package->archive, &data, &len, &offset)) ==
			ARCHIVE_OK ||
		step == ARCHIVE_WARN) {
		package->unpacked += len;
		if (package->unpacked > PACKAGE_BYTES_MAX)
			return err_set(err, -EFBIG, "the document unpacks to more than %llu MiB",
				(unsigned long long)(PACKAGE_BYTES_MAX >> 20));
		if (len && (rc = each(context, data, len)))
			return rc;
	}
	return step == ARCHIVE_EOF ? 0 : broken(package->archive, err);
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
