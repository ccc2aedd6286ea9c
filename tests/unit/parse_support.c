/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/parse_support.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/text/utf8.h"

static int on_text(void *context, const char *utf8, size_t len)
{
	struct parse_case *c = context;

	return buf_add(&c->text, utf8, len);
}

static int on_mark(void *context, const struct mark *mark)
{
	struct parse_case *c = context;

	if (c->mark_count < MARKS_MAX)
		c->marks[c->mark_count++] = *mark;
	return 0;
}

static int on_member(void *context, const struct parse_member *member)
{
	struct parse_case *c = context;

	if (c->member_count == MEMBERS_MAX)
		return -E2BIG;
	struct case_member *added = &c->members[c->member_count++];
	added->path = strndup(member->path, member->path_len);
	buf_init(&added->data, BUF_MAX_DEFAULT);
	return 0;
}

static int on_member_data(void *context, const void *data, size_t len)
{
	struct parse_case *c = context;

	return buf_add(&c->members[c->member_count - 1].data, data, len);
}

static int on_member_end(void *context, int result, const struct err *err)
{
	struct parse_case *c = context;

	c->members[c->member_count - 1].result = result;
	c->members[c->member_count - 1].err = *err;
	return 0;
}

static void init(struct parse_case *c, const char *name, int fd)
{
	struct stat stat;

	assert(fd >= 0 && fstat(fd, &stat) == 0);
	memset(c, 0, sizeof(*c));
	buf_init(&c->text, BUF_MAX_DEFAULT);
	c->item = (struct parse_item){.fd = fd,
		.size = (uint64_t)stat.st_size,
		.name = name,
		.sink = {.text = on_text,
			.mark = on_mark,
			.member = on_member,
			.member_data = on_member_data,
			.member_end = on_member_end,
			.context = c}};
}

void case_init(struct parse_case *c, const char *name, const void *data, size_t len)
{
	int fd = memfd_create("document", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	init(c, name, fd);
}

void case_init_text(struct parse_case *c, const char *name, const char *text)
{
	case_init(c, name, text, strlen(text));
}

void case_init_file(struct parse_case *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	init(c, slash ? slash + 1 : path, open(path, O_RDONLY | O_CLOEXEC));
}

void case_release(struct parse_case *c)
{
	close(c->item.fd);
	parsed_release(&c->item.parsed);
	buf_release(&c->text);
	for (size_t i = 0; i < c->member_count; i++) {
		free(c->members[i].path);
		buf_release(&c->members[i].data);
	}
}

void case_run(struct parser *parser, struct parse_case *c)
{
	parser_run(parser, &c->item, 1);
}

const char *case_text(const struct parse_case *c)
{
	return c->text.data ? c->text.data : "";
}

char *case_marked(const struct parse_case *c, size_t i)
{
	size_t start = utf8_offset(c->text.data, c->text.len, c->marks[i].start_char);
	size_t end = utf8_offset(c->text.data, c->text.len, c->marks[i].end_char);

	return strndup(c->text.data + start, end - start);
}

uint32_t case_page(const struct parse_case *c, const char *phrase)
{
	const char *at = strstr(case_text(c), phrase);
	uint32_t page = 0;

	if (!at)
		return 0;
	size_t place = utf8_count(c->text.data, (size_t)(at - c->text.data));
	for (size_t i = 0; i < c->mark_count && c->marks[i].start_char <= place; i++)
		if (c->marks[i].kind == MARK_PAGE)
			page = c->marks[i].value;
	return page;
}

const struct case_member *case_find_member(const struct parse_case *c, const char *path)
{
	for (size_t i = 0; i < c->member_count; i++)
		if (!strcmp(c->members[i].path, path))
			return &c->members[i];
	return NULL;
}

struct parser_limits case_limits(void)
{
	return (struct parser_limits){.memory = (uint64_t)512 << 20,
		.cpu_s = 20,
		.wall_s = 30,
		.text_bytes = (uint64_t)64 << 20};
}

char *case_program(const char *suffix)
{
	char path[PATH_MAX] = "", *program;
	const char *chosen = getenv("ASKFS_PARSE");

	if (!chosen) {
		ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("askfs-parse"));
		assert(n > 0);
		char *name = memrchr(path, '/', (size_t)n);
		memcpy(name + 1, "askfs-parse", sizeof("askfs-parse"));
		chosen = path;
	}
	return asprintf(&program, "%s%s", chosen, suffix) > 0 ? program : NULL;
}
