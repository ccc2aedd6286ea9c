/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline over stores in memory and a played parser: what becomes of a file, and what is
 * left in the three stores when any one of their calls fails. */
#include "core/ingest.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/local/blobs_memory.h"
#include "core/local/catalog_memory.h"
#include "core/local/embedder_test.h"
#include "core/local/vectors_memory.h"
#include "tests/unit/faulty_stores.h"
#include "tests/unit/played_parser.h"
#include "tests/unit/scratch.h"

#define MANY 100

struct world {
	char *folder;
	struct catalog *catalog;
	struct blobs *blobs;
	struct vectors *vectors;
	struct embedder *embedder;
	struct parser parser;
	struct ingest_ports ports;
	struct config config;
	struct ingest *ingest;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned done; /* lock */
};

/* The world. */

static void world_start(struct world *world)
{
	struct err err = ERR_NONE;

	world->ports.embedder = world->embedder;
	assert_int_equal(ingest_new(&world->ingest, &world->ports, &world->config, &err), 0);
}

static void world_stop(struct world *world)
{
	ingest_free(world->ingest);
	world->ingest = NULL;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct err err = ERR_NONE;

	assert_non_null(world);
	world->folder = scratch_new();
	assert_int_equal(catalog_memory_new(&world->catalog, &err), 0);
	assert_int_equal(blobs_memory_new(&world->blobs, &err), 0);
	assert_int_equal(vectors_memory_new(&world->vectors), 0);
	make_faulty(world->catalog, world->vectors, world->blobs);
	world->ports = (struct ingest_ports){.catalog = world->catalog,
		.blobs = world->blobs,
		.vectors = world->vectors,
		.parser = &world->parser,
		.scratch = world->folder};
	assert_int_equal(
		records_new(&world->ports.records, world->catalog, world->blobs, world->vectors),
		0);
	world->config = (struct config){
		.chunk_size = 1000, .chunk_overlap = 200, .keep_versions = 10, .ingest_workers = 2};
	pthread_mutex_init(&world->lock, NULL);
	pthread_cond_init(&world->changed, NULL);
	world_start(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	world_stop(world);
	records_free(world->ports.records);
	embedder_free(world->embedder);
	vectors_free(world->vectors);
	blobs_free(world->blobs);
	catalog_free(world->catalog);
	pthread_cond_destroy(&world->changed);
	pthread_mutex_destroy(&world->lock);
	scratch_free(world->folder);
	free(world);
	return 0;
}

static void with_embedder(struct world *world, unsigned fail_every, unsigned retries)
{
	world_stop(world);
	assert_int_equal(embedder_test_new(&world->embedder, fail_every), 0);
	world->config.ingest_retries = retries;
	world_start(world);
}

/* Jobs. */

static void job_done(struct ingest_job *job)
{
	struct world *world = job->context;

	pthread_mutex_lock(&world->lock);
	world->done++;
	pthread_cond_signal(&world->changed);
	pthread_mutex_unlock(&world->lock);
}

static struct uuid id_of(unsigned number)
{
	struct uuid id = {{1}};

	memcpy(&id.bytes[8], &number, sizeof(number));
	return id;
}

/* A job for document @number, whose file holds @text. */
static void job_init(struct world *world, struct ingest_job *job, unsigned number, const char *text)
{
	char name[32];

	memset(job, 0, sizeof(*job));
	document_init(&job->document);
	document_init(&job->record);
	snprintf(name, sizeof(name), "%u.txt", number);
	close(scratch_file(world->folder, name, text, strlen(text)));
	assert_true(asprintf(&job->file, "%s/%s", world->folder, name) > 0);
	job->document.id = id_of(number);
	job->document.path = strdup(name);
	job->document.access = (struct access){.owner = 7, .group = 7, .mode = 0644};
	job->context = world;
	job->done = job_done;
}

static void jobs_wait(struct world *world, unsigned count)
{
	pthread_mutex_lock(&world->lock);
	while (world->done < count)
		pthread_cond_wait(&world->changed, &world->lock);
	world->done = 0;
	pthread_mutex_unlock(&world->lock);
}

static enum ingest_outcome ingest_text(struct world *world, unsigned number, const char *text)
{
	struct ingest_job job;

	job_init(world, &job, number, text);
	ingest_submit(world->ingest, &job);
	jobs_wait(world, 1);
	enum ingest_outcome outcome = job.outcome;
	ingest_job_release(&job);
	return outcome;
}

/* What is in the stores. */

static void get(struct world *world, unsigned number, struct document *out)
{
	struct uuid id = id_of(number);

	document_init(out);
	assert_int_equal(catalog_get(world->catalog, &id, out, NULL), 0);
}

static size_t hits(struct world *world, const char *word)
{
	struct caller caller = {.uid = 7};
	struct search_query query = {.caller = &caller, .text = word, .top_k = 200};
	struct search_result result = {0};

	assert_int_equal(vectors_words(world->vectors, &query, &result, NULL), 0);
	size_t count = result.hit_count;
	search_result_release(&result);
	return count;
}

static int count_known(void *context, const struct uuid *document, uint32_t version)
{
	struct world *world = context;
	AUTO_DOCUMENT struct document record;

	document_init(&record);
	assert_int_equal(catalog_get(world->catalog, document, &record, NULL), 0);
	assert_int_equal(record.version, version);
	return 0;
}

static int check_blob(
	void *context, const struct uuid *document, uint32_t version, enum blob_kind kind)
{
	struct world *world = context;
	AUTO_DOCUMENT struct document record;
	bool is_known = false;

	document_init(&record);
	assert_int_equal(catalog_get(world->catalog, document, &record, NULL), 0);
	for (size_t i = 0; i < record.version_count; i++)
		is_known = is_known || record.versions[i].number == version;
	assert_true(kind == BLOB_TEXT ? record.version == version : is_known);
	return 0;
}

/* No store holds what another one does not know of. */
static void are_together(struct world *world)
{
	assert_int_equal(vectors_each(world->vectors, count_known, world, NULL), 0);
	assert_int_equal(blobs_each(world->blobs, check_blob, world, NULL), 0);
}

/* Outcomes. */

static void a_file_answers_once_it_is_indexed(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document record;

	assert_int_equal(ingest_text(world, 1, "Plums are blue.\n"), INGEST_INDEXED);
	get(world, 1, &record);
	assert_int_equal(record.status, DOC_INDEXED);
	assert_int_equal(record.version, 1);
	assert_int_equal(record.chunk_count, 1);
	assert_int_equal(hits(world, "plums"), 1);
	are_together(world);
}

static void the_same_bytes_change_nothing(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document record;

	ingest_text(world, 1, "Plums are blue.\n");
	assert_int_equal(ingest_text(world, 1, "Plums are blue.\n"), INGEST_UNCHANGED);
	get(world, 1, &record);
	assert_int_equal(record.version, 1);
	assert_int_equal(world->parser.items, 1);
}

static void other_bytes_are_a_new_version(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document record;

	ingest_text(world, 1, "Plums are blue.\n");
	assert_int_equal(ingest_text(world, 1, "Pears are green.\n"), INGEST_INDEXED);
	get(world, 1, &record);
	assert_int_equal(record.version, 2);
	assert_int_equal(record.version_count, 2);
	assert_int_equal(hits(world, "plums"), 0);
	assert_int_equal(hits(world, "pears"), 1);
	are_together(world);
}

static void a_failed_file_can_be_written_again(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document failed;
	AUTO_DOCUMENT struct document record;

	assert_int_equal(ingest_text(world, 1, "ENCRYPTED"), INGEST_FAILED);
	get(world, 1, &failed);
	assert_int_equal(failed.status, DOC_FAILED);
	assert_non_null(strstr(failed.error, "encrypted"));
	assert_int_equal(ingest_text(world, 1, "Plums are blue.\n"), INGEST_INDEXED);
	get(world, 1, &record);
	assert_int_equal(record.status, DOC_INDEXED);
	assert_null(record.error);
	assert_int_equal(record.version_count, 1);
	are_together(world);
}

static void a_version_that_fails_leaves_the_old_one(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document record;

	ingest_text(world, 1, "Plums are blue.\n");
	assert_int_equal(ingest_text(world, 1, "ENCRYPTED"), INGEST_FAILED);
	get(world, 1, &record);
	assert_int_equal(record.version, 1);
	assert_int_equal(hits(world, "plums"), 1);
	are_together(world);
}

static void wait_for_gate(void *context)
{
	while (!atomic_load((atomic_bool *)context))
		usleep(100);
}

/* The only worker is kept at the first file until all are queued: it takes the rest at most 64
 * at a time. */
static void many_share_the_parser(void **state)
{
	struct world *world = *state;
	static struct ingest_job jobs[MANY];
	atomic_bool gate = false;

	world_stop(world);
	world->config.ingest_workers = 1;
	world_start(world);
	world->parser.while_parsing = wait_for_gate;
	world->parser.context = &gate;
	for (unsigned i = 0; i < MANY; i++)
		job_init(world, &jobs[i], i, i == 50 ? "ENCRYPTED" : "Plums are blue.\n");
	for (unsigned i = 0; i < MANY; i++)
		ingest_submit(world->ingest, &jobs[i]);
	atomic_store(&gate, true);
	jobs_wait(world, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(jobs[i].outcome, i == 50 ? INGEST_FAILED : INGEST_INDEXED);
		ingest_job_release(&jobs[i]);
	}
	assert_int_equal(world->parser.items, MANY);
	assert_true(world->parser.runs <= 3);
	assert_int_equal(hits(world, "plums"), MANY - 1);
	are_together(world);
}

static void cancel_now(void *job)
{
	ingest_cancel(job);
}

static void one_that_is_cancelled_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct ingest_job job;
	struct uuid id = id_of(1);
	AUTO_DOCUMENT struct document record;

	document_init(&record);
	job_init(world, &job, 1, "Plums are blue.\n");
	world->parser.while_parsing = cancel_now;
	world->parser.context = &job;
	ingest_submit(world->ingest, &job);
	jobs_wait(world, 1);
	assert_int_equal(job.outcome, INGEST_CANCELLED);
	assert_int_equal(catalog_get(world->catalog, &id, &record, NULL), -ENOENT);
	assert_int_equal(hits(world, "plums"), 0);
	are_together(world);
	ingest_job_release(&job);
}

static void one_that_was_cancelled_before_is_not_begun(void **state)
{
	struct world *world = *state;
	struct ingest_job job;

	job_init(world, &job, 1, "Plums are blue.\n");
	ingest_cancel(&job);
	ingest_submit(world->ingest, &job);
	jobs_wait(world, 1);
	assert_int_equal(job.outcome, INGEST_CANCELLED);
	assert_int_equal(world->parser.items, 0);
	ingest_job_release(&job);
}

static int check_next(void *context, const struct chunk *chunk)
{
	uint64_t *end = context;

	assert_true(chunk->start_char <= *end);
	assert_true(chunk->end_char > *end);
	*end = chunk->end_char;
	return 0;
}

/* Every character of it is in a chunk. */
static void a_large_text_is_indexed_whole(void **state)
{
	static const char line[] = "A line about plums, one of many.\n";
	enum { LINES = 30000, LEN = sizeof(line) - 1 };
	struct world *world = *state;
	char *text = malloc(LINES * LEN + 1);
	struct uuid id = id_of(1);
	uint64_t end = 0;
	AUTO_DOCUMENT struct document record;

	assert_non_null(text);
	for (size_t i = 0; i < LINES; i++)
		memcpy(text + i * LEN, line, LEN);
	text[LINES * LEN] = '\0';
	assert_int_equal(ingest_text(world, 1, text), INGEST_INDEXED);
	free(text);
	get(world, 1, &record);
	assert_int_equal(record.text_size, LINES * LEN);
	assert_true(record.chunk_count >= LINES * LEN / 1000);
	assert_int_equal(
		vectors_chunks(world->vectors, &id, 1, 0, UINT32_MAX, check_next, &end, NULL), 0);
	assert_true(end >= LINES * LEN - 1);
	are_together(world);
}

/* Embeddings. */

static void an_embedder_that_fails_for_a_while_is_asked_again(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document record;

	with_embedder(world, 2, 1);
	assert_int_equal(ingest_text(world, 1, "Plums are blue.\n"), INGEST_INDEXED);
	assert_int_equal(ingest_text(world, 2, "Pears are green.\n"), INGEST_INDEXED);
	get(world, 2, &record);
	assert_int_equal(record.status, DOC_INDEXED);
	assert_string_equal(record.embedding_model, "test-hash-64");
}

static void embeddings_are_made_up_for_later(void **state)
{
	struct world *world = *state;
	AUTO_DOCUMENT struct document before;
	AUTO_DOCUMENT struct document after;

	with_embedder(world, 1, 0);
	assert_int_equal(ingest_text(world, 1, "Plums are blue.\n"), INGEST_LATER);
	get(world, 1, &before);
	assert_int_equal(before.status, DOC_PROCESSING);
	assert_int_equal(hits(world, "plums"), 1);
	embedder_free(world->embedder);
	with_embedder(world, 0, 0);
	assert_int_equal(ingest_text(world, 1, "Plums are blue.\n"), INGEST_INDEXED);
	get(world, 1, &after);
	assert_int_equal(after.version, 1);
	assert_int_equal(world->parser.items, 1);
}

/* It waits for seconds between its tries, and ends at once all the same. */
static void the_end_does_not_wait_for_an_embedder(void **state)
{
	struct world *world = *state;
	struct ingest_job job;

	with_embedder(world, 1, 100);
	job_init(world, &job, 1, "Plums are blue.\n");
	ingest_submit(world->ingest, &job);
	while (hits(world, "plums") == 0)
		usleep(1000);
	world_stop(world);
	jobs_wait(world, 1);
	assert_int_equal(job.outcome, INGEST_LATER);
	ingest_job_release(&job);
}

/* Faults. */

/* Two versions of a document, of which call @call of the second fails, or all from it on.
 * False: there are fewer calls. */
static bool survives(struct world *world, unsigned number, int call, bool is_kill)
{
	struct err err = ERR_NONE;
	AUTO_DOCUMENT struct document record;

	assert_int_equal(ingest_text(world, number, "Plums are blue.\n"), INGEST_INDEXED);
	fail_at(call, is_kill);
	enum ingest_outcome outcome = ingest_text(world, number, "Pears are green.\n");
	if (!fault_end()) {
		assert_int_equal(outcome, INGEST_INDEXED);
		return false;
	}
	assert_true(outcome == INGEST_INDEXED || outcome == INGEST_LATER);
	assert_int_equal(ingest_recover(&world->ports, &err), 0);
	are_together(world);
	outcome = ingest_text(world, number, "Pears are green.\n");
	assert_true(outcome == INGEST_INDEXED || outcome == INGEST_UNCHANGED);
	get(world, number, &record);
	assert_int_equal(record.status, DOC_INDEXED);
	assert_int_equal(hits(world, "pears"), number);
	assert_int_equal(hits(world, "plums"), 0);
	are_together(world);
	return true;
}

static void any_call_may_fail(void **state)
{
	struct world *world = *state;
	unsigned call = 1;

	while (survives(world, call, (int)call, false))
		call++;
	assert_true(call > 6);
}

static void any_call_may_be_the_last(void **state)
{
	struct world *world = *state;
	unsigned call = 1;

	while (survives(world, call, (int)call, true))
		call++;
	assert_true(call > 6);
}

static void any_call_may_fail_with_an_embedder(void **state)
{
	struct world *world = *state;
	unsigned call = 1;

	with_embedder(world, 0, 0);
	while (survives(world, call, (int)call, call % 2))
		call++;
	assert_true(call > 9);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_file_answers_once_it_is_indexed),
		CASE(the_same_bytes_change_nothing),
		CASE(other_bytes_are_a_new_version),
		CASE(a_failed_file_can_be_written_again),
		CASE(a_version_that_fails_leaves_the_old_one),
		CASE(many_share_the_parser),
		CASE(one_that_is_cancelled_leaves_nothing),
		CASE(one_that_was_cancelled_before_is_not_begun),
		CASE(a_large_text_is_indexed_whole),
		CASE(an_embedder_that_fails_for_a_while_is_asked_again),
		CASE(embeddings_are_made_up_for_later),
		CASE(the_end_does_not_wait_for_an_embedder),
		CASE(any_call_may_fail),
		CASE(any_call_may_be_the_last),
		CASE(any_call_may_fail_with_an_embedder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
