/* SPDX-License-Identifier: Apache-2.0 */
/* The process is killed before the first, the second, the third … call of the stores, until a
 * run needs no further one. After the next start the stores agree, what answered before still
 * answers, and the file, which is still in the inbox, becomes the document it should have been. */
#include "core/ingest.h"

#include <errno.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/local/embedder_test.h"
#include "tests/unit/ingest_world.h"

#define CALLS_MAX 60

/* What a start does, with stores that work again. */
static void start_again(struct ingest_world *world)
{
	struct err err = ERR_NONE;

	iw_stop(world);
	fault_disarm(&world->fault);
	if (ingest_recover(&world->ports, &err))
		fail_msg("ingest_recover: %s", err.text);
	iw_assert_tidy(world);
	iw_start(world);
}

/* One of the two versions answers, with its text. */
static void assert_answers(
	struct ingest_world *world, const struct uuid *id, const char *first, const char *second)
{
	AUTO_DOCUMENT struct document record = iw_record(world, id);

	assert_int_equal(iw_find(world, "words"), 1);
	iw_assert_content(world, id, record.version == 1 ? first : second);
}

static int kill_before_each_call(struct ingest_world *world, const char *first, const char *text)
{
	for (int call = 1; call < CALLS_MAX; call++) {
		const struct uuid id = uuid_new();
		if (first)
			assert_int_equal(iw_run(world, &id, "a.txt", first), INGEST_INDEXED);
		fault_arm(&world->fault, call, true);
		iw_run(world, &id, "a.txt", text);
		bool has_hit = atomic_load(&world->fault.has_hit);
		start_again(world);
		if (first)
			assert_answers(world, &id, first, text);

		enum ingest_outcome outcome = iw_run(world, &id, "a.txt", text);
		assert_true(outcome == INGEST_INDEXED || outcome == INGEST_UNCHANGED);
		AUTO_DOCUMENT struct document record = iw_record(world, &id);
		assert_int_equal(record.status, DOC_INDEXED);
		assert_true(!world->embedder || record.embedding_model);
		assert_int_equal(record.version_count, first ? 2 : 1);
		iw_assert_content(world, &id, text);
		iw_assert_tidy(world);
		assert_int_equal(records_delete(world->records, &id, NULL), 0);
		if (!has_hit)
			return call - 1;
	}
	fail_msg("no run without a kill");
	return 0;
}

static void test_a_new_document(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_true(kill_before_each_call(&world, NULL, "new words") >= 7);
	iw_close(&world);
}

static void test_a_new_version(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_true(kill_before_each_call(&world, "old words", "new words") >= 8);
	iw_close(&world);
}

static void test_embeddings(void **state)
{
	struct embedder *embedder;
	struct ingest_world world;

	(void)state;
	assert_int_equal(embedder_test_new(&embedder, 0), 0);
	iw_open(&world, embedder);
	assert_true(kill_before_each_call(&world, NULL, "new words") >= 10);
	iw_close(&world);
}

static void test_a_deletion(void **state)
{
	struct ingest_world world;
	int rc = -EIO;

	(void)state;
	iw_open(&world, NULL);
	for (int call = 1; rc; call++) {
		const struct uuid id = uuid_new();
		assert_true(call < CALLS_MAX);
		assert_int_equal(iw_run(&world, &id, "a.txt", "new words"), INGEST_INDEXED);
		fault_arm(&world.fault, call, true);
		rc = records_delete(world.records, &id, NULL);
		start_again(&world);
		assert_int_equal(records_delete(world.records, &id, NULL), 0);
		iw_assert_tidy(&world);
		assert_int_equal(iw_find(&world, "new"), 0);
	}
	iw_close(&world);
}

/* Chunks and blobs that no record knows. */
static void test_strangers_go(void **state)
{
	const struct uuid stranger = uuid_new(), known = uuid_new();
	const struct publication publication = {
		.document = stranger, .version = 1, .content_type = "text/plain", .path = "x"};
	const struct chunk chunk = {.text = "strange", .text_len = 7, .end_char = 7};
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &known, "a.txt", "known words"), INGEST_INDEXED);
	assert_int_equal(vectors_add(world.vectors, &stranger, 1, NULL, &chunk, 1, NULL), 0);
	assert_int_equal(vectors_publish(world.vectors, &publication, 1, NULL), 0);
	assert_int_equal(vectors_add(world.vectors, &known, 2, NULL, &chunk, 1, NULL), 0);
	start_again(&world);
	assert_int_equal(iw_find(&world, "strange"), 0);
	assert_int_equal(iw_find(&world, "known"), 1);
	iw_assert_content(&world, &known, "known words");
	iw_close(&world);
}

/* A store that cannot be read stops the start, and nothing is taken for missing. */
static void test_a_store_that_fails_loses_nothing(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	int rc = -EIO;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", "known words"), INGEST_INDEXED);
	for (int call = 1; rc; call++) {
		struct err err = ERR_NONE;
		assert_true(call < CALLS_MAX);
		fault_arm(&world.fault, call, true);
		rc = ingest_recover(&world.ports, &err);
		fault_disarm(&world.fault);
		assert_true(!rc == !err.text[0]);
		iw_assert_content(&world, &id, "known words");
		iw_assert_tidy(&world);
	}
	iw_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_document),
		cmocka_unit_test(test_a_new_version),
		cmocka_unit_test(test_embeddings),
		cmocka_unit_test(test_a_deletion),
		cmocka_unit_test(test_strangers_go),
		cmocka_unit_test(test_a_store_that_fails_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
