/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of WIDTH floats, and a block of a product: four of them are so many rows of a token.
 * Included once by each kernel_*.c, which says WIDTH and TARGET first (kernel_float.h). */
#ifndef ASKFS_CORE_LOCAL_EMBED_KERNEL_BLOCK_H
#define ASKFS_CORE_LOCAL_EMBED_KERNEL_BLOCK_H

#include "core/local/embed/kernel.h"

typedef float vec __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

#define ALL(x) ((x) - (vec){0})

TARGET static inline vec load(const float *at)
{
	return *(const vec *)at;
}

TARGET static inline void store(float *at, vec value)
{
	*(vec *)at = value;
}

/* Where one group of columns of a block is, and what makes floats of its sums. */
struct block {
	const struct matrix *matrix;
	const struct activations *in;
	size_t row, group, part; /* part: columns of the group */
};

/* The weights of the block's rows and its group of columns. */
static inline const int8_t *block_weights(const struct block *block)
{
	size_t row = block->row, columns = block->matrix->columns;

	return block->matrix->packed + row / KERNEL_ROWS * KERNEL_ROWS * columns +
		block->group * block->part * KERNEL_ROWS + row % KERNEL_ROWS * 4;
}

/* The rows of one token: from integers to floats, on top of the groups before. */
TARGET static inline void finish(
	const struct block *block, size_t token, const ivec sums[4], float *out)
{
	const struct matrix *matrix = block->matrix;
	size_t at = token * matrix->groups + block->group, row = block->row;
	const float *scale = matrix->scale + block->group * matrix->rows;
	const float *sum = matrix->sum + block->group * matrix->rows;
	float minimum = block->in->minimum[at], step = block->in->step[at];

	for (size_t i = 0; i < 4; i++, row += WIDTH, out += WIDTH) {
		vec before = load(block->group ? out : matrix->bias + row);
		vec scaled = __builtin_convertvector(sums[i], vec) * load(scale + row);
		vec value = minimum * load(sum + row) + before;
		store(out, step * scaled + value);
	}
}

#endif
