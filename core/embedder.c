/* SPDX-License-Identifier: Apache-2.0 */
/* The only caller of an embedder's entries: it asserts and counts. */
#include "core/embedder.h"

#include <assert.h>
#include <stdatomic.h>

#include "core/health.h"

static atomic_uint_fast64_t calls, texts_embedded;

const struct embedder_info *embedder_info(struct embedder *embedder)
{
	return embedder->ops->info(embedder);
}

int embedder_embed(struct embedder *embedder, enum embed_kind kind, const char *const *texts,
	size_t count, float *out, struct err *err)
{
	int r;

	if (count == 0)
		return 0;
	assert(texts && out);
	if (embedder->ops->is_wrapper)
		return embedder->ops->embed(embedder, kind, texts, count, out, err);
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&texts_embedded, count, memory_order_relaxed);
	r = embedder->ops->embed(embedder, kind, texts, count, out, err);
	assert(r <= 0);
	return health_note(HEALTH_EMBEDDER, r, err);
}

void embedder_free(struct embedder *embedder)
{
	if (embedder)
		embedder->ops->free(embedder);
}

uint64_t embedder_calls(void)
{
	return atomic_load_explicit(&calls, memory_order_relaxed);
}

uint64_t embedder_texts(void)
{
	return atomic_load_explicit(&texts_embedded, memory_order_relaxed);
}
