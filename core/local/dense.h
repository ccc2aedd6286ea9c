/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings, a byte a number, in one flat file that is mapped: a small one is scanned whole, of a
 * large one only what the bits of dense_bits.h bring up. The file can be made again from the rows
 * at any time. */
#ifndef ASKFS_CORE_LOCAL_DENSE_H
#define ASKFS_CORE_LOCAL_DENSE_H

#include <stdbool.h>

#include "core/err.h"
#include "core/local/best.h"

/* Has no lock: its owner's is held for reading [R] or writing [W]. */
struct dense;

struct dense_item {
	uint64_t number; /* of its chunk's row; ascending in the file */
	uint64_t chunk; /* id */
	uint32_t edition, index;
};

/* A vector as it is kept: numbers × scale. */
struct dense_code {
	float scale;
	const int8_t *numbers;
};

/* Open @path for vectors of @dimension, or make it anew: if it is missing, of another
 * dimension, or was not closed before the machine went down. 0 or -errno. */
int dense_open(struct dense **out, const char *path, size_t dimension, struct err *err);

/* Sync and close; the file is good then. NULL is accepted. */
void dense_free(struct dense *dense);

/* Forget all vectors. [W] 0 or -errno. */
int dense_clear(struct dense *dense, struct err *err);

/* [R] */
size_t dense_dimension(const struct dense *dense);
size_t dense_count(const struct dense *dense);
uint64_t dense_last_number(const struct dense *dense);

/* [W] Append. 0 or -errno. */
int dense_add(struct dense *dense, const struct dense_item *item, const struct dense_code *code,
	struct err *err);

/* [W] The chunk's vectors count no more; 0 also if it has none. */
int dense_forget(struct dense *dense, uint64_t chunk, struct err *err);

/* [R] Offer the chunks nearest to @query that @admits lets through (fills document and version),
 * each once, by its nearest vector. 0 or -ENOMEM. */
int dense_search(const struct dense *dense, const float *query,
	bool (*admits)(void *context, uint32_t edition, struct found *found), void *context,
	struct best *best);

/* Bits that are being made while others search: the owner calls
 *	begin [R], more [R] until it returns 0, end [W];
 * between them the lock may be free. */
struct dense_making;

/* [R] Are there enough vectors for bits, and no bits, or those of a much smaller collection? */
bool dense_wants_bits(const struct dense *dense);
int dense_bits_begin(const struct dense *dense, struct dense_making **out); /* 0 or -errno */
int dense_bits_more(const struct dense *dense, struct dense_making *making); /* 1: more; -errno */
void dense_bits_end(struct dense *dense, struct dense_making *making); /* frees it */
void dense_making_free(struct dense_making *making); /* instead of end; no lock */

/* A vector to bytes; returns the scale. */
float dense_pack(const float *vector, size_t n, int8_t *out);

/* The scalar product; the fastest way that this CPU has. */
int32_t dense_product(const int8_t *a, const int8_t *b, size_t n);

/* Every way this CPU has, for tests: NULL behind the last. */
typedef int32_t (*dense_product_fn)(const int8_t *a, const int8_t *b, size_t n);
dense_product_fn dense_product_way(size_t i);

#endif
