/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of files of all kinds. */
#include "core/ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "tests/unit/ingest_world.h"

static const char binary[] = "\x01\x80\xff\x00\x02\x9c\x00\xfe\x03\x00\xc1\xc0";

static void test_one_text(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a/letter.txt", "Refunds take days."), INGEST_INDEXED);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.status, DOC_INDEXED);
	assert_int_equal(record.version, 1);
	assert_int_equal(record.chunk_count, 1);
	assert_string_equal(record.path, "a/letter.txt");
	assert_string_equal(record.content_type, "text/plain");
	assert_true(record.created_ns && record.indexed_ns == record.updated_ns);
	assert_null(record.error);
	iw_assert_content(&world, &id, "Refunds take days.");
	iw_assert_tidy(&world);
	assert_int_equal(iw_find(&world, "refunds"), 1);
	assert_int_equal(ingest_depth(world.ingest), 0);
	iw_close(&world);
}

/* One of many fails, and takes none of the others with it. */
static void test_a_batch(void **state)
{
	enum { COUNT = 100 };
	struct uuid ids[COUNT];
	struct iw_job jobs[COUNT];
	struct ingest_world world;
	char text[64];

	(void)state;
	iw_open(&world, NULL);
	for (int i = 0; i < COUNT; i++) {
		ids[i] = uuid_new();
		snprintf(text, sizeof(text), "common words of number%d", i);
		bool is_binary = i == 41;
		iw_job_init(&world, &jobs[i], &ids[i], "x.txt", is_binary ? binary : text,
			is_binary ? sizeof(binary) : strlen(text));
		if (i == 70)
			ingest_cancel(&jobs[i].job);
	}
	for (int i = 0; i < COUNT; i++)
		ingest_submit(world.ingest, &jobs[i].job);
	for (int i = 0; i < COUNT; i++) {
		iw_wait(&jobs[i]);
		assert_int_equal(jobs[i].job.outcome,
			i == 41		  ? INGEST_FAILED
				: i == 70 ? INGEST_CANCELLED
					  : INGEST_INDEXED);
		iw_job_release(&jobs[i]);
	}
	assert_int_equal(iw_find(&world, "number7"), 1);
	assert_int_equal(iw_find(&world, "common"), COUNT - 2);
	assert_int_equal(
		catalog_get(world.catalog, &ids[70], &(struct document){0}, NULL), -ENOENT);
	iw_assert_tidy(&world);
	iw_close(&world);
}

static void test_a_large_text_streams(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	AUTO_BUF struct buf text;

	(void)state;
	iw_open(&world, NULL);
	buf_init(&text, BUF_MAX_DEFAULT);
	for (int i = 0; i < 20000; i++)
		buf_addf(&text, "Sentence number%d says nothing else.%s", i, i % 5 ? " " : "\n\n");
	assert_int_equal(iw_run(&world, &id, "book.txt", text.data), INGEST_INDEXED);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_true(record.chunk_count > 700);
	iw_assert_content(&world, &id, text.data);
	iw_assert_tidy(&world);
	assert_true(iw_find(&world, "number19999") > 0);
	iw_close(&world);
}

static void test_the_same_bytes_change_nothing(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", "some words"), INGEST_INDEXED);
	AUTO_DOCUMENT struct document before = iw_record(&world, &id);
	assert_int_equal(iw_run(&world, &id, "a.txt", "some words"), INGEST_UNCHANGED);
	AUTO_DOCUMENT struct document after = iw_record(&world, &id);
	assert_int_equal(after.updated_ns, before.updated_ns);
	assert_int_equal(after.version, 1);
	iw_close(&world);
}

static void test_white_space_has_no_chunks(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", " \n\t \n"), INGEST_INDEXED);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.chunk_count, 0);
	assert_int_equal(record.status, DOC_INDEXED);
	iw_assert_tidy(&world);
	iw_close(&world);
}

static enum ingest_outcome run_binary(struct ingest_world *world, const struct uuid *id)
{
	struct iw_job job;

	iw_job_init(world, &job, id, "a.txt", binary, sizeof(binary));
	ingest_submit(world->ingest, &job.job);
	iw_wait(&job);
	enum ingest_outcome outcome = job.job.outcome;
	assert_string_equal(
		job.job.err.text, "no text can be extracted from application/octet-stream");
	iw_job_release(&job);
	return outcome;
}

static void test_one_that_failed_is_rewritten(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(run_binary(&world, &id), INGEST_FAILED);
	AUTO_DOCUMENT struct document failed = iw_record(&world, &id);
	assert_int_equal(failed.status, DOC_FAILED);
	assert_int_equal(failed.version, 0);
	assert_non_null(failed.error);
	iw_assert_tidy(&world);

	assert_int_equal(iw_run(&world, &id, "a.txt", "now words"), INGEST_INDEXED);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.status, DOC_INDEXED);
	assert_int_equal(record.version_count, 1); /* what never answered leaves no version */
	assert_null(record.error);
	iw_assert_content(&world, &id, "now words");
	iw_assert_tidy(&world);
	iw_close(&world);
}

static void test_a_version_that_fails_leaves_the_old_one(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(iw_run(&world, &id, "a.txt", "first words"), INGEST_INDEXED);
	assert_int_equal(run_binary(&world, &id), INGEST_FAILED);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.status, DOC_FAILED);
	assert_int_equal(record.version, 1);
	assert_non_null(strstr(record.error, "version 1 still answers"));
	assert_int_equal(iw_find(&world, "first"), 1);
	iw_assert_content(&world, &id, "first words");
	iw_assert_tidy(&world);

	/* The old bytes again: it answers already, and is well. */
	assert_int_equal(iw_run(&world, &id, "a.txt", "first words"), INGEST_INDEXED);
	AUTO_DOCUMENT struct document again = iw_record(&world, &id);
	assert_int_equal(again.status, DOC_INDEXED);
	assert_int_equal(again.version, 1);
	assert_null(again.error);
	iw_close(&world);
}

static void test_versions_change_places(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	char text[32];

	(void)state;
	iw_open(&world, NULL);
	iw_stop(&world);
	world.config.keep_versions = 2;
	iw_start(&world);
	for (int i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "text number%d", i);
		assert_int_equal(iw_run(&world, &id, "a.txt", text), INGEST_INDEXED);
		iw_assert_content(&world, &id, text);
		iw_assert_tidy(&world);
	}
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.version, 5);
	assert_int_equal(record.version_count, 3);
	assert_int_equal(record.versions[0].number, 3);
	assert_int_equal(iw_find(&world, "number4"), 0);
	assert_int_equal(iw_find(&world, "number5"), 1);
	iw_close(&world);
}

static void cancel_it(struct ingest_job *job)
{
	assert_true(job->started);
	ingest_cancel(job);
}

static void test_cancelled_while_it_begins(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	struct iw_job job;

	(void)state;
	iw_open(&world, NULL);
	iw_job_init(&world, &job, &id, "a.txt", "words", 5);
	job.job.begun = cancel_it;
	ingest_submit(world.ingest, &job.job);
	iw_wait(&job);
	assert_int_equal(job.job.outcome, INGEST_CANCELLED);
	iw_job_release(&job);
	assert_int_equal(catalog_get(world.catalog, &id, &(struct document){0}, NULL), -ENOENT);
	iw_assert_tidy(&world);
	iw_close(&world);
}

static void test_a_file_that_is_gone(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	struct iw_job job;

	(void)state;
	iw_open(&world, NULL);
	iw_job_init(&world, &job, &id, "a.txt", "words", 5);
	assert_int_equal(unlink(job.job.file), 0);
	ingest_submit(world.ingest, &job.job);
	iw_wait(&job);
	assert_int_equal(job.job.outcome, INGEST_LATER);
	assert_non_null(strstr(job.job.err.text, "cannot open the file"));
	iw_job_release(&job);
	iw_assert_tidy(&world);
	iw_close(&world);
}

/* What waits when the pipeline ends comes back, each exactly once. */
static void test_the_end_answers_all(void **state)
{
	enum { COUNT = 200 };
	struct iw_job jobs[COUNT];
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	for (int i = 0; i < COUNT; i++) {
		const struct uuid id = uuid_new();
		iw_job_init(&world, &jobs[i], &id, "x.txt", "some words", 10);
		ingest_submit(world.ingest, &jobs[i].job);
	}
	iw_stop(&world);
	for (int i = 0; i < COUNT; i++) {
		iw_wait(&jobs[i]);
		assert_true(jobs[i].job.outcome == INGEST_INDEXED ||
			jobs[i].job.outcome == INGEST_CANCELLED);
		iw_job_release(&jobs[i]);
	}
	iw_assert_tidy(&world);
	iw_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_text),
		cmocka_unit_test(test_a_batch),
		cmocka_unit_test(test_a_large_text_streams),
		cmocka_unit_test(test_the_same_bytes_change_nothing),
		cmocka_unit_test(test_white_space_has_no_chunks),
		cmocka_unit_test(test_one_that_failed_is_rewritten),
		cmocka_unit_test(test_a_version_that_fails_leaves_the_old_one),
		cmocka_unit_test(test_versions_change_places),
		cmocka_unit_test(test_cancelled_while_it_begins),
		cmocka_unit_test(test_a_file_that_is_gone),
		cmocka_unit_test(test_the_end_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
