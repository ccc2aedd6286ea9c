/* SPDX-License-Identifier: Apache-2.0 */
/* The scalar product of two vectors of bytes three times: with AVX-512, with AVX2, and in plain C.
 * Chosen when the program starts, by what the CPU says of itself. */
#include "core/local/dense.h"

#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static int32_t product_plain(const int8_t *a, const int8_t *b, size_t n)
{
	int32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static int32_t product_avx2(
	const int8_t *a, const int8_t *b, size_t n)
{
	__m256i sums = _mm256_setzero_si256();
	int32_t lanes[8], sum;
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		__m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(a + i)));
		__m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(b + i)));
		sums = _mm256_add_epi32(sums, _mm256_madd_epi16(x, y));
	}
	_mm256_storeu_si256((void *)lanes, sums);
	sum = product_plain(a + i, b + i, n - i);
	for (size_t k = 0; k < 8; k++)
		sum += lanes[k];
	return sum;
}

__attribute__((target("avx512f,avx512bw"))) static int32_t product_avx512(
	const int8_t *a, const int8_t *b, size_t n)
{
	__m512i sums = _mm512_setzero_si512();
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		__m512i x = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)(a + i)));
		__m512i y = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)(b + i)));
		sums = _mm512_add_epi32(sums, _mm512_madd_epi16(x, y));
	}
	return _mm512_reduce_add_epi32(sums) + product_plain(a + i, b + i, n - i);
}
#endif

dense_product_fn dense_product_way(size_t i)
{
	dense_product_fn ways[4] = {0};
	size_t count = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512bw"))
		ways[count++] = product_avx512;
	if (__builtin_cpu_supports("avx2"))
		ways[count++] = product_avx2;
#endif
	ways[count++] = product_plain;
	return i < count ? ways[i] : NULL;
}

static dense_product_fn fastest = product_plain;

__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
#endif
	fastest = dense_product_way(0);
}

int32_t dense_product(const int8_t *a, const int8_t *b, size_t n)
{
	return fastest(a, b, n);
}

float dense_pack(const float *vector, size_t n, int8_t *out)
{
	float top = 0;

	for (size_t i = 0; i < n; i++)
		top = fmaxf(top, fabsf(vector[i]));
	float factor = top > 0 ? 127 / top : 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (int8_t)lrintf(vector[i] * factor);
	return top / 127;
}
