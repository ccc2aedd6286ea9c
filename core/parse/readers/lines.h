/* SPDX-License-Identifier: Apache-2.0 */
/* What readers of plain-text formats share: a document line by line. */
#ifndef ASKFS_CORE_PARSE_READERS_LINES_H
#define ASKFS_CORE_PARSE_READERS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/parse/reader.h"

/* A longer line comes as several. */
#define LINES_MAX_BYTES ((size_t)64 << 10)

/* One line, without its end and without white space behind it, NUL-terminated (a NUL of its own is
 * a space), in UTF-8 as far as the document is. 0 to go on. */
typedef int line_fn(void *context, const char *line, size_t len);

/* Call @each with every line of the document, whose encoding is found and noted as
 * FIELD_CHARSET. Ends of lines are LF, CR LF and CR. 0, what @each returned, or -errno with *err
 * set. */
int lines_each(const struct source *source, struct out *out, line_fn *each, void *context,
	struct err *err);

/* How often @c stands at the beginning of @line. */
size_t line_run(const char *line, char c);

/* Is it empty, or white space? */
bool line_is_blank(const char *line);

/* The first character that is not white space. */
const char *line_words(const char *line);

/* The code points of @line: how wide it is, roughly. */
size_t line_width(const char *line);

/* What follows @name ("#+title:") at the beginning of @line, in upper or lower case; NULL: it
 * begins with something else, or nothing follows. */
const char *line_value(const char *line, const char *name);

#endif
