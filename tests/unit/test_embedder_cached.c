/* SPDX-License-Identifier: Apache-2.0 */
/* What the cache before an embedder asks it for, seen by an embedder that notes its texts. */
#include "core/local/embedder_cached.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/scratch.h"

#define DIMENSION 4
#define ROW	  (DIMENSION * sizeof(float) + 128) /* what a row counts as */

struct noting {
	struct embedder base;
	struct embedder_info info;
	unsigned *texts, *calls; /* the fixture's: they outlive the embedder */
	int fail;
};

struct fixture {
	char *folder;
	struct embedder *embedder;
	struct noting *inner;
	unsigned texts, calls;
};

static const struct embedder_info *noting_info(struct embedder *base)
{
	return &((struct noting *)base)->info;
}

static int noting_embed(struct embedder *base, enum embed_kind kind, const char *const *texts,
	size_t count, float *out, struct err *err)
{
	struct noting *noting = (struct noting *)base;

	++*noting->calls;
	*noting->texts += (unsigned)count;
	if (noting->fail)
		return err_set(err, noting->fail, "told to fail");
	for (size_t i = 0; i < count; i++) {
		float *vector = out + i * DIMENSION;
		memset(vector, 0, DIMENSION * sizeof(*vector));
		vector[0] = (float)texts[i][0];
		vector[1] = (float)strlen(texts[i]);
		vector[2] = kind == EMBED_QUERY;
	}
	return 0;
}

static void noting_free(struct embedder *base)
{
	free(base);
}

static const struct embedder_ops noting_ops = {
	.name = "noting", .info = noting_info, .embed = noting_embed, .free = noting_free};

static void open_cache(struct fixture *fixture, const char *model, uint64_t bytes)
{
	struct err err = ERR_NONE;

	fixture->inner = calloc(1, sizeof(*fixture->inner));
	assert_non_null(fixture->inner);
	fixture->inner->base.ops = &noting_ops;
	fixture->inner->info =
		(struct embedder_info){.model = model, .dimension = DIMENSION, .batch = 25};
	fixture->inner->texts = &fixture->texts;
	fixture->inner->calls = &fixture->calls;
	assert_int_equal(embedder_cached_new(&fixture->embedder, &fixture->inner->base,
				 fixture->folder, bytes, &err),
		0);
}

static void reopen(struct fixture *fixture, const char *model, uint64_t bytes)
{
	embedder_free(fixture->embedder);
	open_cache(fixture, model, bytes);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->folder = scratch_new();
	open_cache(fixture, "m", 1 << 20);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	embedder_free(fixture->embedder);
	scratch_free(fixture->folder);
	free(fixture);
	return 0;
}

/* Embed up to four texts, each of which must come back with its own vector. The number of
 * texts that the inner embedder got for it. */
static unsigned passages(struct fixture *fixture, const char *const *texts, size_t count)
{
	float out[4 * DIMENSION] = {0};
	unsigned before = fixture->texts;
	struct err err = ERR_NONE;

	assert_int_equal(
		embedder_embed(fixture->embedder, EMBED_PASSAGE, texts, count, out, &err), 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(out[i * DIMENSION] == (float)texts[i][0]);
		assert_true(out[i * DIMENSION + 1] == (float)strlen(texts[i]));
	}
	return fixture->texts - before;
}

static unsigned passage(struct fixture *fixture, const char *text)
{
	return passages(fixture, &text, 1);
}

static void equal_texts_are_embedded_once(void **state)
{
	struct fixture *fixture = *state;
	const char *const texts[] = {"plums", "pears", "plums", "plums"};

	assert_int_equal(passages(fixture, texts, 4), 2);
	assert_int_equal(passages(fixture, texts, 4), 0);
	assert_int_equal(fixture->calls, 1);
	assert_int_equal(passage(fixture, "apples"), 1);
}

static void known_and_new_texts_share_a_call(void **state)
{
	struct fixture *fixture = *state;
	const char *const texts[] = {"new one", "known", "another", "known"};

	assert_int_equal(passage(fixture, "known"), 1);
	assert_int_equal(passages(fixture, texts, 4), 2);
	assert_int_equal(fixture->calls, 2);
}

static void it_remembers_after_a_restart(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(passage(fixture, "plums"), 1);
	reopen(fixture, "m", 1 << 20);
	assert_int_equal(passage(fixture, "plums"), 0);
}

static void models_do_not_share(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(passage(fixture, "plums"), 1);
	reopen(fixture, "other", 1 << 20);
	assert_int_equal(passage(fixture, "plums"), 1);
	reopen(fixture, "m", 1 << 20);
	assert_int_equal(passage(fixture, "plums"), 0);
}

static void questions_go_past_it(void **state)
{
	struct fixture *fixture = *state;
	const char *text = "plums";
	float out[DIMENSION];

	assert_int_equal(passage(fixture, text), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			embedder_embed(fixture->embedder, EMBED_QUERY, &text, 1, out, NULL), 0);
		assert_true(out[2] == 1);
	}
	assert_int_equal(fixture->calls, 3);
}

static void the_least_recently_used_goes(void **state)
{
	struct fixture *fixture = *state;

	reopen(fixture, "m", 2 * ROW);
	assert_int_equal(passage(fixture, "one"), 1);
	assert_int_equal(passage(fixture, "two"), 1);
	assert_int_equal(passage(fixture, "one"), 0);
	assert_int_equal(passage(fixture, "three"), 1);
	assert_int_equal(passage(fixture, "one"), 0);
	assert_int_equal(passage(fixture, "two"), 1);
	reopen(fixture, "m", 2 * ROW);
	assert_int_equal(passage(fixture, "two"), 0);
	assert_int_equal(passage(fixture, "three"), 1);
}

static void a_failure_is_not_remembered(void **state)
{
	struct fixture *fixture = *state;
	const char *text = "plums";
	float out[DIMENSION];
	struct err err = ERR_NONE;

	fixture->inner->fail = -EAGAIN;
	assert_int_equal(
		embedder_embed(fixture->embedder, EMBED_PASSAGE, &text, 1, out, &err), -EAGAIN);
	assert_string_equal(err.text, "told to fail");
	fixture->inner->fail = 0;
	assert_int_equal(passage(fixture, text), 1);
	assert_int_equal(passage(fixture, text), 0);
}

static void a_broken_file_is_made_anew(void **state)
{
	struct fixture *fixture = *state;
	char path[512];

	assert_int_equal(passage(fixture, "plums"), 1);
	embedder_free(fixture->embedder);
	snprintf(path, sizeof(path), "%s/embeddings.db", fixture->folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", file);
	fclose(file);
	open_cache(fixture, "m", 1 << 20);
	assert_int_equal(passage(fixture, "plums"), 1);
	assert_int_equal(passage(fixture, "plums"), 0);
}

/* What metrics count is what reached the model, and under its name. */
static void only_the_inner_embedder_is_counted(void **state)
{
	struct fixture *fixture = *state;
	uint64_t calls = embedder_calls(), texts = embedder_texts();

	passage(fixture, "plums");
	passage(fixture, "plums");
	assert_int_equal(embedder_calls() - calls, 1);
	assert_int_equal(embedder_texts() - texts, 1);
	assert_string_equal(fixture->embedder->ops->name, "noting");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(equal_texts_are_embedded_once),
		CASE(known_and_new_texts_share_a_call),
		CASE(it_remembers_after_a_restart),
		CASE(models_do_not_share),
		CASE(questions_go_past_it),
		CASE(the_least_recently_used_goes),
		CASE(a_failure_is_not_remembered),
		CASE(a_broken_file_is_made_anew),
		CASE(only_the_inner_embedder_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
