/* SPDX-License-Identifier: Apache-2.0 */
/* One table, a line a type, grouped by kind. What libmagic calls one format by several names
 * stands here by each of them. Readers that need a library which may be missing are named by
 * WITH_…: without it the type is known, and the document says which package would help. */
#include "core/parse/format.h"

#include <string.h>

#include "core/auto.h"

#ifdef HAVE_GMIME
#define WITH_GMIME(reader) reader, NULL
#else
#define WITH_GMIME(reader) NULL, "libgmime-3.0-dev"
#endif
#ifdef HAVE_GSF
#define WITH_GSF(reader) reader, NULL
#else
#define WITH_GSF(reader) NULL, "libgsf-1-dev"
#endif

static const struct format formats[] = {
	/* text */
	{"text/plain", plain_read, NULL},
	{"text/markdown", markdown_read, NULL},
	/* web */
	{"text/html", html_read, NULL},
	{"application/xhtml+xml", html_read, NULL},
	{"application/rss+xml", feed_read, NULL},
	{"application/atom+xml", feed_read, NULL},
	{"application/rdf+xml", feed_read, NULL},
	/* data */
	{"text/csv", csv_read, NULL},
	{"application/csv", csv_read, NULL},
	{"text/tab-separated-values", csv_read, NULL},
	{"application/json", json_read, NULL},
	{"application/jsonl", jsonl_read, NULL},
	{"application/x-ndjson", jsonl_read, NULL},
	{"application/x-ipynb+json", notebook_read, NULL},
	{"text/xml", xml_read, NULL},
	{"application/xml", xml_read, NULL},
	{"image/svg+xml", svg_read, NULL},
	{"application/vnd.sqlite3", sqlite_read, NULL},
	{"application/x-sqlite3", sqlite_read, NULL},
	/* books */
	{"application/epub+zip", epub_read, NULL},
	{"application/x-fictionbook+xml", fb2_read, NULL},
	/* markup that is read as text */
	{"text/x-rst", rst_read, NULL},
	{"text/asciidoc", asciidoc_read, NULL},
	{"text/x-org", org_read, NULL},
	{"text/x-tex", latex_read, NULL},
	{"application/x-tex", latex_read, NULL},
	{"application/x-latex", latex_read, NULL},
	{"text/troff", man_read, NULL},
	{"application/x-subrip", subtitles_read, NULL},
	{"text/vtt", subtitles_read, NULL},
	{"text/x-gettext-translation", po_read, NULL},
	{"application/x-gettext-translation-po", po_read, NULL},
	{"text/x-po", po_read, NULL},
	/* PDF */
	{"application/pdf", pdf_read, NULL},
};

const struct format *format_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!strcmp(type, formats[i].type))
			return &formats[i];
	return NULL;
}
