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

#define OOXML "application/vnd.openxmlformats-officedocument."
#define ODF   "application/vnd.oasis.opendocument."

static const struct format formats[] = {
	/* text */
	{"text/plain", plain_read, NULL},
	{"text/markdown", markdown_read, NULL},
	/* web */
	{"text/html", html_read, NULL},
	{"application/xhtml+xml", html_read, NULL},
	/* PDF */
	{"application/pdf", pdf_read, NULL},
	/* Office Open XML */
	{OOXML "wordprocessingml.document", docx_read, NULL},
	{OOXML "wordprocessingml.template", docx_read, NULL},
	{"application/vnd.ms-word.document.macroEnabled.12", docx_read, NULL},
	{"application/vnd.ms-word.template.macroEnabled.12", docx_read, NULL},
	{OOXML "spreadsheetml.sheet", xlsx_read, NULL},
	{OOXML "spreadsheetml.template", xlsx_read, NULL},
	{"application/vnd.ms-excel.sheet.macroEnabled.12", xlsx_read, NULL},
	{"application/vnd.ms-excel.template.macroEnabled.12", xlsx_read, NULL},
	{"application/vnd.ms-excel.addin.macroEnabled.12", xlsx_read, NULL},
	{OOXML "presentationml.presentation", pptx_read, NULL},
	{OOXML "presentationml.template", pptx_read, NULL},
	{OOXML "presentationml.slideshow", pptx_read, NULL},
	{"application/vnd.ms-powerpoint.presentation.macroEnabled.12", pptx_read, NULL},
	{"application/vnd.ms-powerpoint.template.macroEnabled.12", pptx_read, NULL},
	{"application/vnd.ms-powerpoint.slideshow.macroEnabled.12", pptx_read, NULL},
	{"application/encrypted", office_encrypted_read, NULL},
	/* OpenDocument */
	{ODF "text", odf_read, NULL},
	{ODF "text-template", odf_read, NULL},
	{ODF "text-master", odf_read, NULL},
	{ODF "text-web", odf_read, NULL},
	{ODF "spreadsheet", odf_read, NULL},
	{ODF "spreadsheet-template", odf_read, NULL},
	{ODF "presentation", odf_read, NULL},
	{ODF "presentation-template", odf_read, NULL},
	{ODF "graphics", odf_read, NULL},
	{ODF "graphics-template", odf_read, NULL},
	{ODF "text-flat-xml", odf_flat_read, NULL},
	{ODF "spreadsheet-flat-xml", odf_flat_read, NULL},
	{ODF "presentation-flat-xml", odf_flat_read, NULL},
	{ODF "graphics-flat-xml", odf_flat_read, NULL},
	{"application/vnd.sun.xml.writer", odf_read, NULL},
	{"application/vnd.sun.xml.calc", odf_read, NULL},
	{"application/vnd.sun.xml.impress", odf_read, NULL},
};

const struct format *format_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!strcmp(type, formats[i].type))
			return &formats[i];
	return NULL;
}
