/* SPDX-License-Identifier: Apache-2.0 */
/* Posting lists in blocks: how they lie in a segment file, and what a block can score. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_POSTINGS_H
#define ASKFS_CORE_LOCAL_LEXICAL_POSTINGS_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_POSTINGS 128

/* The most bytes that block_pack writes, and how many block_unpack_* may read beyond it. */
#define BLOCK_BYTES   (2 + 2 * BLOCK_POSTINGS * 4)
#define BLOCK_PADDING 8

/* What the best posting of a block (or list) can be, whatever the mean length will be one
 * day: the shortest chunk in which the word occurs once, up to three times, more often. */
#define BOUND_CLASSES 3
struct bounds {
	uint16_t max_count; /* cut at 65535 */
	uint16_t min_length[BOUND_CLASSES]; /* the same; 65535 where there is none */
};

/* A block's place in its list. As in the file: little endian, no padding. */
struct block_head {
	uint32_t last; /* ordinal of its last posting */
	uint32_t at; /* byte offset behind the heads */
	struct bounds bounds;
};

void bounds_init(struct bounds *bounds);
void bounds_add(struct bounds *bounds, uint32_t count, uint32_t length);
void bounds_merge(struct bounds *bounds, const struct bounds *other);

/* No posting under these bounds weighs more. */
double bounds_weight(const struct bounds *bounds, double idf, double mean_length);

/* Pack @n ascending ordinals, all at least @base, and their counts (from 1). Returns the
 * bytes written to @out (BLOCK_BYTES at most). */
size_t block_pack(
	uint8_t *out, const uint32_t *ordinals, const uint32_t *counts, size_t n, uint32_t base);

/* The reverse, ordinals and counts apart: most blocks are passed over without a count. */
void block_unpack_ordinals(const uint8_t *data, size_t n, uint32_t base, uint32_t *ordinals);
void block_unpack_counts(const uint8_t *data, size_t n, uint32_t *counts);

#endif
