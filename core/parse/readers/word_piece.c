/* SPDX-License-Identifier: Apache-2.0 */
/* The piece table: a document that was saved fast is a list of snippets of its stream. */
#include <errno.h>
#include <stdlib.h>

#include "core/parse/readers/word.h"

#define PIECES_MAX ((size_t)1 << 20)
#define NARROW	   (UINT32_C(1) << 30)

enum { PART_PROPERTIES = 1, PART_PIECES = 2 };

/* The list within the "Clx", behind properties that pieces share. */
static struct bytes find_list(struct bytes clx)
{
	size_t at = 0;

	while (bytes_u8(clx, at) == PART_PROPERTIES)
		at += 3 + (size_t)bytes_u16(clx, at + 1);
	if (bytes_u8(clx, at) != PART_PIECES)
		return (struct bytes){clx.data, 0};
	return bytes_part(clx, at + 5, bytes_u32(clx, at + 1));
}

static void set_piece(const struct word *word, struct bytes list, size_t count, size_t i,
	struct word_piece *piece)
{
	uint32_t offset = bytes_u32(list, (count + 1) * 4 + i * 8 + 2);

	piece->begin = bytes_u32(list, i * 4);
	piece->end = bytes_u32(list, i * 4 + 4);
	piece->is_narrow = word->is_old || (offset & NARROW);
	piece->offset = word->is_old ? offset
		: piece->is_narrow   ? (offset & (NARROW - 1)) / 2
				     : offset & (NARROW - 1);
}

/* All of the text in one place. */
static int load_simple(struct word *word)
{
	uint32_t begin = bytes_u32(word->main, 0x18), end = bytes_u32(word->main, 0x1c);

	if (!(word->pieces = calloc(1, sizeof(*word->pieces))))
		return -ENOMEM;
	if (begin >= end || begin > word->main.len)
		return -EBADMSG;
	word->pieces[0] =
		(struct word_piece){.end = end - begin, .offset = begin, .is_narrow = word->is_old};
	if (!word->is_old)
		word->pieces[0].end /= 2;
	word->piece_count = 1;
	return 0;
}

int word_load_pieces(struct word *word)
{
	struct bytes list = find_list(word_table(word, WORD_PIECES));
	size_t count = list.len >= 4 ? (list.len - 4) / 12 : 0;

	if (!count || (word->is_old && !word->is_complex))
		return load_simple(word);
	if (count > PIECES_MAX)
		count = PIECES_MAX;
	if (!(word->pieces = calloc(count, sizeof(*word->pieces))))
		return -ENOMEM;
	size_t all = (list.len - 4) / 12;
	uint32_t last = 0;
	for (size_t i = 0; i < count; i++) {
		struct word_piece *piece = &word->pieces[word->piece_count];
		set_piece(word, list, all, i, piece);
		if (piece->begin >= last && piece->begin < piece->end &&
			piece->offset < word->main.len) {
			last = piece->end;
			word->piece_count++;
		}
	}
	return word->piece_count ? 0 : -EBADMSG;
}
