/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over all vectors. It knows up to which distance, in bits, a vector is still among those
 * that are wanted, of what it has seen so far: that only falls, and few vectors come below it, so
 * that hardly more than the comparison is left to be done for each.
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

#define STEP_BYTES ((size_t)4 << 20)

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

struct near {
	uint32_t number, distance;
};

struct pass {
	const struct dense_bits *bits;
	const uint64_t *query;
	size_t wanted;
	size_t limit; /* vectors of this distance and beyond are not wanted any more */
	size_t below; /* how many were found below it */
	size_t *counts; /* of each distance, below the limit */
	struct near *near; /* ascending by number; some may be at the limit or beyond by now */
	size_t count, cap;
	bool (*admits)(void *context, uint32_t edition);
	void *context;
	uint32_t edition; /* asked about last */
	bool is_admitted;
};

#define INLINE static inline __attribute__((always_inline))

/* The distances of a block's lanes in @out; a bit for each that is below @limit. */
typedef uint32_t (*nearer_fn)(const uint64_t *words, const uint64_t *query, size_t count,
	uint16_t limit, uint16_t out[LANES]);

INLINE uint32_t nearer_plain(const uint64_t *words, const uint64_t *query, size_t count,
	uint16_t limit, uint16_t out[LANES])
{
	uint32_t nearer = 0;

	for (size_t k = 0; k < LANES; k++) {
		int sum = 0;

		for (size_t w = 0; w < count; w++)
			sum += __builtin_popcountll(words[w * LANES + k] ^ query[w]);
		out[k] = (uint16_t)sum;
		nearer |= (uint32_t)(sum < limit) << k;
	}
	return nearer;
}

/* Drop what the limit has passed. */
static void compact(struct pass *pass)
{
	size_t kept = 0;

	for (size_t i = 0; i < pass->count; i++)
		if (pass->near[i].distance < pass->limit)
			pass->near[kept++] = pass->near[i];
	pass->count = kept;
}

static int make_room(struct pass *pass)
{
	compact(pass);
	if (pass->count < pass->cap / 2)
		return 0;
	size_t cap = pass->cap ? 2 * pass->cap : 4 * pass->wanted + LANES;
	struct near *near = reallocarray(pass->near, cap, sizeof(*near));
	if (!near)
		return -ENOMEM;
	pass->near = near;
	pass->cap = cap;
	return 0;
}

static bool is_admitted(struct pass *pass, uint32_t edition)
{
	if (edition != pass->edition) {
		pass->edition = edition;
		pass->is_admitted = edition && pass->admits(pass->context, edition);
	}
	return pass->is_admitted;
}

static int take(struct pass *pass, size_t i, uint16_t distance)
{
	if (distance >= pass->limit) /* which fell within the block */
		return 0;
	if (pass->count == pass->cap && make_room(pass))
		return -ENOMEM;
	pass->near[pass->count++] = (struct near){(uint32_t)i, distance};
	pass->counts[distance]++;
	pass->below++;
	while (pass->limit > 1 && pass->below - pass->counts[pass->limit - 1] >= pass->wanted)
		pass->below -= pass->counts[--pass->limit];
	return 0;
}

static int take_lanes(struct pass *pass, size_t first, uint32_t nearer, const uint16_t *distances)
{
	const struct block *block = block_of(pass->bits, first);
	int rc = 0;

	for (; nearer && !rc; nearer &= nearer - 1) {
		size_t k = (size_t)__builtin_ctz(nearer);
		if (is_admitted(pass, block->editions[k]))
			rc = take(pass, first + k, distances[k]);
	}
	return rc;
}

/* Blocks ahead are asked for early: the hardware looks no further than the end of a page. */
#define AHEAD 8

INLINE void fetch(const struct block *block, size_t bytes)
{
	const char *ahead = (const char *)block + AHEAD * bytes;

	for (size_t at = 0; at < bytes; at += 64)
		__builtin_prefetch(ahead + at);
}

/* The loop is compiled once for each way to count bits, the counting within it. */
INLINE int run_with(struct pass *pass, nearer_fn nearer_of)
{
	const struct dense_bits *bits = pass->bits;
	int rc = 0;

	for (size_t i = 0; i < bits->count && !rc; i += LANES) {
		const struct block *block = block_of(bits, i);
		uint16_t distances[LANES];

		fetch(block, bits->block_bytes);
		uint32_t nearer = nearer_of(
			block->words, pass->query, bits->words, (uint16_t)pass->limit, distances);
		if (nearer)
			rc = take_lanes(pass, i, nearer, distances);
	}
	return rc;
}

static int run_plain(struct pass *pass)
{
	return run_with(pass, nearer_plain);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static int run_popcnt(struct pass *pass)
{
	return run_with(pass, nearer_plain);
}

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq,popcnt")))

WIDE INLINE uint32_t nearer_wide(const uint64_t *words, const uint64_t *query, size_t count,
	uint16_t limit, uint16_t out[LANES])
{
	__m512i low = _mm512_setzero_si512(), high = low;

	for (size_t w = 0; w < count; w++, words += LANES) {
		__m512i q = _mm512_set1_epi64((long long)query[w]);
		__m512i a = _mm512_xor_si512(_mm512_load_si512(words), q);
		__m512i b = _mm512_xor_si512(_mm512_load_si512(words + LANES / 2), q);

		low = _mm512_add_epi64(low, _mm512_popcnt_epi64(a));
		high = _mm512_add_epi64(high, _mm512_popcnt_epi64(b));
	}
	__m256i all = _mm256_set_m128i(_mm512_cvtepi64_epi16(high), _mm512_cvtepi64_epi16(low));
	_mm256_storeu_si256((__m256i *)(void *)out, all);
	return _mm256_cmplt_epu16_mask(all, _mm256_set1_epi16((short)limit));
}

WIDE static int run_wide(struct pass *pass)
{
	return run_with(pass, nearer_wide);
}
#endif

static int run_pass(struct pass *pass)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512bw"))
		return run_wide(pass);
	if (__builtin_cpu_supports("popcnt"))
		return run_popcnt(pass);
#endif
	return run_plain(pass);
}

static int take_numbers(struct pass *pass, uint32_t **out, size_t *count)
{
	uint32_t *numbers = malloc((pass->count + 1) * sizeof(*numbers));

	if (!numbers)
		return -ENOMEM;
	compact(pass);
	for (size_t i = 0; i < pass->count; i++)
		numbers[i] = pass->near[i].number;
	*out = numbers;
	*count = pass->count;
	return 0;
}

int dense_bits_search(const struct dense_bits *bits, const float *query, size_t wanted,
	bool (*admits)(void *context, uint32_t edition), void *context, uint32_t **out,
	size_t *count)
{
	AUTO_FREE size_t *counts = calloc(bits->dimension + 1, sizeof(*counts));
	AUTO_FREE uint64_t *signs = calloc(bits->words, sizeof(*signs));
	struct pass pass = {
		.bits = bits,
		.query = signs,
		.wanted = wanted ? wanted : 1,
		.limit = bits->dimension + 1,
		.counts = counts,
		.admits = admits,
		.context = context,
	};

	if (!counts || !signs)
		return -ENOMEM;
	for (size_t i = 0; i < bits->dimension; i++)
		signs[i / 64] |= sign(bits, i, query[i]);
	int rc = run_pass(&pass);
	rc = rc ? rc : take_numbers(&pass, out, count);
	free(pass.near);
	return rc;
}
