/* SPDX-License-Identifier: Apache-2.0 */
/* The signs of vectors, a bit a number: a first look that is eight times smaller than the bytes.
 * The mean of the collection is subtracted before the sign is taken, since the vectors of many
 * models lie in one cone, where all signs are the same. What comes near by bits is looked at again
 * by bytes. In a file without a name: it is made again from the bytes at each start. */
#ifndef ASKFS_CORE_LOCAL_DENSE_BITS_H
#define ASKFS_CORE_LOCAL_DENSE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Has no lock: its owner's is held for reading [R] or writing [W]; one that nobody else knows yet
 * needs none. */
struct dense_bits;

/* Bits around @centre (@dimension floats, copied), in the folder @folder. 0 or -errno. */
int dense_bits_new(
	struct dense_bits **out, const char *folder, size_t dimension, const float *centre);
void dense_bits_free(struct dense_bits *bits);

/* [R] Vectors in it. */
size_t dense_bits_count(const struct dense_bits *bits);

/* [W] Append the vector that @numbers × @scale is. 0 or -errno (then it is as it was). */
int dense_bits_add(struct dense_bits *bits, uint32_t edition, float scale, const int8_t *numbers);

/* [W] Vector number @i counts no more. */
void dense_bits_forget(struct dense_bits *bits, size_t i);

/* [R] About the @wanted vectors with the most signs in common with @query, of editions that
 * @admits lets through, ascending: their numbers in *out, which the caller frees, and in *count
 * how many. 0 or -ENOMEM. */
int dense_bits_search(const struct dense_bits *bits, const float *query, size_t wanted,
	bool (*admits)(void *context, uint32_t edition), void *context, uint32_t **out,
	size_t *count);

#endif
