/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C: what every CPU has, and what the others are compared with. */
#define WIDTH  4
#define LEVELS 255
#define TARGET
#include "core/local/embed/kernel_float.h"

static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	size_t columns = matrix->columns;

	for (size_t t = 0; t < count; t++) {
		const uint8_t *q = in->q + t * columns;

		for (size_t row = 0; row < matrix->rows; row++) {
			const int8_t *packed = matrix->packed +
				row / KERNEL_ROWS * KERNEL_ROWS * columns + row % KERNEL_ROWS * 4;
			int32_t sum = 0;

			for (size_t c = 0; c < columns; c += 4, packed += KERNEL_ROWS * 4)
				for (size_t k = 0; k < 4; k++)
					sum += q[c + k] * packed[k];
			out[t * stride + row] = matrix->bias[row] +
				in->step[t] * matrix->scale[row] * (float)sum +
				in->minimum[t] * matrix->sum[row];
		}
	}
}

const struct kernel *kernel_plain(void)
{
	static const struct kernel kernel = {
		.name = "plain",
		.quantise = quantise,
		.product = product,
		.attention = attention,
		.gelu = gelu,
		.norm = norm,
	};

	return &kernel;
}
