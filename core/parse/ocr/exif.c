/* SPDX-License-Identifier: Apache-2.0 */
/* EXIF by libexif, where this build has it. TIFF is the form in which EXIF lies in every image, so
 * a TIFF file is EXIF as a whole. A PNG's chunks are walked here. */
#include "core/parse/ocr/exif.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef HAVE_EXIF
#include <libexif/exif-data.h>
#endif

#include "core/auto.h"
#include "core/text/utf8.h"

#define VALUE_MAX 1024
#define TIFF_MAX  ((size_t)32 << 20) /* a larger one is not copied for its notes */

void image_notes_release(struct image_notes *notes)
{
	free(notes->title);
	free(notes->description);
	*notes = (struct image_notes){.orientation = 1};
}

static void set(char **slot, const char *value, size_t len)
{
	/* what cameras write by themselves */
	static const char filler[] = "DIGITAL CAMERA";
	bool is_filler = memmem(value, len, filler, strlen(filler)) ||
		(len == 8 && !memcmp(value, "SONY DSC", 8));

	if (!*slot && len && !is_filler && utf8_is_valid(value, len))
		*slot = strndup(value, len);
}

#ifdef HAVE_EXIF
static void text_of(ExifData *exif, ExifIfd ifd, ExifTag tag, char value[VALUE_MAX])
{
	ExifEntry *entry = exif_content_get_entry(exif->ifd[ifd], tag);

	value[0] = '\0';
	if (entry)
		exif_entry_get_value(entry, value, VALUE_MAX);
	value[strnlen(value, VALUE_MAX - 1)] = '\0';
	for (size_t len = strlen(value); len && strchr(" \t\r\n", value[len - 1]); len--)
		value[len - 1] = '\0';
}

/* "2024:03:09 18:05:00" as ISO 8601. */
static void add_date(struct meta *meta, char value[VALUE_MAX])
{
	if (strlen(value) != 19 || value[4] != ':' || value[7] != ':' || value[10] != ' ' ||
		!memcmp(value, "0000", 4))
		return;
	value[4] = value[7] = '-';
	value[10] = 'T';
	meta_add(meta, "created", value);
}

/* @exif begins with a TIFF's head, or with a JPEG's. */
static void read_exif(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len)
{
	ExifData *exif = len <= UINT32_MAX ? exif_data_new_from_data(data, (unsigned)len) : NULL;
	char value[VALUE_MAX];

	if (!exif)
		return;
	text_of(exif, EXIF_IFD_0, EXIF_TAG_XP_TITLE, value);
	set(&notes->title, value, strlen(value));
	text_of(exif, EXIF_IFD_0, EXIF_TAG_IMAGE_DESCRIPTION, value);
	set(&notes->description, value, strlen(value));
	text_of(exif, EXIF_IFD_0, EXIF_TAG_XP_COMMENT, value);
	set(&notes->description, value, strlen(value));
	text_of(exif, EXIF_IFD_0, EXIF_TAG_ARTIST, value);
	meta_add(meta, "author", value);
	text_of(exif, EXIF_IFD_0, EXIF_TAG_XP_AUTHOR, value);
	meta_add(meta, "author", value);
	text_of(exif, EXIF_IFD_0, EXIF_TAG_XP_KEYWORDS, value);
	meta_add(meta, "keywords", value);
	text_of(exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, value);
	add_date(meta, value);
	ExifEntry *turn = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
	if (turn && turn->format == EXIF_FORMAT_SHORT && turn->size >= 2)
		notes->orientation = exif_get_short(turn->data, exif_data_get_byte_order(exif));
	if (notes->orientation < 1 || notes->orientation > 8)
		notes->orientation = 1;
	exif_data_unref(exif);
}

static void read_tiff(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len)
{
	static const char lead[6] = "Exif\0";
	AUTO_FREE unsigned char *copy = len <= TIFF_MAX ? malloc(len + sizeof(lead)) : NULL;

	if (!copy)
		return;
	memcpy(copy, lead, sizeof(lead));
	memcpy(copy + sizeof(lead), data, len);
	read_exif(notes, meta, copy, len + sizeof(lead));
}
#else
static void read_exif(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len)
{
	(void)notes, (void)meta, (void)data, (void)len;
}

static void read_tiff(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len)
{
	read_exif(notes, meta, data, len);
}
#endif

/* What stands behind a keyword in tEXt (Latin-1, ASCII as a rule) or in an iTXt that is not
 * compressed (two zeros, language, keyword again). NULL: it can't be read. */
static const char *chunk_text(const char *at, const char *end, bool is_international)
{
	if (!is_international)
		return at;
	if (end - at < 2 || at[0])
		return NULL;
	at += 2;
	for (int skip = 0; skip < 2; skip++) {
		const char *zero = memchr(at, 0, (size_t)(end - at));
		if (!zero)
			return NULL;
		at = zero + 1;
	}
	return at;
}

static void take_chunk(struct image_notes *notes, struct meta *meta, const char *data, size_t len,
	bool is_international)
{
	const char *end = data + len, *zero = memchr(data, 0, len);
	const char *text = zero ? chunk_text(zero + 1, end, is_international) : NULL;

	if (!text)
		return;
	size_t size = (size_t)(end - text);
	if (!strcasecmp(data, "Title"))
		set(&notes->title, text, size);
	else if (!strcasecmp(data, "Description") || !strcasecmp(data, "Comment"))
		set(&notes->description, text, size);
	else if (!strcasecmp(data, "Author"))
		meta_add_text(meta, "author", text, size);
}

static uint32_t big32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void read_png(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len)
{
	for (size_t at = 8; len - at >= 12;) {
		uint32_t size = big32(data + at);
		const unsigned char *kind = data + at + 4, *body = kind + 4;
		if (size > len - at - 12)
			return;
		if (!memcmp(kind, "tEXt", 4) || !memcmp(kind, "iTXt", 4))
			take_chunk(notes, meta, (const char *)body, size, kind[0] == 'i');
		if (!memcmp(kind, "eXIf", 4))
			read_tiff(notes, meta, body, size);
		at += 12 + (size_t)size;
	}
}

void image_notes_read(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len)
{
	*notes = (struct image_notes){.orientation = 1};
	if (len < 16)
		return;
	if (!memcmp(data, "\x89PNG", 4))
		read_png(notes, meta, data, len);
	else if (!memcmp(data, "II*", 4) || !memcmp(data, "MM\0*", 4))
		read_tiff(notes, meta, data, len);
	else if (data[0] == 0xff && data[1] == 0xd8)
		read_exif(notes, meta, data, len);
}
