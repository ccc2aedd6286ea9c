/* SPDX-License-Identifier: Apache-2.0 */
/* NEON with the dot product of signed bytes (ARMv8.2). Untested: written without the hardware.
 * Activations are moved down by 128 to be signed, which the sum of the weights makes up for. */
#include "core/local/embed/kernel.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>

#define WIDTH  4
#define LEVELS 255
#define TARGET
#include "core/local/embed/kernel_float.h"

/* Rows of one token: 16 at a time, four a register. */
static void multiply(
	const int8_t *packed, size_t columns, const uint8_t *q, int32x4_t sums[4])
{
	int8x16_t middle = vdupq_n_s8((int8_t)0x80);

	for (size_t i = 0; i < 4; i++)
		sums[i] = vdupq_n_s32(0);
	for (size_t c = 0; c < columns; c += 4, packed += KERNEL_ROWS * 4) {
		int32_t four;

		memcpy(&four, q + c, sizeof(four));
		int8x16_t x = veorq_s8(vreinterpretq_s8_s32(vdupq_n_s32(four)), middle);
		for (size_t i = 0; i < 4; i++)
			sums[i] = vdotq_s32(sums[i], vld1q_s8(packed + i * 16), x);
	}
}

static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	size_t columns = matrix->columns;

	for (size_t row = 0; row < matrix->rows; row += 16) {
		const int8_t *packed = matrix->packed + row / KERNEL_ROWS * KERNEL_ROWS * columns +
			row % KERNEL_ROWS * 4;

		for (size_t t = 0; t < count; t++) {
			int32x4_t sums[4];
			float minimum = in->minimum[t] + 128 * in->step[t];

			multiply(packed, columns, in->q + t * columns, sums);
			for (size_t i = 0; i < 4; i++) {
				size_t at = row + i * 4;
				float32x4_t value = vfmaq_n_f32(vld1q_f32(matrix->bias + at),
					vld1q_f32(matrix->sum + at), minimum);
				float32x4_t scaled = vmulq_f32(
					vcvtq_f32_s32(sums[i]), vld1q_f32(matrix->scale + at));
				vst1q_f32(out + t * stride + at,
					vfmaq_n_f32(value, scaled, in->step[t]));
			}
		}
	}
}

const struct kernel *kernel_neon(void)
{
	static const struct kernel kernel = {
		.name = "neon",
		.quantise = quantise,
		.product = product,
		.attention = attention,
		.gelu = gelu,
		.norm = norm,
	};

	return &kernel;
}

#else

const struct kernel *kernel_neon(void)
{
	return NULL;
}

#endif
