/* SPDX-License-Identifier: Apache-2.0 */
/* reStructuredText: the text as it is, but for the lines that mark a heading, which goes by
 * itself. A heading is a line that is underlined, or lies between two such lines; which character
 * means which level is for each document to say, by the order in which they come. */
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/readers/lines.h"

#define STYLES_MAX 12
#define TITLE_MAX  1024

struct rst {
	struct flow flow;
	struct meta meta;
	struct buf held; /* a line that the next one may underline */
	char over; /* the held line has a line of this character above it; NUL: none */
	char styles[STYLES_MAX]
		   [2]; /* the underline's character, and whether there is a line above */
	size_t style_count;
	bool has_held, after_blank, has_title, has_body;
};

/* The character that the line is a run of, at least @width of it; NUL. */
static char rule_of(const char *line, size_t width)
{
	size_t n = line_run(line, *line);

	if (!*line || line[n] || n < 2 || !strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", *line))
		return '\0';
	return n >= width || n >= 4 ? *line : '\0';
}

static uint32_t level_of(struct rst *rst, char rule)
{
	char style[2] = {rule, rst->over ? 'y' : 'n'};

	for (size_t i = 0; i < rst->style_count; i++)
		if (!memcmp(rst->styles[i], style, 2))
			return (uint32_t)i + 1;
	if (rst->style_count < STYLES_MAX)
		memcpy(rst->styles[rst->style_count++], style, 2);
	return (uint32_t)rst->style_count;
}

/* Fields at the beginning (":Author: Jule Brandt") say something of the document. */
static void note_field(struct rst *rst, const char *line)
{
	static const char *const names[][2] = {{":author:", "author"}, {":authors:", "author"},
		{":language:", "language"}, {":abstract:", "description"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		meta_add(&rst->meta, names[i][1], line_value(line, names[i][0]));
	meta_add_date(&rst->meta, "created", line_value(line, ":date:"));
	rst->has_body = rst->has_body || (*line && *line != ':' && *line != '.');
}

static void add_plain(struct rst *rst, const char *line, size_t len)
{
	if (!rst->has_body)
		note_field(rst, line);
	flow_line(&rst->flow);
	if (len < 4 || line[strspn(line, "=-+| ")]) /* else the frame of a table */
		flow_preformatted(&rst->flow, line, len);
}

static void release_held(struct rst *rst)
{
	if (!rst->has_held)
		return;
	add_plain(rst, rst->held.data, rst->held.len);
	buf_clear(&rst->held);
	rst->has_held = false;
	rst->over = '\0';
}

static void add_heading(struct rst *rst, char rule)
{
	const char *text = line_words(rst->held.data);
	uint32_t level = level_of(rst, rule);

	if (level == 1 && !rst->has_title) {
		rst->has_title = true;
		out_field(rst->flow.out, FIELD_TITLE, text, strlen(text));
	}
	flow_heading(&rst->flow, level);
	flow_words(&rst->flow, text, strlen(text));
	flow_heading_end(&rst->flow);
	buf_clear(&rst->held);
	rst->has_held = false;
	rst->over = '\0';
}

static int hold(struct rst *rst, const char *line, size_t len)
{
	buf_clear(&rst->held);
	buf_adds(&rst->held, "");
	buf_add(&rst->held, line, len);
	rst->has_held = true;
	return rst->held.failed;
}

static int add_line(void *context, const char *line, size_t len)
{
	struct rst *rst = context;
	char rule = rule_of(line, 2);

	if (rule && rst->has_held && (rst->over == rule || *rst->held.data != ' ') &&
		rule_of(line, line_width(rst->held.data))) {
		add_heading(rst, rule);
	} else if (rule && !rst->has_held && rst->after_blank) {
		rst->over = rule; /* a line above a heading, or one between paragraphs */
		rst->after_blank = false;
		return flow_failed(&rst->flow);
	} else if (line_is_blank(line)) {
		release_held(rst);
		rst->over = '\0';
		flow_paragraph(&rst->flow);
	} else if (rst->has_held || !(rst->after_blank || rst->over) || len > TITLE_MAX) {
		/* text below text: no heading */
		release_held(rst);
		add_plain(rst, line, len);
	} else {
		rst->after_blank = false;
		return hold(rst, line, len);
	}
	rst->after_blank = line_is_blank(line) || (rule && !rst->has_held);
	return flow_failed(&rst->flow);
}

int rst_read(const struct source *source, struct out *out, struct err *err)
{
	struct rst rst = {.after_blank = true};

	flow_init(&rst.flow, out);
	meta_init(&rst.meta);
	buf_init(&rst.held, LINES_MAX_BYTES);
	int rc = lines_each(source, out, add_line, &rst, err);
	release_held(&rst);
	int failed = flow_finish(&rst.flow);
	meta_send(&rst.meta, out);
	meta_release(&rst.meta);
	buf_release(&rst.held);
	return rc ? rc : failed;
}
