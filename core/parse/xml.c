/* SPDX-License-Identifier: Apache-2.0 */
/* libxml2's push parser with SAX2 handlers: no tree. A document that says what its entities
 * are gets none of them: XML_PARSE_NOENT is off and there is no handler for a reference, so
 * "billion laughs" is a line of nothing; libxml2's own guard ends what nests them. Those that HTML
 * has ("&nbsp;") are known, for many write them where nothing declares them. */
#include "core/parse/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/text/utf8.h"

#define PIECE_MAX ((size_t)64 << 10)

struct walk {
	const struct xml_handler *handler;
	void *context;
	xmlParserCtxtPtr parser;
	xmlSAXHandler sax;
	xmlEntity entity; /* the last one that was asked for */
	char entity_text[5];
	bool is_broken; /* it is not well-formed, entities apart that are unknown */
};

static void start_element(void *context, const xmlChar *name, const xmlChar *prefix,
	const xmlChar *space, int space_count, const xmlChar **spaces, int count, int defaulted,
	const xmlChar **attributes)
{
	struct walk *walk = context;
	struct xml_attributes list = {.at = attributes, .count = (size_t)count};

	(void)prefix, (void)space_count, (void)spaces, (void)defaulted;
	if (walk->handler->start)
		walk->handler->start(
			walk->context, (const char *)name, space ? (const char *)space : "", &list);
}

static void end_element(
	void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *space)
{
	struct walk *walk = context;

	(void)prefix;
	if (walk->handler->end)
		walk->handler->end(
			walk->context, (const char *)name, space ? (const char *)space : "");
}

static void characters(void *context, const xmlChar *text, int len)
{
	struct walk *walk = context;

	if (walk->handler->text && len > 0)
		walk->handler->text(walk->context, (const char *)text, (size_t)len);
}

static void note_error(void *context, xmlErrorPtr error)
{
	struct walk *walk = context;

	if (error->level == XML_ERR_FATAL && error->code != XML_ERR_UNDECLARED_ENTITY)
		walk->is_broken = true;
}

/* As one that XML knows itself, whose text is given and not parsed. In an attribute libxml2 would
 * take its first byte alone. */
static xmlEntityPtr find_entity(void *context, const xmlChar *name)
{
	struct walk *walk = context;
	bool is_text = walk->parser->instate != XML_PARSER_ATTRIBUTE_VALUE;
	const htmlEntityDesc *known = is_text ? htmlEntityLookup(name) : NULL;

	if (!known)
		return NULL;
	size_t len = utf8_encode(known->value, walk->entity_text);
	walk->entity_text[len] = '\0';
	walk->entity = (xmlEntity){.type = XML_ENTITY_DECL,
		.name = BAD_CAST known->name,
		.content = BAD_CAST walk->entity_text,
		.length = (int)len,
		.etype = XML_INTERNAL_PREDEFINED_ENTITY};
	return &walk->entity;
}

static int walk_begin(
	struct walk *walk, const struct xml_handler *handler, void *context, int options)
{
	*walk = (struct walk){.handler = handler, .context = context};
	walk->sax = (xmlSAXHandler){.initialized = XML_SAX2_MAGIC,
		.startElementNs = start_element,
		.endElementNs = end_element,
		.characters = characters,
		.cdataBlock = characters,
		.ignorableWhitespace = characters,
		.getEntity = find_entity,
		.serror = note_error};
	walk->parser = xmlCreatePushParserCtxt(&walk->sax, walk, NULL, 0, NULL);
	if (!walk->parser)
		return -ENOMEM;
	xmlCtxtUseOptions(walk->parser,
		XML_PARSE_RECOVER | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET |
			options);
	return 0;
}

static int push(void *context, const char *data, size_t len)
{
	struct walk *walk = context;

	while (len) {
		size_t part = len < PIECE_MAX ? len : PIECE_MAX;
		xmlParseChunk(walk->parser, data, (int)part, 0);
		if (walk->parser->disableSAX || walk->parser->errNo == XML_ERR_NO_MEMORY)
			return -EBADMSG;
		int rc = walk->handler->failed ? walk->handler->failed(walk->context) : 0;
		if (rc)
			return rc;
		data += part;
		len -= part;
	}
	return 0;
}

/* @rc: what reading came to. */
static int walk_end(struct walk *walk, int rc, struct err *err)
{
	if (!rc)
		xmlParseChunk(walk->parser, "", 0, 1);
	const xmlError *error = xmlCtxtGetLastError(walk->parser);
	bool is_broken = rc == -EBADMSG || (!rc && (walk->parser->disableSAX || walk->is_broken));
	if (is_broken && !err->text[0]) {
		const char *why = error && error->message ? error->message : "it ends too early\n";
		rc = err_set(err, -EBADMSG, "the XML is broken at line %d: %.*s",
			error ? error->line : 0, (int)strcspn(why, "\n"), why);
	}
	xmlFreeDoc(walk->parser->myDoc); /* libxml2 keeps entities that are declared in one */
	xmlFreeParserCtxt(walk->parser);
	return rc;
}

int xml_part(struct package *package, const char *part, const struct xml_handler *handler,
	void *context, struct err *err)
{
	struct walk walk;

	if (walk_begin(&walk, handler, context, 0))
		return err_set(err, -ENOMEM, "memory is short");
	int rc = package_each(package, part, push, &walk, err);
	return walk_end(&walk, rc, err);
}

/* libxml2 leaves most encodings to iconv, which would have to load code: it gets UTF-8. */
int xml_source(const struct source *source, const struct xml_handler *handler, void *context,
	struct err *err)
{
	struct walk walk;
	size_t skip = 0;
	const char *charset =
		charset_of_page(source->head, source->head_len, source_is_all(source), &skip);

	if (walk_begin(&walk, handler, context, XML_PARSE_IGNORE_ENC))
		return err_set(err, -ENOMEM, "memory is short");
	int rc = source_each(source, charset, skip, push, &walk, err);
	if (rc == -EBADMSG)
		*err = (struct err)ERR_NONE; /* walk_end says where */
	return walk_end(&walk, rc, err);
}

int xml_bytes(const char *data, size_t len, const struct xml_handler *handler, void *context,
	struct err *err)
{
	struct walk walk;

	if (walk_begin(&walk, handler, context, 0))
		return err_set(err, -ENOMEM, "memory is short");
	return walk_end(&walk, push(&walk, data, len), err);
}

int xml_settle(int rc, const struct out *out, struct err *err)
{
	if (rc != -EBADMSG || !out->chars)
		return rc;
	*err = (struct err)ERR_NONE;
	return 0;
}

bool xml_attribute(
	const struct xml_attributes *attributes, const char *name, const char **value, size_t *len)
{
	for (size_t i = 0; i < attributes->count; i++) {
		const xmlChar **at = attributes->at + 5 * i;
		if (strcmp((const char *)at[0], name))
			continue;
		*value = (const char *)at[3];
		*len = (size_t)(at[4] - at[3]);
		return true;
	}
	return false;
}

static bool ends_in(const char *text, const char *end)
{
	size_t text_len = text ? strlen(text) : 0, len = strlen(end);

	return text_len >= len && !strcmp(text + text_len - len, end);
}

bool xml_attribute_in(const struct xml_attributes *attributes, const char *space, const char *name,
	const char **value, size_t *len)
{
	for (size_t i = 0; i < attributes->count; i++) {
		const xmlChar **at = attributes->at + 5 * i;
		if (strcmp((const char *)at[0], name) || !ends_in((const char *)at[2], space))
			continue;
		*value = (const char *)at[3];
		*len = (size_t)(at[4] - at[3]);
		return true;
	}
	return false;
}

/* As long as entities are not expanded, "&amp;" in a value arrives as "&#38;". */
static char *unescaped(const char *value, size_t len)
{
	static const char ampersand[] = "&#38;";
	char *copy = strndup(value, len), *to = copy;

	for (const char *from = copy; copy && *from; to++) {
		bool is_escape = !strncmp(from, ampersand, sizeof(ampersand) - 1);
		*to = *from;
		from += is_escape ? sizeof(ampersand) - 1 : 1;
	}
	if (to)
		*to = '\0';
	return copy;
}

char *xml_attribute_copy(const struct xml_attributes *attributes, const char *name)
{
	const char *value;
	size_t len;

	return xml_attribute(attributes, name, &value, &len) ? unescaped(value, len) : NULL;
}

char *xml_attribute_copy_in(
	const struct xml_attributes *attributes, const char *space, const char *name)
{
	const char *value;
	size_t len;

	return xml_attribute_in(attributes, space, name, &value, &len) ? unescaped(value, len)
								       : NULL;
}

bool xml_attribute_is(const struct xml_attributes *attributes, const char *name, const char *value)
{
	const char *found;
	size_t len;

	return xml_attribute(attributes, name, &found, &len) && len == strlen(value) &&
		!memcmp(found, value, len);
}

long xml_attribute_number(const struct xml_attributes *attributes, const char *name, long otherwise)
{
	AUTO_FREE char *value = xml_attribute_copy(attributes, name);
	char *end;

	if (!value)
		return otherwise;
	long number = strtol(value, &end, 10);
	return end == value ? otherwise : number;
}
