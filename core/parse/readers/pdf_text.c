/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a page. Poppler puts the cells of a table's row behind one another with nothing in
 * between, so that two words become one. It says where each character stands, though: where
 * two touch in the text and not on the page, a space belongs. */
#include "core/parse/readers/pdf.h"

#include <math.h>
#include <string.h>

#include "core/auto.h"

/* What of a character's height is no gap within a word; poppler splits words at 0.1 of it. */
#define GAP_MIN 0.2

#define PAGE_MAX ((size_t)64 << 20) /* of text */

static bool is_space(const char *c)
{
	return strchr(" \t\r\n\f", *c) != NULL;
}

/* Does @b stand apart from @a, to the right in the same line? Lines that were turned and those
 * from right to left have other orders, and are left as they are. */
static bool is_apart(const PopplerRectangle *a, const PopplerRectangle *b)
{
	double height = fmin(fabs(a->y2 - a->y1), fabs(b->y2 - b->y1));
	double shared = fmin(a->y2, b->y2) - fmax(a->y1, b->y1);

	return height > 0 && shared > height / 2 && b->x1 - a->x2 > height * GAP_MIN;
}

/* Copy @from, a space added before each character that stands apart from the one before it. */
static void add_spaced(struct buf *to, const char *from, const PopplerRectangle *areas)
{
	const char *done = from, *before = NULL;

	for (guint i = 0; *from; i++, before = from, from = g_utf8_next_char(from)) {
		if (!before || is_space(before) || is_space(from) ||
			!is_apart(&areas[i - 1], &areas[i]))
			continue;
		buf_add(to, done, (size_t)(from - done));
		buf_addc(to, ' ');
		done = from;
	}
	buf_adds(to, done);
}

char *pdf_text_take(PopplerPage *page)
{
	g_autofree gchar *text = poppler_page_get_text(page);
	g_autofree PopplerRectangle *areas = NULL;
	AUTO_BUF struct buf spaced;
	guint count = 0;

	buf_init(&spaced, PAGE_MAX);
	if (!text || !*text)
		return NULL;
	bool has_areas = poppler_page_get_text_layout(page, &areas, &count);
	/* marks of direction have no place of their own: then it is not known whose each one is */
	if (has_areas && (glong)count == g_utf8_strlen(text, -1))
		add_spaced(&spaced, text, areas);
	else
		buf_adds(&spaced, text);
	return spaced.failed ? NULL : buf_take(&spaced, NULL);
}
