/* SPDX-License-Identifier: Apache-2.0 */
/* Feature hashing: a word's hash chooses a dimension and a sign. */
#include "core/local/embedder_test.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/tokenizer.h"

#define DIMENSION 64

struct embedder_test {
	struct embedder base;
	unsigned fail_every;
	atomic_uint calls;
};

static const struct embedder_info *test_info(struct embedder *base)
{
	static const struct embedder_info info = {
		.model = "test-hash-64",
		.dimension = DIMENSION,
		.batch = 25,
		.dense_weight = 0.3,
		.threshold = 0,
	};

	(void)base;
	return &info;
}

static int add_word(void *context, const struct token *token)
{
	float *vector = context;
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < token->len; i++)
		hash = (hash ^ (unsigned char)token->text[i]) * UINT32_C(16777619);
	hash ^= hash >> 15;
	vector[hash % DIMENSION] += hash & 0x10000 ? 1 : -1;
	return 0;
}

static int embed_one(const char *text, float *vector)
{
	struct tokenizer *tokenizer = tokenizer_mine();
	float square = 0;

	if (!tokenizer)
		return -ENOMEM;
	memset(vector, 0, DIMENSION * sizeof(*vector));
	tokenizer_run(tokenizer, text, strlen(text), add_word, vector);
	for (size_t i = 0; i < DIMENSION; i++)
		square += vector[i] * vector[i];
	if (square == 0) {
		vector[0] = 1; /* a text without words still has a vector of unit length */
		return 0;
	}
	for (size_t i = 0; i < DIMENSION; i++)
		vector[i] /= sqrtf(square);
	return 0;
}

static int test_embed(struct embedder *base, enum embed_kind kind, const char *const *texts,
	size_t count, float *out, struct err *err)
{
	struct embedder_test *embedder = (struct embedder_test *)base;
	unsigned call = atomic_fetch_add(&embedder->calls, 1) + 1;

	(void)kind;
	if (embedder->fail_every && call % embedder->fail_every == 0)
		return err_set(err, -EAGAIN, "the test embedder fails at call %u", call);
	for (size_t i = 0; i < count; i++)
		if (embed_one(texts[i], out + i * DIMENSION) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static void test_free(struct embedder *base)
{
	free(base);
}

static const struct embedder_ops test_ops = {
	.name = "test",
	.info = test_info,
	.embed = test_embed,
	.free = test_free,
};

int embedder_test_new(struct embedder **out, unsigned fail_every)
{
	struct embedder_test *embedder = calloc(1, sizeof(*embedder));

	*out = NULL;
	if (!embedder)
		return -ENOMEM;
	embedder->base.ops = &test_ops;
	embedder->fail_every = fail_every;
	*out = &embedder->base;
	return 0;
}
