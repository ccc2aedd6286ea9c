/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of ASCII are skipped eight bytes at a time; the rest follows table 3-7 of the Unicode
 * Standard (well-formed byte sequences). An ill-formed sequence is replaced part by part as
 * section 3.9 recommends ("maximal subparts"), so that every decoder on this machine would
 * have put the same number of U+FFFD there.
 */
#include "core/text/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

static size_t ascii_prefix(const char *text, size_t len)
{
	size_t at = 0;

	for (; at + 8 <= len; at += 8) {
		uint64_t word;

		memcpy(&word, text + at, sizeof(word));
		if (word & HIGH_BITS)
			break;
	}
	while (at < len && (unsigned char)text[at] < 0x80)
		at++;
	return at;
}

/* The length of the sequence that @lead begins, 0 if none begins so; the bounds of its second
 * byte exclude overlong forms, surrogates and what lies above U+10FFFF. */
static size_t lead_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

/* How many bytes at @text belong to one well-formed sequence, or to the maximal subpart of
 * one that is not; *is_whole tells which. @len > 0. */
static size_t sequence_length(const char *text, size_t len, bool *is_whole)
{
	unsigned char low, high;
	size_t want = lead_length((unsigned char)text[0], &low, &high);
	size_t at = 1;

	*is_whole = false;
	if (want == 0)
		return 1;
	for (; at < want && at < len; at++) {
		unsigned char c = (unsigned char)text[at];

		if (c < (at == 1 ? low : 0x80) || c > (at == 1 ? high : 0xbf))
			return at;
	}
	*is_whole = at == want;
	return at;
}

size_t utf8_valid_prefix(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		bool is_whole;
		size_t bytes;

		at += ascii_prefix(text + at, len - at);
		if (at == len)
			break;
		bytes = sequence_length(text + at, len - at, &is_whole);
		if (!is_whole)
			break;
		at += bytes;
	}
	return at;
}

size_t utf8_count(const char *text, size_t len)
{
	size_t count = 0;

	/* Plain enough for the compiler to do 16 bytes at once. */
	for (size_t i = 0; i < len; i++)
		count += (text[i] & 0xc0) != 0x80;
	return count;
}

size_t utf8_offset(const char *text, size_t len, size_t chars)
{
	size_t at = 0;

	while (at < len && chars > 0) {
		size_t run = ascii_prefix(text + at, len - at < chars ? len - at : chars);

		at += run;
		chars -= run;
		if (at == len || chars == 0)
			break;
		do
			at++;
		while (at < len && (text[at] & 0xc0) == 0x80);
		chars--;
	}
	return at;
}

uint32_t utf8_decode(const char *text, size_t len, size_t *bytes)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80 || len < 2) {
		*bytes = 1;
		return s[0];
	}
	if (s[0] < 0xe0 || len < 3) {
		*bytes = 2;
		return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
	}
	if (s[0] < 0xf0 || len < 4) {
		*bytes = 3;
		return (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	}
	*bytes = 4;
	return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
		(uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

uint32_t utf8_next(const char *text, size_t len, size_t *at)
{
	const char *from = text + *at;
	size_t bytes;
	bool is_whole;

	if ((unsigned char)*from < 0x80) {
		++*at;
		return (unsigned char)*from;
	}
	bytes = sequence_length(from, len - *at, &is_whole);
	*at += bytes;
	return is_whole ? utf8_decode(from, bytes, &bytes) : UTF8_INVALID;
}

size_t utf8_encode(uint32_t c, char out[4])
{
	size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(leads[bytes] | c);
	return bytes;
}

int utf8_sanitize(const char *text, size_t len, struct buf *out)
{
	size_t at = 0;
	int r = 0;

	while (at < len && r == 0) {
		size_t good = utf8_valid_prefix(text + at, len - at);
		bool is_whole;

		r = buf_add(out, text + at, good);
		at += good;
		if (r == 0 && at < len) {
			at += sequence_length(text + at, len - at, &is_whole);
			r = buf_adds(out, "\xef\xbf\xbd");
		}
	}
	return r;
}
