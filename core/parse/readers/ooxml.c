/* SPDX-License-Identifier: Apache-2.0 */
/* ECMA-376 part 2 (packages) and what the three kinds of documents have in common. */
#include "core/parse/readers/ooxml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/reader.h"

/* Relationships. */

struct rels_walk {
	struct ooxml_rels *rels;
	const char *part;
};

static bool grow(struct ooxml_rels *rels)
{
	if (rels->count < rels->cap)
		return true;
	size_t cap = rels->cap ? rels->cap * 2 : 16;
	struct ooxml_rel *at = realloc(rels->at, cap * sizeof(*at));
	if (!at)
		return false;
	rels->at = at;
	rels->cap = cap;
	return true;
}

static void rel_free(struct ooxml_rel *rel)
{
	free(rel->id);
	free(rel->type);
	free(rel->target);
}

static void add_rel(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct rels_walk *walk = context;

	(void)space;
	if (strcmp(name, "Relationship") || xml_attribute_is(attributes, "TargetMode", "External"))
		return;
	AUTO_FREE char *uri = xml_attribute_copy(attributes, "Type");
	AUTO_FREE char *target = xml_attribute_copy(attributes, "Target");
	if (!uri || !target || !grow(walk->rels))
		return;
	const char *slash = strrchr(uri, '/');
	struct ooxml_rel rel = {.id = xml_attribute_copy(attributes, "Id"),
		.type = strdup(slash ? slash + 1 : uri),
		.target = package_resolve(walk->part, target)};
	if (rel.id && rel.type && rel.target)
		walk->rels->at[walk->rels->count++] = rel;
	else
		rel_free(&rel);
}

void ooxml_rels_read(struct ooxml_rels *rels, struct package *package, const char *part)
{
	static const struct xml_handler handler = {.start = add_rel};
	struct rels_walk walk = {.rels = rels, .part = part};
	const char *slash = strrchr(part, '/');
	int folder = slash ? (int)(slash - part) + 1 : 0;
	struct err ignored = ERR_NONE;
	AUTO_BUF struct buf name;

	*rels = (struct ooxml_rels){.at = NULL};
	buf_init(&name, 8192);
	buf_addf(&name, "%.*s_rels/%s.rels", folder, part, part + folder);
	if (!name.failed)
		xml_part(package, name.data, &handler, &walk, &ignored);
}

void ooxml_rels_release(struct ooxml_rels *rels)
{
	for (size_t i = 0; i < rels->count; i++)
		rel_free(&rels->at[i]);
	free(rels->at);
	*rels = (struct ooxml_rels){.at = NULL};
}

const char *ooxml_rel_target(const struct ooxml_rels *rels, const char *id)
{
	for (size_t i = 0; i < rels->count; i++)
		if (!strcmp(rels->at[i].id, id))
			return rels->at[i].target;
	return NULL;
}

const char *ooxml_rel_of_type(const struct ooxml_rels *rels, const char *type)
{
	for (size_t i = 0; i < rels->count; i++)
		if (!strcmp(rels->at[i].type, type))
			return rels->at[i].target;
	return NULL;
}

const char *ooxml_rel_of(
	const struct ooxml_rels *rels, const struct xml_attributes *attributes, const char *name)
{
	AUTO_FREE char *id = xml_attribute_copy_in(attributes, "relationships", name);

	return id ? ooxml_rel_target(rels, id) : NULL;
}

/* Opening. */

static bool is_part_called(const char *part, const char *name)
{
	size_t part_len = strlen(part), len = strlen(name);

	return part_len >= len && !strcasecmp(part + part_len - len, name) &&
		(part_len == len || part[part_len - len - 1] == '/');
}

static char *find_main(const struct ooxml *ooxml, const char *name)
{
	const char *target = ooxml_rel_of_type(&ooxml->root, "officeDocument");

	if (target && package_has(ooxml->package, target))
		return strdup(target);
	for (size_t i = 0; i < package_count(ooxml->package); i++)
		if (is_part_called(package_name(ooxml->package, i), name))
			return strdup(package_name(ooxml->package, i));
	for (size_t i = 0; i < package_count(ooxml->package); i++)
		if (!strncmp(package_name(ooxml->package, i), "xl/worksheets/", 14) ||
			!strncmp(package_name(ooxml->package, i), "ppt/slides/", 11))
			return strdup(name); /* a part that was cut off, but not what it lists */
	return NULL;
}

int ooxml_open(struct ooxml *ooxml, const struct source *source, const char *name, struct err *err)
{
	*ooxml = (struct ooxml){.package = NULL};
	int rc = package_open(&ooxml->package, source, err);
	if (rc)
		return rc;
	ooxml_rels_read(&ooxml->root, ooxml->package, "");
	ooxml->main = find_main(ooxml, name);
	if (!ooxml->main)
		return err_set(err, -EBADMSG,
			"the document is broken: its main part (%s) is missing", name);
	ooxml_rels_read(&ooxml->rels, ooxml->package, ooxml->main);
	return 0;
}

void ooxml_close(struct ooxml *ooxml)
{
	ooxml_rels_release(&ooxml->root);
	ooxml_rels_release(&ooxml->rels);
	free(ooxml->main);
	package_close(ooxml->package);
}

/* Properties. */

static const struct {
	const char *element, *name;
} properties[] = {
	{"title", "title"},
	{"creator", "author"},
	{"created", "created"},
	{"modified", "modified"},
	{"subject", "subject"},
	{"keywords", "keywords"},
	{"description", "description"},
	{"language", "language"},
};

struct properties_walk {
	struct meta *meta;
	struct out *out;
	const char *count_name;
	struct buf text; /* of the element that is open */
};

/* What programs put there where the author said nothing. */
static bool is_boilerplate(const char *title)
{
	return !strcmp(title, "PowerPoint Presentation") ||
		!strcmp(title, "PowerPoint-Pr\xc3\xa4sentation") ||
		!strcmp(title, "Word Document") || !strcmp(title, "Slide 1");
}

static void begin_property(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct properties_walk *walk = context;

	(void)name, (void)space, (void)attributes;
	buf_clear(&walk->text);
}

static void add_text(void *context, const char *utf8, size_t len)
{
	struct properties_walk *walk = context;

	buf_add(&walk->text, utf8, len);
}

static void end_property(void *context, const char *name, const char *space)
{
	struct properties_walk *walk = context;
	const char *text = walk->text.data;

	(void)space;
	for (size_t i = 0; walk->text.len && i < ARRAY_LEN(properties); i++) {
		if (strcmp(name, properties[i].element))
			continue;
		if (i == 0 && !is_boilerplate(text))
			out_field(walk->out, FIELD_TITLE, text, walk->text.len);
		else if (i)
			meta_add(walk->meta, properties[i].name, text);
	}
	if (walk->text.len && !walk->out->page_count && !strcmp(name, walk->count_name)) {
		unsigned long count = strtoul(text, NULL, 10);
		walk->out->page_count = count < 1000000 ? (uint32_t)count : 0;
	}
	buf_clear(&walk->text);
}

void ooxml_properties(struct ooxml *ooxml, const char *count_name, struct out *out)
{
	static const struct xml_handler handler = {
		.start = begin_property, .end = end_property, .text = add_text};
	const char *core = ooxml_rel_of_type(&ooxml->root, "core-properties");
	const char *extended = ooxml_rel_of_type(&ooxml->root, "extended-properties");
	AUTO_META struct meta meta;
	struct properties_walk walk = {.meta = &meta, .out = out, .count_name = ""};
	struct err ignored = ERR_NONE;

	meta_init(&meta);
	buf_init(&walk.text, (size_t)64 << 10);
	xml_part(ooxml->package, core ? core : "docProps/core.xml", &handler, &walk, &ignored);
	meta_send(&meta, out);
	walk.count_name = count_name;
	if (!out->page_count)
		xml_part(ooxml->package, extended ? extended : "docProps/app.xml", &handler, &walk,
			&ignored);
	buf_release(&walk.text);
}

/* Documents inside. */

static bool is_embedded(const struct ooxml *ooxml, const char *part)
{
	if (strcasestr(part, "/embeddings/"))
		return office_is_document(part);
	for (size_t i = 0; i < ooxml->rels.count; i++)
		if (!strcmp(ooxml->rels.at[i].type, "aFChunk") &&
			!strcasecmp(ooxml->rels.at[i].target, part))
			return office_is_document(part);
	return false;
}

int ooxml_embedded(struct ooxml *ooxml, struct out *out)
{
	for (size_t i = 0; !out->failed && i < package_count(ooxml->package); i++) {
		const char *part = package_name(ooxml->package, i);
		const char *slash = strrchr(part, '/');
		if (!is_embedded(ooxml, part))
			continue;
		office_member(ooxml->package, part, slash ? slash + 1 : part, out);
		ooxml->members++;
	}
	return out->failed;
}

bool ooxml_is_on(const struct xml_attributes *attributes, const char *name, bool otherwise)
{
	const char *value;
	size_t len;

	if (!xml_attribute(attributes, name, &value, &len))
		return otherwise;
	return (len == 1 && *value == '1') || (len == 4 && !memcmp(value, "true", 4)) ||
		(len == 2 && !memcmp(value, "on", 2));
}

/* Alternatives. */

static unsigned level_of(const struct ooxml_choice *choice)
{
	return choice->depth && choice->depth <= ARRAY_LEN(choice->before) ? choice->depth - 1 : 0;
}

void ooxml_choice_begin(struct ooxml_choice *choice)
{
	choice->depth++;
	choice->taken &= ~(UINT64_C(1) << level_of(choice));
}

void ooxml_choice_end(struct ooxml_choice *choice)
{
	if (choice->depth)
		choice->depth--;
}

bool ooxml_branch_begin(struct ooxml_choice *choice, uint64_t text)
{
	unsigned level = level_of(choice);

	choice->before[level] = text;
	return !(choice->taken >> level & 1);
}

void ooxml_branch_end(struct ooxml_choice *choice, uint64_t text)
{
	unsigned level = level_of(choice);

	if (text > choice->before[level])
		choice->taken |= UINT64_C(1) << level;
}

/* Encryption: MS-OFFCRYPTO puts the package as a stream into an OLE2 file. The directory of
 * streams lies where the header says. */
bool ooxml_is_encrypted(const struct source *source)
{
	static const char magic[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";
	char sector[4096];

	if (source->head_len < 512 || memcmp(source->head, magic, sizeof(magic) - 1))
		return false;
	if (memmem(source->head, source->head_len, name, sizeof(name) - 1))
		return true;
	const unsigned char *header = (const unsigned char *)source->head;
	unsigned shift = header[30];
	uint64_t first = (uint64_t)header[48] | (uint64_t)header[49] << 8 |
		(uint64_t)header[50] << 16 | (uint64_t)header[51] << 24;
	if (shift != 9 && shift != 12)
		return false;
	ssize_t n = source_read(source, sector, sizeof(sector), (first + 1) << shift);
	return n > 0 && memmem(sector, (size_t)n, name, sizeof(name) - 1);
}

int office_encrypted_read(const struct source *source, struct out *out, struct err *err)
{
	(void)source, (void)out;
	return err_set(err, -EKEYREJECTED,
		"the document is encrypted: save it without a password and drop it again");
}

int office_binary_read(const struct source *source, struct out *out, struct err *err)
{
	(void)source, (void)out;
	return err_set(err, -ENODATA,
		"it is an Excel binary workbook (.xlsb), which is not read: save it as .xlsx and "
		"drop it again");
}
