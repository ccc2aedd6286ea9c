/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over all vectors finds the distance of each, in bits, and how many there are of each
 * distance; from those follows the distance up to which vectors are taken. Vectors of a document
 * that the caller must not read are passed over before they are compared. */
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

/* The edition, then the signs. */
struct signs {
	uint32_t edition; /* 0: counts no more */
	uint32_t pad;
	uint64_t words[];
};

struct dense_bits {
	int fd;
	size_t dimension, words, record_bytes;
	size_t count, room;
	uint8_t *map;
	size_t map_bytes;
	float centre[];
};

static struct signs *signs_at(const struct dense_bits *bits, size_t i)
{
	return (void *)(bits->map + i * bits->record_bytes);
}

int dense_bits_new(
	struct dense_bits **out, const char *folder, size_t dimension, const float *centre)
{
	struct dense_bits *bits = calloc(1, sizeof(*bits) + dimension * sizeof(float));

	if (!bits)
		return -ENOMEM;
	bits->dimension = dimension;
	bits->words = (dimension + 63) / 64;
	bits->record_bytes = sizeof(struct signs) + bits->words * sizeof(uint64_t);
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
	bits->room = more / bits->record_bytes;
	return 0;
}

static void take_sign(const struct dense_bits *bits, size_t i, float value, uint64_t *words)
{
	if (value > bits->centre[i])
		words[i / 64] |= UINT64_C(1) << i % 64;
}

int dense_bits_add(struct dense_bits *bits, uint32_t edition, float scale, const int8_t *numbers)
{
	int rc = bits->count == bits->room ? grow(bits) : 0;

	if (rc)
		return rc;
	struct signs *signs = signs_at(bits, bits->count++);
	*signs = (struct signs){.edition = edition};
	memset(signs->words, 0, bits->words * sizeof(uint64_t));
	for (size_t i = 0; i < bits->dimension; i++)
		take_sign(bits, i, scale * (float)numbers[i], signs->words);
	return 0;
}

void dense_bits_forget(struct dense_bits *bits, size_t i)
{
	if (i < bits->count)
		signs_at(bits, i)->edition = 0;
}

/* --- distances -------------------------------------------------------------------- */

/* Of each vector, and how many have each distance. */
struct pass {
	const struct dense_bits *bits;
	const uint64_t *query;
	uint16_t *distances;
	size_t *counts; /* dimension + 1 */
	bool (*admits)(void *context, uint32_t edition);
	void *context;
};

#define INLINE static inline __attribute__((always_inline))

INLINE uint16_t distance_of(const uint64_t *a, const uint64_t *b, size_t words)
{
	int sum = 0;

	for (size_t i = 0; i < words; i++)
		sum += __builtin_popcountll(a[i] ^ b[i]);
	return (uint16_t)sum;
}

/* The loop is compiled once for each way to count bits, the counting within it. */
INLINE void run_with(
	struct pass *pass, uint16_t (*distance)(const uint64_t *, const uint64_t *, size_t))
{
	const struct dense_bits *bits = pass->bits;
	size_t words = bits->words, stride = bits->record_bytes;
	const uint8_t *at = bits->map;
	uint32_t edition = 0;
	bool is_admitted = false;

	for (size_t i = 0; i < bits->count; i++, at += stride) {
		const struct signs *signs = (const void *)at;

		if (signs->edition != edition) {
			edition = signs->edition;
			is_admitted = edition && pass->admits(pass->context, edition);
		}
		if (!is_admitted) {
			pass->distances[i] = NOT_ADMITTED;
			continue;
		}
		uint16_t found = distance(signs->words, pass->query, words);
		pass->distances[i] = found;
		pass->counts[found]++;
	}
}

static void run_plain(struct pass *pass)
{
	run_with(pass, distance_of);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static void run_popcnt(struct pass *pass)
{
	run_with(pass, distance_of);
}

#define WIDE __attribute__((target("avx512f,avx512vl,avx512vpopcntdq,popcnt")))

/* Up to eight words at a time. */
WIDE INLINE uint16_t distance_wide(const uint64_t *a, const uint64_t *b, size_t words)
{
	__m512i sum = _mm512_setzero_si512();

	for (size_t i = 0; i < words; i += 8) {
		__mmask8 mask = (__mmask8)(words - i >= 8 ? 0xff : (1u << (words - i)) - 1);
		__m512i x = _mm512_maskz_loadu_epi64(mask, a + i);
		__m512i y = _mm512_maskz_loadu_epi64(mask, b + i);
		sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
	}
	return (uint16_t)_mm512_reduce_add_epi64(sum);
}

WIDE static void run_wide(struct pass *pass)
{
	run_with(pass, distance_wide);
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

/* The numbers of those up to a distance that is just far enough. */
static int collect(const struct pass *pass, size_t wanted, uint32_t **out, size_t *count)
{
	size_t found = 0, limit = 0;

	while (limit <= pass->bits->dimension && found < wanted)
		found += pass->counts[limit++];
	uint32_t *numbers = malloc((found + 1) * sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	*count = 0;
	for (size_t i = 0; i < pass->bits->count; i++)
		if (pass->distances[i] < limit)
			numbers[(*count)++] = (uint32_t)i;
	*out = numbers;
	return 0;
}

int dense_bits_search(const struct dense_bits *bits, const float *query, size_t wanted,
	bool (*admits)(void *context, uint32_t edition), void *context, uint32_t **out,
	size_t *count)
{
	AUTO_FREE uint16_t *distances = malloc((bits->count + 1) * sizeof(*distances));
	AUTO_FREE size_t *counts = calloc(bits->dimension + 1, sizeof(*counts));
	AUTO_FREE uint64_t *signs = calloc(bits->words, sizeof(*signs));
	struct pass pass = {bits, signs, distances, counts, admits, context};

	if (!distances || !counts || !signs)
		return -ENOMEM;
	for (size_t i = 0; i < bits->dimension; i++)
		take_sign(bits, i, query[i], signs);
	run_pass(&pass);
	return collect(&pass, wanted, out, count);
}
