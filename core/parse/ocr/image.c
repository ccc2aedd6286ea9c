/* SPDX-License-Identifier: Apache-2.0 */
/* Images: decoded by leptonica, read by Tesseract. What a header promises is checked before a
 * pixel is decoded, since a file of a few bytes may promise 60,000 by 60,000 of them. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <leptonica/allheaders.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/ocr.h"
#include "core/parse/ocr/engine.h"
#include "core/parse/ocr/exif.h"
#include "core/parse/reader.h"

#define FILE_MAX     ((uint64_t)128 << 20)
#define PIXELS_MAX   ((uint64_t)100 * 1000 * 1000) /* that are decoded: 4 bytes each */
#define PIXELS_READ  ((uint64_t)16 * 1000 * 1000) /* that are looked at: more are scaled down */
#define PIXELS_SMALL ((uint64_t)2 * 1000 * 1000) /* a screen's: letters of it are scaled up */
#define PAGES_MAX    1000

struct picture {
	const struct source *source;
	unsigned char *data; /* all of the file */
	size_t len;
	struct image_notes notes;
};

static int load(struct picture *picture, struct err *err)
{
	const struct source *source = picture->source;

	if (source->size > FILE_MAX)
		return err_set(err, -EFBIG, "the image has more than %llu MiB: scale it down",
			(unsigned long long)FILE_MAX >> 20);
	picture->data = malloc(source->size + 1);
	if (!picture->data)
		return err_set(err, -ENOMEM, "memory is short");
	while (picture->len < source->size) {
		ssize_t n = source_read(source, picture->data + picture->len,
			source->size - picture->len, picture->len);
		if (n < 0)
			return err_set(err, (int)n, "the image cannot be read");
		if (n == 0)
			break;
		picture->len += (size_t)n;
	}
	return 0;
}

/* How much smaller a JPEG is decoded: 1, 2, 4 or 8 times. */
static int reduction(uint64_t pixels)
{
	int times = 1;

	while (times < 8 && pixels / (uint64_t)(times * times) > PIXELS_READ)
		times *= 2;
	return times;
}

static int check_size(uint64_t width, uint64_t height, int times, struct err *err)
{
	uint64_t pixels = width * height / (uint64_t)(times * times);

	if (pixels <= PIXELS_MAX)
		return 0;
	return err_set(err, -EFBIG,
		"the image is too large: %llu by %llu pixels, and more than %llu million are not "
		"decoded: scale it down and drop it again",
		(unsigned long long)width, (unsigned long long)height,
		(unsigned long long)(PIXELS_MAX / 1000000));
}

static int broken(struct err *err)
{
	return err_set(err, -EBADMSG, "the image is broken, or of a kind that cannot be decoded");
}

/* Leptonica decodes a GIF to learn its size. */
static bool gif_size(const struct picture *picture, l_int32 *width, l_int32 *height)
{
	const unsigned char *data = picture->data;

	if (picture->len < 10 || memcmp(data, "GIF8", 4))
		return false;
	*width = data[6] | data[7] << 8;
	*height = data[8] | data[9] << 8;
	return true;
}

/* The size of the image that begins at @at of the file (a TIFF's page); its format. */
static int measure(const struct picture *picture, int *format, int *times, struct err *err)
{
	l_int32 width = 0, height = 0, bits, samples, is_mapped;

	*times = 1;
	*format = IFF_GIF;
	if (!gif_size(picture, &width, &height) &&
		pixReadHeaderMem(picture->data, picture->len, format, &width, &height, &bits,
			&samples, &is_mapped))
		return broken(err);
	if (width <= 0 || height <= 0)
		return broken(err);
	if (*format == IFF_JFIF_JPEG)
		*times = reduction((uint64_t)width * (uint64_t)height);
	return check_size((uint64_t)width, (uint64_t)height, *times, err);
}

static struct Pix *decode(const struct picture *picture, int format, int times)
{
	l_int32 warnings;

	if (format == IFF_JFIF_JPEG)
		return pixReadMemJpeg(picture->data, picture->len, 0, times, &warnings,
			L_JPEG_READ_LUMINANCE | L_JPEG_CONTINUE_WITH_BAD_DATA);
	return pixReadMem(picture->data, picture->len);
}

/* EXIF's eight ways to hold a camera; those with a mirror are made by no camera. */
static struct Pix *turn(struct Pix *image, int orientation)
{
	static const int quarters[9] = {[3] = 2, [6] = 1, [8] = 3};

	return quarters[orientation] ? pixRotateOrth(image, quarters[orientation])
				     : pixClone(image);
}

static double scale_of(const struct Pix *image)
{
	uint64_t pixels = (uint64_t)pixGetWidth(image) * (uint64_t)pixGetHeight(image);

	if (pixels > PIXELS_READ)
		return sqrt((double)PIXELS_READ / (double)pixels);
	return pixels <= PIXELS_SMALL && pixGetXRes(image) < 150 ? 2 : 1;
}

/* Takes @image. Grey, upright, of a size that suits Tesseract; NULL: memory is short. */
static struct Pix *make_readable(struct Pix *image, int orientation)
{
	struct Pix *plain = pixRemoveAlpha(image);
	struct Pix *grey = plain ? pixConvertTo8(plain, 0) : NULL;
	struct Pix *upright = grey ? turn(grey, orientation) : NULL;
	float scale = upright ? (float)scale_of(upright) : 1;
	struct Pix *scaled = NULL;

	if (upright)
		scaled = scale > 1 || scale < 1 ? pixScale(upright, scale, scale)
						: pixClone(upright);
	pixDestroy(&image);
	pixDestroy(&plain);
	pixDestroy(&grey);
	pixDestroy(&upright);
	if (scaled && (pixGetXRes(scaled) < 70 || pixGetXRes(scaled) > 2400))
		pixSetResolution(scaled, 0, 0); /* what the file says is no help */
	return scaled;
}

/* Takes @image. 0, also where there is no text; or -errno. */
static int add_image(struct Pix *image, int orientation, struct flow *flow)
{
	struct Pix *readable = make_readable(image, orientation);
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	int rc = readable ? engine_read(readable, &text) : -ENOMEM;
	pixDestroy(&readable);
	if (!rc && text.len) {
		flow_paragraph(flow);
		flow_preformatted(flow, text.data, text.len);
		flow_paragraph(flow);
	}
	return rc;
}

static int read_single(const struct picture *picture, struct flow *flow, struct err *err)
{
	int format, times, rc = measure(picture, &format, &times, err);

	if (rc)
		return rc;
	struct Pix *image = decode(picture, format, times);
	return image ? add_image(image, picture->notes.orientation, flow) : broken(err);
}

/* Page by page; what is broken further on takes nothing away from what was read. */
static int read_tiff(const struct picture *picture, struct flow *flow, struct err *err)
{
	size_t offset = 0;

	for (int page = 0; page < PAGES_MAX && engine_has_time(); page++) {
		l_int32 width, height, bits, samples, dpi, is_mapped, format;
		int rc = readHeaderMemTiff(picture->data, picture->len, page, &width, &height,
			&bits, &samples, &dpi, &is_mapped, &format);
		if (rc && page)
			break;
		if (rc || width <= 0 || height <= 0)
			return broken(err);
		rc = check_size((uint64_t)width, (uint64_t)height, 1, err);
		struct Pix *image = rc
			? NULL
			: pixReadMemFromMultipageTiff(picture->data, picture->len, &offset);
		if (!image)
			return page ? 0 : rc ? rc : broken(err);
		flow_page(flow, (uint32_t)page + 1);
		rc = add_image(image, picture->notes.orientation, flow);
		if (rc || !offset)
			return rc;
	}
	return 0;
}

static int read_picture(struct picture *picture, struct out *out, struct err *err)
{
	AUTO_META struct meta meta;
	struct flow flow;

	meta_init(&meta);
	int rc = load(picture, err);
	if (rc)
		return rc;
	flow_init(&flow, out);
	image_notes_read(&picture->notes, &meta, picture->data, picture->len);
	meta_send(&meta, out);
	if (picture->notes.title)
		out_field(out, FIELD_TITLE, picture->notes.title, strlen(picture->notes.title));
	flow_labelled(&flow, "Title", picture->notes.title);
	flow_labelled(&flow, "Description", picture->notes.description);
	bool is_tiff = !strcmp(picture->source->type, "image/tiff");
	rc = ocr_state("no text can be extracted: it is an image", err);
	rc = rc ? rc : (is_tiff ? read_tiff : read_single)(picture, &flow, err);
	int failed = flow_finish(&flow);
	bool has_text = out->text_len > 0;
	if (failed || has_text)
		return failed;
	return rc ? rc
		  : err_set(err, -ENODATA,
			    "no text can be extracted: the image holds none that can be read");
}

int image_read(const struct source *source, struct out *out, struct err *err)
{
	struct picture picture = {.source = source};

	setMsgSeverity(L_SEVERITY_NONE);
	int rc = read_picture(&picture, out, err);
	image_notes_release(&picture.notes);
	free(picture.data);
	return rc;
}
