/* SPDX-License-Identifier: Apache-2.0 */
#include "core/member_path.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/member_list.h"
#include "core/names.h"

#define NAME_BYTES 255
/* What a program can still walk: less than PATH_MAX with the mount point before it. */
#define PATH_BYTES 3072
#define DEPTH_MAX  32

/* The next segment of a path from *at on; false: there is none. */
static bool next_segment(
	const char *path, size_t len, size_t *at, const char **segment, size_t *segment_len)
{
	while (*at < len) {
		size_t start = *at, end = start;
		while (end < len && path[end] != '/')
			end++;
		*at = end + 1;
		*segment = path + start;
		*segment_len = end - start;
		bool is_dot = end - start == 1 && path[start] == '.';
		bool is_up = end - start == 2 && !memcmp(path + start, "..", 2);
		if (end > start && !is_dot && !is_up)
			return true;
	}
	return false;
}

/* How much of a name fits into @room bytes: whole characters. */
static size_t prefix(const char *name, size_t len, size_t room)
{
	if (len <= room)
		return len;
	while (room && ((unsigned char)name[room] & 0xc0) == 0x80)
		room--;
	return room;
}

/* The name with @mark before its extension, within NAME_BYTES. */
static void add_name(struct buf *out, const char *name, size_t len, const char *mark)
{
	const char *dot = memrchr(name, '.', len);
	size_t tail = dot && dot != name && (size_t)(name + len - dot) <= 32
		? (size_t)(name + len - dot)
		: 0;
	size_t room = NAME_BYTES - strlen(mark) - tail;

	buf_add(out, name, prefix(name, len - tail, room));
	buf_adds(out, mark);
	buf_add(out, name + len - tail, tail);
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

char *member_path(const char *container, const char *path, size_t path_len, unsigned copy)
{
	const char *segment, *name = "unnamed";
	size_t at = 0, segment_len, name_len = strlen(name);
	unsigned depth = depth_of(container);
	char mark[24] = "";
	AUTO_BUF struct buf out;

	buf_init(&out, strlen(container) + PATH_BYTES);
	buf_adds(&out, container);
	buf_adds(&out, MEMBER_SEPARATOR);
	if (next_segment(path, path_len, &at, &segment, &segment_len)) {
		name = segment;
		name_len = segment_len;
	}
	while (next_segment(path, path_len, &at, &segment, &segment_len)) {
		if (++depth < DEPTH_MAX && out.len < PATH_BYTES - 2 * (NAME_BYTES + 1)) {
			add_name(&out, name, name_len, "");
			buf_addc(&out, '/');
		}
		name = segment;
		name_len = segment_len;
	}
	if (copy > 1)
		snprintf(mark, sizeof(mark), " (%u)", copy);
	add_name(&out, name, name_len, mark);
	return out.failed ? NULL : buf_take(&out, NULL);
}

bool member_is_private(const char *path, size_t path_len)
{
	const char *segment;
	size_t at = 0, len;
	char name[NAME_BYTES + 1] = "";

	while (next_segment(path, path_len, &at, &segment, &len)) {
		if (*segment == '.')
			return true;
		snprintf(name, sizeof(name), "%.*s", (int)(len < NAME_BYTES ? len : NAME_BYTES),
			segment);
	}
	return name_is_private(name);
}
