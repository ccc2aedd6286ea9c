/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 without VNNI: the product of bytes adds pairs up in 16 bits and would overflow, so
 * activations have 7 bits here (127 × 127 × 2 fits); another product adds the pairs up in 32. */
#include "core/local/embed/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH  8
#define LEVELS 127
#define TARGET __attribute__((target("avx2,fma")))
#include "core/local/embed/kernel_float.h"

/* Tokens and rows of a block: 3 × 32 makes 12 sums in 16 registers. */
#define TOKENS 3
#define ROWS   32

TARGET static inline __m256i add_product(__m256i sum, __m256i x, __m256i weights)
{
	__m256i pairs = _mm256_maddubs_epi16(x, weights);

	return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

TARGET static void multiply(const int8_t *packed, size_t columns, const uint8_t *const q[TOKENS],
	__m256i sums[TOKENS][4])
{
	__m256i a[TOKENS][4] = {{{0}}};

	for (size_t c = 0; c < columns; c += 4, packed += KERNEL_ROWS * 4) {
		const __m256i *w = (const void *)packed;

#pragma GCC unroll 3
		for (size_t t = 0; t < TOKENS; t++) {
			__m256i x = _mm256_set1_epi32(*(const int32_t *)(const void *)(q[t] + c));

#pragma GCC unroll 4
			for (size_t i = 0; i < 4; i++)
				a[t][i] = add_product(a[t][i], x, _mm256_load_si256(w + i));
		}
	}
	memcpy(sums, a, sizeof(a));
}

TARGET static void run_block(const struct block *block, size_t count, float *out, size_t stride)
{
	size_t columns = block->matrix->columns, row = block->row;
	const int8_t *packed = block_weights(block);
	const uint8_t *tokens = block->in->q + block->group * block->part;
	__m256i sums[TOKENS][4];

	for (size_t t = 0; t < count; t += TOKENS) {
		const uint8_t *q[TOKENS];

		for (size_t k = 0; k < TOKENS; k++)
			q[k] = tokens + (t + k < count ? t + k : t) * columns;
		multiply(packed, block->part, q, sums);
		for (size_t k = 0; k < TOKENS && t + k < count; k++)
			finish(block, t + k, (const ivec *)sums[k], out + (t + k) * stride + row);
	}
}

TARGET static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	struct block block = {.matrix = matrix, .in = in, .part = matrix->columns / matrix->groups};

	for (; block.row < matrix->rows; block.row += ROWS)
		for (block.group = 0; block.group < matrix->groups; block.group++)
			run_block(&block, count, out, stride);
}

const struct kernel *kernel_avx2(void)
{
	static const struct kernel kernel = {
		.name = "avx2",
		.pack = pack,
		.quantise = quantise,
		.product = product,
		.attention = attention,
		.gelu = gelu,
		.norm = norm,
	};

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernel : NULL;
}

#else

const struct kernel *kernel_avx2(void)
{
	return NULL;
}

#endif
