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
static void multiply(const int8_t *packed, size_t columns, const uint8_t *q, int32x4_t sums[4])
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

/* 16 rows of one group of columns of one token, on top of the groups before. */
static void add_group(const struct matrix *matrix, const struct activations *in, size_t t,
	size_t row, size_t group, float *out)
{
	size_t columns = matrix->columns, part = columns / matrix->groups, first = group * part;
	const int8_t *packed = matrix->packed + row / KERNEL_ROWS * KERNEL_ROWS * columns +
		first * KERNEL_ROWS + row % KERNEL_ROWS * 4;
	float step = in->step[t * matrix->groups + group];
	float minimum = in->minimum[t * matrix->groups + group] + 128 * step;
	int32x4_t sums[4];

	multiply(packed, part, in->q + t * columns + first, sums);
	for (size_t i = 0; i < 4; i++) {
		size_t at = group * matrix->rows + row + i * 4;
		float32x4_t before = vld1q_f32(group ? out + i * 4 : matrix->bias + row + i * 4);
		float32x4_t value = vfmaq_n_f32(before, vld1q_f32(matrix->sum + at), minimum);
		float32x4_t scaled =
			vmulq_f32(vcvtq_f32_s32(sums[i]), vld1q_f32(matrix->scale + at));
		vst1q_f32(out + i * 4, vfmaq_n_f32(value, scaled, step));
	}
}

static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	for (size_t row = 0; row < matrix->rows; row += 16)
		for (size_t t = 0; t < count; t++)
			for (size_t group = 0; group < matrix->groups; group++)
				add_group(matrix, in, t, row, group, out + t * stride + row);
}

const struct kernel *kernel_neon(void)
{
	static const struct kernel kernel = {
		.name = "neon",
		.pack = pack,
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
