/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a kernel that are the same for every CPU but for the width of a vector. Included
 * once by each kernel_*.c, which says how many floats a vector has (WIDTH: 4, 8 or 16), the
 * largest quantised activation (LEVELS), and TARGET, the attribute for its functions. */
#include <math.h>
#include <string.h>

#include "core/local/embed/kernel.h"
#include "core/local/embed/kernel_block.h"

TARGET static inline float sum_of(vec value)
{
	float sum = 0;

	for (size_t i = 0; i < WIDTH; i++)
		sum += value[i];
	return sum;
}

TARGET static inline vec pick(ivec where, vec a, vec b)
{
	return (vec)((where & (ivec)a) | (~where & (ivec)b));
}

TARGET static inline vec least(vec a, vec b)
{
	return pick(a < b, a, b);
}

TARGET static inline vec most(vec a, vec b)
{
	return pick(a > b, a, b);
}

/* To the nearest integer, for |x| < 2^22. */
TARGET static inline vec round_vec(vec x)
{
	vec magic = ALL(12582912.f);

	return (x + magic) - magic;
}

/* 2^n × a polynomial for the rest, n and the rest being those of x / ln 2; relative error 2e-7.
 * What is far below 0 becomes e^-80, of which a share is no denormal number yet: those are slow. */
TARGET static inline vec exp_vec(vec x)
{
	vec clamped = most(ALL(-80.f), least(x, ALL(88.f)));
	vec n = round_vec(clamped * 1.44269504088896341f);
	vec r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
	vec p = ALL(1.9875691500e-4f);

	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.f;
	ivec power = (__builtin_convertvector(n, ivec) + 127) << 23;
	return p * (vec)power;
}

/* The odd polynomial of degree 23 that is nearest to erf where |x| <= 3.5, and there 1 but for
 * 7e-7: a division would take as long as all of it. Its even factor's coefficients are those of
 * u = 2 (x / 3.5)^2 - 1, highest first; error below 1.5e-6. */
TARGET static inline vec erf_vec(vec x)
{
	static const float factors[] = {-.00339887285f, .00862192509f, -.00869860744f, .0127155457f,
		-.0287087245f, .0470906103f, -.0652848776f, .0879561416f, -.114532459f, .146784956f,
		-.200704476f, .403872549f};
	vec z = most(ALL(-3.5f), least(x, ALL(3.5f)));
	vec u = z * z * (2 / 12.25f) - 1.f, p = ALL(factors[0]);

	_Pragma("GCC unroll 11") for (size_t i = 1; i < 12; i++) p = p * u + factors[i];
	return z * p;
}

TARGET static void gelu(float *x, size_t count)
{
	size_t i = 0;

	for (; i + WIDTH <= count; i += WIDTH) {
		vec v = load(x + i);
		store(x + i, v * .5f * (1.f + erf_vec(v * 0.70710678118654752f)));
	}
	for (; i < count; i++)
		x[i] = x[i] * .5f * (1.f + erff(x[i] * 0.70710678118654752f));
}

TARGET static void pack(const float *weights, size_t count, int8_t *out, float *scale, float *sum)
{
	vec sizes = ALL(0.f);
	float top = 0;
	int32_t total = 0;

	for (size_t i = 0; i < count; i += WIDTH)
		sizes = most(sizes, (vec)((ivec)load(weights + i) & 0x7fffffff));
	for (size_t i = 0; i < WIDTH; i++)
		top = sizes[i] > top ? sizes[i] : top;
	float factor = top > 0 ? 127 / top : 0;
	for (size_t i = 0; i < count; i++) {
		int32_t value = (int32_t)(weights[i] * factor + 127.5f) - 127;
		out[i] = (int8_t)value;
		total += value;
	}
	*scale = top / 127;
	*sum = top / 127 * (float)total;
}

typedef uint8_t bytes __attribute__((vector_size(WIDTH), aligned(1), may_alias));

TARGET static void quantise_token(
	const float *x, size_t width, uint8_t *q, float *minimum, float *step)
{
	vec low = ALL(0.f), high = ALL(0.f);

	for (size_t i = 0; i < width; i += WIDTH) {
		low = least(low, load(x + i));
		high = most(high, load(x + i));
	}
	float bottom = 0, top = 0;
	for (size_t i = 0; i < WIDTH; i++) {
		bottom = low[i] < bottom ? low[i] : bottom;
		top = high[i] > top ? high[i] : top;
	}
	float range = top - bottom, scale = range > 0 ? LEVELS / range : 0;
	for (size_t i = 0; i < width; i += WIDTH) {
		vec v = (load(x + i) - bottom) * scale;
		ivec rounded = __builtin_convertvector(v + .5f, ivec);
		*(bytes *)(q + i) = __builtin_convertvector(rounded, bytes);
	}
	*minimum = bottom;
	*step = range / LEVELS;
}

TARGET static void quantise(
	const float *x, size_t count, size_t width, size_t groups, struct activations *out)
{
	size_t part = width / groups;

	for (size_t i = 0; i < count * groups; i++)
		quantise_token(
			x + i * part, part, out->q + i * part, &out->minimum[i], &out->step[i]);
}

TARGET static void norm(float *x, const float *y, size_t count, size_t width, const float *weight,
	const float *bias, float epsilon)
{
	for (size_t t = 0; t < count; t++, x += width) {
		vec sum = ALL(0.f), squares = ALL(0.f);

		for (size_t i = 0; i < width; i += WIDTH) {
			vec v = load(x + i);
			if (y)
				v += load(y + t * width + i);
			store(x + i, v);
			sum += v;
		}
		float mean = sum_of(sum) / (float)width;
		for (size_t i = 0; i < width; i += WIDTH) {
			vec v = load(x + i) - mean;
			squares += v * v;
		}
		float factor = 1.f / sqrtf(sum_of(squares) / (float)width + epsilon);
		for (size_t i = 0; i < width; i += WIDTH)
			store(x + i,
				(load(x + i) - mean) * factor * load(weight + i) + load(bias + i));
	}
}

/* Queries that are answered at once: so many sums in flight hide an addition's latency. */
#define QUERIES 8
#define EACH	_Pragma("GCC unroll 8") for (size_t k = 0; k < QUERIES; k++)

/* Scores of some queries against all keys, which lie on their side (size × padded). */
TARGET static void score_rows(const float *const queries[QUERIES], const float *keys, size_t padded,
	size_t size, float *scores)
{
	for (size_t j = 0; j < padded; j += WIDTH) {
		vec sums[QUERIES] = {ALL(0.f)};

		for (size_t d = 0; d < size; d++) {
			vec key = load(keys + d * padded + j);
			EACH sums[k] += queries[k][d] * key;
		}
		EACH store(scores + k * padded + j, sums[k]);
	}
}

/* No score for what is beyond @tokens. For all rows at once, long before they are read: a vector
 * that was just written in pieces is loaded slowly. */
static void cut_rows(float *scores, size_t tokens, size_t padded, size_t count)
{
	for (size_t k = 0; k < count; k++, scores += padded)
		for (size_t j = tokens; j < padded; j++)
			scores[j] = -INFINITY;
}

/* In place. What has no score is too small to count in the sum, which is 1 or more. */
TARGET static void softmax(float *scores, size_t padded, float factor)
{
	vec high = ALL(-INFINITY), sum = ALL(0.f);

	for (size_t j = 0; j < padded; j += WIDTH)
		high = most(high, load(scores + j));
	float top = high[0];
	for (size_t i = 1; i < WIDTH; i++)
		top = high[i] > top ? high[i] : top;
	for (size_t j = 0; j < padded; j += WIDTH) {
		vec e = exp_vec((load(scores + j) - top) * factor);
		store(scores + j, e);
		sum += e;
	}
	float share = 1.f / sum_of(sum);
	for (size_t j = 0; j < padded; j += WIDTH)
		store(scores + j, load(scores + j) * share);
}

/* The values, each weighed by its score, for the first @count of the queries. */
TARGET static void mix_rows(const float *scores, size_t padded, const float *values, size_t stride,
	size_t tokens, size_t size, float *const out[QUERIES], size_t count)
{
	for (size_t d = 0; d < size; d += WIDTH) {
		vec sums[QUERIES] = {ALL(0.f)};

		for (size_t j = 0; j < tokens; j++) {
			vec value = load(values + j * stride + d);
			EACH sums[k] += scores[k * padded + j] * value;
		}
		for (size_t k = 0; k < count; k++)
			store(out[k] + d, sums[k]);
	}
}

TARGET static void attend_head(const struct attention *a, size_t head)
{
	size_t padded = (a->tokens + 15) & ~(size_t)15, width = a->heads * a->size;
	const float *base = a->qkv + head * a->size;
	float *keys = a->scratch, *scores = keys + padded * a->size;
	float factor = 1.f / sqrtf((float)a->size);

	memset(keys, 0, padded * a->size * sizeof(*keys));
	for (size_t j = 0; j < a->tokens; j++)
		for (size_t d = 0; d < a->size; d++)
			keys[d * padded + j] = base[j * a->stride + width + d];
	for (size_t i = 0; i < a->tokens; i += QUERIES) {
		size_t left = a->tokens - i, count = left < QUERIES ? left : QUERIES;
		const float *queries[QUERIES];
		float *out[QUERIES];

		for (size_t k = 0; k < QUERIES; k++) { /* behind the last one: the first again */
			size_t row = k < count ? i + k : i;
			queries[k] = base + row * a->stride;
			out[k] = a->out + row * width + head * a->size;
		}
		score_rows(queries, keys, padded, a->size, scores);
		cut_rows(scores, a->tokens, padded, count);
		for (size_t k = 0; k < count; k++)
			softmax(scores + k * padded, padded, factor);
		mix_rows(scores, padded, base + 2 * width, a->stride, a->tokens, a->size, out,
			count);
	}
}

TARGET static void attention(const struct attention *a)
{
	for (size_t head = 0; head < a->heads; head++)
		attend_head(a, head);
}
