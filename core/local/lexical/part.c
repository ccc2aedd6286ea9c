/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: one block of a list is unpacked at a time, its counts only when one is asked for.
 * A file's list is entered at any block through its heads; a list in memory is read from its
 * beginning, a block's worth at a time. */
#include "core/local/lexical/part.h"

uint32_t part_seek(const struct part *part, uint64_t id)
{
	uint32_t low = 0, high = part->chunk_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (part->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void part_free(struct part *part)
{
	if (part)
		part->ops->free(part);
}

static uint32_t block_count(const struct cursor *cursor)
{
	return (cursor->list.chunk_count + BLOCK_POSTINGS - 1) / BLOCK_POSTINGS;
}

static void load_packed(struct cursor *cursor)
{
	const struct term_list *list = &cursor->list;
	uint32_t done = cursor->block * BLOCK_POSTINGS, left = list->chunk_count - done;
	uint32_t base = cursor->block ? list->heads[cursor->block - 1].last + 1 : 0;

	cursor->count = left < BLOCK_POSTINGS ? left : BLOCK_POSTINGS;
	cursor->packed = list->data + (list->heads ? list->heads[cursor->block].at : 0);
	block_unpack_ordinals(cursor->packed, cursor->count, base, cursor->ordinals);
	cursor->has_counts = false;
}

static uint32_t read_number(struct cursor *cursor)
{
	uint32_t value = 0;

	for (unsigned int shift = 0;; shift += 7) {
		while (cursor->slice_at == cursor->slice->len) {
			cursor->slice = cursor->slice->next;
			cursor->slice_at = 0;
		}
		uint8_t byte = cursor->slice->bytes[cursor->slice_at++];
		value |= (uint32_t)(byte & 127) << shift;
		if (byte < 128)
			return value;
	}
}

static void load_slices(struct cursor *cursor)
{
	uint32_t left = cursor->list.chunk_count - cursor->block * BLOCK_POSTINGS;

	cursor->count = left < BLOCK_POSTINGS ? left : BLOCK_POSTINGS;
	for (uint32_t i = 0; i < cursor->count; i++) {
		cursor->previous += read_number(cursor);
		cursor->ordinals[i] = cursor->previous;
		cursor->counts[i] = read_number(cursor);
	}
	cursor->has_counts = true;
}

/* Unpack the block that the cursor names, and stand on its first posting. */
static void load(struct cursor *cursor)
{
	cursor->at = 0;
	if (cursor->block >= block_count(cursor)) {
		cursor->ordinal = CURSOR_END;
		return;
	}
	if (cursor->list.slices)
		load_slices(cursor);
	else
		load_packed(cursor);
	cursor->ordinal = cursor->ordinals[0];
}

void cursor_open(struct cursor *cursor, const struct term_list *list)
{
	cursor->list = *list;
	cursor->block = 0;
	cursor->slice = list->slices;
	cursor->slice_at = 0;
	cursor->previous = 0;
	load(cursor);
}

/* The next block that may hold @ordinal or what lies behind it. */
static void next_block(
	struct cursor *cursor, uint32_t ordinal, cursor_skip_fn may_skip, void *context)
{
	const struct block_head *heads = cursor->list.heads;
	uint32_t blocks = block_count(cursor);

	cursor->block++;
	for (; heads && cursor->block < blocks; cursor->block++)
		if (heads[cursor->block].last >= ordinal &&
			!(may_skip && may_skip(context, &heads[cursor->block].bounds)))
			break;
	load(cursor);
}

void cursor_seek(struct cursor *cursor, uint32_t ordinal, cursor_skip_fn may_skip, void *context)
{
	while (cursor->ordinal < ordinal) {
		uint32_t at = cursor->at + 1;
		if (cursor->ordinals[cursor->count - 1] < ordinal) {
			next_block(cursor, ordinal, may_skip, context);
			continue;
		}
		while (cursor->ordinals[at] < ordinal)
			at++;
		cursor->at = at;
		cursor->ordinal = cursor->ordinals[at];
	}
}

uint32_t cursor_count_live(struct cursor *cursor, const struct part *part)
{
	uint32_t count = 0;

	for (; cursor->ordinal != CURSOR_END; cursor->block++, load(cursor))
		for (uint32_t i = 0; i < cursor->count; i++)
			count += part_is_live(part, cursor->ordinals[i]);
	return count;
}
