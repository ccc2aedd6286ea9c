/* SPDX-License-Identifier: Apache-2.0 */
/* AsciiDoc: the text as it is, without comments and without the lines that only frame a block; "=
 * Title" and titles that are underlined are headings. */
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/readers/lines.h"

#define TITLE_MAX 1024

struct asciidoc {
	struct flow flow;
	struct meta meta;
	struct buf held; /* a paragraph's first line: the next one may underline it */
	char fence[64]; /* the line that ends the block whose text is not looked at; "" */
	bool is_comment; /* that block */
	bool has_held, has_title, after_blank;
	unsigned header; /* lines since the title that belong to it; 0: not in the header */
};

static void add_heading(struct asciidoc *doc, uint32_t level, const char *text)
{
	if (level == 1 && !doc->has_title) {
		doc->has_title = true;
		doc->header = 1;
		out_field(doc->flow.out, FIELD_TITLE, text, strlen(text));
	}
	flow_heading(&doc->flow, level);
	flow_words(&doc->flow, text, strlen(text));
	flow_heading_end(&doc->flow);
}

static void release_held(struct asciidoc *doc)
{
	if (doc->has_held) {
		flow_line(&doc->flow);
		flow_preformatted(&doc->flow, doc->held.data, doc->held.len);
	}
	buf_clear(&doc->held);
	doc->has_held = false;
}

/* A block's frame: four of a kind at least, or an open block, or a fence. */
static bool is_frame(const char *line)
{
	size_t n = line_run(line, *line);

	if (!*line || line[n])
		return false;
	return (n >= 4 && strchr("-.=*_+/", *line)) || (n == 2 && *line == '-') ||
		(n == 3 && *line == '`');
}

/* Listings, literal text, and comments: nothing in them is a heading. */
static bool takes_text_as_is(char c)
{
	return strchr("-.+/`", c) != NULL;
}

static uint32_t underline_level(const struct asciidoc *doc, const char *line)
{
	static const char rules[] = "=-~^+";
	const char *rule = *line ? strchr(rules, *line) : NULL;
	size_t n = line_run(line, *line), width;

	if (!rule || line[n] || !doc->has_held || n < 2)
		return 0;
	width = line_width(doc->held.data);
	return n + 2 >= width && n <= width + 2 ? (uint32_t)(rule - rules) + 1 : 0;
}

static uint32_t prefix_level(const char *line, const char **text)
{
	size_t n = line_run(line, *line);

	if ((*line != '=' && *line != '#') || n > 6 || line[n] != ' ')
		return 0;
	*text = line_words(line + n);
	return (uint32_t)n;
}

/* Attributes anywhere; below the title its author's line. */
static void note_header(struct asciidoc *doc, const char *line)
{
	static const char *const names[][2] = {{":author:", "author"},
		{":description:", "description"}, {":keywords:", "keywords"},
		{":lang:", "language"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		meta_add(&doc->meta, names[i][1], line_value(line, names[i][0]));
	meta_add_date(&doc->meta, "created", line_value(line, ":revdate:"));
	meta_add_date(&doc->meta, "created", line_value(line, ":date:"));
	if (doc->header != 1 || *line == ':' || *line == '/')
		return;
	size_t len = strcspn(line, "<;");
	meta_add_text(&doc->meta, "author", line, len);
	doc->header++;
}

static void begin_block(struct asciidoc *doc, const char *line, size_t len)
{
	release_held(doc);
	flow_paragraph(&doc->flow);
	if (!takes_text_as_is(*line) || len >= sizeof(doc->fence) || len == 2)
		return;
	memcpy(doc->fence, line, len + 1);
	doc->is_comment = *line == '/';
}

static void add_in_block(struct asciidoc *doc, const char *line, size_t len)
{
	if (!strcmp(line, doc->fence)) {
		doc->fence[0] = '\0';
		doc->is_comment = false;
		flow_paragraph(&doc->flow);
	} else if (!doc->is_comment) {
		flow_line(&doc->flow);
		flow_preformatted(&doc->flow, line, len);
	}
}

static void add_text(struct asciidoc *doc, const char *line, size_t len)
{
	if (!doc->after_blank || len > TITLE_MAX) {
		release_held(doc);
		flow_line(&doc->flow);
		flow_preformatted(&doc->flow, line, len);
		return;
	}
	release_held(doc);
	buf_add(&doc->held, line, len);
	doc->has_held = true;
}

/* Not a comment, an attribute (":toc: left"), a block's attributes ("[source,c]"; "[NOTE]" is a
 * word), the edge of a table. */
static bool is_text(const char *line, size_t len)
{
	size_t name = *line == ':' ? strcspn(line + 1, ": \t") : 0;
	bool is_upper = len > 2 && line[1] >= 'A' && line[1] <= 'Z';

	if (!strncmp(line, "//", 2) || !strcmp(line, "|==="))
		return false;
	if (name && line[name + 1] == ':')
		return false;
	return *line != '[' || line[len - 1] != ']' || is_upper;
}

static int add_line(void *context, const char *line, size_t len)
{
	struct asciidoc *doc = context;
	const char *text = NULL;
	uint32_t level;

	if (doc->fence[0]) {
		add_in_block(doc, line, len);
		return flow_failed(&doc->flow);
	}
	bool is_blank = line_is_blank(line);
	if (is_blank) {
		release_held(doc);
		flow_paragraph(&doc->flow);
		doc->header = 0;
	} else if ((level = underline_level(doc, line))) {
		add_heading(doc, level, doc->held.data);
		buf_clear(&doc->held);
		doc->has_held = false;
	} else if (is_frame(line)) {
		begin_block(doc, line, len);
	} else if ((level = prefix_level(line, &text))) {
		release_held(doc);
		add_heading(doc, level, text);
	} else {
		if (doc->header || *line == ':')
			note_header(doc, line);
		if (is_text(line, len))
			add_text(doc, line, len);
		else
			flow_paragraph(&doc->flow);
	}
	doc->after_blank = is_blank || !*line || *line == '[' || *line == '.';
	return flow_failed(&doc->flow);
}

int asciidoc_read(const struct source *source, struct out *out, struct err *err)
{
	struct asciidoc doc = {.after_blank = true};

	flow_init(&doc.flow, out);
	meta_init(&doc.meta);
	buf_init(&doc.held, LINES_MAX_BYTES);
	int rc = lines_each(source, out, add_line, &doc, err);
	release_held(&doc);
	int failed = flow_finish(&doc.flow);
	meta_send(&doc.meta, out);
	meta_release(&doc.meta);
	buf_release(&doc.held);
	return rc ? rc : failed;
}
