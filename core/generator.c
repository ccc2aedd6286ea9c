/* SPDX-License-Identifier: Apache-2.0 */
/* The only caller of a generator's entries: it asserts and counts. */
#include "core/generator.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/health.h"

static atomic_uint_fast64_t calls;

void generation_init(struct generation *generation)
{
	memset(generation, 0, sizeof(*generation));
	buf_init(&generation->text, BUF_MAX_DEFAULT);
}

void generation_release(struct generation *generation)
{
	buf_release(&generation->text);
	for (size_t i = 0; i < generation->quote_count; i++)
		free(generation->quotes[i].text);
	free(generation->quotes);
	memset(generation, 0, sizeof(*generation));
}

const char *generator_model(struct generator *generator)
{
	return generator->ops->model(generator);
}

int generator_generate(struct generator *generator, const struct generator_request *request,
	generator_sink sink, void *context, struct generation *out, struct err *err)
{
	int r;

	assert(request->question);
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
	r = generator->ops->generate(generator, request, sink, context, out, err);
	assert(r <= 0);
	for (size_t i = 0; i < out->quote_count; i++)
		assert(out->quotes[i].passage < request->passage_count);
	assert(out->confidence <= 1);
	return health_note(HEALTH_GENERATOR, r, err);
}

static int discard(void *context, const char *text, size_t len)
{
	(void)context;
	(void)text;
	(void)len;
	return 0;
}

bool generator_can_chat(const struct generator *generator)
{
	return generator->ops->chat;
}

int generator_chat(struct generator *generator, const struct chat_request *request,
	generator_sink sink, void *context, struct chat_reply *out, struct err *err)
{
	assert(request->chat->count);
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
	int rc = generator->ops->chat(generator, request, sink ? sink : discard, context, out, err);
	assert(rc <= 0);
	bool is_its_own = rc == -E2BIG || rc == -ENOTSUP || rc == -ECANCELED;
	return is_its_own ? rc : health_note(HEALTH_GENERATOR, rc, err);
}

void generator_free(struct generator *generator)
{
	if (generator)
		generator->ops->free(generator);
}

uint64_t generator_calls(void)
{
	return atomic_load_explicit(&calls, memory_order_relaxed);
}
