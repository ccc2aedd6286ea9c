/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of a text: found, and turned into UTF-8. */
#ifndef ASKFS_CORE_PARSE_CHARSET_H
#define ASKFS_CORE_PARSE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"

/* A converter's name for the text that begins with @head (@is_all: and ends with it), and
 * how many bytes of byte order mark are to be left out. Never NULL: "windows-1252" when
 * nothing else fits. The name is valid until the next call. */
const char *charset_detect(const char *head, size_t len, bool is_all, size_t *bom);

/* The same for a web page, which may name it. */
const char *charset_of_page(const char *head, size_t len, bool is_all, size_t *bom);

/* The same for a text, which may name it, too, in the ways of editors, gettext and LaTeX. */
const char *charset_of_text(const char *head, size_t len, bool is_all, size_t *bom);

/* Does @name decode all of @data (unless @is_all, but for a character that is cut at its end)
 * without an error? */
bool charset_decodes(const char *name, const char *data, size_t len, bool is_all);

/* The encoding that a byte order mark or the NUL bytes of UTF-16 and UTF-32 give away; NULL
 * if there is none. */
const char *charset_of_units(const char *head, size_t len, size_t *bom);

/* The name under which @label ("latin1", "x-sjis") is converted; NULL: unknown. What the web
 * reads as more than its name says (latin1, GB2312) becomes that. */
const char *charset_find(const char *label);

/* A stream of text being turned into UTF-8. */
struct charset_stream;

/* 0, -ENOENT: no such converter, -ENOMEM. */
int charset_stream_new(struct charset_stream **out, const char *name);

/* Append what @data gives to @out; a character cut at its end waits for the next call, or,
 * with @is_last, becomes U+FFFD like every invalid part. 0 or -errno of @out. */
int charset_stream_add(
	struct charset_stream *stream, const char *data, size_t len, bool is_last, struct buf *out);

void charset_stream_free(struct charset_stream *stream);

/* Append all of @data, which is in @name, to @out. 0; as charset_stream_new and _add. */
int charset_convert(const char *name, const char *data, size_t len, struct buf *out);

/* The same where @label is what somebody wrote beside @data: it may be NULL, unknown to all, or
 * wrong. What does not fit is found out from the bytes. 0, -ENOMEM, or -errno of @out. */
int charset_convert_labelled(const char *label, const char *data, size_t len, struct buf *out);

#endif
