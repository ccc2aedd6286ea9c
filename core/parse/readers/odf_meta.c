/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata and the few styles of OpenDocument that a reader of its text has to know. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/meta.h"
#include "core/parse/readers/odf.h"

/* What a program wrote first counts: the author before who changed it last. */
static const struct {
	const char *element, *name;
} properties[] = {
	{"initial-creator", "author"},
	{"creation-date", "created"},
	{"date", "modified"},
	{"subject", "subject"},
	{"description", "description"},
	{"language", "language"},
};

struct walk {
	struct meta *meta;
	struct out *out;
	bool in_meta, is_over;
	struct buf text; /* of the element that is open */
	struct buf keywords, creator;
};

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct walk *walk = context;

	(void)space;
	walk->in_meta = walk->in_meta || !strcmp(name, "meta");
	buf_clear(&walk->text);
	if (!walk->in_meta || strcmp(name, "document-statistic") || walk->out->page_count)
		return;
	long count = xml_attribute_number(attributes, "page-count", 0);
	walk->out->page_count = count > 0 && count < 1000000 ? (uint32_t)count : 0;
}

static void add_text(void *context, const char *utf8, size_t len)
{
	struct walk *walk = context;

	if (walk->in_meta)
		buf_add(&walk->text, utf8, len);
}

static void end(void *context, const char *name, const char *space)
{
	struct walk *walk = context;

	(void)space;
	if (walk->in_meta && walk->text.len) {
		if (!strcmp(name, "title"))
			out_field(walk->out, FIELD_TITLE, walk->text.data, walk->text.len);
		if (!strcmp(name, "keyword")) {
			buf_adds(&walk->keywords, walk->keywords.len ? ", " : "");
			buf_add(&walk->keywords, walk->text.data, walk->text.len);
		}
		if (!strcmp(name, "creator"))
			buf_add(&walk->creator, walk->text.data, walk->text.len);
		for (size_t i = 0; i < ARRAY_LEN(properties); i++)
			if (!strcmp(name, properties[i].element))
				meta_add(walk->meta, properties[i].name, walk->text.data);
	}
	buf_clear(&walk->text);
	if (!strcmp(name, "meta")) {
		walk->in_meta = false;
		walk->is_over = true;
	}
}

/* One file: its metadata stand before all else that is long. */
static int is_over(void *context)
{
	const struct walk *walk = context;

	return walk->is_over;
}

void odf_metadata(struct package *package, const struct source *source, struct out *out)
{
	static const struct xml_handler handler = {
		.start = start, .end = end, .text = add_text, .failed = is_over};
	AUTO_META struct meta meta;
	struct walk walk = {.meta = &meta, .out = out};
	struct err ignored = ERR_NONE;

	meta_init(&meta);
	buf_init(&walk.text, 8192);
	buf_init(&walk.keywords, 1024);
	buf_init(&walk.creator, 1024);
	if (package)
		xml_part(package, "meta.xml", &handler, &walk, &ignored);
	else
		xml_source(source, &handler, &walk, &ignored);
	meta_add(&meta, "author", walk.creator.data);
	meta_add(&meta, "keywords", walk.keywords.data);
	meta_send(&meta, out);
	buf_release(&walk.text);
	buf_release(&walk.keywords);
	buf_release(&walk.creator);
}

/* Styles. */

void odf_styles_release(struct odf_styles *styles)
{
	office_tapes_release(&styles->titles);
	office_tapes_release(&styles->breaks);
}

static void begin_style(
	struct odf_styles *styles, char **current, const struct xml_attributes *attributes)
{
	const char *page;
	size_t len;

	free(*current);
	*current = xml_attribute_copy(attributes, "name");
	if (!*current)
		return;
	if (xml_attribute_is(attributes, "parent-style-name", "Title"))
		office_tapes_add(&styles->titles, *current, strlen(*current));
	if (xml_attribute(attributes, "master-page-name", &page, &len) && len)
		office_tapes_add(&styles->breaks, *current, strlen(*current));
}

void odf_style_start(struct odf_styles *styles, char **current, const char *name,
	const struct xml_attributes *attributes)
{
	if (!strcmp(name, "style"))
		begin_style(styles, current, attributes);
	else if (*current &&
		(!strcmp(name, "paragraph-properties") || !strcmp(name, "table-properties")) &&
		xml_attribute_is(attributes, "break-before", "page"))
		office_tapes_add(&styles->breaks, *current, strlen(*current));
}
