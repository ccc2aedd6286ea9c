/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown: the text as it is, and a mark for each heading: "# ATX" and underlined ones, as
 * CommonMark 0.30 sections 4.2 and 4.3 have them, outside fenced code. A line is held back
 * until the next one is seen, since that may underline it. */
#include "core/parse/readers/markdown.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)8 << 10) /* longer lines are no headings */

struct markdown {
	struct out *out;
	struct buf line; /* being gathered */
	struct buf held; /* the line before */
	bool is_long; /* the current line has outgrown @line */
	bool has_title;
	bool is_first; /* the current line is the document's first */
	char fence; /* the character of the fence we are in, or NUL */
	size_t fence_len;
};

/* A part of a line. */
struct span {
	const char *at;
	size_t len;
};

static struct span trim(struct span span)
{
	while (span.len && strchr(" \t\r\n", span.at[span.len - 1]))
		span.len--;
	while (span.len && strchr(" \t", *span.at)) {
		span.at++;
		span.len--;
	}
	return span;
}

static size_t run_of(const char *at, size_t len, char c)
{
	size_t n = 0;

	while (n < len && at[n] == c)
		n++;
	return n;
}

/* Up to three spaces, then what the line is; four make it code. */
static struct span unindent(const struct buf *line)
{
	size_t indent = line->len ? run_of(line->data, line->len, ' ') : 0;

	if (indent > 3)
		return (struct span){"", 0};
	return (struct span){line->data ? line->data + indent : "", line->len - indent};
}

/* Keep track of fences; true if the line is one or lies inside one. Front matter (between two
 * lines of "---" at the very beginning) is one too: YAML holds no headings. */
static bool is_fenced(struct markdown *md)
{
	struct span line = trim(unindent(&md->line));
	char c = line.len ? *line.at : '\0';
	size_t n = c && strchr("`~-", c) ? run_of(line.at, line.len, c) : 0;

	if (!md->fence) {
		bool is_front_matter = md->is_first && c == '-' && n == 3 && line.len == 3;
		if (!is_front_matter &&
			(n < 3 || c == '-' || (c == '`' && memchr(line.at + n, '`', line.len - n))))
			return false;
		md->fence = c;
		md->fence_len = n;
		return true;
	}
	if (c == md->fence && n >= md->fence_len && n == line.len)
		md->fence = '\0';
	return true;
}

static uint32_t atx_level(const struct buf *line, struct span *text)
{
	struct span rest = unindent(line);
	size_t level = run_of(rest.at, rest.len, '#');

	if (level < 1 || level > 6 || (level < rest.len && !strchr(" \t\r\n", rest.at[level])))
		return 0;
	*text = trim((struct span){rest.at + level, rest.len - level});
	size_t end = text->len;
	while (end && text->at[end - 1] == '#')
		end--;
	if (end == 0 || strchr(" \t", text->at[end - 1]))
		*text = trim((struct span){text->at, end});
	return text->len ? (uint32_t)level : 0;
}

static uint32_t underline_level(const struct buf *line)
{
	struct span rest = trim(unindent(line));
	char c = rest.len ? *rest.at : '\0';

	if ((c != '=' && c != '-') || run_of(rest.at, rest.len, c) != rest.len)
		return 0;
	return c == '=' ? 1 : 2;
}

static void add_heading(
	struct markdown *md, const struct buf *line, uint32_t level, struct span text)
{
	struct out *out = md->out;
	uint64_t start = out->chars + out_count(line->data, (size_t)(text.at - line->data));

	if (level == 1 && !md->has_title) {
		md->has_title = true;
		out_field(out, FIELD_TITLE, text.at, text.len);
	}
	out_mark(out, MARK_HEADING, level, start, start + out_count(text.at, text.len));
	out_text(out, line->data, line->len);
}

static void release_held(struct markdown *md)
{
	if (md->held.len)
		out_text(md->out, md->held.data, md->held.len);
	buf_clear(&md->held);
}

/* The held line can be underlined only if it is a paragraph's text. */
static bool is_paragraph(const struct buf *line)
{
	struct span text = trim(unindent(line));

	return text.len && !strchr("#>|", *text.at) && run_of(text.at, text.len, '-') != text.len &&
		!(strchr("-+*", *text.at) && text.len > 1 && text.at[1] == ' ');
}

static void end_line(struct markdown *md)
{
	struct span text;
	uint32_t level;

	if (is_fenced(md)) {
		release_held(md);
		out_text(md->out, md->line.data, md->line.len);
	} else if (is_paragraph(&md->held) && (level = underline_level(&md->line))) {
		add_heading(md, &md->held, level, trim(unindent(&md->held)));
		out_text(md->out, md->line.data, md->line.len);
		buf_clear(&md->held);
	} else if ((level = atx_level(&md->line, &text))) {
		release_held(md);
		add_heading(md, &md->line, level, text);
	} else {
		release_held(md);
		buf_add(&md->held, md->line.data, md->line.len);
	}
	buf_clear(&md->line);
	md->is_first = false;
}

/* A part of the current line: what is too long for a heading goes out at once. */
static void add_part(struct markdown *md, const char *utf8, size_t len)
{
	if (!md->is_long && md->line.len + len <= LINE_MAX_BYTES) {
		buf_add(&md->line, utf8, len);
		return;
	}
	release_held(md);
	if (md->line.len)
		out_text(md->out, md->line.data, md->line.len);
	buf_clear(&md->line);
	out_text(md->out, utf8, len);
	md->is_long = true;
}

static int add(void *context, const char *utf8, size_t len)
{
	struct markdown *md = context;

	while (len) {
		const char *newline = memchr(utf8, '\n', len);
		size_t part = newline ? (size_t)(newline - utf8) + 1 : len;
		add_part(md, utf8, part);
		if (newline && md->is_long)
			md->is_long = false;
		else if (newline)
			end_line(md);
		utf8 += part;
		len -= part;
	}
	return md->line.failed	  ? md->line.failed
		: md->held.failed ? md->held.failed
				  : md->out->failed;
}

static void begin(struct markdown *md, struct out *out)
{
	*md = (struct markdown){.out = out, .is_first = true};
	buf_init(&md->line, LINE_MAX_BYTES);
	buf_init(&md->held, LINE_MAX_BYTES);
}

/* @rc: what reading came to. */
static int end(struct markdown *md, int rc)
{
	if (!rc && md->line.len)
		end_line(md);
	release_held(md);
	buf_release(&md->line);
	buf_release(&md->held);
	return rc ? rc : md->out->failed;
}

int markdown_text(struct out *out, const char *utf8, size_t len, bool *has_title)
{
	struct markdown md;

	begin(&md, out);
	md.is_first = false;
	md.has_title = *has_title;
	int rc = end(&md, add(&md, utf8, len));
	*has_title = md.has_title;
	return rc;
}

int markdown_read(const struct source *source, struct out *out, struct err *err)
{
	size_t skip;
	const char *charset = source_charset(source, out, &skip);
	struct markdown md;

	begin(&md, out);
	return end(&md, source_each(source, charset, skip, add, &md, err));
}
