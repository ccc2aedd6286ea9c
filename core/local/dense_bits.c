/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over all vectors finds the distance of each, in bits, and how many there are of each
 * distance; from those follows the distance up to which vectors are taken. Vectors of a document
 * that the caller must not read are passed over before they are counted.
 *
 * Sixteen vectors are a block, their words side by side, so that a register holds the same word of
 * eight of them and nothing is summed up across it. */
#include "core/local/dense_bits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/auto.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define STEP_BYTES   ((size_t)4 << 20)
#define NOT_ADMITTED UINT16_MAX

#define LANES 16 /* vectors of a block */

/* The editions, then the signs: word w of lane k at words[w * LANES + k]. 64-byte aligned. */
struct block {
	uint32_t editions[LANES]; /* 0: counts no more */
	uint64_t words[];
};

struct dense_bits {
	int fd;
	size_t dimension, words, block_bytes;
	size_t count, room;
	uint8_t *map;
	size_t map_bytes;
	float centre[];
};

static struct block *block_of(const struct dense_bits *bits, size_t i)
{
	return (void *)(bits->map + i / LANES * bits->block_bytes);
}

int dense_bits_new(
	struct dense_bits **out, const char *folder, size_t dimension, const float *centre)
{
	struct dense_bits *bits = calloc(1, sizeof(*bits) + dimension * sizeof(float));

	if (!bits)
		return -ENOMEM;
	bits->dimension = dimension;
	bits->words = (dimension + 63) / 64;
	bits->block_bytes = sizeof(struct block) + bits->words * LANES * sizeof(uint64_t);
	memcpy(bits->centre, centre, dimension * sizeof(float));
	bits->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (bits->fd < 0) {
		int rc = -errno;
		free(bits);
		return rc;
	}
	*out = bits;
	return 0;
}

void dense_bits_free(struct dense_bits *bits)
{
	if (!bits)
		return;
	if (bits->map)
		munmap(bits->map, bits->map_bytes);
	close(bits->fd);
	free(bits);
}

size_t dense_bits_count(const struct dense_bits *bits)
{
	return bits->count;
}

/* Memory that is written through a map must be there: what is not allocated ends the process. */
static int grow(struct dense_bits *bits)
{
	size_t more = bits->map_bytes +
		(bits->map_bytes / 2 > STEP_BYTES ? bits->map_bytes / 2 : STEP_BYTES);
	int rc = posix_fallocate(bits->fd, 0, (off_t)more);

	if (rc)
		return -rc;
	void *map = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_SHARED, bits->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (bits->map)
		munmap(bits->map, bits->map_bytes);
	bits->map = map;
	bits->map_bytes = more;
	bits->room = more / bits->block_bytes * LANES;
	return 0;
}

static uint64_t sign(const struct dense_bits *bits, size_t i, float value)
{
	return (uint64_t)(value > bits->centre[i]) << i % 64;
}

int dense_bits_add(struct dense_bits *bits, uint32_t edition, float scale, const int8_t *numbers)
{
	int rc = bits->count == bits->room ? grow(bits) : 0;

	if (rc)
		return rc;
	struct block *block = block_of(bits, bits->count);
	size_t lane = bits->count++ % LANES;
	block->editions[lane] = edition;
	for (size_t w = 0, i = 0; w < bits->words; w++) {
		size_t end = i + 64 < bits->dimension ? i + 64 : bits->dimension;
		uint64_t word = 0;

		for (; i < end; i++)
			word |= sign(bits, i, scale * (float)numbers[i]);
		block->words[w * LANES + lane] = word;
	}
	return 0;
}

void dense_bits_forget(struct dense_bits *bits, size_t i)
{
	if (i < bits->count)
		block_of(bits, i)->editions[i % LANES] = 0;
}

/* --- distances -------------------------------------------------------------------- */

/* Histograms that lanes take turns with: vectors of one distance do not wait for each other. */
#define TURNS 4

/* Of each vector, and how many have each distance. */
struct pass {
	const struct dense_bits *bits;
	const uint64_t *query;
	uint16_t *distances; /* whole blocks */
	uint32_t *counts; /* TURNS × (dimension + 1) */
	bool (*admits)(void *context, uint32_t edition);
	void *context;
	uint32_t edition; /* asked about last */
	bool is_admitted;
};

#define INLINE static inline __attribute__((always_inline))

/* The distances of a block's lanes. */
typedef void (*distances_fn)(
	const uint64_t *words, const uint64_t *query, size_t count, uint16_t out[LANES]);

INLINE void distances_plain(
	const uint64_t *words, const uint64_t *query, size_t count, uint16_t out[LANES])
{
	for (size_t k = 0; k < LANES; k++) {
		int sum = 0;

		for (size_t w = 0; w < count; w++)
			sum += __builtin_popcountll(words[w * LANES + k] ^ query[w]);
		out[k] = (uint16_t)sum;
	}
}

INLINE bool is_of_one(const uint32_t editions[LANES], uint32_t edition)
{
	uint32_t others = 0;

	for (size_t k = 0; k < LANES; k++)
		others |= editions[k] ^ edition;
	return !others;
}

/* Take those lanes out that the caller must not read, or that count no more. */
static void sift(struct pass *pass, const uint32_t editions[LANES], uint16_t distances[LANES])
{
	for (size_t k = 0; k < LANES; k++) {
		if (editions[k] != pass->edition) {
			pass->edition = editions[k];
			pass->is_admitted =
				pass->edition && pass->admits(pass->context, pass->edition);
		}
		if (!pass->is_admitted)
			distances[k] = NOT_ADMITTED;
	}
}

/* The loop is compiled once for each way to count bits, the counting within it. */
INLINE void run_with(struct pass *pass, distances_fn distances_of)
{
	const struct dense_bits *bits = pass->bits;
	size_t stride = bits->dimension + 1;

	for (size_t i = 0; i < bits->count; i += LANES) {
		const struct block *block = block_of(bits, i);
		uint16_t *distances = pass->distances + i;

		distances_of(block->words, pass->query, bits->words, distances);
		if (!pass->is_admitted || !is_of_one(block->editions, pass->edition))
			sift(pass, block->editions, distances);
		for (size_t k = 0; k < LANES; k++)
			if (distances[k] != NOT_ADMITTED)
				pass->counts[k % TURNS * stride + distances[k]]++;
	}
}

static void run_plain(struct pass *pass)
{
	run_with(pass, distances_plain);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static void run_popcnt(struct pass *pass)
{
	run_with(pass, distances_plain);
}

#define WIDE __attribute__((target("avx512f,avx512vl,avx512vpopcntdq,popcnt")))

WIDE INLINE void distances_wide(
	const uint64_t *words, const uint64_t *query, size_t count, uint16_t out[LANES])
{
	__m512i low = _mm512_setzero_si512(), high = low;

	for (size_t w = 0; w < count; w++, words += LANES) {
		__m512i q = _mm512_set1_epi64((long long)query[w]);
		__m512i a = _mm512_xor_si512(_mm512_load_si512(words), q);
		__m512i b = _mm512_xor_si512(_mm512_load_si512(words + LANES / 2), q);

		low = _mm512_add_epi64(low, _mm512_popcnt_epi64(a));
		high = _mm512_add_epi64(high, _mm512_popcnt_epi64(b));
	}
	_mm_storeu_si128((__m128i *)(void *)out, _mm512_cvtepi64_epi16(low));
	_mm_storeu_si128((__m128i *)(void *)(out + LANES / 2), _mm512_cvtepi64_epi16(high));
}

WIDE static void run_wide(struct pass *pass)
{
	run_with(pass, distances_wide);
}
#endif

static void run_pass(struct pass *pass)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl"))
		run_wide(pass);
	else if (__builtin_cpu_supports("popcnt"))
		run_popcnt(pass);
	else
		run_plain(pass);
#else
	run_plain(pass);
#endif
}

static size_t count_at(const struct pass *pass, size_t distance)
{
	size_t stride = pass->bits->dimension + 1, sum = 0;

	for (size_t turn = 0; turn < TURNS; turn++)
		sum += pass->counts[turn * stride + distance];
	return sum;
}

static bool has_nearer(const uint16_t distances[LANES], size_t limit)
{
	uint16_t least = NOT_ADMITTED;

	for (size_t k = 0; k < LANES; k++)
		least = distances[k] < least ? distances[k] : least;
	return least < limit;
}

/* The numbers of those up to a distance that is just far enough. */
static int collect(const struct pass *pass, size_t wanted, uint32_t **out, size_t *count)
{
	size_t found = 0, limit = 0;

	while (limit <= pass->bits->dimension && found < wanted)
		found += count_at(pass, limit++);
	uint32_t *numbers = malloc((found + 1) * sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	*count = 0;
	for (size_t i = 0; i < pass->bits->count; i += LANES) {
		const uint16_t *distances = pass->distances + i;

		if (!has_nearer(distances, limit))
			continue;
		for (size_t k = 0; k < LANES; k++)
			if (distances[k] < limit)
				numbers[(*count)++] = (uint32_t)(i + k);
	}
	*out = numbers;
	return 0;
}

int dense_bits_search(const struct dense_bits *bits, const float *query, size_t wanted,
	bool (*admits)(void *context, uint32_t edition), void *context, uint32_t **out,
	size_t *count)
{
	size_t room = (bits->count + LANES - 1) / LANES * LANES;
	AUTO_FREE uint16_t *distances = malloc((room + 1) * sizeof(*distances));
	AUTO_FREE uint32_t *counts = calloc(TURNS * (bits->dimension + 1), sizeof(*counts));
	AUTO_FREE uint64_t *signs = calloc(bits->words, sizeof(*signs));
	struct pass pass = {
		.bits = bits,
		.query = signs,
		.distances = distances,
		.counts = counts,
		.admits = admits,
		.context = context,
	};

	if (!distances || !counts || !signs)
		return -ENOMEM;
	for (size_t i = 0; i < bits->dimension; i++)
		signs[i / 64] |= sign(bits, i, query[i]);
	run_pass(&pass);
	return collect(&pass, wanted, out, count);
}
