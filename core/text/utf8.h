/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, by hand where a library call a character would be the cost. */
#ifndef ASKFS_CORE_TEXT_UTF8_H
#define ASKFS_CORE_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

/* The length in bytes of the longest valid prefix (RFC 3629: no surrogates, no overlong
 * forms, at most U+10FFFF). */
size_t utf8_valid_prefix(const char *text, size_t len);

static inline bool utf8_is_valid(const char *text, size_t len)
{
	return utf8_valid_prefix(text, len) == len;
}

/* Code points in valid UTF-8. */
size_t utf8_count(const char *text, size_t len);

/* The byte offset of code point number @chars in valid UTF-8; @len if there are fewer. */
size_t utf8_offset(const char *text, size_t len, size_t chars);

/* Decode the code point at @text (valid UTF-8, @len > 0) and its length in bytes. */
uint32_t utf8_decode(const char *text, size_t len, size_t *bytes);

/* Decode at *at (< @len) of text that need not be valid, and step over it. UTF8_INVALID for a
 * maximal invalid part. */
#define UTF8_INVALID UINT32_MAX
uint32_t utf8_next(const char *text, size_t len, size_t *at);

/* Encode @c (a scalar value) into @out; the length in bytes. */
size_t utf8_encode(uint32_t c, char out[4]);

/* Append @text to @out with each maximal invalid part replaced by U+FFFD. 0 or -errno. */
int utf8_sanitize(const char *text, size_t len, struct buf *out);

#endif
