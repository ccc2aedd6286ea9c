/* SPDX-License-Identifier: Apache-2.0 */
/* One table, a line a type, below the name of its kind, which people are told. What libmagic
 * calls one format by several names stands here by each of them. Readers that need a library
 * which may be missing are named by WITH_…: without it the type is known, and the document
 * says which package would help. */
#include "core/parse/format.h"

#include <stdio.h>
#include <string.h>

#include "core/auto.h"

#ifdef HAVE_GMIME
#define WITH_GMIME(reader) reader, NULL
#else
#define WITH_GMIME(reader) NULL, "libgmime-3.0-dev"
#endif

/* A line that is no type, for it has no slash: the kind of those that follow. */
#define KIND(name) name, NULL, NULL

static const struct format formats[] = {
	{KIND("text")},
	{"text/plain", plain_read, NULL},
	{"text/markdown", markdown_read, NULL},
	{KIND("web")},
	{"text/html", html_read, NULL},
	{"application/xhtml+xml", html_read, NULL},
	{KIND("RTF")},
	{"text/rtf", rtf_read, NULL},
	{"application/rtf", rtf_read, NULL},
	{KIND("Office before 2007")},
	{"application/msword", word_read, NULL},
	{"application/vnd.ms-excel", excel_read, NULL},
	{"application/vnd.ms-powerpoint", powerpoint_read, NULL},
	{"application/x-ole-storage", ole_read, NULL},
	{"application/CDFV2", ole_read, NULL},
	{"application/vnd.visio", NULL, NULL},
	{"application/vnd.ms-publisher", NULL, NULL},
	{"application/vnd.ms-works", NULL, NULL},
	{"application/x-msi", NULL, NULL},
	{KIND("Outlook")},
	{"application/vnd.ms-outlook", outlook_read, NULL},
	{KIND("PDF")},
	{"application/pdf", pdf_read, NULL},
};

const struct format *format_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!strcmp(type, formats[i].type))
			return &formats[i];
	return NULL;
}

/* Add ", @text" unless the list ends with that already or has no room. */
static void add(char *list, size_t size, const char *text)
{
	size_t used = strlen(list), len = strlen(text);
	const char *separator = used ? ", " : "";

	if (used >= len && !strcmp(list + used - len, text))
		return;
	if (len + strlen(separator) < size - used)
		snprintf(list + used, size - used, "%s%s", separator, text);
}

void format_list(char *reads, size_t reads_size, char *lacks, size_t lacks_size)
{
	const char *kind = "";
	char lack[96];

	*reads = *lacks = '\0';
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (!strchr(formats[i].type, '/')) {
			kind = formats[i].type;
		} else if (formats[i].read) {
			add(reads, reads_size, kind);
		} else if (formats[i].needs) {
			snprintf(lack, sizeof(lack), "%s (%s)", kind, formats[i].needs);
			add(lacks, lacks_size, lack);
		}
	}
}
