/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by AMX: queries, keys, weights and values are rounded to bfloat16, whose tiles
 * multiply 16 lines × 32 numbers by 32 numbers × 16 lines and add up in float. Sixteen queries
 * are answered at a time. The right factor of a product lies in pairs: two of the numbers that
 * are multiplied away are side by side. */
#include "core/local/embed/kernel.h"

#if defined(__x86_64__) && defined(__linux__)
#include <math.h>
#include <string.h>

#include "core/local/embed/kernel_tiles.h"

#define WIDTH  16
#define TARGET __attribute__((target(TILES_AVX512 ",amx-bf16,avx512bf16")))
#include "core/local/embed/kernel_block.h"

#define NUMBERS 32 /* of bfloat16, in a line of a tile */

/* One head of a sequence. Lines beyond the last token are zeros. */
struct head {
	const struct attention *of;
	size_t padded; /* tokens, to a multiple of NUMBERS */
	uint16_t *queries; /* padded × size */
	uint32_t *keys; /* 16 tokens × (size / 2 pairs × 16) */
	uint32_t *values; /* padded / 2 pairs × size */
	float *scores; /* TILE_LINES × padded */
	uint16_t *weights; /* TILE_LINES × padded */
};

/* Two lines of 16 floats as one of pairs, @even's numbers first. */
TARGET static inline void store_pairs(uint32_t *to, __m512 even, __m512 odd)
{
	__m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even));
	__m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd));

	_mm512_storeu_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

TARGET static inline __m512 line(const float *rows, size_t stride, size_t i, size_t count)
{
	return i < count ? _mm512_loadu_ps(rows + i * stride) : _mm512_setzero_ps();
}

TARGET static void take_queries(struct head *head, const float *rows)
{
	const struct attention *of = head->of;

	for (size_t i = 0; i < head->padded; i++)
		for (size_t d = 0; d < of->size; d += NUMBERS) {
			__m512 low = line(rows + d, of->stride, i, of->tokens);
			__m512 high = line(rows + d + 16, of->stride, i, of->tokens);
			_mm512_storeu_si512(head->queries + i * of->size + d,
				(__m512i)_mm512_cvtne2ps_pbh(high, low));
		}
}

/* Sixteen keys are a block, and each of its lines holds a pair of dimensions of all of them. */
TARGET static void take_keys(struct head *head, const float *rows)
{
	const struct attention *of = head->of;

	for (size_t i = 0; i < head->padded; i++) {
		uint32_t *block = head->keys + i / TILE_LINES * TILE_LINES * (of->size / 2);
		for (size_t d = 0; d < of->size; d += NUMBERS) {
			uint32_t pairs[NUMBERS / 2];
			__m512 low = line(rows + d, of->stride, i, of->tokens);
			__m512 high = line(rows + d + 16, of->stride, i, of->tokens);

			_mm512_storeu_si512(pairs, (__m512i)_mm512_cvtne2ps_pbh(high, low));
			for (size_t k = 0; k < NUMBERS / 2; k++)
				block[(d / 2 + k) * TILE_LINES + i % TILE_LINES] = pairs[k];
		}
	}
}

TARGET static void take_values(struct head *head, const float *rows)
{
	const struct attention *of = head->of;

	for (size_t i = 0; i < head->padded; i += 2)
		for (size_t d = 0; d < of->size; d += 16)
			store_pairs(head->values + i / 2 * of->size + d,
				line(rows + d, of->stride, i, of->tokens),
				line(rows + d, of->stride, i + 1, of->tokens));
}

/* Of sixteen queries from @first on, against all keys. */
TARGET static void score(const struct head *head, size_t first)
{
	size_t size = head->of->size;
	const uint16_t *queries = head->queries + first * size;

	for (size_t i = 0; i < head->padded; i += NUMBERS) {
		const uint32_t *keys = head->keys + i * (size / 2);

		_tile_zero(0);
		_tile_zero(1);
		for (size_t d = 0; d < size; d += NUMBERS) {
			_tile_loadd(4, queries + d, size * sizeof(*queries));
			_tile_loadd(5, keys + d / 2 * TILE_LINES, TILE_BYTES);
			_tile_dpbf16ps(0, 4, 5);
			_tile_loadd(6, keys + (size / 2 + d / 2) * TILE_LINES, TILE_BYTES);
			_tile_dpbf16ps(1, 4, 6);
		}
		_tile_stored(0, head->scores + i, head->padded * sizeof(float));
		_tile_stored(1, head->scores + i + TILE_LINES, head->padded * sizeof(float));
	}
}

/* 2^x for x <= 0; relative error 5e-5, far below what bfloat16 keeps. */
TARGET static inline __m512 exp2_vec(__m512 x)
{
	__m512 n = _mm512_roundscale_ps(x, 0), r = _mm512_sub_ps(x, n);
	__m512 p = _mm512_set1_ps(9.6181292e-3f);

	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.5504109e-2f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.4022651e-1f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.9314718e-1f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.f));
	return _mm512_scalef_ps(p, n);
}

static inline __mmask16 first_lanes(size_t count)
{
	unsigned int all = 0xffff;

	return (__mmask16)(count < 16 ? all >> (16 - count) : all);
}

/* A row's weights, before they are divided by their sum: which it returns. */
TARGET static float weigh(const struct head *head, size_t row)
{
	size_t tokens = head->of->tokens;
	const float *scores = head->scores + row * head->padded;
	uint16_t *weights = head->weights + row * head->padded;
	__m512 factor = _mm512_set1_ps(1.44269504f / sqrtf((float)head->of->size));
	__m512 high = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();

	for (size_t i = 0; i < tokens; i += 16) {
		__mmask16 in = first_lanes(tokens - i);
		high = _mm512_mask_max_ps(high, in, high, _mm512_loadu_ps(scores + i));
	}
	__m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(high));
	for (size_t i = 0; i < head->padded; i += 16) {
		size_t left = tokens > i ? tokens - i : 0;
		__mmask16 in = first_lanes(left);
		__m512 below =
			_mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(scores + i), top), factor);
		__m512 weight = _mm512_maskz_mov_ps(in, exp2_vec(below));

		sum = _mm512_add_ps(sum, weight);
		_mm256_storeu_si256(
			(__m256i *)(void *)(weights + i), (__m256i)_mm512_cvtneps_pbh(weight));
	}
	return _mm512_reduce_add_ps(sum);
}

/* Sixteen queries' sums of weighed values, for the 32 dimensions from @d on. */
TARGET static void mix(const struct head *head, size_t d, float out[TILE_LINES][NUMBERS])
{
	size_t size = head->of->size;

	_tile_zero(0);
	_tile_zero(1);
	for (size_t i = 0; i < head->padded; i += NUMBERS) {
		const uint32_t *values = head->values + i / 2 * size + d;

		_tile_loadd(4, head->weights + i, head->padded * sizeof(*head->weights));
		_tile_loadd(5, values, size * sizeof(*values));
		_tile_dpbf16ps(0, 4, 5);
		_tile_loadd(6, values + 16, size * sizeof(*values));
		_tile_dpbf16ps(1, 4, 6);
	}
	_tile_stored(0, out[0], sizeof(out[0]));
	_tile_stored(1, out[0] + 16, sizeof(out[0]));
}

TARGET static void answer(const struct head *head, size_t first, float *out)
{
	const struct attention *of = head->of;
	size_t left = of->tokens - first, count = left < TILE_LINES ? left : TILE_LINES;
	size_t width = of->heads * of->size;
	_Alignas(64) float mixed[TILE_LINES][NUMBERS];
	float share[TILE_LINES];

	score(head, first);
	for (size_t k = 0; k < count; k++)
		share[k] = 1.f / weigh(head, k);
	for (size_t d = 0; d < of->size; d += NUMBERS) {
		mix(head, d, mixed);
		for (size_t k = 0; k < count; k++) {
			float *to = out + (first + k) * width + d;
			store(to, load(mixed[k]) * share[k]);
			store(to + 16, load(mixed[k] + 16) * share[k]);
		}
	}
}

static struct head lay_out(const struct attention *of)
{
	size_t padded = (of->tokens + NUMBERS - 1) / NUMBERS * NUMBERS;
	struct head head = {.of = of, .padded = padded, .scores = of->scratch};

	head.weights = (uint16_t *)(head.scores + TILE_LINES * padded);
	head.queries = head.weights + TILE_LINES * padded;
	head.keys = (uint32_t *)(void *)(head.queries + padded * of->size);
	head.values = head.keys + padded * (of->size / 2);
	return head;
}

TARGET void kernel_amx_attention(const struct attention *of)
{
	struct head head = lay_out(of);
	size_t width = of->heads * of->size;

	memset(head.weights, 0, TILE_LINES * head.padded * sizeof(*head.weights));
	set_tiles(TILE_LINES);
	for (size_t i = 0; i < of->heads; i++) {
		const float *rows = of->qkv + i * of->size;

		take_queries(&head, rows);
		take_keys(&head, rows + width);
		take_values(&head, rows + 2 * width);
		for (size_t first = 0; first < of->tokens; first += TILE_LINES)
			answer(&head, first, of->out + i * of->size);
	}
	_tile_release();
}

#endif
