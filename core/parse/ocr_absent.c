/* SPDX-License-Identifier: Apache-2.0 */
/* askfs-parse reads no pixels: it asks for the program that does, where that was built. */
#include "core/parse/ocr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/parse/protocol.h"
#include "core/parse/reader.h"

#ifndef HAVE_OCR
#define BUILD_IT "install tesseract-ocr, libtesseract-dev and libleptonica-dev and build it again"
#endif

static bool is_final; /* there is nobody to be asked */

void ocr_settle(char **argv)
{
	(void)argv;
}

int ocr_prepare(const char *languages, struct err *err)
{
	(void)languages, (void)err;
	return 0;
}

void ocr_describe(char *has, char *lacks, size_t size)
{
	*has = '\0';
#ifdef HAVE_OCR
	*lacks = '\0';
	(void)size;
#else
	snprintf(lacks, size, "this askfs was built without OCR: " BUILD_IT);
#endif
}

const char *ocr_folder(void)
{
	return NULL;
}

void ocr_begin(uint32_t flags)
{
	is_final = flags & REQUEST_WITHOUT_OCR;
}

int ocr_state(const char *what, struct err *err)
{
#ifdef HAVE_OCR
	if (!is_final)
		return PROTOCOL_OCR;
	return err_set(err, -ENODATA, "%s, which could not be read", what);
#else
	return err_set(err, -ENODATA, "%s, and this askfs was built without OCR: " BUILD_IT, what);
#endif
}

int ocr_page(struct _PopplerPage *page, struct buf *text)
{
	(void)page, (void)text;
	return -ENOSYS;
}

int image_read(const struct source *source, struct out *out, struct err *err)
{
	(void)source, (void)out;
	return ocr_state("no text can be extracted: it is an image", err);
}
