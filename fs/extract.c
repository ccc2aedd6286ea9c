/* SPDX-License-Identifier: Apache-2.0 */
/* The parser calls back while it works, so what lies in a container is written to one file without
 * a name first, and parsed when the container is done: a member at a time, from a file of its
 * own, for a parser reads from a file's beginning. */
#include "fs/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "core/auto.h"
#include "core/buf.h"

struct run {
	struct parser *parser;
	const struct archive_limits *limits;
	uint64_t size; /* of the outermost document */
	size_t members; /* so far */
	uint64_t bytes;
	bool has_printed; /* a document gave what it had */
	char last; /* character that was printed */
	int result; /* of the first document that failed inside, or 0 */
	struct err err;
};

struct member {
	char *path;
	uint64_t start, size; /* in the container's spool */
	int result;
	char *why;
};

/* A document while it is parsed, and what was found in it. */
struct container {
	struct run *run;
	const char *path; /* NULL: the document itself */
	unsigned depth; /* how many it is in */
	bool has_title; /* "== path" was printed */
	int spool; /* or -1: no member so far */
	uint64_t spooled;
	struct member *members;
	size_t count, cap;
	struct err err; /* why a callback has stopped the parse */
};

static int put(struct run *run, const char *text, size_t len)
{
	if (!len)
		return 0;
	run->last = text[len - 1];
	return fwrite(text, 1, len, stdout) == len ? 0 : errno ? -errno : -EIO;
}

/* A path in one line, whatever is in it. */
static void print_path(FILE *file, const char *path)
{
	for (; *path; path++) {
		bool is_control = (unsigned char)*path < 0x20 || *path == 0x7f;
		putc(is_control ? '?' : *path, file);
	}
}

static void end_line(struct run *run)
{
	if (run->last && run->last != '\n')
		putchar('\n');
	run->last = run->last ? '\n' : '\0';
}

static void print_title(struct container *container)
{
	struct run *run = container->run;

	if (!container->path || container->has_title)
		return;
	container->has_title = true;
	end_line(run);
	fputs("== ", stdout);
	print_path(stdout, container->path);
	putchar('\n');
	run->last = '\n';
}

static int take_text(void *context, const char *utf8, size_t len)
{
	struct container *container = context;

	print_title(container);
	return put(container->run, utf8, len);
}

/* Where a member's bytes can wait: out of memory where that is possible. */
static int open_spool(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("extract", MFD_CLOEXEC);
}

static int grow(struct container *container)
{
	if (container->count < container->cap)
		return 0;
	size_t cap = container->cap ? container->cap * 2 : 16;
	struct member *members = realloc(container->members, cap * sizeof(*members));
	if (!members)
		return -ENOMEM;
	container->members = members;
	container->cap = cap;
	return 0;
}

static int take_member(void *context, const struct parse_member *found)
{
	struct container *container = context;
	struct member member = {.start = container->spooled};

	int rc = archive_limits_check_member(
		container->run->limits, container->run->members, container->depth, &container->err);
	if (rc)
		return rc;
	if (grow(container))
		return err_set(&container->err, -ENOMEM, "memory is short");
	if (container->spool < 0 && (container->spool = open_spool()) < 0)
		return err_set(&container->err, -errno, "no file can be made for what is in it: %s",
			strerror(errno));
	member.path = strndup(found->path, found->path_len);
	if (!member.path)
		return err_set(&container->err, -ENOMEM, "memory is short");
	container->members[container->count++] = member;
	container->run->members++;
	return 0;
}

static int take_member_data(void *context, const void *data, size_t len)
{
	struct container *container = context;
	const char *at = data;

	int rc = archive_limits_check_bytes(container->run->limits, container->run->bytes + len,
		container->run->size, &container->err);
	if (rc)
		return rc;
	container->run->bytes += len;
	while (len) {
		ssize_t n = write(container->spool, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(&container->err, -errno,
				"what is in it cannot be written down: %s", strerror(errno));
		at += n;
		len -= (size_t)n;
		container->spooled += (uint64_t)n;
	}
	return 0;
}

static int take_member_end(void *context, int result, const struct err *err)
{
	struct container *container = context;
	struct member *member = &container->members[container->count - 1];

	member->size = container->spooled - member->start;
	member->result = result;
	member->why = result ? strdup(err->text) : NULL;
	return 0;
}

static void container_release(struct container *container)
{
	for (size_t i = 0; i < container->count; i++) {
		free(container->members[i].path);
		free(container->members[i].why);
	}
	free(container->members);
	if (container->spool >= 0)
		close(container->spool);
}

static void report(struct run *run, const char *path, int result, const char *why)
{
	end_line(run);
	fflush(stdout);
	fputs("== ", stderr);
	print_path(stderr, path);
	fprintf(stderr, ": %s\n", why && *why ? why : strerror(-result));
	if (!run->result) {
		run->result = result;
		err_set(&run->err, result, "%s: %s", path, why && *why ? why : strerror(-result));
	}
}

static int print_document(struct run *run, int fd, uint64_t size, const char *name,
	const char *path, unsigned depth, struct err *err);

/* A file that holds this member alone: a descriptor, or -errno. */
static int member_file(const struct container *container, const struct member *member)
{
	AUTO_CLOSE int fd = open_spool();
	off_t at = (off_t)member->start;

	if (fd < 0)
		return -errno;
	for (uint64_t left = member->size; left;) {
		ssize_t n = sendfile(fd, container->spool, &at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		left -= (uint64_t)n;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

static void print_member(const struct container *container, const struct member *member)
{
	const char *slash = strrchr(member->path, '/');
	struct err err = ERR_NONE;
	AUTO_BUF struct buf path;

	buf_init(&path, BUF_MAX_DEFAULT);
	if (container->path)
		buf_addf(&path, "%s/", container->path);
	if (buf_adds(&path, member->path))
		return;
	if (member->result) {
		report(container->run, path.data, member->result, member->why);
		return;
	}
	AUTO_CLOSE int fd = member_file(container, member);
	int rc = fd < 0
		? err_set(&err, fd, "no file can be made for it: %s", strerror(-fd))
		: print_document(container->run, fd, member->size, slash ? slash + 1 : member->path,
			  path.data, container->depth + 1, &err);
	if (rc)
		report(container->run, path.data, rc, err.text);
}

static void print_members(struct container *container)
{
	for (size_t i = 0; i < container->count; i++)
		print_member(container, &container->members[i]);
}

static int print_document(struct run *run, int fd, uint64_t size, const char *name,
	const char *path, unsigned depth, struct err *err)
{
	struct container container = {.run = run, .path = path, .depth = depth, .spool = -1};
	struct parse_item item = {
		.fd = fd,
		.size = size,
		.name = name,
		.sink = {.text = take_text,
			.member = take_member,
			.member_data = take_member_data,
			.member_end = take_member_end,
			.context = &container},
	};

	parser_run(run->parser, &item, 1);
	int rc = item.result;
	if (!rc && !container.count)
		print_title(&container); /* of an empty document, too */
	run->has_printed = run->has_printed || container.has_title || (!rc && !container.count) ||
		(!path && run->last);
	const struct err *why = container.err.text[0] ? &container.err : &item.err;
	print_members(&container);
	if (rc)
		err_set(err, rc, "%s", why->text[0] ? why->text : strerror(-rc));
	container_release(&container);
	parsed_release(&item.parsed);
	return rc;
}

int extract_print(struct parser *parser, const struct archive_limits *limits, int fd, uint64_t size,
	const char *name, struct err *err)
{
	struct run run = {.parser = parser, .limits = limits, .size = size};

	int rc = print_document(&run, fd, size, name, NULL, 0, err);
	if (fflush(stdout))
		return err_set(err, -errno, "standard output: %s", strerror(errno));
	if (!rc && !run.has_printed && run.result)
		rc = err_set(err, run.result, "%s", run.err.text);
	return rc;
}
