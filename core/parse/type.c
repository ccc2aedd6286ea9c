/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of document it is: the bytes decide. First come mails, calendars and contacts, which
 * are texts with a known beginning (text_kind.c), then what is known by a signature or by the
 * parts of its package (type_office.c), and libmagic has the last word. A text is told apart from
 * other texts by the file name's extension ("text/markdown", "text/csv"), which also says that
 * markup in it is meant as source; XML by its first element (type_markup.c). Where the bytes
 * say nothing, a name that promises text is believed (is_text_after_all).
 *
 * libmagic needs a millisecond, which would be most of the cost of a small file, so what can't
 * be anything else is not shown to it: a clean text (is_obvious), a PDF by its signature, a page
 * that begins as one and is called so. */
#include "core/parse/reader.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <magic.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/parse/format.h"
#include "core/parse/text_kind.h"
#include "core/parse/type_markup.h"
#include "core/text/utf8.h"

/* What libmagic is shown. */
#define MAGIC_HEAD_MAX ((size_t)256 << 10)

static magic_t database; /* loaded once; used by forked children, each with one thread */

/* Among texts. Where @is_source, markup inside does not make it a web page. */
static const struct extension {
	const char *name, *type;
	bool is_source;
} extensions[] = {
	{"txt", "text/plain", false},
	{"text", "text/plain", false},
	{"log", "text/plain", false},
	{"md", "text/markdown", true},
	{"markdown", "text/markdown", true},
	{"mdown", "text/markdown", true},
	{"mkd", "text/markdown", true},
	{"csv", "text/csv", true},
	{"tsv", "text/tab-separated-values", true},
	{"htm", "text/html", false},
	{"html", "text/html", false},
	{"xht", "application/xhtml+xml", false},
	{"xhtml", "application/xhtml+xml", false},
	{"tab", "text/tab-separated-values", true},
	{"json", "application/json", true},
	{"geojson", "application/json", true},
	{"topojson", "application/json", true},
	{"har", "application/json", true},
	{"webmanifest", "application/json", true},
	{"ipynb", "application/x-ipynb+json", true},
	{"jsonl", "application/jsonl", true},
	{"ndjson", "application/jsonl", true},
	{"xml", "text/xml", true},
	{"xsl", "text/xml", true},
	{"xslt", "text/xml", true},
	{"xsd", "text/xml", true},
	{"wsdl", "text/xml", true},
	{"opml", "text/xml", true},
	{"dbk", "text/xml", true},
	{"docbook", "text/xml", true},
	{"tei", "text/xml", true},
	{"kml", "text/xml", true},
	{"gpx", "text/xml", true},
	{"rdf", "text/xml", true},
	{"rss", "application/rss+xml", true},
	{"atom", "application/atom+xml", true},
	{"fb2", "application/x-fictionbook+xml", true},
	{"svg", "image/svg+xml", true},
	{"yaml", "application/yaml", true},
	{"yml", "application/yaml", true},
	{"toml", "application/toml", true},
	{"ini", "text/plain", true},
	{"conf", "text/plain", true},
	{"cfg", "text/plain", true},
	{"cnf", "text/plain", true},
	{"env", "text/plain", true},
	{"properties", "text/plain", true},
	{"rst", "text/x-rst", true},
	{"rest", "text/x-rst", true},
	{"adoc", "text/asciidoc", true},
	{"asciidoc", "text/asciidoc", true},
	{"org", "text/x-org", true},
	{"tex", "text/x-tex", true},
	{"latex", "text/x-tex", true},
	{"ltx", "text/x-tex", true},
	{"man", "text/troff", true},
	{"roff", "text/troff", true},
	{"mdoc", "text/troff", true},
	{"po", "text/x-gettext-translation", true},
	{"pot", "text/x-gettext-translation", true},
	{"css", "text/css", true},
	{"js", "text/javascript", true},
	{"mjs", "text/javascript", true},
	{"ts", "text/plain", true},
	{"jsx", "text/javascript", true},
	{"tsx", "text/plain", true},
	{"vue", "text/plain", true},
	{"php", "text/x-php", true},
	{"py", "text/x-python", true},
	{"rb", "text/x-ruby", true},
	{"sh", "text/x-shellscript", true},
	{"c", "text/x-c", true},
	{"h", "text/x-c", true},
	{"cc", "text/x-c++", true},
	{"cpp", "text/x-c++", true},
	{"hpp", "text/x-c++", true},
	{"java", "text/x-java", true},
	{"go", "text/x-go", true},
	{"rs", "text/x-rust", true},
	{"sql", "application/sql", true},
	{"srt", "application/x-subrip", true},
	{"vtt", "text/vtt", true},
};

/* Types outside text/ that are texts. */
static const char *const text_types[] = {"application/json", "application/xml",
	"application/javascript", "application/x-ndjson", "application/jsonl", "application/yaml",
	"application/toml", "application/sql", "application/x-sh", "application/x-shellscript",
	"application/x-perl", "application/x-tex", "application/x-latex", "application/x-subrip",
	"application/x-wine-extension-ini", "application/x-setupscript", "application/x-bat",
	"application/x-httpd-php", "application/x-yaml", "application/x-php", "application/pgp",
	"application/x-mswinurl", "application/x-desktop", "application/mbox", "message/rfc822",
	"message/news", "application/x-gettext-translation-po", "application/pgp-signature",
	"application/pgp-encrypted", "application/pgp-keys", "application/x-ruby",
	"application/x-awk", "application/x-c", "application/sgml", "application/xml-dtd",
	"application/csv", "application/rdf+xml", "application/atom+xml", "application/rss+xml",
	"image/svg+xml"};

/* The database stays a mapping of its file. In huge pages of our own it would save a child
 * 0.3 ms of page faults, for 8 MB of memory all the time. */
int type_prepare(struct err *err)
{
	database = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
	if (!database)
		return err_set(err, -ENOMEM, "libmagic cannot be started");
	if (magic_load(database, NULL))
		return err_set(err, -ENOENT, "libmagic: %s", magic_error(database));
	magic_buffer(database, "warm up\n", 8); /* what it sets up at first use, once for all */
	return 0;
}

static const struct extension *extension_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && dot != name && i < ARRAY_LEN(extensions); i++)
		if (!strcasecmp(dot + 1, extensions[i].name))
			return &extensions[i];
	return NULL;
}

static bool has_extension(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && dot[1] && !strchr(dot, ' ') && strlen(dot) <= 6;
}

/* Control characters that no text has. ESC, SO and SI belong to ISO-2022, ESC to terminals. */
static bool is_control(unsigned char c)
{
	return c < 0x20 && !(c >= '\t' && c <= 0x0f) && c != 0x1b;
}

static size_t count_controls(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += is_control((unsigned char)text[i]);
	return count;
}

static size_t leading_space(const char *text, size_t len)
{
	size_t i = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (i < len && isspace((unsigned char)text[i]))
		i++;
	return i;
}

/* How texts of a known format begin: these are shown to libmagic. */
static bool begins_a_format(const char *text, size_t len)
{
	static const char *const beginnings[] = {"<", "{\\rtf", "%PDF", "%!PS", "#!", "From ",
		"From:", "Return-Path:", "Received:", "MIME-Version:", "Message-ID:",
		"Delivered-To:", "Date:", "Subject:", "To:", "X-", "BEGIN:V", "-----BEGIN",
		"\\documentclass"};
	size_t at = leading_space(text, len);

	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
		size_t n = strlen(beginnings[i]);
		if (len - at >= n && !strncasecmp(text + at, beginnings[i], n))
			return true;
	}
	return false;
}

/* A small text that is wholly valid UTF-8 without a control character, does not begin as a
 * known format does, and calls itself plain text, Markdown or nothing: what libmagic could
 * say of it would change nothing. */
static bool is_obvious(const struct source *source, const struct extension *extension)
{
	bool is_named = extension &&
		(!strcmp(extension->type, "text/plain") ||
			!strcmp(extension->type, "text/markdown"));

	return source_is_all(source) && (is_named || !has_extension(source->name)) &&
		!begins_a_format(source->head, source->head_len) &&
		utf8_is_valid(source->head, source->head_len) &&
		!count_controls(source->head, source->head_len) &&
		!memchr(source->head, 0x1b, source->head_len);
}

/* An empty file is an empty text, whatever it is called. */
static bool is_empty(const char *type)
{
	return !strcmp(type, "inode/x-empty") || !strcmp(type, "application/x-empty");
}

static bool is_text_type(const char *type)
{
	if (!strcmp(type, "text/rtf"))
		return false; /* markup that needs a reader of its own */
	if (!strncmp(type, "text/", 5) || is_empty(type))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(text_types); i++)
		if (!strcmp(type, text_types[i]))
			return true;
	return false;
}

/* libmagic gives up on texts with a stray control character, and on UTF-16 that it does not
 * see; a name that promises text, or units of two bytes, speak for one. */
static bool is_text_after_all(const struct source *source, const struct extension *extension)
{
	size_t bom, len = source->head_len;

	if (charset_of_units(source->head, len, &bom))
		return true;
	size_t controls = count_controls(source->head, len);
	return extension ? controls <= len / 50 + 2
			 : controls == 0 && utf8_is_valid(source->head, len);
}

/* Text by name and by every byte, though it begins like something else: an article on
 * PostScript that begins with "%!PS", Russian in a DOS code page that looks like a program.
 * What libmagic gives a name of its own that is none of a text, the description of a printer or
 * a launcher, is one by its bytes, unless they are drawings. */
static bool is_clean_text(
	const struct source *source, const char *name, const struct extension *extension)
{
	bool is_drawing = !strncmp(name, "image/", 6) || strstr(name, "postscript");

	return (extension || (!is_drawing && utf8_is_valid(source->head, source->head_len))) &&
		(source->head_len < 5 || memcmp(source->head, "{\\rtf", 5)) &&
		!count_controls(source->head, source->head_len);
}

static bool is_html_tag(const char *text, size_t len)
{
	size_t at = leading_space(text, len);
	const char *begin = text + at, *end = text + (len - at < 1024 ? len : at + 1024);

	if (begin == end || *begin != '<')
		return false;
	for (const char *p = begin; p + 5 <= end; p++)
		if (!strncasecmp(p, "<html", 5))
			return true;
	return false;
}

static bool begins_with_tag(const struct source *source)
{
	size_t bom, at = leading_space(source->head, source->head_len);

	return charset_of_units(source->head, source->head_len, &bom) ||
		(at < source->head_len && source->head[at] == '<');
}

/* A text that shows markup further down is a text about it; so is one called a text whose first
 * tag is none of HTML: a log's "<user> hello", a parser's tree. */
static bool begins_as_html(const struct source *source, const struct extension *extension)
{
	static const char *const tags[] = {"!--", "!doctype", "?xml", "html", "head", "body",
		"title", "meta", "link", "base", "style", "script", "div", "p", "span", "table",
		"center", "font", "a", "b", "i", "br", "hr", "h1", "h2", "h3", "h4", "ul", "ol",
		"dl", "pre", "img", "form", "main", "article", "section", "header", "nav"};
	size_t bom, at = leading_space(source->head, source->head_len);

	if (!begins_with_tag(source))
		return false;
	if (!extension || strcmp(extension->type, "text/plain") != 0 ||
		charset_of_units(source->head, source->head_len, &bom))
		return true;
	const char *tag = source->head + at + 1;
	size_t left = source->head_len - at - 1, len = 0;
	while (len < left && !strchr(" \t\r\n/>", tag[len]) && len < 9)
		len++;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		size_t n = strlen(tags[i]);
		if ((len == n || (n <= len && i == 0)) && !strncasecmp(tag, tags[i], n))
			return true;
	}
	return false;
}

static struct type text_type(
	const struct source *source, const char *magic, const struct extension *extension)
{
	bool is_html = (strstr(magic, "html") && begins_as_html(source, extension)) ||
		(strstr(magic, "xml") && is_html_tag(source->head, source->head_len));

	if (extension && (extension->is_source || !is_html))
		magic = extension->type;
	else if (is_html)
		magic = strstr(magic, "html") ? magic : "application/xhtml+xml";
	else if (strstr(magic, "html"))
		magic = "text/plain";
	if (is_empty(magic))
		magic = "text/plain";
	if (strstr(magic, "xml") && begins_with_tag(source)) {
		const char *kind = type_of_markup(source);
		magic = kind ? kind : magic;
	}
	const struct format *format = format_find(magic);
	return (struct type){
		magic, format ? format->read : plain_read, format ? format->needs : NULL};
}

static bool is_unknown(const char *magic)
{
	return !magic || !strcmp(magic, "application/octet-stream");
}

/* A zip behind something else, a program that unpacks it as a rule, is known by its end. */
static bool is_zip_inside(const struct source *source, const char *magic)
{
	char tail[512];

	if (!is_unknown(magic))
		return false;
	uint64_t at = source->size > sizeof(tail) ? source->size - sizeof(tail) : 0;
	ssize_t len = source_read(source, tail, sizeof(tail), at);
	return len > 0 && memmem(tail, (size_t)len, "PK\5\6", 4);
}

/* Programs that read PDF look for its signature in the first kilobyte: what a download or a
 * printer put in front does no harm. So do we, where nothing else is known of the bytes. */
static bool is_late_pdf(const struct source *source, const char *magic)
{
	const char *dot = strrchr(source->name, '.');
	bool is_named = dot && !strcasecmp(dot, ".pdf");
	size_t len = source->head_len < 1024 ? source->head_len : 1024;

	return (is_named || is_unknown(magic)) && memmem(source->head, len, "%PDF-", 5);
}

/* The type by the bytes; what libmagic could only confirm is not shown to it. */
static const char *type_of_bytes(const struct source *source, const struct extension *extension)
{
	size_t len = source->head_len;

	if (is_obvious(source, extension))
		return "text/plain";
	if (len >= 5 && !memcmp(source->head, "%PDF-", 5))
		return "application/pdf";
	size_t begin = leading_space(source->head, len);
	if (len - begin >= 5 && !memcmp(source->head + begin, "{\\rtf", 5))
		return "text/rtf";
	const char *ole = ole_type(source);
	if (ole)
		return ole;
	if (len >= 16 && !memcmp(source->head, "SQLite format 3", 16))
		return "application/vnd.sqlite3";
	if (extension && !strcmp(extension->type, "text/html") && is_html_tag(source->head, len))
		return "text/html";
	const char *office = type_of_office(source);
	if (office)
		return office;
	const char *magic =
		magic_buffer(database, source->head, len < MAGIC_HEAD_MAX ? len : MAGIC_HEAD_MAX);
	/* EPUB is known by its first part, which not every program puts there. */
	const char *dot = strrchr(source->name, '.');
	if (magic && dot && !strcasecmp(dot, ".epub") && !strcmp(magic, "application/zip"))
		return "application/epub+zip";
	if (is_late_pdf(source, magic))
		return "application/pdf";
	if (is_zip_inside(source, magic))
		return "application/zip";
	if (len > 10 && !memcmp(source->head, "ID3", 3) && is_unknown(magic))
		return "audio/mpeg";
	/* A TGA image has no mark of its own: what libmagic takes for one may be anything. */
	return magic && strcmp(magic, "image/x-tga") ? magic : "application/octet-stream";
}

/* What text_kind did not see as a mail quotes one. */
static const char *without_mail(const char *name)
{
	return !strncmp(name, "message/", 8) || !strcmp(name, "application/mbox") ? "text/plain"
										  : name;
}

struct type type_detect(const struct source *source)
{
	const struct extension *extension = extension_of(source->name);
	const char *kind = text_kind(source->head, source->head_len, source->name);
	const char *name = kind ? kind : without_mail(type_of_bytes(source, extension));
	const struct format *format = format_find(name);

	if (kind && format)
		return (struct type){name, format->read, format->needs};

	if (format && !is_text_type(name))
		return (struct type){name, format->read, format->needs};
	if (is_text_type(name))
		return text_type(source, name, extension);
	if ((is_unknown(name) || is_clean_text(source, name, extension)) &&
		is_text_after_all(source, extension))
		return text_type(source, "text/plain", extension);
	return (struct type){name, NULL, NULL};
}
