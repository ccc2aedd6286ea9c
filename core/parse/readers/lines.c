/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/readers/lines.h"

#include <string.h>
#include <strings.h>

#include "core/text/utf8.h"

struct lines {
	struct buf line;
	line_fn *each;
	void *context;
	bool after_cr; /* a line feed that comes now belongs to it */
};

static int end_line(struct lines *lines)
{
	struct buf *line = &lines->line;

	while (line->len && strchr(" \t\f\v", line->data[line->len - 1]))
		line->len--;
	if (line->data)
		line->data[line->len] = '\0';
	int rc = line->failed
		? line->failed
		: lines->each(lines->context, line->data ? line->data : "", line->len);
	buf_clear(line);
	return rc;
}

/* Room for one more character of up to four bytes, else the line is cut before it. */
static int make_room(struct lines *lines, char next)
{
	bool is_inside = ((unsigned char)next & 0xc0) == 0x80;

	return lines->line.len >= LINES_MAX_BYTES - 4 && !is_inside ? end_line(lines) : 0;
}

static int add_char(struct lines *lines, char c)
{
	bool is_crlf = c == '\n' && lines->after_cr;

	lines->after_cr = c == '\r';
	if (is_crlf)
		return 0;
	if (c == '\n' || c == '\r')
		return end_line(lines);
	int rc = make_room(lines, c);
	if (!rc && lines->line.len < LINES_MAX_BYTES)
		rc = buf_addc(&lines->line, c ? c : ' ');
	return rc;
}

static int add(void *context, const char *utf8, size_t len)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < len; i++)
		rc = add_char(context, utf8[i]);
	return rc;
}

int lines_each(
	const struct source *source, struct out *out, line_fn *each, void *context, struct err *err)
{
	struct lines lines = {.each = each, .context = context};
	size_t skip = 0;
	const char *charset = source_charset(source, out, &skip);

	buf_init(&lines.line, LINES_MAX_BYTES);
	int rc = source_each(source, charset, skip, add, &lines, err);
	if (!rc && lines.line.len)
		rc = end_line(&lines);
	buf_release(&lines.line);
	return rc;
}

size_t line_run(const char *line, char c)
{
	size_t n = 0;

	while (line[n] && line[n] == c)
		n++;
	return n;
}

bool line_is_blank(const char *line)
{
	return !*line_words(line);
}

const char *line_words(const char *line)
{
	return line + strspn(line, " \t");
}

size_t line_width(const char *line)
{
	size_t width = 0;

	for (; *line; line++)
		width += ((unsigned char)*line & 0xc0) != 0x80;
	return width;
}

const char *line_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len))
		return NULL;
	line = line_words(line + len);
	return *line ? line : NULL;
}
