/* SPDX-License-Identifier: Apache-2.0 */
/* The first, the second, the third … call of the stores fails, until a run needs no further
 * one. Whatever it was: the job ends once, nothing is half published, and the next try is well. */
#include "core/ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/local/embedder_test.h"
#include "tests/unit/ingest_world.h"

#define CALLS_MAX 60 /* a run that needs more never ends */

/* Text that is chunked more than once while it streams. */
static char long_text[100 << 10];

static void fill_long_text(void)
{
	memset(long_text, 'w', sizeof(long_text) - 1);
	for (size_t i = 7; i < sizeof(long_text) - 1; i += 8)
		long_text[i] = ' ';
}

static void assert_not_half_done(struct ingest_world *world, enum ingest_outcome outcome)
{
	assert_true(outcome == INGEST_INDEXED || outcome == INGEST_LATER);
	iw_assert_agreement(world);
}

/* Once more, with stores that work; what was left behind goes at the next start. */
static void assert_well(struct ingest_world *world, const struct uuid *id, const char *text)
{
	struct err err = ERR_NONE;

	assert_int_equal(ingest_recover(&world->ports, &err), 0);
	iw_assert_tidy(world);
	enum ingest_outcome outcome = iw_run(world, id, "a.txt", text);
	assert_true(outcome == INGEST_INDEXED || outcome == INGEST_UNCHANGED);
	AUTO_DOCUMENT struct document record = iw_record(world, id);
	assert_int_equal(record.status, DOC_INDEXED);
	iw_assert_content(world, id, text);
	iw_assert_tidy(world);
}

/* The number of runs in which a call failed. */
static int fail_each_call(struct ingest_world *world, const char *first, const char *text)
{
	for (int call = 1; call < CALLS_MAX; call++) {
		const struct uuid id = uuid_new();
		if (first)
			assert_int_equal(iw_run(world, &id, "a.txt", first), INGEST_INDEXED);
		fault_arm(&world->fault, call, false);
		enum ingest_outcome outcome = iw_run(world, &id, "a.txt", text);
		bool has_hit = atomic_load(&world->fault.has_hit);
		fault_disarm(&world->fault);
		assert_not_half_done(world, outcome);
		if (!has_hit)
			assert_int_equal(outcome, INGEST_INDEXED);
		assert_well(world, &id, text);
		if (!has_hit)
			return call - 1;
	}
	fail_msg("no run without a failure");
	return 0;
}

static void test_a_new_document(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	/* get, add, put and put of a blob, get, put, publish */
	assert_true(fail_each_call(&world, NULL, "some words") >= 7);
	iw_close(&world);
}

static void test_a_new_version(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_true(fail_each_call(&world, "old words", "new words") >= 8);
	assert_int_equal(iw_find(&world, "old"), 0);
	iw_close(&world);
}

static void test_a_large_document(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_true(fail_each_call(&world, NULL, long_text) >= 7);
	iw_close(&world);
}

static void test_embeddings(void **state)
{
	struct embedder *embedder;
	struct ingest_world world;

	(void)state;
	assert_int_equal(embedder_test_new(&embedder, 0), 0);
	iw_open(&world, embedder);
	assert_true(fail_each_call(&world, "old words", "new words") >= 10);
	iw_close(&world);
}

/* A batch in which one call fails: all of it ends, and most of it well. */
static void test_a_batch(void **state)
{
	enum { COUNT = 8 };
	struct uuid ids[COUNT];
	struct iw_job jobs[COUNT];
	struct ingest_world world;
	bool has_hit = true;

	(void)state;
	iw_open(&world, NULL);
	for (int call = 1; has_hit && call < CALLS_MAX; call++) {
		for (int i = 0; i < COUNT; i++) {
			ids[i] = uuid_new();
			iw_job_init(&world, &jobs[i], &ids[i], "a.txt", "words", 5);
		}
		fault_arm(&world.fault, call, false);
		for (int i = 0; i < COUNT; i++)
			ingest_submit(world.ingest, &jobs[i].job);
		for (int i = 0; i < COUNT; i++)
			iw_wait(&jobs[i]);
		has_hit = atomic_load(&world.fault.has_hit);
		fault_disarm(&world.fault);
		int well = 0;
		for (int i = 0; i < COUNT; i++) {
			assert_not_half_done(&world, jobs[i].job.outcome);
			well += jobs[i].job.outcome == INGEST_INDEXED;
			iw_job_release(&jobs[i]);
		}
		assert_true(well >= COUNT - 1);
		for (int i = 0; i < COUNT; i++)
			assert_well(&world, &ids[i], "words");
	}
	assert_false(has_hit);
	iw_close(&world);
}

/* Records are changed and deleted while the stores fail: all or nothing. */

static int make_private(void *context, struct document *document)
{
	(void)context;
	document->access.mode = 0600;
	free(document->path);
	document->path = strdup("b.txt");
	return document->path ? 0 : -ENOMEM;
}

static size_t find_as(struct ingest_world *world, uid_t uid)
{
	gid_t group = 5;
	const struct caller caller = {.uid = uid, .groups = &group, .group_count = 1};
	const struct search_query query = {.caller = &caller, .text = "secret", .top_k = 9};
	struct search_result result = {0};

	assert_int_equal(vectors_words(world->vectors, &query, &result, NULL), 0);
	size_t count = result.hit_count;
	search_result_release(&result);
	return count;
}

static void test_a_change_of_a_record(void **state)
{
	struct ingest_world world;
	int rc = -EIO;

	(void)state;
	iw_open(&world, NULL);
	const struct uuid id = uuid_new();
	assert_int_equal(iw_run(&world, &id, "a.txt", "secret words"), INGEST_INDEXED);
	for (int call = 1; rc; call++) {
		struct err err = ERR_NONE;
		assert_true(call < CALLS_MAX);
		fault_arm(&world.fault, call, false);
		rc = records_change(world.records, &id, make_private, NULL, NULL, &err);
		fault_disarm(&world.fault);
		AUTO_DOCUMENT struct document record = iw_record(&world, &id);
		assert_int_equal(record.access.mode, rc ? 0644 : 0600);
		assert_string_equal(record.path, rc ? "a.txt" : "b.txt");
		assert_int_equal(find_as(&world, 77), rc ? 1 : 0);
		assert_true(!rc == !err.text[0]);
	}
	assert_int_equal(find_as(&world, 1000), 1);
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
		struct err err = ERR_NONE;
		assert_true(call < CALLS_MAX);
		assert_int_equal(iw_run(&world, &id, "a.txt", "secret words"), INGEST_INDEXED);
		fault_arm(&world.fault, call, false);
		rc = records_delete(world.records, &id, &err);
		fault_disarm(&world.fault);
		assert_int_equal(records_delete(world.records, &id, &err), 0);
		assert_int_equal(find_as(&world, 1000), 0);
		iw_assert_tidy(&world);
	}
	iw_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_document),
		cmocka_unit_test(test_a_new_version),
		cmocka_unit_test(test_a_large_document),
		cmocka_unit_test(test_embeddings),
		cmocka_unit_test(test_a_batch),
		cmocka_unit_test(test_a_change_of_a_record),
		cmocka_unit_test(test_a_deletion),
	};

	fill_long_text();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
