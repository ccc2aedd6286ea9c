/* SPDX-License-Identifier: Apache-2.0 */
/* styles.xml. Ids are of the language of the program that wrote them ("berschrift1"), names of
 * built-in styles are English everywhere, and the outline level is said for most: each in turn. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/readers/docx.h"

#define CHAIN_MAX 16 /* styles that are based on each other */

struct walk {
	struct docx_styles *styles;
	struct docx_style *style; /* that is open, a paragraph's; or NULL */
	int outline; /* what it says itself, -1: nothing */
};

int docx_heading_level(const char *name)
{
	static const char heading[] = "heading";

	if (strncasecmp(name, heading, sizeof(heading) - 1))
		return 0;
	name += sizeof(heading) - 1;
	name += *name == ' ' || *name == '-' || *name == '_';
	return name[0] >= '1' && name[0] <= '9' && !isdigit((unsigned char)name[1]) ? *name - '0'
										    : 0;
}

static void begin_style(struct walk *walk, const struct xml_attributes *attributes)
{
	struct docx_styles *styles = walk->styles;

	walk->outline = -1;
	char *id = xml_attribute_is(attributes, "type", "paragraph")
		? xml_attribute_copy(attributes, "styleId")
		: NULL;
	if (!id)
		return;
	if (styles->count == styles->cap) {
		size_t cap = styles->cap ? styles->cap * 2 : 64;
		struct docx_style *at = realloc(styles->at, cap * sizeof(*at));
		if (!at) {
			free(id);
			return;
		}
		styles->at = at;
		styles->cap = cap;
	}
	walk->style = &styles->at[styles->count++];
	*walk->style = (struct docx_style){.id = id, .level = -1, .number = -1, .number_level = -1};
}

static void set_name(struct docx_style *style, const struct xml_attributes *attributes)
{
	AUTO_FREE char *name = xml_attribute_copy(attributes, "val");

	if (!name)
		return;
	int level = docx_heading_level(name);
	style->level = level ? level : style->level;
	style->is_title = !strcasecmp(name, "title");
}

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct walk *walk = context;
	struct docx_style *style = walk->style;

	(void)space;
	if (!strcmp(name, "style"))
		begin_style(walk, attributes);
	else if (!style)
		return;
	else if (!strcmp(name, "name"))
		set_name(style, attributes);
	else if (!strcmp(name, "basedOn") && !style->based_on)
		style->based_on = xml_attribute_copy(attributes, "val");
	else if (!strcmp(name, "outlineLvl"))
		walk->outline = (int)xml_attribute_number(attributes, "val", -1);
	else if (!strcmp(name, "numId"))
		style->number = xml_attribute_number(attributes, "val", -1);
	else if (!strcmp(name, "ilvl"))
		style->number_level = xml_attribute_number(attributes, "val", -1);
}

static void end(void *context, const char *name, const char *space)
{
	struct walk *walk = context;

	(void)space;
	if (!walk->style || strcmp(name, "style"))
		return;
	if (walk->outline >= 0)
		walk->style->level = walk->outline < 9 ? walk->outline + 1 : 0;
	walk->style = NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct docx_style *)a)->id, ((const struct docx_style *)b)->id);
}

void docx_styles_read(struct docx_styles *styles, struct package *package, const char *part)
{
	static const struct xml_handler handler = {.start = start, .end = end};
	struct walk walk = {.styles = styles};
	struct err ignored = ERR_NONE;

	*styles = (struct docx_styles){.at = NULL};
	if (part)
		xml_part(package, part, &handler, &walk, &ignored);
	if (styles->count)
		qsort(styles->at, styles->count, sizeof(*styles->at), compare);
}

void docx_styles_release(struct docx_styles *styles)
{
	for (size_t i = 0; i < styles->count; i++) {
		free(styles->at[i].id);
		free(styles->at[i].based_on);
	}
	free(styles->at);
}

static const struct docx_style *find(const struct docx_styles *styles, const char *id)
{
	struct docx_style key = {.id = (char *)(uintptr_t)id};

	if (!styles->count)
		return NULL;
	return bsearch(&key, styles->at, styles->count, sizeof(*styles->at), compare);
}

struct docx_style docx_style_find(const struct docx_styles *styles, const char *id)
{
	struct docx_style found = {.level = -1, .number = -1, .number_level = -1};
	const struct docx_style *style = find(styles, id);

	if (!style) /* without a styles part the id is all there is */
		found.level = docx_heading_level(id);
	for (int i = 0; style && i < CHAIN_MAX; i++) {
		found.level = found.level < 0 ? style->level : found.level;
		found.is_title = found.is_title || style->is_title;
		found.number = found.number < 0 ? style->number : found.number;
		found.number_level =
			found.number_level < 0 ? style->number_level : found.number_level;
		style = style->based_on ? find(styles, style->based_on) : NULL;
	}
	found.level = found.level < 0 ? 0 : found.level;
	return found;
}
