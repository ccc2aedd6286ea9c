/* SPDX-License-Identifier: Apache-2.0 */
/* A document answers by its words while its embeddings are computed, however long it takes. */
#include "core/ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/embedder_test.h"
#include "tests/unit/ingest_world.h"

static void begin(struct ingest_world *world, unsigned fail_every, unsigned retries)
{
	struct embedder *embedder;

	assert_int_equal(embedder_test_new(&embedder, fail_every), 0);
	iw_open(world, embedder);
	iw_stop(world);
	world->config.ingest_retries = retries;
	iw_start(world);
}

static size_t find_dense(struct ingest_world *world, const char *text)
{
	const struct caller root = {.uid = 0};
	size_t dimension = embedder_info(world->embedder)->dimension;
	AUTO_FREE float *embedding = calloc(dimension, sizeof(*embedding));
	struct search_query query = {
		.caller = &root, .embedding = embedding, .dimension = dimension, .top_k = 1000};
	struct search_result result = {0};
	struct err err = ERR_NONE;

	while (embedder_embed(world->embedder, EMBED_QUERY, &text, 1, embedding, &err) == -EAGAIN)
		;
	assert_int_equal(vectors_dense(world->vectors, &query, &result, &err), 0);
	size_t count = result.hit_count;
	search_result_release(&result);
	return count;
}

static void test_more_chunks_than_a_batch(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	struct iw_job job;
	AUTO_BUF struct buf text;

	(void)state;
	begin(&world, 0, 3);
	buf_init(&text, BUF_MAX_DEFAULT);
	for (int i = 0; i < 2000; i++)
		buf_addf(&text, "Sentence number%d says nothing else. ", i);
	iw_job_init(&world, &job, &id, "book.txt", text.data, text.len);
	ingest_submit(world.ingest, &job.job);
	iw_wait(&job);
	assert_int_equal(job.job.outcome, INGEST_INDEXED);
	assert_int_equal(job.published, 1);
	const struct document *record = &job.job.record;
	assert_int_equal(record->status, DOC_INDEXED);
	assert_string_equal(record->embedding_model, embedder_info(world.embedder)->model);
	assert_true(record->chunk_count > embedder_info(world.embedder)->batch);
	assert_int_equal(find_dense(&world, "sentence"), record->chunk_count);
	iw_job_release(&job);
	iw_assert_tidy(&world);
	iw_close(&world);
}

/* Every other call says: later. The documents are embedded all the same. */
static void test_failures_that_pass(void **state)
{
	struct ingest_world world;

	(void)state;
	begin(&world, 2, 3);
	for (int i = 0; i < 2; i++) {
		const struct uuid id = uuid_new();
		assert_int_equal(iw_run(&world, &id, "a.txt", "some words"), INGEST_INDEXED);
	}
	assert_int_equal(find_dense(&world, "words"), 2);
	iw_assert_tidy(&world);
	iw_close(&world);
}

static void test_what_does_not_pass_is_taken_up_later(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	begin(&world, 1, 0);
	assert_int_equal(iw_run(&world, &id, "a.txt", "some words"), INGEST_LATER);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.status, DOC_PROCESSING);
	assert_int_equal(record.version, 1);
	assert_int_equal(iw_find(&world, "words"), 1);
	iw_assert_tidy(&world);

	/* With a service that is well again only the embeddings are made. */
	iw_stop(&world);
	embedder_free(world.embedder);
	assert_int_equal(embedder_test_new(&world.embedder, 0), 0);
	world.ports.embedder = world.embedder;
	iw_start(&world);
	assert_int_equal(iw_run(&world, &id, "a.txt", "some words"), INGEST_INDEXED);
	AUTO_DOCUMENT struct document after = iw_record(&world, &id);
	assert_int_equal(after.status, DOC_INDEXED);
	assert_int_equal(after.version, 1);
	assert_true(after.updated_ns > record.updated_ns);
	assert_int_equal(find_dense(&world, "words"), 1);
	iw_close(&world);
}

/* An index that is bound to another model takes no vectors of this one, however often it is
 * tried: the record says so, and the words answer. */
static void test_an_index_of_another_model(void **state)
{
	static const float vector[3] = {1, 0, 0};
	const struct uuid id = uuid_new(), other = uuid_new();
	const struct chunk chunk = {.text = "other words", .text_len = 11};
	struct ingest_world world;
	struct err err = ERR_NONE;

	(void)state;
	begin(&world, 0, 3);
	assert_int_equal(vectors_add(world.vectors, &other, 1, NULL, &chunk, 1, &err), 0);
	assert_int_equal(vectors_embed(world.vectors, &other, 1,
				 &(struct embedding){0, &(struct span){0, 11}, vector, 1}, 3,
				 "another", &err),
		0);
	assert_int_equal(iw_run(&world, &id, "a.txt", "some words"), INGEST_FAILED);
	AUTO_DOCUMENT struct document record = iw_record(&world, &id);
	assert_int_equal(record.status, DOC_FAILED);
	assert_non_null(strstr(record.error, "words still answer"));
	assert_non_null(strstr(record.error, "another"));
	assert_int_equal(iw_find(&world, "some"), 1);
	assert_int_equal(vectors_remove(world.vectors, &other, &err), 0);
	iw_assert_tidy(&world);
	iw_close(&world);
}

/* The end does not wait for a service that is away. */
static void test_the_end_while_it_backs_off(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	struct iw_job job;
	bool is_published = false;

	(void)state;
	begin(&world, 1, 100);
	iw_job_init(&world, &job, &id, "a.txt", "some words", 10);
	ingest_submit(world.ingest, &job.job);
	for (int i = 0; !is_published && i < 20000; i++) {
		usleep(1000);
		pthread_mutex_lock(&job.lock);
		is_published = job.published > 0;
		pthread_mutex_unlock(&job.lock);
	}
	assert_true(is_published);
	int64_t begin_ns = clock_mono_ns();
	iw_stop(&world);
	assert_true(clock_mono_ns() - begin_ns < 2 * NS_PER_SEC);
	iw_wait(&job);
	assert_int_equal(job.job.outcome, INGEST_LATER);
	iw_job_release(&job);
	iw_assert_tidy(&world);
	iw_close(&world);
}

/* Deleted, or replaced, while its embeddings are on their way. */
static void test_a_document_that_goes_meanwhile(void **state)
{
	struct ingest_world world;
	struct iw_job job;

	(void)state;
	begin(&world, 0, 3);
	for (int round = 0; round < 20; round++) {
		const struct uuid id = uuid_new();
		iw_job_init(&world, &job, &id, "a.txt", "some words", 10);
		ingest_submit(world.ingest, &job.job);
		usleep((useconds_t)round * 100);
		ingest_cancel(&job.job); /* as who deletes a document does first */
		assert_int_equal(records_delete(world.records, &id, NULL), 0);
		iw_wait(&job);
		assert_true(
			job.job.outcome == INGEST_INDEXED || job.job.outcome == INGEST_CANCELLED);
		iw_job_release(&job);
		iw_assert_tidy(&world);
	}
	iw_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_chunks_than_a_batch),
		cmocka_unit_test(test_failures_that_pass),
		cmocka_unit_test(test_what_does_not_pass_is_taken_up_later),
		cmocka_unit_test(test_an_index_of_another_model),
		cmocka_unit_test(test_the_end_while_it_backs_off),
		cmocka_unit_test(test_a_document_that_goes_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
