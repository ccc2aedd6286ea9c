/* SPDX-License-Identifier: Apache-2.0 */
/* Jupyter notebooks (nbformat 3 and 4): cells in their order, Markdown with its headings, code as
 * it is, and of what code has put out its text: pictures are left out, and where a result is
 * there as plain text and as HTML, the plain text is taken. A tree is built, for a cell's parts
 * come in any order; what is too large for one, or no notebook, is read as other JSON is. */
#include "core/parse/reader.h"

#include <errno.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/parse/meta.h"
#include "core/parse/readers/markdown.h"

#define NOTEBOOK_MAX ((size_t)64 << 20)

AUTO_DEFINE(cJSON_Delete, cJSON *);

struct notebook {
	struct out *out;
	struct buf text; /* of a cell, joined */
	bool has_text, has_title;
};

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* A string, or an array of strings that are its lines, into @text. */
static int join(const cJSON *value, struct buf *text)
{
	const cJSON *line;

	buf_clear(text);
	if (cJSON_IsString(value))
		return buf_adds(text, value->valuestring);
	cJSON_ArrayForEach(line, value)
	{
		if (cJSON_IsString(line))
			buf_adds(text, line->valuestring);
	}
	return text->failed;
}

/* A paragraph's edge before it; the line ends behind it go. */
static int add(struct notebook *nb, const cJSON *value, bool is_markdown)
{
	struct buf *text = &nb->text;
	int rc = join(value, text);

	while (text->len && strchr(" \t\r\n", text->data[text->len - 1]))
		text->len--;
	if (rc || !text->len)
		return rc;
	if (nb->has_text)
		out_text(nb->out, "\n\n", 2);
	nb->has_text = true;
	if (is_markdown)
		return markdown_text(nb->out, text->data, text->len, &nb->has_title);
	return out_text(nb->out, text->data, text->len);
}

/* nbformat 4 has a result's forms in "data", nbformat 3 beside its type. */
static int add_output(struct notebook *nb, const cJSON *output)
{
	const cJSON *data = member(output, "data");
	const cJSON *text = member(output, "text");

	if (!text)
		text = member(data, "text/plain");
	if (!text)
		text = member(data, "text/markdown");
	if (text)
		return add(nb, text, false);
	return add(nb, member(output, "evalue"), false);
}

static int add_cell(struct notebook *nb, const cJSON *cell)
{
	const char *type = cJSON_GetStringValue(member(cell, "cell_type"));
	const cJSON *source = member(cell, "source"), *output;

	if (!source)
		source = member(cell, "input"); /* nbformat 3 */
	int rc = add(nb, source, type && !strcmp(type, "markdown"));
	cJSON_ArrayForEach(output, member(cell, "outputs"))
	{
		rc = rc ? rc : add_output(nb, output);
	}
	return rc;
}

static int add_cells(struct notebook *nb, const cJSON *notebook)
{
	const cJSON *worksheet, *cell;
	int rc = 0;

	cJSON_ArrayForEach(cell, member(notebook, "cells"))
	{
		rc = rc ? rc : add_cell(nb, cell);
	}
	cJSON_ArrayForEach(worksheet, member(notebook, "worksheets"))
	{
		cJSON_ArrayForEach(cell, member(worksheet, "cells"))
		{
			rc = rc ? rc : add_cell(nb, cell);
		}
	}
	return rc;
}

static void add_metadata(struct notebook *nb, const cJSON *notebook)
{
	const cJSON *metadata = member(notebook, "metadata"), *author;
	const cJSON *info = member(metadata, "language_info");
	const char *title = cJSON_GetStringValue(member(metadata, "title"));
	AUTO_META struct meta meta;

	if (title) {
		nb->has_title = true;
		out_field(nb->out, FIELD_TITLE, title, strlen(title));
	}
	meta_init(&meta);
	cJSON_ArrayForEach(author, member(metadata, "authors"))
	{
		meta_add(&meta, "author", cJSON_GetStringValue(member(author, "name")));
	}
	meta_add(&meta, "programming_language", cJSON_GetStringValue(member(info, "name")));
	meta_send(&meta, nb->out);
}

static int gather(void *context, const char *utf8, size_t len)
{
	return buf_add(context, utf8, len);
}

int notebook_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_BUF struct buf json;
	size_t skip = 0;

	buf_init(&json, NOTEBOOK_MAX + SOURCE_HEAD_MAX);
	if (source->size > NOTEBOOK_MAX)
		return json_read(source, out, err);
	int rc = source_each(source, "UTF-8", 0, gather, &json, err);
	if (rc)
		return rc;
	skip = json.len >= 3 && !memcmp(json.data, "\xef\xbb\xbf", 3) ? 3 : 0;
	AUTO(cJSON_Delete)
	cJSON *notebook =
		json.len ? cJSON_ParseWithLength(json.data + skip, json.len - skip) : NULL;
	if (!member(notebook, "cells") && !member(notebook, "worksheets"))
		return json_read(source, out, err);
	struct notebook nb = {.out = out};
	buf_init(&nb.text, NOTEBOOK_MAX);
	out_field(out, FIELD_CHARSET, "UTF-8", 5);
	add_metadata(&nb, notebook);
	rc = add_cells(&nb, notebook);
	buf_release(&nb.text);
	return rc;
}
