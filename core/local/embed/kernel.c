/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/embed/kernel.h"

#include "core/auto.h"

size_t kernel_attention_scratch(size_t tokens, size_t size)
{
	size_t padded = (tokens + 31) & ~(size_t)31;

	/* kernel_float.h: keys on their side, and eight rows of scores. kernel_amx_attention.c
	 * takes more: queries, keys and values, sixteen rows of scores and of weights. */
	return padded * (size + size / 2 + 24);
}

const struct kernel *kernel_way(size_t i)
{
	static const struct kernel *(*const all[])(void) = {
		kernel_amx, kernel_vnni, kernel_avx2, kernel_neon, kernel_plain};

	for (size_t k = 0; k < ARRAY_LEN(all); k++) {
		const struct kernel *kernel = all[k]();
		if (kernel && i-- == 0)
			return kernel;
	}
	return NULL;
}

const struct kernel *kernel_best(void)
{
	return kernel_way(0);
}
