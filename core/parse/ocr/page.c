/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a PDF that is a picture: drawn by poppler and cairo at the resolution that Tesseract
 * was made for, and read. */
#include <errno.h>
#include <math.h>

#include <leptonica/allheaders.h>
#include <poppler.h>

#include "core/auto.h"
#include "core/parse/ocr.h"
#include "core/parse/ocr/engine.h"

#define DPI	   300.0
#define PIXELS_MAX 16e6 /* A4 has 8.7 million; 4 bytes each */

AUTO_DEFINE(cairo_surface_destroy, cairo_surface_t *);

static double scale_of(double width, double height)
{
	double scale = DPI / 72, pixels = width * height * scale * scale;

	return pixels > PIXELS_MAX ? scale * sqrt(PIXELS_MAX / pixels) : scale;
}

static void draw(PopplerPage *page, cairo_surface_t *surface, double scale)
{
	cairo_t *cairo = cairo_create(surface);

	cairo_set_source_rgb(cairo, 1, 1, 1);
	cairo_paint(cairo);
	cairo_scale(cairo, scale, scale);
	poppler_page_render(page, cairo);
	cairo_destroy(cairo);
	cairo_surface_flush(surface);
}

/* A pixel's brightness: the weights of ITU-R BT.601. */
static l_uint8 grey_of(uint32_t pixel)
{
	uint32_t red = pixel >> 16 & 0xff, green = pixel >> 8 & 0xff, blue = pixel & 0xff;

	return (l_uint8)((red * 299 + green * 587 + blue * 114) / 1000);
}

/* NULL: memory is short. */
static struct Pix *make_grey(cairo_surface_t *surface)
{
	int width = cairo_image_surface_get_width(surface);
	int height = cairo_image_surface_get_height(surface);
	const unsigned char *data = cairo_image_surface_get_data(surface);
	struct Pix *image = data ? pixCreateNoInit(width, height, 8) : NULL;

	for (int y = 0; image && y < height; y++) {
		const void *row = data + (ptrdiff_t)y * cairo_image_surface_get_stride(surface);
		const uint32_t *from = row;
		l_uint32 *line = pixGetData(image) + (ptrdiff_t)y * pixGetWpl(image);
		for (int x = 0; x < width; x++)
			SET_DATA_BYTE(line, x, grey_of(from[x]));
	}
	return image;
}

int ocr_page(PopplerPage *page, struct buf *text)
{
	double width = 0, height = 0;

	poppler_page_get_size(page, &width, &height);
	if (!engine_has_time() || !(width >= 1 && height >= 1 && width * height < 1e12))
		return 0;
	double scale = scale_of(width, height);
	AUTO(cairo_surface_destroy)
	cairo_surface_t *surface = cairo_image_surface_create(
		CAIRO_FORMAT_RGB24, (int)ceil(width * scale), (int)ceil(height * scale));
	if (cairo_surface_status(surface))
		return -ENOMEM;
	draw(page, surface, scale);
	struct Pix *image = make_grey(surface);
	if (!image)
		return -ENOMEM;
	pixSetResolution(image, (int)(scale * 72), (int)(scale * 72));
	int rc = engine_read(image, text);
	pixDestroy(&image);
	return rc;
}
