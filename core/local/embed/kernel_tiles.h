/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of AMX: eight registers of at most 16 lines × 64 bytes each, whose sizes a thread sets
 * before it uses them. For kernel_amx*.c.
 *
 * Source: Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3. */
#ifndef ASKFS_CORE_LOCAL_EMBED_KERNEL_TILES_H
#define ASKFS_CORE_LOCAL_EMBED_KERNEL_TILES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "core/local/embed/kernel.h"

#define TILE_LINES   16
#define TILE_BYTES   64
#define TILES_AVX512 "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,amx-tile"

/* Tiles 0 to 4 get @lines lines, the rest all they can have; _tile_release() ends it. */
__attribute__((target(TILES_AVX512))) static inline void set_tiles(size_t lines)
{
	struct {
		uint8_t palette, start, reserved[14];
		uint16_t line_bytes[16];
		uint8_t lines[16];
	} tiles = {.palette = 1};

	for (size_t i = 0; i < 8; i++) {
		tiles.line_bytes[i] = TILE_BYTES;
		tiles.lines[i] = i < 5 ? (uint8_t)lines : TILE_LINES;
	}
	_tile_loadconfig(&tiles);
}

/* struct kernel's attention in numbers of 16 bits (bfloat16), for heads of a multiple of 32. */
void kernel_amx_attention(const struct attention *attention);

#endif
