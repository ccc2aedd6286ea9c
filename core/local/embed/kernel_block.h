/* SPDX-License-Identifier: Apache-2.0 */
/* What the two forms of AVX-512 share: a block of 64 rows, and what makes floats of its sums.
 * Included by them alone, who say TARGET first. */
#ifndef ASKFS_CORE_LOCAL_EMBED_KERNEL_BLOCK_H
#define ASKFS_CORE_LOCAL_EMBED_KERNEL_BLOCK_H

#include <immintrin.h>

#include "core/local/embed/kernel.h"

/* Where one group of columns of a block is, and what makes floats of its sums. */
struct block {
	const struct matrix *matrix;
	const struct activations *in;
	size_t row, group, part; /* part: columns of the group */
};

/* The rows of one token: from integers to floats, on top of the groups before. */
TARGET static inline void finish(
	const struct block *block, size_t token, const __m512i sums[4], float *out)
{
	const struct matrix *matrix = block->matrix;
	size_t at = token * matrix->groups + block->group, row = block->row;
	const float *scale = matrix->scale + block->group * matrix->rows;
	const float *sum = matrix->sum + block->group * matrix->rows;
	__m512 minimum = _mm512_set1_ps(block->in->minimum[at]);
	__m512 step = _mm512_set1_ps(block->in->step[at]);

	for (size_t i = 0; i < 4; i++, row += 16) {
		__m512 before = block->group ? _mm512_loadu_ps(out + i * 16)
					     : _mm512_loadu_ps(matrix->bias + row);
		__m512 scaled =
			_mm512_mul_ps(_mm512_cvtepi32_ps(sums[i]), _mm512_loadu_ps(scale + row));
		__m512 value = _mm512_fmadd_ps(minimum, _mm512_loadu_ps(sum + row), before);
		_mm512_storeu_ps(out + i * 16, _mm512_fmadd_ps(step, scaled, value));
	}
}

/* The weights of the block's rows and its group of columns. */
static inline const int8_t *block_weights(const struct block *block)
{
	return block->matrix->packed + block->row * block->matrix->columns +
		block->group * block->part * KERNEL_ROWS;
}

#endif
