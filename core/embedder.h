/* SPDX-License-Identifier: Apache-2.0 */
/* Port: text to vector. */
#ifndef ASKFS_CORE_EMBEDDER_H
#define ASKFS_CORE_EMBEDDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum embed_kind { EMBED_QUERY, EMBED_PASSAGE };

/* What is worth a vector: a whole chunk, or each of its sentences. */
enum embed_unit { EMBED_UNIT_CHUNK, EMBED_UNIT_SENTENCE };

struct embedder {
	const struct embedder_ops *ops; /* first member of every adapter */
};

/* What the embedder is, constant over its life. */
struct embedder_info {
	const char *model; /* the index is bound to it */
	size_t dimension; /* floats a vector */
	enum embed_unit unit;
	size_t batch; /* texts a call that suit it best */
	double dense_weight; /* share of the dense score in convex fusion, 0 to 1 */
	double threshold; /* calibrated least cosine of a relevant chunk */
	double unrelated; /* the cosine that texts have which are not about the same */
};

/* Any thread, several at once; may block for long. */
struct embedder_ops {
	const char *name;
	bool is_wrapper; /* asks another one, whose calls are counted instead of its own */
	const struct embedder_info *(*info)(struct embedder *);

	/* @count UTF-8 texts to count × dimension floats of unit length in @out. 0 or -errno
	 * with *err set; -EAGAIN where trying again later may help. */
	int (*embed)(struct embedder *, enum embed_kind, const char *const *texts, size_t count,
		float *out, struct err *);

	void (*free)(struct embedder *);
};

const struct embedder_info *embedder_info(struct embedder *);
int embedder_embed(struct embedder *, enum embed_kind, const char *const *texts, size_t count,
	float *out, struct err *);
void embedder_free(struct embedder *);

/* Calls and texts since start, for metrics and for tests that count. Any thread. */
uint64_t embedder_calls(void);
uint64_t embedder_texts(void);

#endif
