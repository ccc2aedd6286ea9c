/* SPDX-License-Identifier: Apache-2.0 */
/* How a segment file lies on disk; shared by its reader and its writer.
 *
 *     head; lengths, editions, indexes (uint32 a chunk each), padding to 8; ids (uint64);
 *     for each word: its text, padding to 4, block heads if there is more than one block,
 *     blocks; padding to 8 (and BLOCK_PADDING bytes at least); term entries in order.
 *
 * Integers are in the byte order of the machine; `magic` tells another one's file. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_SEGMENT_FILE_H
#define ASKFS_CORE_LOCAL_LEXICAL_SEGMENT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/local/lexical/postings.h"

#define SEGMENT_MAGIC  UINT64_C(0x3130736472776b61)
#define SEGMENT_PREFIX 8

struct segment_head {
	uint64_t magic;
	uint64_t size; /* of the file */
	uint64_t first, last;
	uint64_t term_count;
	uint64_t terms_at;
	uint32_t chunk_count;
	uint32_t max_edition;
	uint64_t body_sum; /* of all that follows the head */
	uint64_t head_sum; /* of what stands before this field */
};

struct term_entry {
	uint8_t prefix[SEGMENT_PREFIX]; /* first bytes of the text, zeros behind */
	uint64_t at; /* of the text */
	uint32_t chunk_count;
	uint16_t len;
	uint16_t zero;
	struct bounds bounds;
};

static inline size_t segment_align(size_t at, size_t to)
{
	return (at + to - 1) & ~(to - 1);
}

/* Detects torn and overwritten files; not meant against an enemy. */
static inline uint64_t segment_sum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ len, word;

	for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
		__builtin_memcpy(&word, bytes, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	for (; len > 0; bytes++, len--)
		sum = (sum ^ *bytes) * UINT64_C(0x100000001b3);
	return sum;
}

#endif
