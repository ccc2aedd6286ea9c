/* SPDX-License-Identifier: Apache-2.0 */
/* Skipping over text that needs no second look: for both sides of the protocol. */
#ifndef ASKFS_CORE_PARSE_TEXT_RUN_H
#define ASKFS_CORE_PARSE_TEXT_RUN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How many bytes at the beginning of @utf8 are no control character and not the first byte of
 * one beyond ASCII (0xc2): eight at a time, so it may say a few less. The arithmetic is that
 * of Hacker's Delight, 6-1. */
static inline size_t text_run(const char *utf8, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t i = 0;

	for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, utf8 + i, sizeof(word));
		uint64_t below_space = (word - ones * 0x20) & ~word;
		uint64_t x7f = word ^ (ones * 0x7f), xc2 = word ^ (ones * 0xc2);
		uint64_t is_7f = (x7f - ones) & ~x7f, is_c2 = (xc2 - ones) & ~xc2;
		if ((below_space | is_7f | is_c2) & tops)
			break;
	}
	return i;
}

#endif
