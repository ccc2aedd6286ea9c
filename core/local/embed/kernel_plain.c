/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C: what every CPU has, and what the others are compared with. */
#define WIDTH  4
#define LEVELS 255
#define TARGET
#include "core/local/embed/kernel_float.h"

static float product_of(
	const struct matrix *matrix, const struct activations *in, size_t t, size_t row)
{
	size_t columns = matrix->columns, part = columns / matrix->groups;
	const uint8_t *q = in->q + t * columns;
	const int8_t *packed =
		matrix->packed + row / KERNEL_ROWS * KERNEL_ROWS * columns + row % KERNEL_ROWS * 4;
	float value = matrix->bias[row];

	for (size_t g = 0; g < matrix->groups; g++) {
		size_t at = t * matrix->groups + g, place = g * matrix->rows + row;
		int32_t sum = 0;

		for (size_t c = 0; c < part; c += 4, q += 4, packed += KERNEL_ROWS * 4)
			for (size_t k = 0; k < 4; k++)
				sum += q[k] * packed[k];
		value += in->step[at] * matrix->scale[place] * (float)sum +
			in->minimum[at] * matrix->sum[place];
	}
	return value;
}

static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	for (size_t t = 0; t < count; t++)
		for (size_t row = 0; row < matrix->rows; row++)
			out[t * stride + row] = product_of(matrix, in, t, row);
}

const struct kernel *kernel_plain(void)
{
	static const struct kernel kernel = {
		.name = "plain",
		.pack = pack,
		.quantise = quantise,
		.product = product,
		.attention = attention,
		.gelu = gelu,
		.norm = norm,
	};

	return &kernel;
}
