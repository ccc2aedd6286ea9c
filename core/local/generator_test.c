/* SPDX-License-Identifier: Apache-2.0 */
/* Waits in short naps, so that a cancelled answer ends soon however long the delay is. */
#include "core/local/generator_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"

struct generator_test {
	struct generator base;
	char *script;
	unsigned delay_ms;
};

static const char *test_model(struct generator *base)
{
	(void)base;
	return "test";
}

/* A word with the blanks before it. */
static size_t word_length(const char *text)
{
	size_t blanks = strspn(text, " \n");

	return blanks + strcspn(text + blanks, " \n");
}

static int say(struct generator_test *generator, const struct generator_request *request,
	const char *text, generator_sink sink, void *context, struct generation *out)
{
	while (*text) {
		size_t len = word_length(text);

		if (!clock_sleep(generator->delay_ms * NS_PER_MS, request->cancelled))
			return -ECANCELED;
		if (buf_add(&out->text, text, len) < 0)
			return -ENOMEM;
		if (sink(context, text, len) != 0)
			return -ECANCELED;
		out->output_tokens++;
		text += len;
	}
	return 0;
}

static int test_generate(struct generator *base, const struct generator_request *request,
	generator_sink sink, void *context, struct generation *out, struct err *err)
{
	struct generator_test *generator = (struct generator_test *)base;
	AUTO_BUF struct buf echo;
	int r;

	buf_init(&echo, BUF_MAX_DEFAULT);
	if (generator->script && strncmp(generator->script, "error:", 6) == 0) {
		clock_sleep(generator->delay_ms * NS_PER_MS, request->cancelled);
		return err_set(err, -EIO, "%s", generator->script + 6);
	}
	buf_addf(&echo, "%s%s", request->question, request->passage_count ? " [1]" : "");
	if (!generator->script && echo.failed)
		return err_set(err, echo.failed, "the question is too long to be repeated");
	r = say(generator, request, generator->script ? generator->script : echo.data, sink,
		context, out);
	out->confidence = request->passage_count ? 1 : 0;
	return r < 0 ? err_set(err, r, r == -ENOMEM ? "out of memory" : "cancelled") : 0;
}

static void test_free(struct generator *base)
{
	free(((struct generator_test *)base)->script);
	free(base);
}

static const struct generator_ops test_ops = {
	.name = "test",
	.model = test_model,
	.generate = test_generate,
	.free = test_free,
};

int generator_test_new(struct generator **out, const char *script, unsigned delay_ms)
{
	struct generator_test *generator = calloc(1, sizeof(*generator));

	*out = NULL;
	if (!generator)
		return -ENOMEM;
	generator->base.ops = &test_ops;
	generator->delay_ms = delay_ms;
	if (script && !(generator->script = strdup(script))) {
		free(generator);
		return -ENOMEM;
	}
	*out = &generator->base;
	return 0;
}
