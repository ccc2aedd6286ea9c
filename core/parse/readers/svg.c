/* SPDX-License-Identifier: Apache-2.0 */
/* Of a drawing: its title and description, and the words in it, each text element a line. */
#include "core/parse/xml.h"

#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"

struct drawing {
	struct flow flow;
	struct buf title; /* of the drawing: the first one */
	unsigned depth, inside; /* elements with words that are open */
	bool in_title, has_title;
};

static bool has_words(const char *name)
{
	static const char *const names[] = {"text", "title", "desc", "foreignObject", "flowRoot"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void on_start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct drawing *drawing = context;

	(void)space;
	drawing->depth++;
	if (has_words(name)) {
		flow_line(&drawing->flow);
		drawing->inside++;
	} else if (!strcmp(name, "tspan") &&
		(xml_attribute_number(attributes, "x", -1) != -1 ||
			xml_attribute_number(attributes, "dy", 0) != 0)) {
		flow_space(&drawing->flow); /* stands apart */
	}
	drawing->in_title = drawing->depth == 2 && !strcmp(name, "title");
}

static void on_end(void *context, const char *name, const char *space)
{
	struct drawing *drawing = context;

	(void)space;
	drawing->depth--;
	if (drawing->in_title)
		drawing->has_title = true;
	drawing->in_title = false;
	if (!has_words(name) || !drawing->inside)
		return;
	drawing->inside--;
	flow_line(&drawing->flow);
}

static void on_text(void *context, const char *utf8, size_t len)
{
	struct drawing *drawing = context;

	if (drawing->in_title && !drawing->has_title)
		buf_add(&drawing->title, utf8, len);
	if (drawing->inside)
		flow_words(&drawing->flow, utf8, len);
}

int svg_read(const struct source *source, struct out *out, struct err *err)
{
	static const struct xml_handler handler = {
		.start = on_start, .end = on_end, .text = on_text};
	struct drawing drawing = {0};

	flow_init(&drawing.flow, out);
	buf_init(&drawing.title, 4096);
	int rc = xml_source(source, &handler, &drawing, err);
	int failed = flow_finish(&drawing.flow);
	if (drawing.title.len)
		out_field(out, FIELD_TITLE, drawing.title.data, drawing.title.len);
	buf_release(&drawing.title);
	rc = xml_settle(rc, out, err);
	return rc ? rc : failed;
}
