/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/codepage.h"

#include <errno.h>
#include <stdbool.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/text/utf8.h"

#define OPEN_MAX_COUNT 32 /* there are few more than that */

static const struct {
	unsigned codepage;
	const char *name;
} names[] = {
	{437, "ibm-437"},
	{708, "ISO-8859-6"},
	{720, "ibm-720"},
	{737, "ibm-737"},
	{775, "ibm-775"},
	{850, "ibm-850"},
	{852, "ibm-852"},
	{855, "ibm-855"},
	{857, "ibm-857"},
	{858, "ibm-858"},
	{860, "ibm-860"},
	{861, "ibm-861"},
	{862, "ibm-862"},
	{863, "ibm-863"},
	{864, "ibm-864"},
	{865, "ibm-865"},
	{866, "ibm-866"},
	{869, "ibm-869"},
	{874, "windows-874"},
	{932, "windows-31j"},
	{936, "gb18030"},
	{949, "windows-949"},
	{950, "windows-950"},
	{1200, "UTF-16LE"},
	{1250, "windows-1250"},
	{1251, "windows-1251"},
	{1252, "windows-1252"},
	{1253, "windows-1253"},
	{1254, "windows-1254"},
	{1255, "windows-1255"},
	{1256, "windows-1256"},
	{1257, "windows-1257"},
	{1258, "windows-1258"},
	{1361, "ibm-1363"},
	{10000, "macintosh"},
	{10001, "windows-31j"},
	{10002, "windows-950"},
	{10003, "windows-949"},
	{10006, "x-mac-greek"},
	{10007, "x-mac-cyrillic"},
	{10008, "gb18030"},
	{10029, "x-mac-centraleurroman"},
	{10081, "x-mac-turkish"},
	{20127, "windows-1252"},
	{20866, "KOI8-R"},
	{20932, "EUC-JP"},
	{20936, "gb18030"},
	{21866, "KOI8-U"},
	{28591, "windows-1252"},
	{28592, "ISO-8859-2"},
	{28593, "ISO-8859-3"},
	{28594, "ISO-8859-4"},
	{28595, "ISO-8859-5"},
	{28596, "ISO-8859-6"},
	{28597, "ISO-8859-7"},
	{28598, "ISO-8859-8"},
	{28599, "windows-1254"},
	{28603, "ISO-8859-13"},
	{28605, "ISO-8859-15"},
	{32768, "macintosh"}, /* BIFF: as the Mac writes it */
	{32769, "windows-1252"}, /* BIFF2 and 3 */
	{38598, "ISO-8859-8"},
	{50220, "ISO-2022-JP"},
	{50221, "ISO-2022-JP"},
	{50222, "ISO-2022-JP"},
	{50225, "ISO-2022-KR"},
	{51932, "EUC-JP"},
	{51936, "gb18030"},
	{51949, "windows-949"},
	{52936, "hz"},
	{54936, "gb18030"},
	{65000, "UTF-7"},
	{65001, "UTF-8"},
};

/* By the primary language, the low ten bits. */
static const struct {
	uint16_t language, codepage;
} languages[] = {
	{0x01, 1256}, /* Arabic */
	{0x02, 1251}, /* Bulgarian */
	{0x05, 1250}, /* Czech */
	{0x08, 1253}, /* Greek */
	{0x0d, 1255}, /* Hebrew */
	{0x0e, 1250}, /* Hungarian */
	{0x11, 932}, /* Japanese */
	{0x12, 949}, /* Korean */
	{0x15, 1250}, /* Polish */
	{0x18, 1250}, /* Romanian */
	{0x19, 1251}, /* Russian */
	{0x1a, 1250}, /* Croatian, Serbian */
	{0x1b, 1250}, /* Slovak */
	{0x1c, 1250}, /* Albanian */
	{0x1e, 874}, /* Thai */
	{0x1f, 1254}, /* Turkish */
	{0x22, 1251}, /* Ukrainian */
	{0x23, 1251}, /* Belarusian */
	{0x24, 1250}, /* Slovenian */
	{0x25, 1257}, /* Estonian */
	{0x26, 1257}, /* Latvian */
	{0x27, 1257}, /* Lithuanian */
	{0x29, 1256}, /* Farsi */
	{0x2a, 1258}, /* Vietnamese */
	{0x2f, 1251}, /* Macedonian */
};

const char *codepage_name(unsigned codepage)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].codepage == codepage)
			return names[i].name;
	return "windows-1252";
}

unsigned codepage_of_language(unsigned language)
{
	if (language == 0x0c1a || language == 0x1c1a)
		return 1251; /* Serbian in Cyrillic letters */
	if ((language & 0x3ff) == 0x04) /* Chinese: traditional in Taiwan, Hong Kong, Macao */
		return language == 0x0404 || language == 0x0c04 || language == 0x1404 ? 950 : 936;
	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (languages[i].language == (language & 0x3ff))
			return languages[i].codepage;
	return CODEPAGE_WESTERN;
}

/* The process reads one document, so what is open here is never closed. */
static struct charset_stream *stream_of(unsigned codepage)
{
	static struct {
		unsigned codepage;
		struct charset_stream *stream;
	} open[OPEN_MAX_COUNT];
	size_t i = 0;

	while (i < OPEN_MAX_COUNT && open[i].stream && open[i].codepage != codepage)
		i++;
	if (i == OPEN_MAX_COUNT) {
		charset_stream_free(open[--i].stream);
		open[i].stream = NULL;
	}
	if (!open[i].stream && charset_stream_new(&open[i].stream, codepage_name(codepage)))
		return NULL;
	open[i].codepage = codepage;
	return open[i].stream;
}

/* All code pages but those of seven bits agree on ASCII. */
static bool is_ascii(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] >= 0x80 || text.data[i] == 0x1b)
			return false;
	return true;
}

int codepage_text(unsigned codepage, struct bytes text, struct buf *out)
{
	bool is_plain = codepage != CODEPAGE_UTF16 && codepage != 52936 && codepage != 65000;

	if (codepage == CODEPAGE_UTF16)
		return codepage_utf16(text, out);
	if (is_plain && is_ascii(text))
		return buf_add(out, text.data, text.len);
	if (codepage == CODEPAGE_UTF8)
		return utf8_sanitize((const char *)text.data, text.len, out);
	struct charset_stream *stream = stream_of(codepage);
	return stream ? charset_stream_add(stream, (const char *)text.data, text.len, true, out)
		      : -ENOMEM;
}

int codepage_utf16(struct bytes text, struct buf *out)
{
	for (size_t at = 0; at + 2 <= text.len; at += 2) {
		uint32_t c = bytes_u16(text, at);
		uint32_t next = bytes_u16(text, at + 2);
		char utf8[4];
		if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
			at += 2;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = 0xfffd;
		}
		int rc = buf_add(out, utf8, utf8_encode(c, utf8));
		if (rc)
			return rc;
	}
	return 0;
}
