/* SPDX-License-Identifier: Apache-2.0 */
/* A chmod and the publication of a version: both are kept, whichever comes first. */
#include "core/records.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "tests/unit/ingest_world.h"

static int set_mode(void *context, struct document *document)
{
	document->access.mode = *(const mode_t *)context;
	return 0;
}

static int refuse(void *context, struct document *document)
{
	(void)context;
	document->access.mode = 0;
	return -EPERM;
}

static void change_mode(struct ingest_world *world, const struct uuid *id, mode_t mode)
{
	struct err err = ERR_NONE;

	assert_int_equal(records_change(world->records, id, set_mode, &mode, NULL, &err), 0);
}

/* What a search by somebody who is neither owner nor in the group finds. */
static size_t find_as_other(struct ingest_world *world, const char *words)
{
	gid_t group = 5;
	const struct caller caller = {.uid = 77, .groups = &group, .group_count = 1};
	const struct search_query query = {.caller = &caller, .text = words, .top_k = 9};
	struct search_result result = {0};

	assert_int_equal(vectors_words(world->vectors, &query, &result, NULL), 0);
	size_t count = result.hit_count;
	search_result_release(&result);
	return count;
}

static void test_a_change(void **state)
{
	AUTO_DOCUMENT struct document after = {0};
	const struct uuid id = uuid_new(), none = uuid_new();
	struct ingest_world world;
	struct err err = ERR_NONE;
	mode_t mode = 0600;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", "words"), INGEST_INDEXED);
	assert_int_equal(find_as_other(&world, "words"), 1);
	assert_int_equal(records_change(world.records, &id, refuse, NULL, NULL, &err), -EPERM);
	assert_int_equal(find_as_other(&world, "words"), 1);
	assert_int_equal(records_change(world.records, &id, set_mode, &mode, &after, &err), 0);
	assert_int_equal(after.access.mode, 0600);
	assert_string_equal(after.path, "a.txt");
	assert_int_equal(find_as_other(&world, "words"), 0);
	assert_int_equal(
		records_change(world.records, &none, set_mode, &mode, NULL, &err), -ENOENT);
	iw_close(&world);
}

/* The bits came while the job was under way: they are the job's now, and win. */
static void test_access_of_a_job(void **state)
{
	const struct access private = {1000, 1000, 0600};
	const struct uuid id = uuid_new();
	struct ingest_world world;
	struct iw_job job;

	(void)state;
	iw_open(&world, NULL);
	iw_job_init(&world, &job, &id, "a.txt", "words", 5);
	ingest_job_access(world.ingest, &job.job, &private);
	ingest_submit(world.ingest, &job.job);
	iw_wait(&job);
	assert_int_equal(job.job.record.access.mode, 0600);
	iw_job_release(&job);
	assert_int_equal(find_as_other(&world, "words"), 0);
	assert_int_equal(iw_find(&world, "words"), 1);
	iw_close(&world);
}

static void test_a_deletion(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	struct err err = ERR_NONE;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", "words"), INGEST_INDEXED);
	assert_int_equal(records_delete(world.records, &id, &err), 0);
	assert_int_equal(catalog_get(world.catalog, &id, &(struct document){0}, NULL), -ENOENT);
	assert_int_equal(iw_find(&world, "words"), 0);
	iw_assert_tidy(&world);
	assert_int_equal(records_delete(world.records, &id, &err), 0);
	iw_close(&world);
}

/* --- beside a pipeline that publishes --------------------------------------------- */

#define ROUNDS 25

struct chmodder {
	struct ingest_world *world;
	struct uuid id;
	struct iw_job *job;
	atomic_int round; /* whose bits to set; 0: none now, -1: the end */
};

/* As the daemon does it: the job's bits, then the record's. */
static void *chmod_beside(void *context)
{
	struct chmodder *chmodder = context;

	for (int round; (round = atomic_load(&chmodder->round)) >= 0;) {
		if (!round) {
			usleep(20);
			continue;
		}
		const struct access access = {1000, 1000, round % 2 ? 0600 : 0644};
		struct err err = ERR_NONE;
		mode_t mode = access.mode;
		ingest_job_access(chmodder->world->ingest, &chmodder->job->job, &access);
		int rc = records_change(
			chmodder->world->records, &chmodder->id, set_mode, &mode, NULL, &err);
		if (rc && rc != -ENOENT)
			abort();
		atomic_store(&chmodder->round, 0);
	}
	return NULL;
}

static void test_chmod_beside_a_publication(void **state)
{
	struct ingest_world world;
	struct iw_job job;
	struct chmodder chmodder = {.world = &world, .id = uuid_new(), .job = &job};
	pthread_t thread;
	char text[32];

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(pthread_create(&thread, NULL, chmod_beside, &chmodder), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		snprintf(text, sizeof(text), "words number%d", round);
		iw_job_init(&world, &job, &chmodder.id, "a.txt", text, strlen(text));
		ingest_submit(world.ingest, &job.job);
		atomic_store(&chmodder.round, round);
		iw_wait(&job);
		while (atomic_load(&chmodder.round))
			usleep(50);
		assert_int_equal(job.job.outcome, INGEST_INDEXED);
		iw_job_release(&job);
		AUTO_DOCUMENT struct document record = iw_record(&world, &chmodder.id);
		assert_int_equal(record.version, round);
		assert_int_equal(record.access.mode, round % 2 ? 0600 : 0644);
		assert_int_equal(find_as_other(&world, "words"), round % 2 ? 0 : 1);
		iw_assert_tidy(&world);
	}
	atomic_store(&chmodder.round, -1);
	pthread_join(thread, NULL);
	iw_close(&world);
}

/* Deleted while a version is being made: gone, or there whole, and never a half. */
static void test_a_deletion_beside_a_publication(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		const struct uuid id = uuid_new();
		struct iw_job job;
		struct err err = ERR_NONE;
		assert_int_equal(iw_run(&world, &id, "a.txt", "old words"), INGEST_INDEXED);
		iw_job_init(&world, &job, &id, "a.txt", "new words", 9);
		ingest_submit(world.ingest, &job.job);
		usleep((useconds_t)round * 40);
		ingest_cancel(&job.job);
		assert_int_equal(records_delete(world.records, &id, &err), 0);
		iw_wait(&job);
		iw_job_release(&job);
		assert_int_equal(records_delete(world.records, &id, &err), 0);
		iw_assert_tidy(&world);
	}
	assert_int_equal(iw_find(&world, "words"), 0);
	iw_close(&world);
}

static void test_modes_in_both_orders(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", "words one"), INGEST_INDEXED);
	change_mode(&world, &id, 0600);
	assert_int_equal(find_as_other(&world, "words"), 0);
	/* The next drop of the file brings its own bits along. */
	assert_int_equal(iw_run(&world, &id, "a.txt", "words two"), INGEST_INDEXED);
	assert_int_equal(find_as_other(&world, "words"), 1);
	change_mode(&world, &id, 0600);
	assert_int_equal(find_as_other(&world, "words"), 0);
	iw_assert_tidy(&world);
	iw_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_change),
		cmocka_unit_test(test_access_of_a_job),
		cmocka_unit_test(test_a_deletion),
		cmocka_unit_test(test_modes_in_both_orders),
		cmocka_unit_test(test_chmod_beside_a_publication),
		cmocka_unit_test(test_a_deletion_beside_a_publication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
