/* SPDX-License-Identifier: Apache-2.0 */
/* A block is two widths and two runs of numbers of that many bits: the gaps between ordinals
 * less one, and the counts less one. Fixed widths unpack without a branch. */
#include "core/local/lexical/postings.h"

#include <endian.h>
#include <string.h>

#include "core/local/lexical/bm25.h"

void bounds_init(struct bounds *bounds)
{
	bounds->max_count = 0;
	for (size_t i = 0; i < BOUND_CLASSES; i++)
		bounds->min_length[i] = UINT16_MAX;
}

static void raise_bounds(struct bounds *bounds, size_t class, uint16_t count, uint16_t length)
{
	if (count > bounds->max_count)
		bounds->max_count = count;
	if (length < bounds->min_length[class])
		bounds->min_length[class] = length;
}

void bounds_add(struct bounds *bounds, uint32_t count, uint32_t length)
{
	size_t class = count <= 1 ? 0 : count <= 3 ? 1 : 2;

	raise_bounds(bounds, class, (uint16_t)(count < UINT16_MAX ? count : UINT16_MAX),
		(uint16_t)(length < UINT16_MAX ? length : UINT16_MAX));
}

void bounds_merge(struct bounds *bounds, const struct bounds *other)
{
	for (size_t i = 0; i < BOUND_CLASSES; i++)
		raise_bounds(bounds, i, other->max_count, other->min_length[i]);
}

double bounds_weight(const struct bounds *bounds, double idf, double mean_length)
{
	static const uint16_t highest[BOUND_CLASSES] = {1, 3, UINT16_MAX};
	double best = 0;

	for (size_t i = 0; i < BOUND_CLASSES; i++) {
		uint32_t count = bounds->max_count < highest[i] ? bounds->max_count : highest[i];
		if (count == UINT16_MAX)
			return idf * (BM25_K1 + 1);
		double weight = bm25_weight(idf, count, bounds->min_length[i], mean_length);
		if (weight > best)
			best = weight;
	}
	return best;
}

static unsigned int width_of(const uint32_t *values, size_t n)
{
	uint32_t all = 0;

	for (size_t i = 0; i < n; i++)
		all |= values[i];
	return all ? 32 - (unsigned int)__builtin_clz(all) : 0;
}

static size_t run_bytes(size_t n, unsigned int width)
{
	return (n * width + 7) / 8;
}

static void put_run(uint8_t *out, const uint32_t *values, size_t n, unsigned int width)
{
	uint64_t bits = 0;
	unsigned int held = 0;

	for (size_t i = 0; i < n; i++) {
		bits |= (uint64_t)values[i] << held;
		for (held += width; held >= 8; held -= 8, bits >>= 8)
			*out++ = (uint8_t)bits;
	}
	if (held)
		*out = (uint8_t)bits;
}

static inline uint32_t get_value(const uint8_t *run, size_t at, unsigned int width)
{
	uint64_t word;
	size_t bit = at * width;

	memcpy(&word, run + bit / 8, sizeof(word));
	return (uint32_t)((le64toh(word) >> (bit % 8)) & ((UINT64_C(1) << width) - 1));
}

size_t block_pack(
	uint8_t *out, const uint32_t *ordinals, const uint32_t *counts, size_t n, uint32_t base)
{
	uint32_t gaps[BLOCK_POSTINGS], less[BLOCK_POSTINGS];

	for (size_t i = 0; i < n; i++) {
		gaps[i] = ordinals[i] - (i ? ordinals[i - 1] + 1 : base);
		less[i] = counts[i] - 1;
	}
	out[0] = (uint8_t)width_of(gaps, n);
	out[1] = (uint8_t)width_of(less, n);
	size_t gap_bytes = run_bytes(n, out[0]);
	put_run(out + 2, gaps, n, out[0]);
	put_run(out + 2 + gap_bytes, less, n, out[1]);
	return 2 + gap_bytes + run_bytes(n, out[1]);
}

void block_unpack_ordinals(const uint8_t *data, size_t n, uint32_t base, uint32_t *ordinals)
{
	unsigned int width = data[0] & 63;

	for (size_t i = 0; i < n; i++)
		ordinals[i] = get_value(data + 2, i, width);
	for (size_t i = 0; i < n; i++) {
		ordinals[i] += base;
		base = ordinals[i] + 1;
	}
}

void block_unpack_counts(const uint8_t *data, size_t n, uint32_t *counts)
{
	unsigned int width = data[1] & 63;
	const uint8_t *run = data + 2 + run_bytes(n, data[0] & 63);

	for (size_t i = 0; i < n; i++)
		counts[i] = get_value(run, i, width) + 1;
}
