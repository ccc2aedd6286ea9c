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

static const struct format formats[] = {
	/* text */
	{"text/plain", plain_read, NULL},
	{"text/markdown", markdown_read, NULL},
	/* web */
	{"text/html", html_read, NULL},
	{"application/xhtml+xml", html_read, NULL},
	/* Office before 2007, and its kin */
	{"text/rtf", rtf_read, NULL},
	{"application/rtf", rtf_read, NULL},
	{"application/msword", word_read, NULL},
	{"application/vnd.ms-excel", excel_read, NULL},
	{"application/vnd.ms-powerpoint", powerpoint_read, NULL},
	{"application/vnd.ms-outlook", outlook_read, NULL},
	{"application/x-ole-storage", ole_read, NULL},
	{"application/CDFV2", ole_read, NULL},
	{"application/vnd.visio", NULL, NULL},
	{"application/vnd.ms-publisher", NULL, NULL},
	{"application/vnd.ms-works", NULL, NULL},
	{"application/x-msi", NULL, NULL},
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
