/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 with VNNI: one instruction multiplies four unsigned activations by four signed weights
 * of sixteen rows and adds them up. A block of 6 tokens × 64 rows keeps 24 of the 32 registers
 * as sums, so that each weight that is loaded is used six times. */
#include "core/local/embed/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH  16
#define LEVELS 255
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")))
#include "core/local/embed/kernel_float.h"

#define TOKENS 6

/* Sums of @many tokens, which is a constant up to TOKENS, and 64 rows: what is left over behind
 * whole blocks would take as long one at a time as another block or two. */
TARGET static inline __attribute__((always_inline)) void multiply(const int8_t *packed,
	size_t columns, const uint8_t *tokens, size_t stride, size_t many, __m512i sums[TOKENS][4])
{
	__m512i a[TOKENS][4] = {{{0}}};

	for (size_t c = 0; c < columns; c += 4, packed += KERNEL_ROWS * 4) {
		__m512i w0 = _mm512_load_si512(packed), w1 = _mm512_load_si512(packed + 64);
		__m512i w2 = _mm512_load_si512(packed + 128), w3 = _mm512_load_si512(packed + 192);

#pragma GCC unroll 6
		for (size_t t = 0; t < many; t++) {
			__m512i x = _mm512_set1_epi32(
				*(const int32_t *)(const void *)(tokens + t * stride + c));

			a[t][0] = _mm512_dpbusd_epi32(a[t][0], x, w0);
			a[t][1] = _mm512_dpbusd_epi32(a[t][1], x, w1);
			a[t][2] = _mm512_dpbusd_epi32(a[t][2], x, w2);
			a[t][3] = _mm512_dpbusd_epi32(a[t][3], x, w3);
		}
	}
	memcpy(sums, a, many * sizeof(*sums));
}

TARGET static void multiply_many(const int8_t *packed, size_t columns, const uint8_t *tokens,
	size_t stride, size_t many, __m512i sums[TOKENS][4])
{
	switch (many) {
	case 1: multiply(packed, columns, tokens, stride, 1, sums); break;
	case 2: multiply(packed, columns, tokens, stride, 2, sums); break;
	case 3: multiply(packed, columns, tokens, stride, 3, sums); break;
	case 4: multiply(packed, columns, tokens, stride, 4, sums); break;
	case 5: multiply(packed, columns, tokens, stride, 5, sums); break;
	default: multiply(packed, columns, tokens, stride, TOKENS, sums); break;
	}
}

TARGET static void run_block(const struct block *block, size_t count, float *out, size_t stride)
{
	size_t columns = block->matrix->columns, row = block->row;
	const int8_t *packed = block_weights(block);
	const uint8_t *tokens = block->in->q + block->group * block->part;
	__m512i sums[TOKENS][4];

	for (size_t t = 0; t < count;) {
		size_t many = count - t < TOKENS ? count - t : TOKENS;

		multiply_many(packed, block->part, tokens + t * columns, columns, many, sums);
		for (size_t k = 0; k < many; k++, t++)
			finish(block, t, (const ivec *)sums[k], out + t * stride + row);
	}
}

TARGET static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	struct block block = {.matrix = matrix, .in = in, .part = matrix->columns / matrix->groups};

	for (; block.row < matrix->rows; block.row += KERNEL_ROWS)
		for (block.group = 0; block.group < matrix->groups; block.group++)
			run_block(&block, count, out, stride);
}

const struct kernel *kernel_vnni(void)
{
	static const struct kernel kernel = {
		.name = "avx512-vnni",
		.pack = pack,
		.quantise = quantise,
		.product = product,
		.attention = attention,
		.gelu = gelu,
		.norm = norm,
	};

	return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
			__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
		? &kernel
		: NULL;
}

#else

const struct kernel *kernel_vnni(void)
{
	return NULL;
}

#endif
