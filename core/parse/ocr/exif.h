/* SPDX-License-Identifier: Apache-2.0 */
/* What an image says of itself beside its pixels. */
#ifndef ASKFS_CORE_PARSE_OCR_EXIF_H
#define ASKFS_CORE_PARSE_OCR_EXIF_H

#include <stddef.h>

#include "core/parse/meta.h"

/* Strings owned; NULL: unknown. */
struct image_notes {
	char *title, *description;
	int orientation; /* EXIF's, 1 to 8; 1 where it is unknown */
};
void image_notes_release(struct image_notes *notes);

/* From EXIF (JPEG, TIFF, PNG) and from the texts of a PNG; author and date into @meta. */
void image_notes_read(
	struct image_notes *notes, struct meta *meta, const unsigned char *data, size_t len);

#endif
