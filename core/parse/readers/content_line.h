/* SPDX-License-Identifier: Apache-2.0 */
/* Content lines: what calendars (RFC 5545) and contacts (RFC 6350, vCard 2.1) are made of,
 * "NAME;PARAMETER=value:value", folded over several lines of the file. */
#ifndef ASKFS_CORE_PARSE_READERS_CONTENT_LINE_H
#define ASKFS_CORE_PARSE_READERS_CONTENT_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/parse/flow.h"
#include "core/parse/reader.h"

/* One of them, valid during the call. */
struct content_line {
	const char *name; /* without what groups it ("item1."), NUL-terminated, any case */
	const char *group; /* "item1", "" */
	const char *parameters; /* ";TYPE=home;CHARSET=utf-8", may be "" */
	const char *value; /* UTF-8, decoded, NUL-terminated; escapes ("\n", "\,") still in it */
	size_t len; /* of value */
};
typedef void content_line_fn(void *context, const struct content_line *line);

/* Call @each with every line of the document, in order. A line longer than 1 MiB (a picture) is
 * passed over. 0 or -errno with *err set. Runs in linear time, keeps one line. */
int content_lines(
	const struct source *source, content_line_fn *each, void *context, struct err *err);

/* The same with bytes. */
int content_lines_of(const char *data, size_t len, content_line_fn *each, void *context);

bool content_line_is(const struct content_line *line, const char *name);

/* The value of a parameter, appended to @out without quotes; false: there is none. */
bool content_line_parameter(const struct content_line *line, const char *name, struct buf *out);

/* Is @word a value of TYPE, or, as in vCard 2.1, a parameter of its own? */
bool content_line_has_type(const struct content_line *line, const char *word);

/* Append @len bytes of a value to @out, escapes resolved. */
void content_text(const char *value, size_t len, struct buf *out);

/* The length of the part of @value up to a @separator that is not escaped. */
size_t content_part(const char *value, char separator);

#endif
