/* SPDX-License-Identifier: Apache-2.0 */
/* LZ77 with a window of 4 KiB that begins filled with what RTF often says. A byte of flags, then
 * eight items: a byte, or a place in the window (12 bits) and a length (4 bits, from 2 on). A
 * place that is where the next byte would go ends it. */
#include "core/parse/readers/lzfu.h"

#include <errno.h>
#include <string.h>

#define WINDOW	     4096
#define HEADER	     16
#define COMPRESSED   UINT32_C(0x75465a4c)
#define UNCOMPRESSED UINT32_C(0x414c454d)

/* The window's beginning is part of the format. */
static const char beginning[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss "
	"\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
	"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct lzfu {
	unsigned char window[WINDOW];
	size_t at; /* of the next byte in the window */
	size_t left; /* bytes that may still come out */
	struct buf *out;
};

static void put(struct lzfu *lzfu, unsigned char byte)
{
	if (!lzfu->left)
		return;
	lzfu->left--;
	lzfu->window[lzfu->at] = byte;
	lzfu->at = (lzfu->at + 1) % WINDOW;
	buf_addc(lzfu->out, (char)byte);
}

/* False: the end. */
static bool put_match(struct lzfu *lzfu, unsigned reference)
{
	size_t from = reference >> 4, len = (reference & 0xf) + 2;

	if (from == lzfu->at)
		return false;
	for (size_t i = 0; i < len; i++)
		put(lzfu, lzfu->window[(from + i) % WINDOW]);
	return true;
}

static void unpack(struct lzfu *lzfu, struct bytes data)
{
	size_t at = 0;

	while (at < data.len && lzfu->left && !lzfu->out->failed) {
		unsigned flags = bytes_u8(data, at++);
		for (int bit = 0; bit < 8 && at < data.len; bit++) {
			if (!(flags >> bit & 1)) {
				put(lzfu, bytes_u8(data, at++));
				continue;
			}
			unsigned high = bytes_u8(data, at), low = bytes_u8(data, at + 1);
			if (!put_match(lzfu, high << 8 | low))
				return;
			at += 2;
		}
	}
}

int lzfu_unpack(struct bytes data, struct buf *out)
{
	struct lzfu lzfu = {.at = sizeof(beginning) - 1, .left = bytes_u32(data, 4), .out = out};
	struct bytes packed = bytes_from(data, HEADER);

	memcpy(lzfu.window, beginning, sizeof(beginning) - 1);
	if (bytes_u32(data, 8) == UNCOMPRESSED)
		return buf_add(out, packed.data, packed.len);
	if (bytes_u32(data, 8) != COMPRESSED)
		return -EBADMSG;
	unpack(&lzfu, packed);
	return out->failed;
}
