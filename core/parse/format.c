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
	/* PDF */
	{"application/pdf", pdf_read, NULL},
	/* images */
	{"image/png", image_read, NULL},
	{"image/jpeg", image_read, NULL},
	{"image/tiff", image_read, NULL},
	{"image/webp", image_read, NULL},
	{"image/gif", image_read, NULL},
	{"image/bmp", image_read, NULL},
	{"image/x-ms-bmp", image_read, NULL},
	{"image/jp2", image_read, NULL},
	{"image/x-portable-bitmap", image_read, NULL},
	{"image/x-portable-greymap", image_read, NULL},
	{"image/x-portable-pixmap", image_read, NULL},
	/* audio and video */
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
