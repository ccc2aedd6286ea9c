/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/embed/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/local/embed/pieces_inside.h"
#include "core/text/utf8.h"

void pieces_free(struct pieces *pieces)
{
	if (pieces)
		pieces->free(pieces);
}

size_t pieces_count(const struct pieces *pieces)
{
	return pieces->count;
}

ssize_t pieces_encode(
	const struct pieces *pieces, const char *text, size_t len, uint32_t *ids, size_t max)
{
	AUTO_BUF struct buf clean;

	buf_init(&clean, BUF_MAX_DEFAULT);
	if (!utf8_is_valid(text, len)) {
		if (utf8_sanitize(text, len, &clean))
			return -ENOMEM;
		text = clean.data;
		len = clean.len;
	}
	ssize_t count = pieces->encode(pieces, text, len, ids + 1, max - 2);
	if (count < 0)
		return count;
	ids[0] = pieces->begin;
	ids[count + 1] = pieces->end;
	return count + 2;
}

void vocabulary_release(struct vocabulary *vocabulary)
{
	free(vocabulary->text);
	free(vocabulary->offsets);
	free(vocabulary->scores);
	*vocabulary = (struct vocabulary){0};
}

/* --- the table -------------------------------------------------------------------- */

static uint64_t spread(uint64_t hash)
{
	return hash ^ hash >> 29;
}

int64_t piece_table_find_hashed(
	const struct piece_table *table, uint64_t hash, const char *text, size_t len)
{
	for (size_t at = spread(hash) & table->mask; table->slots[at];
		at = (at + 1) & table->mask) {
		size_t there;
		const char *found = table->text(table->context, table->slots[at] - 1, &there);

		if (there == len && memcmp(found, text, len) == 0)
			return table->slots[at] - 1;
	}
	return -1;
}

int64_t piece_table_find(const struct piece_table *table, const char *text, size_t len)
{
	return piece_table_find_hashed(table, piece_hash(PIECE_HASH_START, text, len), text, len);
}

int piece_table_init(struct piece_table *table, size_t count,
	const char *(*text)(const void *context, uint32_t number, size_t *len), const void *context)
{
	size_t room = 16;

	while (room < 2 * count)
		room *= 2;
	*table = (struct piece_table){.slots = calloc(room, sizeof(*table->slots)),
		.mask = room - 1,
		.text = text,
		.context = context};
	if (!table->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		size_t len;
		const char *piece = text(context, i, &len);
		uint64_t hash = piece_hash(PIECE_HASH_START, piece, len);
		size_t at = spread(hash) & table->mask;

		if (len == 0 || piece_table_find_hashed(table, hash, piece, len) >= 0)
			continue;
		while (table->slots[at])
			at = (at + 1) & table->mask;
		table->slots[at] = i + 1;
		table->longest = len > table->longest ? len : table->longest;
	}
	return 0;
}

void piece_table_release(struct piece_table *table)
{
	free(table->slots);
}
