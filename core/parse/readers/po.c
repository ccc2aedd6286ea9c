/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogues of translations (gettext): each message a paragraph, the original and what it
 * became, without comments and the syntax around them. The header, the translation of nothing, is
 * metadata. */
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/readers/lines.h"

#define HEADER_MAX ((size_t)16 << 10)

struct po {
	struct flow flow;
	struct meta meta;
	struct buf header;
	struct buf words;
	bool is_header; /* the entry that is open, as far as is known */
	bool is_original; /* the strings that come belong to msgid */
	bool in_header; /* … to msgstr of the header */
};

/* The text in the quotation marks of @line, unescaped, into @words. */
static void unquote(struct po *po, const char *line)
{
	const char *at = strchr(line, '"');

	buf_clear(&po->words);
	buf_adds(&po->words, "");
	for (at = at ? at + 1 : ""; *at && *at != '"'; at++) {
		if (*at != '\\' || !at[1]) {
			buf_addc(&po->words, *at);
			continue;
		}
		at++;
		buf_addc(&po->words, *at == 'n' ? '\n' : *at == 't' ? '\t' : *at);
	}
}

static void add_string(struct po *po, const char *line)
{
	unquote(po, line);
	if (!po->words.len)
		return;
	if (po->is_original)
		po->is_header = false;
	if (po->in_header)
		buf_add(&po->header, po->words.data, po->words.len);
	else
		flow_words(&po->flow, po->words.data, po->words.len);
}

static int add_line(void *context, const char *line, size_t len)
{
	struct po *po = context;

	(void)len;
	line = line_words(line);
	if (*line == '#')
		return 0;
	if (!strncmp(line, "msgctxt", 7) || (!strncmp(line, "msgid", 5) && line[5] != '_')) {
		flow_paragraph(&po->flow);
		po->is_original = true;
		po->is_header = line[3] == 'i';
		po->in_header = false;
	} else if (!strncmp(line, "msg", 3)) {
		flow_line(&po->flow);
		po->is_original = !strncmp(line, "msgid", 5);
		po->in_header = !po->is_original && po->is_header;
	}
	if (*line == '"' || !strncmp(line, "msg", 3))
		add_string(po, line);
	return flow_failed(&po->flow);
}

static void note_header(struct po *po, struct out *out)
{
	static const char *const names[][2] = {
		{"Language:", "language"}, {"Last-Translator:", "author"}};
	char *rest = po->header.data;

	for (char *line = strtok_r(rest, "\n", &rest); po->header.len && line;
		line = strtok_r(NULL, "\n", &rest)) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			meta_add(&po->meta, names[i][1], line_value(line, names[i][0]));
		meta_add_date(&po->meta, "modified", line_value(line, "PO-Revision-Date:"));
		meta_add_date(&po->meta, "created", line_value(line, "POT-Creation-Date:"));
		const char *project = line_value(line, "Project-Id-Version:");
		if (project)
			out_field(out, FIELD_TITLE, project, strlen(project));
	}
}

int po_read(const struct source *source, struct out *out, struct err *err)
{
	struct po po = {0};

	flow_init(&po.flow, out);
	meta_init(&po.meta);
	buf_init(&po.header, HEADER_MAX);
	buf_init(&po.words, LINES_MAX_BYTES);
	int rc = lines_each(source, out, add_line, &po, err);
	if (po.header.len)
		note_header(&po, out);
	int failed = flow_finish(&po.flow);
	meta_send(&po.meta, out);
	meta_release(&po.meta);
	buf_release(&po.header);
	buf_release(&po.words);
	return rc ? rc : failed;
}
