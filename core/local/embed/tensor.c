/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/embed/tensor.h"

#include <string.h>

size_t tensor_bytes(enum tensor_type type, size_t count)
{
	switch (type) {
	case TENSOR_F32: return count > SIZE_MAX / 4 ? 0 : count * 4;
	case TENSOR_F16:
	case TENSOR_BF16: return count > SIZE_MAX / 2 ? 0 : count * 2;
	case TENSOR_Q4: break;
	}
	return count % TENSOR_BLOCK ? 0 : count / TENSOR_BLOCK * TENSOR_BLOCK_BYTES;
}

static float from_bits(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* IEEE 754 binary16, subnormal numbers, infinities and NaN as well. */
static float from_half(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7fff;

	if (rest >= 0x7c00)
		return from_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
	/* Shift the exponent by a product, which makes subnormal numbers right, too. */
	return from_bits(sign | rest << 13) * 0x1p112f;
}

static uint16_t read_16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static void read_q4(const uint8_t *block, size_t blocks, float *out)
{
	for (; blocks--; block += TENSOR_BLOCK_BYTES, out += TENSOR_BLOCK) {
		float scale = from_half(read_16(block));

		for (size_t i = 0; i < TENSOR_BLOCK / 2; i++) {
			out[i] = (float)((block[2 + i] & 15) - 8) * scale;
			out[i + TENSOR_BLOCK / 2] = (float)((block[2 + i] >> 4) - 8) * scale;
		}
	}
}

void tensor_read(const struct tensor *tensor, size_t first, size_t count, float *out)
{
	const uint8_t *data = tensor->data;

	switch (tensor->type) {
	case TENSOR_F32: memcpy(out, data + first * 4, count * 4); break;
	case TENSOR_F16:
		for (size_t i = 0; i < count; i++)
			out[i] = from_half(read_16(data + (first + i) * 2));
		break;
	case TENSOR_BF16:
		for (size_t i = 0; i < count; i++)
			out[i] = from_bits((uint32_t)read_16(data + (first + i) * 2) << 16);
		break;
	case TENSOR_Q4:
		read_q4(data + first / TENSOR_BLOCK * TENSOR_BLOCK_BYTES, count / TENSOR_BLOCK,
			out);
		break;
	}
}
