/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ingest_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/blobs_memory.h"
#include "core/local/catalog_memory.h"
#include "core/local/vectors_memory.h"
#include "tests/unit/parse_support.h"
#include "tests/unit/scratch.h"

void iw_start(struct ingest_world *world)
{
	struct err err = ERR_NONE;

	if (ingest_new(&world->ingest, &world->ports, &world->config, &err))
		fail_msg("ingest_new: %s", err.text);
}

void iw_stop(struct ingest_world *world)
{
	ingest_free(world->ingest);
	world->ingest = NULL;
}

void iw_open(struct ingest_world *world, struct embedder *embedder)
{
	struct parser_limits limits = case_limits();
	AUTO_FREE char *program = case_program("");
	struct err err = ERR_NONE;

	*world = (struct ingest_world){.folder = scratch_new(), .embedder = embedder};
	assert_int_equal(catalog_memory_new(&world->catalog, &err), 0);
	assert_int_equal(vectors_memory_new(&world->vectors), 0);
	assert_int_equal(blobs_memory_new(&world->blobs, &err), 0);
	faulty_init(&world->faulty, world->catalog, world->vectors, world->blobs, &world->fault);
	if (parser_new(&world->parser, program, &limits, &err))
		fail_msg("parser_new: %s", err.text);
	world->ports = (struct ports){
		.catalog = &world->faulty.catalog.catalog,
		.vectors = &world->faulty.vectors.vectors,
		.blobs = &world->faulty.blobs.blobs,
		.embedder = embedder,
		.parser = world->parser,
		.scratch = world->folder,
	};
	assert_int_equal(records_new(&world->records, world->ports.catalog, world->ports.blobs,
				 world->ports.vectors),
		0);
	world->ports.records = world->records;
	assert_int_equal(config_init(&world->config), 0);
	world->config.ingest_workers = 2;
	iw_start(world);
}

void iw_close(struct ingest_world *world)
{
	iw_stop(world);
	records_free(world->records);
	parser_free(world->parser);
	embedder_free(world->embedder);
	catalog_free(world->catalog);
	vectors_free(world->vectors);
	blobs_free(world->blobs);
	config_release(&world->config);
	scratch_free(world->folder);
}

static void on_published(struct ingest_job *job, const struct document *record)
{
	struct iw_job *own = (struct iw_job *)job;

	assert_int_equal(record->status, DOC_PROCESSING);
	pthread_mutex_lock(&own->lock);
	own->published++;
	pthread_mutex_unlock(&own->lock);
}

static void on_done(struct ingest_job *job)
{
	struct iw_job *own = (struct iw_job *)job;

	pthread_mutex_lock(&own->lock);
	own->done++;
	pthread_cond_signal(&own->changed);
	pthread_mutex_unlock(&own->lock);
}

void iw_job_init(struct ingest_world *world, struct iw_job *job, const struct uuid *id,
	const char *path, const void *data, size_t len)
{
	char name[32];

	*job = (struct iw_job){.job = {.done = on_done, .published = on_published}};
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->changed, NULL);
	snprintf(name, sizeof(name), "file-%u", world->files++);
	close(scratch_file(world->folder, name, data, len));
	assert_true(asprintf(&job->job.file, "%s/%s", world->folder, name) > 0);
	document_init(&job->job.document);
	document_init(&job->job.record);
	job->job.document.id = *id;
	job->job.document.path = strdup(path);
	job->job.document.realm = strdup("test");
	job->job.document.access = (struct access){1000, 1000, 0644};
	job->job.document.mtime_ns = 1 + (int64_t)world->files;
	job->job.queued_ns = clock_mono_ns();
}

void iw_job_release(struct iw_job *job)
{
	ingest_job_release(&job->job);
	pthread_mutex_destroy(&job->lock);
	pthread_cond_destroy(&job->changed);
}

void iw_wait(struct iw_job *job)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	pthread_mutex_lock(&job->lock);
	while (!job->done)
		if (pthread_cond_timedwait(&job->changed, &job->lock, &until))
			break;
	int done = job->done;
	pthread_mutex_unlock(&job->lock);
	assert_int_equal(done, 1);
}

enum ingest_outcome iw_run(
	struct ingest_world *world, const struct uuid *id, const char *path, const char *text)
{
	struct iw_job job;

	iw_job_init(world, &job, id, path, text, strlen(text));
	ingest_submit(world->ingest, &job.job);
	iw_wait(&job);
	enum ingest_outcome outcome = job.job.outcome;
	iw_job_release(&job);
	return outcome;
}

struct document iw_record(struct ingest_world *world, const struct uuid *id)
{
	struct document record;
	struct err err = ERR_NONE;

	document_init(&record);
	if (catalog_get(world->catalog, id, &record, &err))
		fail_msg("no record: %s", err.text);
	return record;
}

/* --- do the stores agree? --------------------------------------------------------- */

struct published {
	struct uuid id;
	uint32_t version;
	bool is_there;
};

static int see_published(void *context, const struct uuid *document, uint32_t version)
{
	struct published *published = context;

	if (uuid_equal(document, &published->id)) {
		published->version = version;
		published->is_there = true;
	}
	return 0;
}

static struct published published_of(struct ingest_world *world, const struct uuid *id)
{
	struct published published = {.id = *id};

	assert_int_equal(vectors_each(world->vectors, see_published, &published, NULL), 0);
	return published;
}

static int count_chunk(void *context, const struct chunk *chunk)
{
	(void)chunk;
	(*(uint32_t *)context)++;
	return 0;
}

static int check_record(void *context, const struct document *record)
{
	struct ingest_world *world = context;
	uint32_t chunks = 0;

	assert_int_equal(published_of(world, &record->id).version, record->version);
	if (!record->version)
		return 0;
	assert_int_equal(vectors_chunks(world->vectors, &record->id, record->version, 0, UINT32_MAX,
				 count_chunk, &chunks, NULL),
		0);
	assert_int_equal(chunks, record->chunk_count);
	return 0;
}

static int check_known(void *context, const struct uuid *document, uint32_t version)
{
	struct ingest_world *world = context;
	AUTO_DOCUMENT struct document record = {0};

	if (version)
		assert_int_equal(catalog_get(world->catalog, document, &record, NULL), 0);
	return 0;
}

void iw_assert_agreement(struct ingest_world *world)
{
	assert_int_equal(catalog_each(world->catalog, check_record, world, NULL), 0);
	assert_int_equal(vectors_each(world->vectors, check_known, world, NULL), 0);
}

static bool has_version(const struct document *record, uint32_t number)
{
	for (size_t i = 0; i < record->version_count; i++)
		if (record->versions[i].number == number)
			return true;
	return false;
}

static int check_blob(
	void *context, const struct uuid *document, uint32_t version, enum blob_kind kind)
{
	struct ingest_world *world = context;
	AUTO_DOCUMENT struct document record = iw_record(world, document);

	if (kind == BLOB_ORIGINAL)
		assert_true(has_version(&record, version));
	else
		assert_int_equal(version, record.version);
	return 0;
}

static int check_blobs_are_there(void *context, const struct document *record)
{
	struct ingest_world *world = context;
	char byte;

	for (size_t i = 0; i < record->version_count; i++) {
		const struct blob_key key = {.document = record->id,
			.version = record->versions[i].number,
			.kind = BLOB_ORIGINAL,
			.name = record->versions[i].name};
		assert_true(blobs_read(world->blobs, &key, &byte, 1, 0, NULL) >= 0);
	}
	return 0;
}

static int check_stranger(void *context, const struct uuid *document, uint32_t version)
{
	struct ingest_world *world = context;
	AUTO_DOCUMENT struct document record = iw_record(world, document);

	assert_int_equal(version, record.version);
	return 0;
}

void iw_assert_tidy(struct ingest_world *world)
{
	iw_assert_agreement(world);
	assert_int_equal(vectors_each(world->vectors, check_stranger, world, NULL), 0);
	assert_int_equal(blobs_each(world->blobs, check_blob, world, NULL), 0);
	assert_int_equal(catalog_each(world->catalog, check_blobs_are_there, world, NULL), 0);
}

static void assert_blob(
	struct ingest_world *world, const struct blob_key *key, const char *bytes, size_t len)
{
	AUTO_FREE char *data = malloc(len + 1);

	assert_int_equal(blobs_read(world->blobs, key, data, len + 1, 0, NULL), (ssize_t)len);
	assert_memory_equal(data, bytes, len);
}

void iw_assert_content(struct ingest_world *world, const struct uuid *id, const char *text)
{
	AUTO_DOCUMENT struct document record = iw_record(world, id);
	const char *name = document_file_name(&record);

	assert_int_equal(record.size, strlen(text));
	assert_blob(world, &(struct blob_key){*id, record.version, BLOB_ORIGINAL, name}, text,
		strlen(text));
	assert_blob(world, &(struct blob_key){*id, record.version, BLOB_TEXT, name}, text,
		strlen(text));
}

size_t iw_find(struct ingest_world *world, const char *words)
{
	gid_t group = 1000;
	const struct caller caller = {.uid = 1000, .groups = &group, .group_count = 1};
	const struct search_query query = {.caller = &caller, .text = words, .top_k = 100};
	struct search_result result = {0};

	assert_int_equal(vectors_words(world->vectors, &query, &result, NULL), 0);
	size_t count = result.hit_count;
	search_result_release(&result);
	return count;
}
