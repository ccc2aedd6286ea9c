/* SPDX-License-Identifier: Apache-2.0 */
/* HTML, by libxml2's parser as a stream of events: no tree is built, so that depth costs
 * nothing here and memory is that of the document in UTF-8. */
#include "core/parse/readers/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/parse/reader.h"
#include "core/text/utf8.h"

#define TITLE_MAX_BYTES ((size_t)4 << 10)
#define DOCUMENT_MAX	((size_t)1 << 30)

/* What an element means to us. */
enum role {
	ROLE_BLOCK = 1, /* stands in a paragraph of its own */
	ROLE_LINE, /* begins a line */
	ROLE_BREAK,
	ROLE_HEADING,
	ROLE_TABLE,
	ROLE_ROW,
	ROLE_CELL,
	ROLE_PRE,
	ROLE_DROP, /* with all that is inside */
	ROLE_TITLE,
	ROLE_META,
	ROLE_HTML,
	ROLE_HEAD, /* of a table */
	ROLE_IMAGE,
	ROLE_SPACE
};

static const struct {
	const char *name;
	enum role role;
} roles[] = {
	{"address", ROLE_BLOCK},
	{"annotation", ROLE_DROP}, /* of a formula: the same once more */
	{"annotation-xml", ROLE_DROP},
	{"area", ROLE_IMAGE},
	{"article", ROLE_BLOCK},
	{"aside", ROLE_BLOCK},
	{"blockquote", ROLE_BLOCK},
	{"body", ROLE_BLOCK},
	{"br", ROLE_BREAK},
	{"caption", ROLE_BLOCK},
	{"center", ROLE_BLOCK},
	{"datalist", ROLE_DROP},
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
	{"img", ROLE_IMAGE},
	{"legend", ROLE_BLOCK},
	{"li", ROLE_LINE},
	{"main", ROLE_BLOCK},
	{"meta", ROLE_META},
	{"nav", ROLE_BLOCK},
	{"noscript", ROLE_DROP},
	{"ol", ROLE_BLOCK},
	{"option", ROLE_SPACE},
	{"p", ROLE_BLOCK},
	{"pre", ROLE_PRE},
	{"script", ROLE_DROP},
	{"section", ROLE_BLOCK},
	{"style", ROLE_DROP},
	{"summary", ROLE_LINE},
	{"table", ROLE_TABLE},
	{"td", ROLE_CELL},
	{"template", ROLE_DROP},
	{"textarea", ROLE_PRE},
	{"th", ROLE_CELL},
	{"thead", ROLE_HEAD},
	{"title", ROLE_TITLE},
	{"tr", ROLE_ROW},
	{"ul", ROLE_BLOCK},
};

struct html {
	struct flow *flow;
	xmlParserCtxtPtr parser;
	struct buf *title; /* text of the first <title>; may be NULL */
	struct meta *meta; /* may be NULL */
	unsigned dropping; /* elements of ROLE_DROP that are open */
	const char *hidden; /* name of the hidden element that is open, or NULL */
	unsigned hidden_depth; /* elements of that name, itself included */
	unsigned pre; /* elements of ROLE_PRE that are open */
	size_t title_len; /* of what went into it */
	bool in_title, has_title;
	bool in_head; /* of a table: cells of any kind name its columns */
	struct buf other_title; /* what a page that has no <title> calls itself elsewhere */
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

static const char *attribute(const xmlChar **attributes, const char *name)
{
	for (; attributes && attributes[0]; attributes += 2)
		if (attributes[1] && !strcasecmp((const char *)attributes[0], name))
			return (const char *)attributes[1];
	return NULL;
}

/* Names that pages use for what they say of themselves: HTML's own, Dublin Core's, Open Graph's. */
static const struct {
	const char *name, *meta;
	bool is_date;
} metas[] = {
	{"author", "author", false},
	{"dc.creator", "author", false},
	{"dcterms.creator", "author", false},
	{"article:author", "author", false},
	{"description", "description", false},
	{"og:description", "description", false},
	{"dc.description", "description", false},
	{"keywords", "keywords", false},
	{"dc.subject", "subject", false},
	{"dc.publisher", "publisher", false},
	{"dc.language", "language", false},
	{"date", "created", true},
	{"dc.date", "created", true},
	{"dcterms.created", "created", true},
	{"article:published_time", "created", true},
	{"dcterms.modified", "modified", true},
	{"article:modified_time", "modified", true},
	{"last-modified", "modified", true},
};

static void add_meta(struct html *html, const xmlChar **attributes)
{
	const char *name = attribute(attributes, "name");
	const char *content = attribute(attributes, "content");

	if (!name)
		name = attribute(attributes, "property");
	if (!name || !content)
		return;
	bool is_title = !strcasecmp(name, "og:title") || !strcasecmp(name, "dc.title");
	if (is_title && !html->other_title.len)
		buf_adds(&html->other_title, content);
	for (size_t i = 0; html->meta && i < ARRAY_LEN(metas); i++) {
		if (strcasecmp(name, metas[i].name) != 0)
			continue;
		if (metas[i].is_date)
			meta_add_date(html->meta, metas[i].meta, content);
		else
			meta_add(html->meta, metas[i].meta, content);
	}
}

/* Hidden from everybody; "until-found" is not. A page that is hidden as a whole waits for a
 * script. So are links past the navigation, which only screen readers show. */
static bool is_hidden(const xmlChar *name, const xmlChar **attributes)
{
	const char *how = NULL, *class = attribute(attributes, "class");
	const char *href = attribute(attributes, "href");
	bool is_there = false;

	for (const xmlChar **at = attributes; at && at[0]; at += 2) {
		is_there = is_there || !strcasecmp((const char *)at[0], "hidden");
		if (!strcasecmp((const char *)at[0], "hidden"))
			how = (const char *)at[1];
	}
	if (!strcasecmp((const char *)name, "a") && href && *href == '#' && class &&
		strstr(class, "skip"))
		return true;
	return is_there && (!how || strcasecmp(how, "until-found") != 0) &&
		strcasecmp((const char *)name, "body") != 0 &&
		strcasecmp((const char *)name, "html") != 0;
}

static void add_image(struct html *html, const xmlChar **attributes)
{
	const char *alt = attribute(attributes, "alt");

	if (!alt || !*alt)
		return;
	flow_space(html->flow);
	flow_words(html->flow, alt, strlen(alt));
	flow_space(html->flow);
}

/* The rows of <thead> are a table's header; else the first row, as far as it holds nothing but
 * <th>. */
static void begin_cell(struct html *html, const xmlChar *name, const xmlChar **attributes)
{
	const char *span = attribute(attributes, "colspan");
	unsigned long columns = span ? strtoul(span, NULL, 10) : 1;

	if (!html->in_head && !strcasecmp((const char *)name, "td"))
		flow_row_is_plain(html->flow);
	flow_cell(html->flow, columns >= 1 && columns <= 1000 ? (unsigned)columns : 1);
}

static void begin_element(
	struct html *html, enum role role, const xmlChar *name, const xmlChar **attributes)
{
	switch (role) {
	case ROLE_PRE: html->pre++; /* fall through */
	case ROLE_BLOCK: flow_paragraph(html->flow); break;
	case ROLE_BREAK:
		if (flow_in_named_cell(html->flow))
			flow_space(html->flow);
		else
			flow_line(html->flow);
		break;
	case ROLE_LINE: flow_line(html->flow); break;
	case ROLE_SPACE: flow_space(html->flow); break;
	case ROLE_IMAGE: add_image(html, attributes); break;
	case ROLE_HEAD: html->in_head = true; break;
	case ROLE_HEADING: flow_heading(html->flow, (uint32_t)(name[1] - '0')); break;
	case ROLE_TABLE: flow_table(html->flow); break;
	case ROLE_ROW: flow_row(html->flow, true); break;
	case ROLE_CELL: begin_cell(html, name, attributes); break;
	case ROLE_TITLE: html->in_title = true; break;
	case ROLE_META: add_meta(html, attributes); break;
	case ROLE_HTML:
		if (html->meta)
			meta_add(html->meta, "language", attribute(attributes, "lang"));
		break;
	default: break;
	}
}

static void start_element(void *context, const xmlChar *name, const xmlChar **attributes)
{
	struct html *html = context;
	enum role role = role_of(name);

	if (role == ROLE_DROP)
		html->dropping++;
	if (html->hidden && !strcmp((const char *)name, html->hidden))
		html->hidden_depth++;
	if (html->dropping || html->hidden)
		return;
	if (is_hidden(name, attributes)) {
		html->hidden = (const char *)name; /* of the parser's dictionary */
		html->hidden_depth = 1;
		return;
	}
	begin_element(html, role, name, attributes);
}

static void end_element(void *context, const xmlChar *name)
{
	struct html *html = context;
	enum role role = role_of(name);

	if (role == ROLE_DROP && html->dropping)
		html->dropping--;
	if (html->hidden && !strcmp((const char *)name, html->hidden) &&
		--html->hidden_depth == 0) {
		html->hidden = NULL;
		return;
	}
	if (html->dropping || html->hidden)
		return;
	switch (role) {
	case ROLE_PRE:
		flow_paragraph(html->flow);
		html->pre -= html->pre > 0;
		break;
	case ROLE_HEADING: flow_heading_end(html->flow); break;
	case ROLE_BLOCK: flow_paragraph(html->flow); break;
	case ROLE_LINE: flow_line(html->flow); break;
	case ROLE_TABLE: flow_table_end(html->flow); break;
	case ROLE_ROW: flow_row_end(html->flow); break;
	case ROLE_SPACE: flow_space(html->flow); break;
	case ROLE_HEAD: html->in_head = false; break;
	case ROLE_TITLE:
		html->has_title = html->has_title || html->title_len;
		html->in_title = false;
		break;
	default: break;
	}
}

static void characters(void *context, const xmlChar *text, int len)
{
	struct html *html = context;
	const char *at = (const char *)text;

	if (flow_failed(html->flow))
		xmlStopParser(html->parser);
	if (html->dropping || html->hidden)
		return;
	if (html->in_title) {
		if (html->title && !html->has_title &&
			(size_t)len < TITLE_MAX_BYTES - html->title_len) {
			buf_add(html->title, at, (size_t)len);
			html->title_len += (size_t)len;
		}
		return;
	}
	if (html->pre)
		flow_preformatted(html->flow, at, (size_t)len);
	else
		flow_words(html->flow, at, (size_t)len);
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
	int rc = 0;
	if (parser->disableSAX && !flow_failed(html->flow)) /* it gave up before the end */
		rc = parser->errNo == XML_ERR_NO_MEMORY ? -ENOMEM : -EBADMSG;
	htmlFreeParserCtxt(parser);
	html->parser = NULL;
	return rc;
}

/* @document: the page in UTF-8. */
static int parse_into(struct flow *flow, const struct buf *document, const struct html_page *page,
	struct err *err)
{
	struct html html = {.flow = flow, .title = page->title, .meta = page->meta};
	unsigned depth = flow->table_depth;
	int rc = 0;

	buf_init(&html.other_title, TITLE_MAX_BYTES);
	flow_paragraph(flow);
	if (document->len && (rc = parse(&html, document)))
		err_set(err, rc, "the page cannot be read to its end: %s", strerror(-rc));
	if (flow->heading)
		flow_heading_end(flow);
	while (flow->table_depth > depth)
		flow_table_end(flow);
	flow_paragraph(flow);
	if (html.title && !html.title_len && html.other_title.len)
		buf_add(html.title, html.other_title.data, html.other_title.len);
	buf_release(&html.other_title);
	return rc ? rc : flow_failed(flow);
}

static int convert(const char *data, size_t len, const char *charset, struct buf *document)
{
	struct charset_stream *stream;

	if (!strcmp(charset, "UTF-8"))
		return gather(document, data, len);
	AUTO_BUF struct buf utf8;
	buf_init(&utf8, DOCUMENT_MAX);
	int rc = charset_stream_new(&stream, charset);
	if (rc)
		return rc;
	rc = charset_stream_add(stream, data, len, true, &utf8);
	charset_stream_free(stream);
	return rc || !utf8.len ? rc : gather(document, utf8.data, utf8.len);
}

int html_flow(struct flow *flow, const char *data, size_t len, const struct html_page *page,
	struct err *err)
{
	static const struct html_page nothing_known;
	AUTO_BUF struct buf document;
	size_t skip = 0;

	page = page ? page : &nothing_known;
	buf_init(&document, DOCUMENT_MAX);
	const char *charset = charset_of_units(data, len, &skip);
	if (!skip) /* no byte order mark, which would be surer */
		charset = page->charset ? charset_find(page->charset) : NULL;
	if (!charset)
		charset = charset_of_page(data, len, true, &skip);
	int rc = convert(data + skip, len - skip, charset, &document);
	if (rc)
		return err_set(
			err, rc, "the page cannot be read as %s: %s", charset, strerror(-rc));
	return parse_into(flow, &document, page, err);
}

int html_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_BUF struct buf document, title;
	AUTO_META struct meta meta;
	struct flow flow;
	size_t skip = 0;

	meta_init(&meta);
	flow_init(&flow, out);
	buf_init(&document, DOCUMENT_MAX);
	buf_init(&title, TITLE_MAX_BYTES);
	const char *charset =
		charset_of_page(source->head, source->head_len, source_is_all(source), &skip);
	out_field(out, FIELD_CHARSET, charset, strlen(charset));
	int rc = source_each(source, charset, skip, gather, &document, err);
	if (!rc)
		rc = parse_into(
			&flow, &document, &(struct html_page){.title = &title, .meta = &meta}, err);
	int failed = flow_finish(&flow);
	if (title.len)
		out_field(out, FIELD_TITLE, title.data, title.len);
	meta_send(&meta, out);
	return rc ? rc : failed;
}
