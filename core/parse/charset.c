/* SPDX-License-Identifier: Apache-2.0 */
/* In order of certainty: byte order mark; the NUL bytes of UTF-16 and UTF-32; the escape
 * sequences of ISO-2022; UTF-8 that is valid; then statistics (uchardet, ICU's detector as
 * second opinion). A guess of statistics counts only if the text decodes without an error.
 * Conversion is ICU's: its tables are inside the library, where iconv would have to load code
 * and open files that the confined process cannot have. */
#include "core/parse/charset.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <uchardet.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include "core/auto.h"
#include "core/text/utf8.h"

/* What the statistics look at: more does not make them better, only slower. */
#define SAMPLE_MAX ((size_t)64 << 10)

#define FALLBACK "windows-1252"

/* Labels that are read as a superset of what they name (WHATWG Encoding, section 4.2). */
static const struct {
	const char *label, *name;
} supersets[] = {
	{"ascii", "windows-1252"},
	{"us-ascii", "windows-1252"},
	{"latin1", "windows-1252"},
	{"iso-8859-1", "windows-1252"},
	{"iso8859-1", "windows-1252"},
	{"iso-8859-9", "windows-1254"},
	{"iso-8859-11", "windows-874"},
	{"tis-620", "windows-874"},
	{"gb2312", "gb18030"},
	{"gbk", "gb18030"},
	{"x-gbk", "gb18030"},
	{"hz-gb-2312", "hz"},
	{"euc-kr", "windows-949"},
	{"ks_c_5601-1987", "windows-949"},
	{"uhc", "windows-949"},
	{"cp949", "windows-949"},
	{"ms949", "windows-949"},
	{"ansinew", "windows-1252"},
	{"applemac", "macintosh"},
	{"mac-greek", "x-mac-greek"},
	{"mac-turkish", "x-mac-turkish"},
	{"shift_jis", "windows-31j"},
	{"shift-jis", "windows-31j"},
	{"sjis", "windows-31j"},
	{"x-sjis", "windows-31j"},
	{"viscii", "windows-1258"},
	{"koi8-r", "KOI8-U"},
};

struct charset_stream {
	UConverter *from, *to;
	UChar *source, *target; /* of the pivot */
	bool has_begun;
	UChar pivot[4096];
};

const char *charset_find(const char *label)
{
	UErrorCode status = U_ZERO_ERROR;

	for (size_t i = 0; i < ARRAY_LEN(supersets); i++)
		if (!strcasecmp(label, supersets[i].label))
			return supersets[i].name;
	if (!strcasecmp(label, "utf8"))
		return "UTF-8";
	if (!ucnv_getAlias(label, 0, &status))
		return NULL;
	UConverter *converter = ucnv_open(label, &status); /* some are names alone */
	if (U_FAILURE(status))
		return NULL;
	ucnv_close(converter);
	return label;
}

static const char *charset_of_bom(const char *head, size_t len, size_t *bom)
{
	static const struct {
		const char *bytes, *name;
		size_t len;
	} marks[] = {
		{"\xef\xbb\xbf", "UTF-8", 3},
		{"\xff\xfe\0\0", "UTF-32LE", 4},
		{"\0\0\xfe\xff", "UTF-32BE", 4},
		{"\xff\xfe", "UTF-16LE", 2},
		{"\xfe\xff", "UTF-16BE", 2},
		{"\x84\x31\x95\x33", "gb18030", 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (len >= marks[i].len && !memcmp(head, marks[i].bytes, marks[i].len)) {
			*bom = marks[i].len;
			return marks[i].name;
		}
	}
	return NULL;
}

/* True if @units 16-bit units, the high byte first or not, are characters of a text: no
 * control characters, no halves of surrogate pairs. */
static bool are_characters(const unsigned char *bytes, size_t units, bool is_big)
{
	bool is_half = false;

	for (size_t i = 0; i < units; i++) {
		unsigned high = bytes[2 * i + !is_big], low = bytes[2 * i + is_big];
		bool is_low_half = high >= 0xdc && high <= 0xdf;
		if (is_half != is_low_half)
			return false;
		is_half = high >= 0xd8 && high <= 0xdb;
		bool is_space = low >= '\t' && low <= '\r';
		if (high == 0 && ((low < 0x20 && !is_space) || (low >= 0x7f && low < 0xa0)))
			return false;
	}
	return true;
}

/* UTF-16 without a byte order mark has NUL bytes on one side only: in most units of a Western
 * text, and in the spaces and line ends of any other. */
static bool is_utf16(const unsigned char *bytes, size_t units, bool is_big)
{
	size_t high = 0, low = 0, spaces = 0, printable = 0;

	for (size_t i = 0; i < units; i++) {
		unsigned char c = bytes[2 * i + is_big];
		bool is_latin = bytes[2 * i + !is_big] == 0;
		printable += isprint(c) != 0;
		printable += isprint(bytes[2 * i + !is_big]) != 0;
		high += is_latin;
		low += c == 0;
		spaces += is_latin && (c == ' ' || c == '\n');
	}
	bool is_western = high * 2 > units && low * 8 <= high;
	bool is_ascii = printable > units + units / 2; /* with a stray NUL */
	return (is_western || (spaces > units / 128 && !is_ascii)) &&
		are_characters(bytes, units, is_big);
}

/* Every character of UTF-32 lies below U+110000, and few lie beyond U+FFFF. */
static bool is_utf32(const unsigned char *bytes, size_t units, bool is_big)
{
	size_t high = 0;

	for (size_t i = 0; i < units; i++) {
		const unsigned char *unit = bytes + 4 * i;
		if (unit[is_big ? 0 : 3] != 0 || unit[is_big ? 1 : 2] > 0x10)
			return false;
		high += unit[is_big ? 1 : 2] != 0;
	}
	return units > 0 && high * 2 <= units;
}

/* East Asian text may have no NUL at all. Its ideographic full stop and comma (U+3002, U+3001)
 * then give it away: they hold a control character, and nearly all else is from the same few
 * blocks. */
static bool is_east_asian_utf16(const unsigned char *bytes, size_t units, bool is_big)
{
	size_t stops = 0, common = 0;

	for (size_t i = 0; i < units; i++) {
		unsigned high = bytes[2 * i + !is_big], low = bytes[2 * i + is_big];
		stops += high == 0x30 && (low == 1 || low == 2);
		common += high == 0x30 || high == 0xff || (high >= 0x4e && high <= 0x9f) ||
			(high >= 0xac && high <= 0xd7);
	}
	return stops > 0 && common * 10 >= units * 9 && are_characters(bytes, units, is_big);
}

const char *charset_of_units(const char *head, size_t len, size_t *bom)
{
	const unsigned char *bytes = (const unsigned char *)head;
	size_t looked_at = len < 4096 ? len : 4096;

	*bom = 0;
	const char *name = charset_of_bom(head, len, bom);
	if (name)
		return name;
	if (!memchr(head, 0, looked_at))
		return len % 2						   ? NULL
			: is_east_asian_utf16(bytes, looked_at / 2, true)  ? "UTF-16BE"
			: is_east_asian_utf16(bytes, looked_at / 2, false) ? "UTF-16LE"
									   : NULL;
	if (len % 4 == 0 && is_utf32(bytes, looked_at / 4, true))
		return "UTF-32BE";
	if (len % 4 == 0 && is_utf32(bytes, looked_at / 4, false))
		return "UTF-32LE";
	if (is_utf16(bytes, looked_at / 2, true))
		return "UTF-16BE";
	if (is_utf16(bytes, looked_at / 2, false))
		return "UTF-16LE";
	return NULL;
}

/* ISO-2022-JP and its kin are plain ASCII bytes, and so valid UTF-8. */
static const char *charset_of_escapes(const char *head, size_t len)
{
	for (const char *p = head; (p = memchr(p, 0x1b, len - (size_t)(p - head))); p++) {
		size_t left = len - (size_t)(p - head);
		if (left >= 4 && !memcmp(p, "\x1b$)C", 4))
			return "ISO-2022-KR";
		if (left >= 4 && (!memcmp(p, "\x1b$)A", 4) || !memcmp(p, "\x1b$)G", 4)))
			return "ISO-2022-CN";
		if (left >= 3 &&
			(!memcmp(p, "\x1b$B", 3) || !memcmp(p, "\x1b$@", 3) ||
				!memcmp(p, "\x1b(J", 3) || !memcmp(p, "\x1b(I", 3)))
			return "ISO-2022-JP-2";
		if (left >= 4 && !memcmp(p, "\x1b$(D", 4))
			return "ISO-2022-JP-2";
	}
	return NULL;
}

/* HZ (RFC 1843) is ASCII, too: pairs of letters and signs between "~{" and "~}" on one line. */
static bool is_hz(const char *head, size_t len)
{
	const char *end = head + len, *at = head;
	size_t pieces = 0;

	while ((at = memmem(at, (size_t)(end - at), "~{", 2))) {
		const char *first = at += 2;
		while (at<end && * at> 0x20 && *at < 0x7f && *at != '~')
			at++;
		if (end - at < 2 || at[0] != '~' || at[1] != '}' || at == first || (at - first) % 2)
			return false;
		pieces++;
	}
	return pieces > 0;
}

/* A character cut at the end of the sample is no error. */
static bool is_utf8(const char *head, size_t len, bool is_all)
{
	size_t valid = utf8_valid_prefix(head, len);

	return valid == len || (!is_all && len - valid < 4);
}

bool charset_decodes(const char *name, const char *sample, size_t len, bool is_all)
{
	UErrorCode status = U_ZERO_ERROR;
	UConverter *converter = ucnv_open(name, &status);
	UChar room[2048];

	if (U_FAILURE(status))
		return false;
	ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
	const char *at = sample, *end = sample + len;
	do {
		UChar *to = room;
		status = U_ZERO_ERROR;
		ucnv_toUnicode(
			converter, &to, room + ARRAY_LEN(room), &at, end, NULL, is_all, &status);
	} while (status == U_BUFFER_OVERFLOW_ERROR);
	ucnv_close(converter);
	return U_SUCCESS(status);
}

static const char *guess_uchardet(const char *sample, size_t len)
{
	uchardet_t detector = uchardet_new();
	static char label[64];

	if (!detector)
		return NULL;
	label[0] = '\0';
	if (uchardet_handle_data(detector, sample, len) == 0) {
		uchardet_data_end(detector);
		snprintf(label, sizeof(label), "%s", uchardet_get_charset(detector));
	}
	uchardet_delete(detector);
	return label[0] ? charset_find(label) : NULL;
}

static const char *guess_icu(const char *sample, size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UCharsetDetector *detector = ucsdet_open(&status);
	const char *name = NULL;

	ucsdet_setText(detector, sample, (int32_t)len, &status);
	const UCharsetMatch *match = ucsdet_detect(detector, &status);
	if (U_SUCCESS(status) && match && ucsdet_getConfidence(match, &status) >= 10)
		name = ucsdet_getName(match, &status);
	if (name)
		name = charset_find(name);
	ucsdet_close(detector);
	return name;
}

/* Quotation marks, dashes, the ellipsis, the euro sign … of windows-1252; of the bytes from
 * 0x80 to 0x9f, a Western text has no others. */
static bool is_western_sign(unsigned char c)
{
	return c == 0x80 || c == 0x84 || c == 0x85 || (c >= 0x91 && c <= 0x97) || c == 0x99;
}

static bool is_inside_word(const unsigned char *bytes, size_t len, size_t i)
{
	return i > 0 && i + 1 < len && isalpha(bytes[i - 1]) && isalpha(bytes[i + 1]) &&
		bytes[i] != 0xb7; /* Catalan: "col·lecció" */
}

/* A few letters beyond ASCII, each alone among ASCII letters, and such signs, are a Western
 * text that is too short for statistics: uchardet takes "Zo\xeb" for anything. */
static bool is_western(const char *sample, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)sample;
	size_t letters = 0;

	for (size_t i = 0; i < len; i++) {
		bool is_before_letter = i + 1 < len && bytes[i + 1] >= 0xc0;
		if (bytes[i] >= 0x80 && is_before_letter)
			return false;
		if (bytes[i] >= 0x80 && bytes[i] < 0xa0 && !is_western_sign(bytes[i]))
			return false;
		if (bytes[i] >= 0xa0 && bytes[i] < 0xc0 && is_inside_word(bytes, len, i))
			return false;
		letters += bytes[i] >= 0xc0;
	}
	return letters < 8;
}

/* Letters of Polish and its neighbours in ISO 8859-2 that are signs in a Western text, where none
 * stands within a word. */
static bool is_central(const char *sample, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		bool is_letter = sample[i] && strchr("\xb1\xb3\xb6\xbc\xbf\xb9\xbe\xb5", sample[i]);
		count += is_letter && is_inside_word((const unsigned char *)sample, len, i);
	}
	return count > 1;
}

static const char *guess(const char *sample, size_t len, bool is_all)
{
	if (is_western(sample, len) && charset_decodes(FALLBACK, sample, len, is_all))
		return FALLBACK;
	const char *name = guess_uchardet(sample, len);
	if (name && !strcasecmp(name, FALLBACK) && is_central(sample, len))
		name = "ISO-8859-2";
	if (name && charset_decodes(name, sample, len, is_all))
		return name;
	name = guess_icu(sample, len);
	if (name && charset_decodes(name, sample, len, is_all))
		return name;
	return FALLBACK;
}

/* The statistics get lines that hold bytes beyond ASCII: a long English beginning would hide
 * what comes later. */
static const char *sample_of(const char *head, size_t *len)
{
	size_t first = 0;

	while (first < *len && !(head[first] & 0x80))
		first++;
	first = first > SAMPLE_MAX / 4 ? first - SAMPLE_MAX / 4 : 0;
	*len = *len - first < SAMPLE_MAX ? *len - first : SAMPLE_MAX;
	return head + first;
}

const char *charset_detect(const char *head, size_t len, bool is_all, size_t *bom)
{
	const char *name = charset_of_units(head, len, bom);

	if (!name)
		name = charset_of_escapes(head, len);
	if (!name && is_utf8(head, len, is_all))
		name = is_hz(head, len) ? "HZ" : "UTF-8";
	if (name)
		return name;
	size_t sample_len = len;
	const char *sample = sample_of(head, &sample_len);
	return guess(sample, sample_len, is_all && sample + sample_len == head + len);
}

int charset_stream_new(struct charset_stream **out, const char *name)
{
	struct charset_stream *stream = calloc(1, sizeof(*stream));
	UErrorCode status = U_ZERO_ERROR;

	if (!stream)
		return -ENOMEM;
	stream->from = ucnv_open(name, &status);
	stream->to = ucnv_open("UTF-8", &status);
	if (U_FAILURE(status)) {
		charset_stream_free(stream);
		return status == U_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -ENOENT;
	}
	stream->source = stream->target = stream->pivot;
	*out = stream;
	return 0;
}

int charset_stream_add(
	struct charset_stream *stream, const char *data, size_t len, bool is_last, struct buf *out)
{
	const char *end = data + len;
	char room[8192];
	UErrorCode status;
	int rc = 0;

	do {
		char *to = room;
		status = U_ZERO_ERROR;
		ucnv_convertEx(stream->to, stream->from, &to, room + sizeof(room), &data, end,
			stream->pivot, &stream->source, &stream->target,
			stream->pivot + ARRAY_LEN(stream->pivot), !stream->has_begun, is_last,
			&status);
		stream->has_begun = true;
		rc = buf_add(out, room, (size_t)(to - room));
	} while (!rc && status == U_BUFFER_OVERFLOW_ERROR);
	return rc ? rc : U_FAILURE(status) ? -EILSEQ : 0;
}

void charset_stream_free(struct charset_stream *stream)
{
	if (!stream)
		return;
	ucnv_close(stream->from);
	ucnv_close(stream->to);
	free(stream);
}
