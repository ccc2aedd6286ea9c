/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a record from several threads: none is lost, and the vectors have the last one. */
#include "core/records.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/local/blobs_memory.h"
#include "core/local/catalog_memory.h"
#include "core/local/vectors_memory.h"

#define ROUNDS 200

struct world {
	struct catalog *catalog;
	struct blobs *blobs;
	struct vectors *vectors;
	struct records *records;
	struct uuid id;
};

static void put_record(struct world *world)
{
	struct document record;
	const struct document *one = &record;

	document_init(&record);
	record.id = world->id;
	record.path = strdup("a.txt");
	record.access = (struct access){.owner = 7, .group = 7, .mode = 0600};
	assert_int_equal(catalog_put(world->catalog, &one, 1, NULL), 0);
	document_release(&record);
}

/* What the pipeline does at its commit: read, write, publish under the lock. */
static void publish(struct world *world, uint32_t version)
{
	struct chunk chunk = {.text = (char *)"Plums", .text_len = 5, .end_char = 5};
	struct document record;
	const struct document *one = &record;

	document_init(&record);
	vectors_add(world->vectors, &world->id, version, NULL, &chunk, 1, NULL);
	records_lock(world->records);
	catalog_get(world->catalog, &world->id, &record, NULL);
	record.version = version;
	struct publication publication = {.document = world->id,
		.version = version,
		.access = record.access,
		.content_type = "text/plain",
		.path = record.path};
	catalog_put(world->catalog, &one, 1, NULL);
	vectors_publish(world->vectors, &publication, 1, NULL);
	records_unlock(world->records);
	document_release(&record);
}

static int set_mode(void *context, struct document *document)
{
	document->access.mode = *(mode_t *)context;
	return 0;
}

static void change_mode(struct world *world, mode_t mode)
{
	records_change(world->records, &world->id, set_mode, &mode, NULL, NULL);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct err err = ERR_NONE;

	assert_non_null(world);
	world->id = (struct uuid){{1, 2, 3}};
	assert_int_equal(catalog_memory_new(&world->catalog, &err), 0);
	assert_int_equal(blobs_memory_new(&world->blobs, &err), 0);
	assert_int_equal(vectors_memory_new(&world->vectors), 0);
	assert_int_equal(
		records_new(&world->records, world->catalog, world->blobs, world->vectors), 0);
	put_record(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	records_free(world->records);
	vectors_free(world->vectors);
	blobs_free(world->blobs);
	catalog_free(world->catalog);
	free(world);
	return 0;
}

/* Does a stranger's search find the document? */
static bool others_find_it(struct world *world)
{
	struct caller caller = {.uid = 8};
	struct search_query query = {.caller = &caller, .text = "plums", .top_k = 5};
	struct search_result result = {0};

	assert_int_equal(vectors_words(world->vectors, &query, &result, NULL), 0);
	bool is_found = result.hit_count > 0;
	search_result_release(&result);
	return is_found;
}

static void record_is(struct world *world, mode_t mode, uint32_t version)
{
	struct document record;

	document_init(&record);
	assert_int_equal(catalog_get(world->catalog, &world->id, &record, NULL), 0);
	assert_int_equal(record.access.mode, mode);
	assert_int_equal(record.version, version);
	document_release(&record);
}

static void chmod_then_publish(void **state)
{
	struct world *world = *state;

	change_mode(world, 0644);
	publish(world, 1);
	record_is(world, 0644, 1);
	assert_true(others_find_it(world));
}

static void publish_then_chmod(void **state)
{
	struct world *world = *state;

	publish(world, 1);
	assert_false(others_find_it(world));
	change_mode(world, 0644);
	record_is(world, 0644, 1);
	assert_true(others_find_it(world));
	change_mode(world, 0600);
	assert_false(others_find_it(world));
}

static void *publish_versions(void *context)
{
	for (uint32_t version = 1; version <= ROUNDS; version++)
		publish(context, version);
	return NULL;
}

/* Whoever is first: the last mode and the last version are what both stores have. */
static void together_neither_is_lost(void **state)
{
	struct world *world = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, publish_versions, world), 0);
	for (int i = 0; i < ROUNDS; i++)
		change_mode(world, i % 2 ? 0600 : 0644);
	pthread_join(thread, NULL);
	record_is(world, 0600, ROUNDS);
	assert_false(others_find_it(world));
}

static int refuse(void *context, struct document *document)
{
	(void)context;
	document->access.mode = 0644;
	return -EPERM;
}

static void a_change_that_refuses_changes_nothing(void **state)
{
	struct world *world = *state;

	publish(world, 1);
	assert_int_equal(
		records_change(world->records, &world->id, refuse, NULL, NULL, NULL), -EPERM);
	record_is(world, 0600, 1);
	assert_false(others_find_it(world));
}

static void what_is_deleted_is_found_nowhere(void **state)
{
	struct world *world = *state;
	struct document record;
	mode_t mode = 0644;

	change_mode(world, mode);
	publish(world, 1);
	assert_true(others_find_it(world));
	assert_int_equal(records_delete(world->records, &world->id, NULL), 0);
	assert_false(others_find_it(world));
	assert_int_equal(catalog_get(world->catalog, &world->id, &record, NULL), -ENOENT);
	assert_int_equal(
		records_change(world->records, &world->id, set_mode, &mode, NULL, NULL), -ENOENT);
	assert_int_equal(records_delete(world->records, &world->id, NULL), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(chmod_then_publish),
		CASE(publish_then_chmod),
		CASE(together_neither_is_lost),
		CASE(a_change_that_refuses_changes_nothing),
		CASE(what_is_deleted_is_found_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
