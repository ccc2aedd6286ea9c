/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the PDF reader: what a document has beside its pages' text. */
#ifndef ASKFS_CORE_PARSE_READERS_PDF_H
#define ASKFS_CORE_PARSE_READERS_PDF_H

#include <poppler.h>
#include <stdbool.h>

#include "core/buf.h"
#include "core/parse/out.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PopplerDocument, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PopplerPage, g_object_unref)

/* The text that a page shows; the caller frees it. NULL: it has none, or too much. */
char *pdf_text_take(PopplerPage *page);

/* The titles of the outline, by page. Owned; NULL: there is none. */
struct pdf_outline;
struct pdf_outline *pdf_outline_new(PopplerDocument *document);
void pdf_outline_free(struct pdf_outline *outline);

/* Write a page's text; where a title of the outline stands in it as a line of its own, that becomes
 * a heading. @number from 1. 0 or out->failed. */
int pdf_outline_write(
	const struct pdf_outline *outline, int number, const char *text, struct out *out);

/* Append comments and other annotations' text, and what was filled in, a paragraph each. */
void pdf_notes_add(PopplerPage *page, struct buf *text);

/* Attached files as members. How many there were. */
unsigned pdf_attachments_send(PopplerDocument *document, struct out *out);

#endif
