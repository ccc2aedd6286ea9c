/* SPDX-License-Identifier: Apache-2.0 */
/* A document as the readers see it, and the readers. */
#ifndef ASKFS_CORE_PARSE_READER_H
#define ASKFS_CORE_PARSE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/parse/out.h"

/* The beginning of a document, where its type and its encoding are looked for. */
#define SOURCE_HEAD_MAX ((size_t)1 << 20)

struct source {
	int fd; /* read by position: its offset is shared with the daemon */
	uint64_t size; /* as the daemon saw it */
	const char *name; /* NUL-terminated: a hint */
	const char *type; /* MIME type: constant or libmagic's */
	char *head;
	size_t head_len; /* less than SOURCE_HEAD_MAX: this is all there is */
};

/* Read up to @len bytes at @offset. The number of bytes (fewer at the end), or -errno. */
ssize_t source_read(const struct source *source, void *data, size_t len, uint64_t offset);

/* Call @each with all of the document as UTF-8 (whole characters; what is invalid may still be
 * in it where @charset is UTF-8), in pieces, from byte @skip of the original on. 0, what @each
 * returned, or -errno with *err set. */
typedef int source_fn(void *context, const char *utf8, size_t len);
int source_each(const struct source *source, const char *charset, size_t skip, source_fn *each,
	void *context, struct err *err);

/* The encoding of a text, *skip: its byte order mark. It goes into the field, too. */
const char *source_charset(const struct source *source, struct out *out, size_t *skip);

static inline bool source_is_all(const struct source *source)
{
	return source->head_len < SOURCE_HEAD_MAX;
}

/* The readers: 0, or -errno with *err set. Each is called in a confined process. */
typedef int reader_fn(const struct source *source, struct out *out, struct err *err);

reader_fn plain_read, markdown_read, html_read, pdf_read, image_read, media_read;
reader_fn csv_read, json_read, jsonl_read, notebook_read, sqlite_read;
reader_fn xml_read, svg_read, feed_read, fb2_read, epub_read;
reader_fn rst_read, asciidoc_read, org_read, latex_read, man_read, subtitles_read, po_read;
reader_fn docx_read, xlsx_read, pptx_read, odf_read, odf_flat_read, office_encrypted_read;
reader_fn office_binary_read;
reader_fn rtf_read, word_read, excel_read, powerpoint_read, outlook_read, ole_read;

/* The type of a compound file (OLE2) by what is in it; NULL: none, or too damaged to say. */
const char *ole_type(const struct source *source);

reader_fn archive_read; /* archives, and single files that are compressed */
reader_fn calendar_read, contacts_read;
reader_fn mail_read, mbox_read, mhtml_read; /* where there is GMime */

/* What these readers need at each document, made once before the process is confined. */
void archive_prepare(void), mail_prepare(void);

/* Make what pdf_read needs at each document once, before the process is confined. */
void pdf_prepare(void);

/* The type of a document, and who reads it (NULL: nobody). */
struct type {
	const char *name;
	reader_fn *read;
	const char *needs; /* the package that would give it a reader, or NULL */
};

/* Load libmagic's database. 0 or -errno. Before the process is confined. */
int type_prepare(struct err *err);

/* The type of a zip that is a document by what it says inside; a constant, or NULL. And that of one
 * XML file, and of an OLE2 file that holds an encrypted document. */
const char *type_of_office(const struct source *source);

struct type type_detect(const struct source *source);

#endif
