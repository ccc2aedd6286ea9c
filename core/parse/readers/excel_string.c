/* SPDX-License-Identifier: Apache-2.0 */
/* Strings. One in a record: a length, a byte of flags, characters of one byte (Latin-1) or two. The
 * shared ones fill many records, which cut them anywhere: where they cut characters, the next
 * record begins with a byte of flags of its own. */
#include <errno.h>
#include <stdlib.h>

#include "core/parse/codepage.h"
#include "core/parse/readers/excel.h"
#include "core/text/utf8.h"

enum { FLAG_WIDE = 1, FLAG_PHONETIC = 4, FLAG_RICH = 8 };

/* What Latin-1 leaves out of windows-1252 does not occur. */
static void add_latin(struct bytes text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char utf8[4];
		buf_add(out, utf8, utf8_encode(text.data[i], utf8));
	}
}

void excel_chars(struct bytes data, size_t at, size_t len, struct buf *out)
{
	if (bytes_u8(data, at) & FLAG_WIDE)
		codepage_utf16(bytes_part(data, at + 1, len * 2), out);
	else
		add_latin(bytes_part(data, at + 1, len), out);
}

void excel_string(
	const struct excel *excel, struct bytes data, size_t at, unsigned width, struct buf *out)
{
	size_t len = width == 1 ? bytes_u8(data, at) : bytes_u16(data, at);
	size_t flags = at + width, chars = flags;

	if (excel->is_old) {
		codepage_text(excel->codepage, bytes_part(data, at + width, len), out);
		return;
	}
	chars += (bytes_u8(data, flags) & FLAG_RICH) ? 2 : 0;
	chars += (bytes_u8(data, flags) & FLAG_PHONETIC) ? 4 : 0;
	if (bytes_u8(data, flags) & FLAG_WIDE)
		codepage_utf16(bytes_part(data, chars + 1, len * 2), out);
	else
		add_latin(bytes_part(data, chars + 1, len), out);
}

/* Reading on from record to record. */
struct reel {
	struct bytes stream;
	size_t next; /* record */
	struct bytes data; /* of this one */
	size_t at;
	bool is_end;
};

static bool turn(struct reel *reel)
{
	unsigned record = 0;
	size_t at = reel->next;

	reel->is_end = reel->is_end || !excel_next(reel->stream, &at, &record, &reel->data) ||
		record != EXCEL_CONTINUE;
	reel->next = at;
	reel->at = 0;
	return !reel->is_end;
}

static uint8_t reel_u8(struct reel *reel)
{
	while (!reel->is_end && reel->at >= reel->data.len)
		turn(reel);
	return reel->is_end ? 0 : reel->data.data[reel->at++];
}

static uint32_t reel_number(struct reel *reel, unsigned bytes)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint32_t)reel_u8(reel) << (8 * i);
	return number;
}

static void reel_skip(struct reel *reel, uint64_t len)
{
	while (len && !reel->is_end) {
		size_t left = reel->data.len - reel->at;
		size_t part = len < left ? (size_t)len : left;
		reel->at += part;
		len -= part;
		if (len)
			turn(reel);
	}
}

static void reel_chars(struct reel *reel, size_t len, bool is_wide, struct buf *out)
{
	while (len && !reel->is_end) {
		size_t width = is_wide ? 2 : 1;
		size_t there = (reel->data.len - reel->at) / width;
		size_t part = len < there ? len : there;
		struct bytes text = bytes_part(reel->data, reel->at, part * width);
		if (is_wide)
			codepage_utf16(text, out);
		else
			add_latin(text, out);
		reel->at += part * width;
		len -= part;
		if (len && turn(reel))
			is_wide = reel_u8(reel) & FLAG_WIDE;
	}
}

static void reel_string(struct reel *reel, struct buf *out)
{
	size_t len = reel_number(reel, 2);
	uint8_t flags = reel_u8(reel);
	uint64_t runs = flags & FLAG_RICH ? reel_number(reel, 2) : 0;
	uint64_t phonetic = flags & FLAG_PHONETIC ? reel_number(reel, 4) : 0;

	reel_chars(reel, len, flags & FLAG_WIDE, out);
	reel_skip(reel, runs * 4 + phonetic);
}

int excel_load_strings(struct excel *excel, size_t at)
{
	struct reel reel = {.stream = excel->stream, .next = at};
	unsigned record;

	if (excel->string_ends || !excel_next(reel.stream, &reel.next, &record, &reel.data))
		return 0;
	reel.at = 4;
	size_t count = reel_number(&reel, 4), most = excel->stream.len / 3;
	count = count < most ? count : most;
	if (!(excel->string_ends = calloc(count + 1, sizeof(*excel->string_ends))))
		return -ENOMEM;
	while (excel->string_count < count && !reel.is_end && !excel->strings.failed) {
		reel_string(&reel, &excel->strings);
		excel->string_ends[excel->string_count++] = (uint32_t)excel->strings.len;
	}
	return excel->strings.failed;
}
