/* SPDX-License-Identifier: Apache-2.0 */
/* The scalar product three times: with AVX-512, with AVX2, and in plain C. Chosen when the
 * program starts, by what the CPU says of itself. */
#include "core/local/dense.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static float product_plain(const float *a, const float *b, size_t n)
{
	float sums[8] = {0}, sum = 0;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (size_t k = 0; k < 8; k++)
			sums[k] += a[i + k] * b[i + k];
	for (; i < n; i++)
		sum += a[i] * b[i];
	for (size_t k = 0; k < 8; k++)
		sum += sums[k];
	return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float product_avx2(
	const float *a, const float *b, size_t n)
{
	__m256 first = _mm256_setzero_ps(), second = _mm256_setzero_ps();
	float sums[8], sum = 0;
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		first = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), first);
		second = _mm256_fmadd_ps(
			_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), second);
	}
	_mm256_storeu_ps(sums, _mm256_add_ps(first, second));
	for (; i < n; i++)
		sum += a[i] * b[i];
	for (size_t k = 0; k < 8; k++)
		sum += sums[k];
	return sum;
}

__attribute__((target("avx512f"))) static float product_avx512(
	const float *a, const float *b, size_t n)
{
	__m512 first = _mm512_setzero_ps(), second = _mm512_setzero_ps();
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		first = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), first);
		second = _mm512_fmadd_ps(
			_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), second);
	}
	for (; i < n; i += 16) {
		__mmask16 mask = (__mmask16)(n - i >= 16 ? 0xffffu : (1u << (n - i)) - 1);
		first = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i),
			_mm512_maskz_loadu_ps(mask, b + i), first);
	}
	return _mm512_reduce_add_ps(_mm512_add_ps(first, second));
}
#endif

dense_product_fn dense_product_way(size_t i)
{
	dense_product_fn ways[4] = {0};
	size_t count = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		ways[count++] = product_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
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

float dense_product(const float *a, const float *b, size_t n)
{
	return fastest(a, b, n);
}
