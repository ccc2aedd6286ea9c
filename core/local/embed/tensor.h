/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as they lie in a model's file. */
#ifndef ASKFS_CORE_LOCAL_EMBED_TENSOR_H
#define ASKFS_CORE_LOCAL_EMBED_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tensor_type {
	TENSOR_F32,
	TENSOR_F16,
	TENSOR_BF16,
	TENSOR_Q4, /* blocks of 32: a half float, then 16 bytes; weight = (nibble - 8) × scale */
};

#define TENSOR_BLOCK	   32
#define TENSOR_BLOCK_BYTES 18

/* Plain data that points into the mapped file. */
struct tensor {
	enum tensor_type type;
	const uint8_t *data;
	size_t count; /* weights */
};

/* Bytes that so many weights take; 0 if that cannot be (Q4: not a multiple of a block). */
size_t tensor_bytes(enum tensor_type type, size_t count);

/* Weights [first, first + count) as floats; TENSOR_Q4 wants multiples of TENSOR_BLOCK. Any
 * thread. */
void tensor_read(const struct tensor *tensor, size_t first, size_t count, float *out);

#endif
