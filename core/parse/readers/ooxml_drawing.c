/* SPDX-License-Identifier: Apache-2.0 */
/* DrawingML outside of slides: charts and diagrams (SmartArt). Of a chart's cached data the names
 * of its series and its categories are text; the numbers are not, they stand in the table that
 * the chart was made of. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/ooxml.h"

enum {
	ROLE_PARAGRAPH = 1,
	ROLE_TEXT,
	ROLE_NAME, /* of a series */
	ROLE_CATEGORIES,
	ROLE_NUMBERS,
	ROLE_VALUE
};

static const struct office_role roles[] = {
	{"cat", ROLE_CATEGORIES},
	{"numCache", ROLE_NUMBERS},
	{"p", ROLE_PARAGRAPH},
	{"t", ROLE_TEXT},
	{"tx", ROLE_NAME},
	{"v", ROLE_VALUE},
	{"xVal", ROLE_CATEGORIES},
};

#define NAMES_MAX 256 /* categories of one chart; a series of readings has thousands */

struct drawing {
	struct flow *flow;
	bool in_text, in_name, in_categories, in_numbers, in_value;
	bool has_categories; /* those of the first series are those of all */
	unsigned count;
};

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct drawing *drawing = context;

	(void)space, (void)attributes;
	switch (office_role(roles, ARRAY_LEN(roles), name)) {
	case ROLE_PARAGRAPH: flow_line(drawing->flow); break;
	case ROLE_TEXT: drawing->in_text = true; break;
	case ROLE_NAME: drawing->in_name = true; break;
	case ROLE_CATEGORIES: drawing->in_categories = true; break;
	case ROLE_NUMBERS: drawing->in_numbers = true; break;
	case ROLE_VALUE:
		drawing->in_value = !drawing->in_numbers &&
			(drawing->in_name ||
				(drawing->in_categories && !drawing->has_categories)) &&
			drawing->count++ < NAMES_MAX;
		break;
	default: break;
	}
}

static void end(void *context, const char *name, const char *space)
{
	struct drawing *drawing = context;

	(void)space;
	switch (office_role(roles, ARRAY_LEN(roles), name)) {
	case ROLE_PARAGRAPH: flow_line(drawing->flow); break;
	case ROLE_TEXT: drawing->in_text = false; break;
	case ROLE_NUMBERS: drawing->in_numbers = false; break;
	case ROLE_CATEGORIES:
		drawing->in_categories = false;
		drawing->has_categories = true;
		flow_line(drawing->flow);
		break;
	case ROLE_NAME:
		drawing->in_name = false;
		flow_line(drawing->flow);
		break;
	case ROLE_VALUE:
		drawing->in_value = false;
		flow_space(drawing->flow);
		break;
	default: break;
	}
}

static void text(void *context, const char *utf8, size_t len)
{
	struct drawing *drawing = context;

	if (drawing->in_text || drawing->in_value)
		office_words(drawing->flow, utf8, len);
}

void ooxml_drawing(struct package *package, const char *part, struct flow *flow)
{
	static const struct xml_handler handler = {.start = start, .end = end, .text = text};
	struct drawing drawing = {.flow = flow};
	struct err ignored = ERR_NONE;

	flow_paragraph(flow);
	xml_part(package, part, &handler, &drawing, &ignored);
	flow_paragraph(flow);
}
