/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of an encoder, in a form for each kind of CPU. Weights are 8-bit integers with a
 * scale a row; activations are quantised a token at a time to unsigned integers, asymmetrically:
 * x = minimum + step × q. So a product of both is integer work, and a row's sum of weights, kept
 * beside it, brings the minimum back in. Where that is too coarse the columns are cut into
 * groups, and each group of a row or a token has numbers of its own. */
#ifndef ASKFS_CORE_LOCAL_EMBED_KERNEL_H
#define ASKFS_CORE_LOCAL_EMBED_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Rows are packed in groups of so many, four consecutive columns of each side by side. */
#define KERNEL_ROWS 64

/* A weight matrix. Rows and columns are padded with zeros to multiples of KERNEL_ROWS and 4. */
struct matrix {
	size_t rows, columns; /* padded */
	size_t groups; /* of columns; each a multiple of 4 */
	int8_t *packed; /* rows × columns; 64-byte aligned */
	float *scale; /* groups × rows: weight = scale × packed */
	float *sum; /* groups × rows: scale × the sum of the packed weights */
	float *bias; /* a row */
};

/* Quantised activations of some tokens. */
struct activations {
	uint8_t *q; /* tokens × columns, 64-byte aligned rows */
	float *minimum, *step; /* tokens × groups */
};

/* Where the queries, keys and values of one sequence are. */
struct attention {
	const float *qkv; /* a token: queries, keys and values of all heads; stride floats apart */
	size_t stride;
	size_t tokens, heads, size; /* of a head: a multiple of 16 */
	float *out; /* tokens × heads × size */
	float *scratch; /* kernel_attention_scratch floats */
};

/* One thread at a time for each piece of memory; nothing is allocated, nothing fails. */
struct kernel {
	const char *name;

	/* @count weights of a row to integers, their scale, and scale × their sum. */
	void (*pack)(const float *weights, size_t count, int8_t *out, float *scale, float *sum);

	/* @count tokens of @width floats to @out, in so many groups. */
	void (*quantise)(
		const float *x, size_t count, size_t width, size_t groups, struct activations *out);

	/* out[token × stride + row] = bias + weights · token, for @count tokens. */
	void (*product)(const struct matrix *matrix, const struct activations *in, size_t count,
		float *out, size_t stride);

	void (*attention)(const struct attention *attention);

	/* x[i] = gelu(x[i]), with the error function. */
	void (*gelu)(float *x, size_t count);

	/* x = normalised(x + y) × weight + bias, a token at a time; @y may be NULL. */
	void (*norm)(float *x, const float *y, size_t count, size_t width, const float *weight,
		const float *bias, float epsilon);
};

size_t kernel_attention_scratch(size_t tokens, size_t size);

/* The fastest that this CPU has. */
const struct kernel *kernel_best(void);

/* Every one that this CPU has, best first; NULL behind the last. For tests, and to force one. */
const struct kernel *kernel_way(size_t i);

/* The forms; NULL where this build or this CPU does not have it. */
const struct kernel *kernel_amx(void); /* asks the kernel for the process's permission */
const struct kernel *kernel_vnni(void);
const struct kernel *kernel_avx2(void);
const struct kernel *kernel_neon(void); /* untested: written without the hardware */
const struct kernel *kernel_plain(void);

#endif
