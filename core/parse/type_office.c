/* SPDX-License-Identifier: Apache-2.0 */
/* libmagic knows a document that is a zip by the order of its parts, which programs are free to
 * choose: here it is known by what the package says of itself. OpenDocument and EPUB have a
 * part "mimetype" (a manifest where it is missing), OOXML names the type of its main part. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/format.h"
#include "core/parse/readers/ooxml.h"

/* Types of main parts, without "application/" and "+xml". */
static const struct {
	const char *part, *type;
} ooxml_types[] = {
#define OOXML "application/vnd.openxmlformats-officedocument."
	{"vnd.openxmlformats-officedocument.wordprocessingml.document.main",
		OOXML "wordprocessingml.document"},
	{"vnd.openxmlformats-officedocument.wordprocessingml.template.main",
		OOXML "wordprocessingml.template"},
	{"vnd.ms-word.document.macroEnabled.main",
		"application/vnd.ms-word.document.macroEnabled.12"},
	{"vnd.ms-word.template.macroEnabledTemplate.main",
		"application/vnd.ms-word.template.macroEnabled.12"},
	{"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main", OOXML "spreadsheetml.sheet"},
	{"vnd.openxmlformats-officedocument.spreadsheetml.template.main",
		OOXML "spreadsheetml.template"},
	{"vnd.ms-excel.sheet.macroEnabled.main", "application/vnd.ms-excel.sheet.macroEnabled.12"},
	{"vnd.ms-excel.template.macroEnabled.main",
		"application/vnd.ms-excel.template.macroEnabled.12"},
	{"vnd.ms-excel.addin.macroEnabled.main", "application/vnd.ms-excel.addin.macroEnabled.12"},
	{"vnd.ms-excel.sheet.binary.macroEnabled.main",
		"application/vnd.ms-excel.sheet.binary.macroEnabled.12"},
	{"vnd.openxmlformats-officedocument.presentationml.presentation.main",
		OOXML "presentationml.presentation"},
	{"vnd.openxmlformats-officedocument.presentationml.template.main",
		OOXML "presentationml.template"},
	{"vnd.openxmlformats-officedocument.presentationml.slideshow.main",
		OOXML "presentationml.slideshow"},
	{"vnd.ms-powerpoint.presentation.macroEnabled.main",
		"application/vnd.ms-powerpoint.presentation.macroEnabled.12"},
	{"vnd.ms-powerpoint.template.macroEnabled.main",
		"application/vnd.ms-powerpoint.template.macroEnabled.12"},
	{"vnd.ms-powerpoint.slideshow.macroEnabled.main",
		"application/vnd.ms-powerpoint.slideshow.macroEnabled.12"},
};

/* Parts by the beginnings of their names, for a package that was cut off before its content
 * types. */
static const struct {
	const char *part, *type;
} ooxml_parts[] = {
	{"word/document", OOXML "wordprocessingml.document"},
	{"xl/workbook.xml", OOXML "spreadsheetml.sheet"},
	{"xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"},
	{"xl/worksheets/", OOXML "spreadsheetml.sheet"},
	{"ppt/presentation.xml", OOXML "presentationml.presentation"},
	{"ppt/slides/", OOXML "presentationml.presentation"},
};

static void add_type(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	const char **type = context;

	(void)space;
	if (*type || (strcmp(name, "Override") && strcmp(name, "Default")))
		return;
	AUTO_FREE char *found = xml_attribute_copy(attributes, "ContentType");
	for (size_t i = 0; found && !*type && i < ARRAY_LEN(ooxml_types); i++)
		if (strlen(found) > 12 &&
			!strncasecmp(found + 12, ooxml_types[i].part, strlen(ooxml_types[i].part)))
			*type = ooxml_types[i].type;
}

static bool has_part_like(const struct package *package, const char *beginning)
{
	for (size_t i = 0; i < package_count(package); i++)
		if (!strncmp(package_name(package, i), beginning, strlen(beginning)))
			return true;
	return false;
}

static const char *type_of_ooxml(struct package *package)
{
	static const struct xml_handler handler = {.start = add_type};
	struct err ignored = ERR_NONE;
	const char *type = NULL;

	xml_part(package, "[Content_Types].xml", &handler, &type, &ignored);
	for (size_t i = 0; !type && i < ARRAY_LEN(ooxml_parts); i++)
		if (has_part_like(package, ooxml_parts[i].part))
			type = ooxml_parts[i].type;
	return type;
}

static void add_root(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	char **type = context;

	(void)space;
	if (!*type && !strcmp(name, "file-entry") && xml_attribute_is(attributes, "full-path", "/"))
		*type = xml_attribute_copy(attributes, "media-type");
}

/* A format's own name of @type, with @suffix; NULL: it is not known. */
static const char *known(const char *type, size_t len, const char *suffix)
{
	char name[128];

	while (len && strchr(" \t\r\n", type[len - 1]))
		len--;
	if (len + strlen(suffix) >= sizeof(name))
		return NULL;
	snprintf(name, sizeof(name), "%.*s%s", (int)len, type, suffix);
	const struct format *format = format_find(name);
	return format ? format->type : NULL;
}

static const char *type_of_odf(struct package *package)
{
	static const struct xml_handler handler = {.start = add_root};
	struct err ignored = ERR_NONE;
	AUTO_FREE char *root = NULL;
	AUTO_BUF struct buf mimetype;

	buf_init(&mimetype, 256);
	package_read(package, "mimetype", &mimetype, &ignored);
	if (mimetype.len)
		return known(mimetype.data, mimetype.len, "");
	xml_part(package, "META-INF/manifest.xml", &handler, &root, &ignored);
	return root ? known(root, strlen(root), "") : NULL;
}

static const char *type_of_zip(const struct source *source)
{
	struct err ignored = ERR_NONE;
	AUTO_PACKAGE struct package *package = NULL;

	if (package_open(&package, source, &ignored))
		return NULL;
	const char *type = type_of_odf(package);
	return type ? type : type_of_ooxml(package);
}

/* OpenDocument in one file: its root element names the type. */
static const char *type_of_flat(const struct source *source)
{
	static const char attribute[] = "office:mimetype=\"";
	size_t len = source->head_len < 8192 ? source->head_len : 8192;
	const char *at = memmem(source->head, len, "<office:document", 16);
	const char *end = source->head + len;

	at = at ? memmem(at, (size_t)(end - at), attribute, sizeof(attribute) - 1) : NULL;
	if (!at)
		return NULL;
	at += sizeof(attribute) - 1;
	const char *quote = memchr(at, '"', (size_t)(end - at));
	return quote ? known(at, (size_t)(quote - at), "-flat-xml") : NULL;
}

const char *type_of_office(const struct source *source)
{
	if (source->head_len < 8)
		return NULL;
	if (!memcmp(source->head, "PK\3\4", 4))
		return type_of_zip(source);
	if (ooxml_is_encrypted(source))
		return "application/encrypted";
	return memchr(source->head, '<', 8) ? type_of_flat(source) : NULL;
}
