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

/* Sums of @TOKENS tokens (some of which may be one and the same) and 64 rows. */
#define ROWS_OF(i)                                     \
	a##i##0 = _mm512_dpbusd_epi32(a##i##0, x, w0); \
	a##i##1 = _mm512_dpbusd_epi32(a##i##1, x, w1); \
	a##i##2 = _mm512_dpbusd_epi32(a##i##2, x, w2); \
	a##i##3 = _mm512_dpbusd_epi32(a##i##3, x, w3)

#define BROADCAST(t) _mm512_set1_epi32(*(const int32_t *)(const void *)(q[t] + c))

TARGET static void multiply(const int8_t *packed, size_t columns, const uint8_t *const q[TOKENS],
	__m512i sums[TOKENS][4])
{
	__m512i zero = _mm512_setzero_si512();
	__m512i a00 = zero, a01 = zero, a02 = zero, a03 = zero, a10 = zero, a11 = zero, a12 = zero,
		a13 = zero, a20 = zero, a21 = zero, a22 = zero, a23 = zero, a30 = zero, a31 = zero,
		a32 = zero, a33 = zero, a40 = zero, a41 = zero, a42 = zero, a43 = zero, a50 = zero,
		a51 = zero, a52 = zero, a53 = zero;

	for (size_t c = 0; c < columns; c += 4, packed += KERNEL_ROWS * 4) {
		__m512i w0 = _mm512_load_si512(packed), w1 = _mm512_load_si512(packed + 64);
		__m512i w2 = _mm512_load_si512(packed + 128), w3 = _mm512_load_si512(packed + 192);
		__m512i x;

		x = BROADCAST(0);
		ROWS_OF(0);
		x = BROADCAST(1);
		ROWS_OF(1);
		x = BROADCAST(2);
		ROWS_OF(2);
		x = BROADCAST(3);
		ROWS_OF(3);
		x = BROADCAST(4);
		ROWS_OF(4);
		x = BROADCAST(5);
		ROWS_OF(5);
	}
	const __m512i all[TOKENS][4] = {{a00, a01, a02, a03}, {a10, a11, a12, a13},
		{a20, a21, a22, a23}, {a30, a31, a32, a33}, {a40, a41, a42, a43},
		{a50, a51, a52, a53}};
	memcpy(sums, all, sizeof(all));
}

/* What is left over: fewer tokens cost less. */
TARGET static void multiply_one(
	const int8_t *packed, size_t columns, const uint8_t *token, __m512i sums[4])
{
	const uint8_t *const q[] = {token};
	__m512i zero = _mm512_setzero_si512(), a00 = zero, a01 = zero, a02 = zero, a03 = zero;

	for (size_t c = 0; c < columns; c += 4, packed += KERNEL_ROWS * 4) {
		__m512i w0 = _mm512_load_si512(packed), w1 = _mm512_load_si512(packed + 64);
		__m512i w2 = _mm512_load_si512(packed + 128), w3 = _mm512_load_si512(packed + 192);
		__m512i x = BROADCAST(0);

		ROWS_OF(0);
	}
	sums[0] = a00;
	sums[1] = a01;
	sums[2] = a02;
	sums[3] = a03;
}

TARGET static void run_block(const struct block *block, size_t count, float *out, size_t stride)
{
	size_t columns = block->matrix->columns, row = block->row;
	const int8_t *packed = block_weights(block);
	const uint8_t *tokens = block->in->q + block->group * block->part;
	__m512i sums[TOKENS][4];

	for (size_t t = 0; t < count;) {
		size_t many = count - t >= TOKENS ? TOKENS : 1;
		const uint8_t *q[TOKENS];

		for (size_t k = 0; k < many; k++)
			q[k] = tokens + (t + k) * columns;
		if (many == TOKENS)
			multiply(packed, block->part, q, sums);
		else
			multiply_one(packed, block->part, q[0], sums[0]);
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
