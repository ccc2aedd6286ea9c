/* SPDX-License-Identifier: Apache-2.0 */
/* One table, a line a type, below the name of its kind, which people are told. What libmagic
 * calls one format by several names stands here by each of them. Readers that need a library
 * which may be missing are named by WITH_…: without it the type is known, and the document
 * says which package would help; only the reader of images is there all the same. A type with no
 * reader and no package is one that must not pass for another: it is known, and not read. Texts of
 * any type that is not here are read as plain text (type.c). */
#include "core/parse/format.h"

#include <stdio.h>
#include <string.h>

#include "core/auto.h"

#ifdef HAVE_GMIME
#define WITH_GMIME(reader) reader, NULL
#else
#define WITH_GMIME(reader) NULL, "libgmime-3.0-dev"
#endif

#ifdef HAVE_OCR
#define WITH_OCR(reader) reader, NULL
#else
#define WITH_OCR(reader) reader, "libtesseract-dev" /* it reads what stands beside the pixels */
#endif

/* A line that is no type, for it has no slash: the kind of those that follow. */
#define KIND(name) name, NULL, NULL

#define OOXML "application/vnd.openxmlformats-officedocument."
#define ODF   "application/vnd.oasis.opendocument."

static const struct format formats[] = {
	{KIND("text")},
	{"text/plain", plain_read, NULL},
	{"text/markdown", markdown_read, NULL},
	{KIND("web")},
	{"text/html", html_read, NULL},
	{"application/xhtml+xml", html_read, NULL},
	{"application/rss+xml", feed_read, NULL},
	{"application/atom+xml", feed_read, NULL},
	{"application/rdf+xml", feed_read, NULL},
	{KIND("PDF")},
	{"application/pdf", pdf_read, NULL},
	{KIND("office")},
	{OOXML "wordprocessingml.document", docx_read, NULL},
	{OOXML "wordprocessingml.template", docx_read, NULL},
	{"application/vnd.ms-word.document.macroEnabled.12", docx_read, NULL},
	{"application/vnd.ms-word.template.macroEnabled.12", docx_read, NULL},
	{OOXML "spreadsheetml.sheet", xlsx_read, NULL},
	{OOXML "spreadsheetml.template", xlsx_read, NULL},
	{"application/vnd.ms-excel.sheet.macroEnabled.12", xlsx_read, NULL},
	{"application/vnd.ms-excel.template.macroEnabled.12", xlsx_read, NULL},
	{"application/vnd.ms-excel.addin.macroEnabled.12", xlsx_read, NULL},
	{"application/vnd.ms-excel.sheet.binary.macroEnabled.12", office_binary_read, NULL},
	{OOXML "presentationml.presentation", pptx_read, NULL},
	{OOXML "presentationml.template", pptx_read, NULL},
	{OOXML "presentationml.slideshow", pptx_read, NULL},
	{"application/vnd.ms-powerpoint.presentation.macroEnabled.12", pptx_read, NULL},
	{"application/vnd.ms-powerpoint.template.macroEnabled.12", pptx_read, NULL},
	{"application/vnd.ms-powerpoint.slideshow.macroEnabled.12", pptx_read, NULL},
	{"application/encrypted", office_encrypted_read, NULL},
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
	{KIND("office before 2007")},
	{"text/rtf", rtf_read, NULL},
	{"application/rtf", rtf_read, NULL},
	{"application/msword", word_read, NULL},
	{"application/vnd.ms-excel", excel_read, NULL},
	{"application/vnd.ms-powerpoint", powerpoint_read, NULL},
	{"application/x-ole-storage", ole_read, NULL},
	{"application/CDFV2", ole_read, NULL},
	{"application/vnd.visio", NULL, NULL},
	{"application/vnd.ms-publisher", NULL, NULL},
	{"application/vnd.ms-works", NULL, NULL},
	{"application/x-msi", NULL, NULL},
	{KIND("data")},
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
	{KIND("books")},
	{"application/epub+zip", epub_read, NULL},
	{"application/x-fictionbook+xml", fb2_read, NULL},
	{KIND("markup")},
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
	{KIND("mail")},
	{"application/vnd.ms-outlook", outlook_read, NULL},
	{"message/rfc822", WITH_GMIME(mail_read)},
	{"application/mbox", WITH_GMIME(mbox_read)},
	{"multipart/related", WITH_GMIME(mhtml_read)},
	{KIND("calendars and contacts")},
	{"text/calendar", calendar_read, NULL},
	{"text/vcard", contacts_read, NULL},
	{KIND("archives")},
	{"application/zip", archive_read, NULL},
	{"application/java-archive", archive_read, NULL},
	{"application/vnd.android.package-archive", archive_read, NULL},
	{"application/x-xpinstall", archive_read, NULL},
	{"application/x-tar", archive_read, NULL},
	{"application/x-ustar", archive_read, NULL},
	{"application/x-cpio", archive_read, NULL},
	{"application/x-7z-compressed", archive_read, NULL},
	{"application/x-rar", archive_read, NULL},
	{"application/vnd.rar", archive_read, NULL},
	{"application/x-archive", archive_read, NULL},
	{"application/vnd.debian.binary-package", archive_read, NULL},
	{"application/x-debian-package", archive_read, NULL},
	{"application/x-rpm", archive_read, NULL},
	{"application/x-iso9660-image", archive_read, NULL},
	{"application/vnd.ms-cab-compressed", archive_read, NULL},
	{"application/x-xar", archive_read, NULL},
	{"application/x-lha", archive_read, NULL},
	{"application/x-lharc", archive_read, NULL},
	{"application/x-lzh-compressed", archive_read, NULL},
	/* single files that are compressed, and archives that are so as a whole */
	{"application/gzip", archive_read, NULL},
	{"application/x-gzip", archive_read, NULL},
	{"application/x-bzip2", archive_read, NULL},
	{"application/x-xz", archive_read, NULL},
	{"application/zstd", archive_read, NULL},
	{"application/x-lz4", archive_read, NULL},
	{"application/x-lzip", archive_read, NULL},
	{"application/x-lzma", archive_read, NULL},
	{"application/x-compress", archive_read, NULL},
	{KIND("images")},
	{"image/png", WITH_OCR(image_read)},
	{"image/jpeg", WITH_OCR(image_read)},
	{"image/tiff", WITH_OCR(image_read)},
	{"image/webp", WITH_OCR(image_read)},
	{"image/gif", WITH_OCR(image_read)},
	{"image/bmp", WITH_OCR(image_read)},
	{"image/x-ms-bmp", WITH_OCR(image_read)},
	{"image/jp2", WITH_OCR(image_read)},
	{"image/x-portable-bitmap", WITH_OCR(image_read)},
	{"image/x-portable-greymap", WITH_OCR(image_read)},
	{"image/x-portable-pixmap", WITH_OCR(image_read)},
	{KIND("audio and video")},
	{"audio/mpeg", media_read, NULL},
	{"audio/flac", media_read, NULL},
	{"audio/x-flac", media_read, NULL},
	{"audio/ogg", media_read, NULL},
	{"video/ogg", media_read, NULL},
	{"application/ogg", media_read, NULL},
	{"audio/mp4", media_read, NULL},
	{"audio/x-m4a", media_read, NULL},
	{"video/mp4", media_read, NULL},
	{"video/x-m4v", media_read, NULL},
	{"video/quicktime", media_read, NULL},
	{"video/3gpp", media_read, NULL},
	{"video/x-matroska", media_read, NULL},
	{"audio/x-matroska", media_read, NULL},
	{"video/webm", media_read, NULL},
	{"audio/x-wav", media_read, NULL},
	{"audio/vnd.wave", media_read, NULL},
	{"audio/x-aiff", media_read, NULL},
	{"video/x-msvideo", media_read, NULL},
	{"audio/x-hx-aac-adts", media_read, NULL},
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
		} else if (formats[i].read && !formats[i].needs) {
			add(reads, reads_size, kind);
		} else if (formats[i].needs) {
			snprintf(lack, sizeof(lack), "%s (%s)", kind, formats[i].needs);
			add(lacks, lacks_size, lack);
		}
	}
}
