/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/vectors/codes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

static size_t size_of(size_t dimension)
{
	return sizeof(struct span) + sizeof(float) + dimension;
}

int codes_pack(const struct embedding *embedding, size_t dimension, struct buf *out)
{
	AUTO_FREE int8_t *numbers = malloc(dimension + 1);

	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < embedding->count; i++) {
		float scale = dense_pack(embedding->vectors + i * dimension, dimension, numbers);

		buf_add(out, &embedding->spans[i], sizeof(struct span));
		buf_add(out, &scale, sizeof(scale));
		buf_add(out, numbers, dimension);
	}
	return out->failed;
}

ssize_t codes_count(size_t size, size_t dimension)
{
	return size % size_of(dimension) ? -1 : (ssize_t)(size / size_of(dimension));
}

struct dense_code codes_at(const void *codes, size_t dimension, size_t i, struct span *span)
{
	const char *at = (const char *)codes + i * size_of(dimension);
	struct dense_code code;

	if (span)
		memcpy(span, at, sizeof(*span));
	memcpy(&code.scale, at + sizeof(*span), sizeof(code.scale));
	code.numbers = (const int8_t *)at + sizeof(*span) + sizeof(code.scale);
	return code;
}
