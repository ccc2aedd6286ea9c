/* SPDX-License-Identifier: Apache-2.0 */
/* The spine names chapters by the ids of the manifest, and may stand before them: ids are kept
 * and looked up at the end, by bisection, so that a book of 65536 files costs no more than its
 * size. A file is one chapter, however often the spine names it. */
#include "core/parse/readers/opf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/xml.h"

#define TEXT_MAX  ((size_t)4 << 10)
#define SPINE_MAX 65536

struct reference {
	char *id;
	bool is_linear;
};

struct walk {
	struct opf *opf;
	const char *part; /* where the package document is */
	struct meta *meta;
	struct out *out;
	struct reference *spine;
	size_t spine_count, spine_cap;
	struct buf text; /* of an element of the metadata */
	bool in_metadata, has_title, is_short;
};

/* Room for one more of @size bytes; NULL: memory is short, or there are too many. */
static void *grow(void *list, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return list;
	if (count >= SPINE_MAX)
		return NULL;
	size_t wanted = *cap ? *cap * 2 : 32;
	void *bigger = realloc(list, wanted * size);
	*cap = bigger ? wanted : *cap;
	return bigger;
}

static bool is_other_kind(const char *type)
{
	static const char *const kinds[] = {"image/", "font/", "audio/", "video/", "text/css",
		"text/javascript", "application/javascript", "application/x-dtbncx+xml",
		"application/font", "application/vnd.ms-opentype", "application/x-font",
		"application/smil+xml", "application/pls+xml"};

	for (size_t i = 0; type && i < ARRAY_LEN(kinds); i++)
		if (!strncmp(type, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

static void add_item(struct walk *walk, const struct xml_attributes *attributes)
{
	struct opf *opf = walk->opf;
	AUTO_FREE char *href = xml_attribute_copy(attributes, "href");
	AUTO_FREE char *type = xml_attribute_copy(attributes, "media-type");
	AUTO_FREE char *properties = xml_attribute_copy(attributes, "properties");
	AUTO_FREE char *id = xml_attribute_copy(attributes, "id");
	AUTO_FREE char *path = href ? package_resolve(walk->part, href) : NULL;

	if (!id || !path)
		return;
	struct opf_item *items = grow(opf->items, opf->count, &opf->cap, sizeof(*items));
	if (!items) {
		walk->is_short = true;
		return;
	}
	opf->items = items;
	items[opf->count++] = (struct opf_item){.id = TAKE_PTR(id),
		.path = TAKE_PTR(path),
		.is_text = !is_other_kind(type),
		.is_nav = properties && strstr(properties, "nav") != NULL};
}

static void add_reference(struct walk *walk, const struct xml_attributes *attributes)
{
	AUTO_FREE char *id = xml_attribute_copy(attributes, "idref");

	if (!id)
		return;
	struct reference *spine =
		grow(walk->spine, walk->spine_count, &walk->spine_cap, sizeof(*spine));
	if (!spine) {
		walk->is_short = true;
		return;
	}
	walk->spine = spine;
	spine[walk->spine_count++] =
		(struct reference){TAKE_PTR(id), !xml_attribute_is(attributes, "linear", "no")};
}

static void on_start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct walk *walk = context;

	(void)space;
	buf_clear(&walk->text);
	if (!strcmp(name, "metadata"))
		walk->in_metadata = true;
	else if (!strcmp(name, "item"))
		add_item(walk, attributes);
	else if (!strcmp(name, "itemref"))
		add_reference(walk, attributes);
}

static void on_end(void *context, const char *name, const char *space)
{
	static const char *const names[][2] = {{"creator", "author"}, {"language", "language"},
		{"publisher", "publisher"}, {"subject", "subject"}, {"description", "description"}};
	struct walk *walk = context;
	const struct buf *text = &walk->text;

	(void)space;
	if (!strcmp(name, "metadata"))
		walk->in_metadata = false;
	if (!walk->in_metadata || !text->len)
		return;
	if (!strcmp(name, "title") && !walk->has_title) {
		walk->has_title = true;
		out_field(walk->out, FIELD_TITLE, text->data, text->len);
	}
	if (!strcmp(name, "date"))
		meta_add_date(walk->meta, "created", text->data);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i][0]))
			meta_add_text(walk->meta, names[i][1], text->data, text->len);
}

static void on_text(void *context, const char *utf8, size_t len)
{
	struct walk *walk = context;

	if (walk->in_metadata)
		buf_add(&walk->text, utf8, len);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct opf_item *)a)->id, ((const struct opf_item *)b)->id);
}

static void take_chapters(struct walk *walk, bool is_linear)
{
	struct opf *opf = walk->opf;

	for (size_t i = 0; i < walk->spine_count; i++) {
		struct opf_item wanted = {.id = walk->spine[i].id};
		if (walk->spine[i].is_linear != is_linear)
			continue;
		struct opf_item *item =
			bsearch(&wanted, opf->items, opf->count, sizeof(*item), by_id);
		if (!item || item->is_taken || item->is_nav || !item->is_text)
			continue;
		item->is_taken = true;
		opf->chapters[opf->chapter_count++] = item->path;
	}
}

static int order(struct walk *walk)
{
	struct opf *opf = walk->opf;

	opf->chapters = calloc(walk->spine_count + 1, sizeof(*opf->chapters));
	if (!opf->chapters || walk->is_short)
		return -ENOMEM;
	if (!opf->count)
		return 0;
	qsort(opf->items, opf->count, sizeof(*opf->items), by_id);
	take_chapters(walk, true);
	take_chapters(walk, false);
	return 0;
}

static void note_rootfile(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	char **path = context;

	(void)space;
	if (!strcmp(name, "rootfile") && !*path)
		*path = xml_attribute_copy(attributes, "full-path");
}

/* Where the container says, or the first part that is called so. */
static char *find_document(struct package *package)
{
	static const struct xml_handler handler = {.start = note_rootfile};
	struct err err = ERR_NONE;
	char *path = NULL;

	xml_part(package, "META-INF/container.xml", &handler, &path, &err);
	if (path && package_has(package, path))
		return path;
	free(path);
	for (size_t i = 0; i < package_count(package); i++) {
		const char *dot = strrchr(package_name(package, i), '.');
		if (dot && !strcmp(dot, ".opf"))
			return strdup(package_name(package, i));
	}
	return NULL;
}

int opf_read(struct opf *opf, struct package *package, struct meta *meta, struct out *out,
	struct err *err)
{
	static const struct xml_handler handler = {
		.start = on_start, .end = on_end, .text = on_text};
	AUTO_FREE char *part = find_document(package);
	struct walk walk = {.opf = opf, .part = part, .meta = meta, .out = out};

	*opf = (struct opf){0};
	if (!part)
		return -ENOENT;
	buf_init(&walk.text, TEXT_MAX);
	int rc = xml_part(package, part, &handler, &walk, err);
	int ordered = order(&walk);
	for (size_t i = 0; i < walk.spine_count; i++)
		free(walk.spine[i].id);
	free(walk.spine);
	buf_release(&walk.text);
	if (ordered)
		return err_set(err, ordered, "memory is short");
	return rc;
}

void opf_release(struct opf *opf)
{
	for (size_t i = 0; i < opf->count; i++) {
		free(opf->items[i].id);
		free(opf->items[i].path);
	}
	free(opf->items);
	free(opf->chapters);
	*opf = (struct opf){0};
}
