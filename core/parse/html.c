/* SPDX-License-Identifier: Apache-2.0 */
/* HTML, by libxml2's parser as a stream of events: no tree is built, so that depth costs
 * nothing here and memory is that of the document in UTF-8.
 *
 * Text gathers in a line; what separates lines (a block's edge, a table cell) is only noted,
 * the strongest wins, and it is written when the next text comes. So nested blocks do not
 * pile up empty lines, and "<td><p>a</p></td><td><p>b</p></td>" is "a | b". */
#include "core/parse/reader.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/text/utf8.h"

#define LINE_MAX_BYTES	((size_t)64 << 10) /* longer lines go out in parts */
#define TITLE_MAX_BYTES ((size_t)4 << 10)
#define DOCUMENT_MAX	((size_t)1 << 30)

/* In order of strength. */
enum separator { SEPARATE_NOT, SEPARATE_SPACE, SEPARATE_LINE, SEPARATE_PARAGRAPH, SEPARATE_CELL };

/* What an element means to us. */
enum role {
	ROLE_BLOCK = 1, /* stands in a paragraph of its own */
	ROLE_LINE, /* begins a line */
	ROLE_BREAK,
	ROLE_HEADING,
	ROLE_ROW,
	ROLE_CELL,
	ROLE_PRE,
	ROLE_DROP, /* with all that is inside */
	ROLE_TITLE,
	ROLE_META,
	ROLE_HTML
};

static const struct {
	const char *name;
	enum role role;
} roles[] = {
	{"address", ROLE_BLOCK},
	{"article", ROLE_BLOCK},
	{"aside", ROLE_BLOCK},
	{"blockquote", ROLE_BLOCK},
	{"body", ROLE_BLOCK},
	{"br", ROLE_BREAK},
	{"caption", ROLE_BLOCK},
	{"center", ROLE_BLOCK},
	{"dd", ROLE_LINE},
	{"details", ROLE_BLOCK},
	{"div", ROLE_BLOCK},
	{"dl", ROLE_BLOCK},
	{"dt", ROLE_LINE},
	{"fieldset", ROLE_BLOCK},
	{"figcaption", ROLE_BLOCK},
	{"figure", ROLE_BLOCK},
	{"footer", ROLE_BLOCK},
	{"form", ROLE_BLOCK},
	{"h1", ROLE_HEADING},
	{"h2", ROLE_HEADING},
	{"h3", ROLE_HEADING},
	{"h4", ROLE_HEADING},
	{"h5", ROLE_HEADING},
	{"h6", ROLE_HEADING},
	{"header", ROLE_BLOCK},
	{"hr", ROLE_BLOCK},
	{"html", ROLE_HTML},
	{"legend", ROLE_BLOCK},
	{"li", ROLE_LINE},
	{"main", ROLE_BLOCK},
	{"meta", ROLE_META},
	{"nav", ROLE_BLOCK},
	{"noscript", ROLE_DROP},
	{"ol", ROLE_BLOCK},
	{"option", ROLE_LINE},
	{"p", ROLE_BLOCK},
	{"pre", ROLE_PRE},
	{"script", ROLE_DROP},
	{"section", ROLE_BLOCK},
	{"style", ROLE_DROP},
	{"summary", ROLE_LINE},
	{"table", ROLE_BLOCK},
	{"td", ROLE_CELL},
	{"template", ROLE_DROP},
	{"textarea", ROLE_PRE},
	{"th", ROLE_CELL},
	{"title", ROLE_TITLE},
	{"tr", ROLE_ROW},
	{"ul", ROLE_BLOCK},
};

struct html {
	struct out *out;
	xmlParserCtxtPtr parser;
	struct buf line; /* text since the last separator, white space collapsed */
	struct buf title; /* text of the first <title> */
	cJSON *metadata;
	enum separator pending;
	uint32_t heading; /* level of the heading we are in, or 0 */
	unsigned dropping; /* elements of ROLE_DROP that are open */
	unsigned pre; /* elements of ROLE_PRE that are open */
	bool has_cell; /* the row has one already */
	bool is_cell_start; /* no text in the cell yet: a block's edge there separates nothing */
	bool has_text; /* something was written */
	bool in_title, has_title;
	bool ends_in_space; /* white space waits to be written between words */
};

static enum role role_of(const xmlChar *name)
{
	size_t low = 0, high = ARRAY_LEN(roles);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcasecmp((const char *)name, roles[middle].name);
		if (order == 0)
			return roles[middle].role;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

/* Write the line, with its mark if it is a heading. */
static void flush_line(struct html *html)
{
	static const char *const separators[] = {"", " ", "\n", "\n\n", " | "};
	struct out *out = html->out;

	if (!html->line.len)
		return;
	if (html->has_text && html->pending)
		out_text(out, separators[html->pending], strlen(separators[html->pending]));
	html->pending = SEPARATE_NOT;
	html->is_cell_start = false;
	if (html->heading)
		out_mark(out, MARK_HEADING, html->heading, out->chars,
			out->chars + out_count(html->line.data, html->line.len));
	out_text(out, html->line.data, html->line.len);
	html->has_text = true;
	buf_clear(&html->line);
	if (out->failed && html->parser)
		xmlStopParser(html->parser);
}

static void separate(struct html *html, enum separator separator)
{
	flush_line(html);
	html->ends_in_space = false;
	if (separator > html->pending && !html->is_cell_start)
		html->pending = separator;
}

static void begin_cell(struct html *html)
{
	if (!html->has_cell) {
		separate(html, SEPARATE_LINE);
		html->has_cell = true;
	} else {
		flush_line(html);
		html->ends_in_space = false;
		html->pending = SEPARATE_CELL;
	}
	html->is_cell_start = true;
}

/* A row begins or ends: a cell's separator that no text has used is void. */
static void begin_row(struct html *html)
{
	flush_line(html);
	html->ends_in_space = false;
	if (html->pending == SEPARATE_CELL)
		html->pending = SEPARATE_LINE;
	html->is_cell_start = false;
	separate(html, SEPARATE_LINE);
	html->has_cell = false;
}

static const char *attribute(const xmlChar **attributes, const char *name)
{
	for (; attributes && attributes[0]; attributes += 2)
		if (attributes[1] && !strcasecmp((const char *)attributes[0], name))
			return (const char *)attributes[1];
	return NULL;
}

static void add_metadata(struct html *html, const char *name, const char *value)
{
	if (value && *value && strlen(value) <= 1024 &&
		!cJSON_HasObjectItem(html->metadata, name) && utf8_is_valid(value, strlen(value)))
		cJSON_AddStringToObject(html->metadata, name, value);
}

static void add_meta(struct html *html, const xmlChar **attributes)
{
	static const char *const wanted[] = {"author", "description", "keywords", "date"};
	const char *name = attribute(attributes, "name");

	for (size_t i = 0; name && i < ARRAY_LEN(wanted); i++)
		if (!strcasecmp(name, wanted[i]))
			add_metadata(html, wanted[i], attribute(attributes, "content"));
}

static void begin_heading(struct html *html, const xmlChar *name)
{
	separate(html, SEPARATE_PARAGRAPH);
	html->heading = (uint32_t)(name[1] - '0');
}

static void start_element(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct html *html = context;
	enum role role = role_of(name);

	if (role == ROLE_DROP)
		html->dropping++;
	if (html->dropping)
		return;
	switch (role) {
	case ROLE_PRE: html->pre++; /* fall through */
	case ROLE_BLOCK: separate(html, SEPARATE_PARAGRAPH); break;
	case ROLE_BREAK:
	case ROLE_LINE: separate(html, SEPARATE_LINE); break;
	case ROLE_HEADING: begin_heading(html, name); break;
	case ROLE_ROW: begin_row(html); break;
	case ROLE_CELL: begin_cell(html); break;
	case ROLE_TITLE: html->in_title = true; break;
	case ROLE_META: add_meta(html, attributes); break;
	case ROLE_HTML: add_metadata(html, "language", attribute(attributes, "lang")); break;
	default: break;
	}
}

static void end_element(void *context, const xmlChar *name)
{
	struct html *html = context;
	enum role role = role_of(name);

	if (role == ROLE_DROP && html->dropping)
		html->dropping--;
	if (html->dropping)
		return;
	switch (role) {
	case ROLE_PRE:
		separate(html, SEPARATE_PARAGRAPH);
		html->pre -= html->pre > 0;
		break;
	case ROLE_HEADING:
	case ROLE_BLOCK: separate(html, SEPARATE_PARAGRAPH); break;
	case ROLE_LINE: separate(html, SEPARATE_LINE); break;
	case ROLE_ROW: begin_row(html); break;
	case ROLE_TITLE:
		html->has_title = html->has_title || html->title.len;
		html->in_title = false;
		break;
	default: break;
	}
	if (role == ROLE_HEADING)
		html->heading = 0;
}

/* A line beyond the ceiling goes out as far as it is, as text. */
static void add_word(struct html *html, const char *utf8, size_t len)
{
	if (html->line.len + len + 1 > LINE_MAX_BYTES) {
		uint32_t heading = html->heading;
		html->heading = 0;
		flush_line(html);
		html->heading = heading;
	}
	if (html->ends_in_space && (html->line.len || (html->has_text && !html->pending)))
		buf_addc(&html->line, ' ');
	html->ends_in_space = false;
	while (len > LINE_MAX_BYTES - 1) {
		size_t part = LINE_MAX_BYTES - 4;
		while ((utf8[part] & 0xc0) == 0x80)
			part--;
		buf_add(&html->line, utf8, part);
		flush_line(html);
		utf8 += part;
		len -= part;
	}
	buf_add(&html->line, utf8, len);
}

static size_t space_at(const char *at, const char *end)
{
	if (strchr(" \t\n\r\f", *at) && *at)
		return 1;
	return end - at >= 2 && !memcmp(at, "\xc2\xa0", 2) ? 2 : 0;
}

static void add_words(struct html *html, const char *at, const char *end)
{
	while (at < end) {
		size_t space = space_at(at, end);
		if (space) {
			html->ends_in_space = true;
			at += space;
			continue;
		}
		const char *word = at;
		while (at < end && !space_at(at, end))
			at++;
		add_word(html, word, (size_t)(at - word));
	}
}

static void add_preformatted(struct html *html, const char *at, const char *end)
{
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline + 1 : end;
		add_word(html, at, (size_t)(stop - at));
		at = stop;
	}
}

static void characters(void *context, const xmlChar *text, int len)
{
	struct html *html = context;
	const char *at = (const char *)text;

	if (html->dropping)
		return;
	if (html->in_title) {
		if (!html->has_title && (size_t)len < TITLE_MAX_BYTES - html->title.len)
			buf_add(&html->title, at, (size_t)len);
		return;
	}
	if (html->pre)
		add_preformatted(html, at, at + len);
	else
		add_words(html, at, at + len);
}

/* NUL would end the page for libxml2. */
static int gather(void *context, const char *utf8, size_t len)
{
	int rc = 0;

	while (!rc && len) {
		const char *nul = memchr(utf8, 0, len);
		size_t part = nul ? (size_t)(nul - utf8) : len;
		rc = utf8_sanitize(utf8, part, context);
		part += nul != NULL;
		utf8 += part;
		len -= part;
	}
	return rc;
}

static void silent(void *context, const char *format, ...)
{
	(void)context, (void)format;
}

static int parse(struct html *html, const struct buf *document)
{
	static htmlSAXHandler handler = {
		.startElement = start_element,
		.endElement = end_element,
		.characters = characters,
		.cdataBlock = NULL,
		.ignorableWhitespace = characters,
		.warning = silent,
		.error = silent,
		.fatalError = silent,
	};

	htmlParserCtxtPtr parser = htmlCreateMemoryParserCtxt(document->data, (int)document->len);
	if (!parser)
		return -ENOMEM;
	htmlCtxtUseOptions(parser,
		HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
			HTML_PARSE_IGNORE_ENC);
	xmlSwitchEncoding(parser, XML_CHAR_ENCODING_UTF8);
	*parser->sax = handler;
	parser->userData = html;
	html->parser = parser;
	htmlParseDocument(parser);
	int rc = html->line.failed;
	if (parser->disableSAX && !html->out->failed) /* it gave up before the end */
		rc = parser->errNo == XML_ERR_NO_MEMORY ? -ENOMEM : -EBADMSG;
	htmlFreeParserCtxt(parser);
	html->parser = NULL;
	return rc;
}

static void finish(struct html *html)
{
	flush_line(html);
	if (html->title.len)
		out_field(html->out, FIELD_TITLE, html->title.data, html->title.len);
	AUTO_FREE char *json =
		cJSON_GetArraySize(html->metadata) ? cJSON_PrintUnformatted(html->metadata) : NULL;
	if (json)
		out_field(html->out, FIELD_METADATA, json, strlen(json));
}

int html_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_BUF struct buf document;
	struct html html = {.out = out, .metadata = cJSON_CreateObject()};
	size_t skip = 0;

	buf_init(&document, DOCUMENT_MAX);
	buf_init(&html.line, LINE_MAX_BYTES * 2);
	buf_init(&html.title, TITLE_MAX_BYTES);
	const char *charset =
		charset_of_page(source->head, source->head_len, source_is_all(source), &skip);
	out_field(out, FIELD_CHARSET, charset, strlen(charset));
	int rc = source_each(source, charset, skip, gather, &document, err);
	if (!rc && document.len && (rc = parse(&html, &document)))
		err_set(err, rc, "the page cannot be read to its end: %s", strerror(-rc));
	finish(&html);
	buf_release(&html.line);
	buf_release(&html.title);
	cJSON_Delete(html.metadata);
	return rc ? rc : out->failed;
}
