/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a name in the inbox: with a real spool, loop, pipeline and parser. */
#include "core/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"
#include "tests/unit/ingest_world.h"
#include "tests/unit/spool_world.h"

struct world {
	struct spool_world spool;
	struct ingest_world ingest;
	struct ports ports;
	struct library *library;
	struct inbox *inbox;
};

static void on_renamed(void *context, struct spool_inode *folder, const char *name)
{
	(void)context;
	(void)folder;
	(void)name;
}

static void start(struct world *world)
{
	const struct inbox_parts parts = {
		.loop = world->spool.loop,
		.io = world->spool.pool,
		.spool = world->spool.spool,
		.library = world->library,
		.ports = &world->ports,
		.ingest = world->ingest.ingest,
		.config = &world->ingest.config,
		.realm = "test",
		.spool_path = world->spool.folder,
		.renamed = on_renamed,
	};

	assert_int_equal(inbox_new(&world->inbox, &parts), 0);
	inbox_start(world->inbox, false);
}

static void begin(struct world *world)
{
	*world = (struct world){0};
	sw_open(&world->spool);
	iw_open(&world->ingest, NULL);
	world->ingest.config.settle_ns = 20 * NS_PER_MS;
	world->ingest.config.drain_ns = -1;
	world->ports = (struct ports){
		.catalog = world->ingest.ports.catalog,
		.blobs = world->ingest.blobs,
		.vectors = world->ingest.ports.vectors,
		.parser = world->ingest.parser,
		.records = world->ingest.records,
	};
	assert_int_equal(library_new(&world->library), 0);
	start(world);
}

static void turn(struct world *world)
{
	usleep(500);
	loop_drain(world->spool.loop);
}

static void stop(struct world *world)
{
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;

	inbox_stop(world->inbox);
	while (inbox_is_busy(world->inbox)) {
		assert_true(clock_mono_ns() < end_ns);
		turn(world);
	}
	sw_settle(&world->spool);
	inbox_free(world->inbox);
}

static void end(struct world *world)
{
	stop(world);
	library_free(world->library);
	iw_close(&world->ingest);
	sw_close(&world->spool);
}

/* A name with bytes, as a program that opens, writes and closes makes it. */
static struct spool_entry *drop(struct world *world, const char *name, const char *bytes)
{
	struct spool_entry *entry = sw_find(&world->spool, name);

	if (!entry) {
		entry = sw_make(&world->spool, spool_root(world->spool.spool), name, SPOOL_FILE);
		inbox_came(world->inbox, entry);
	}
	entry->inode->writers++;
	inbox_wrote(world->inbox, entry->inode);
	sw_write(&world->spool, entry, bytes);
	entry->inode->writers--;
	inbox_closed(world->inbox, entry->inode);
	return entry;
}

static bool is_state(struct world *world, const char *name, const char *state)
{
	struct spool_entry *entry = sw_find(&world->spool, name);

	return entry && strcmp(inbox_state(world->inbox, entry), state) == 0;
}

static void await(struct world *world, const char *name, const char *state)
{
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;

	while (!is_state(world, name, state)) {
		if (clock_mono_ns() > end_ns)
			fail_msg("%s is not %s", name, state);
		turn(world);
	}
}

static struct library_entry *at(struct world *world, const char *path)
{
	return library_by_path(world->library, 1001, path);
}

static void test_a_file_becomes_a_document(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	struct spool_entry *entry = drop(&world, "a.txt", "some words");
	assert_int_equal(inbox_settling(world.inbox), 1);
	await(&world, "a.txt", "INDEXED");
	struct library_entry *document = at(&world, "a.txt");
	assert_non_null(document);
	assert_true(uuid_equal(&document->id, &entry->document));
	assert_int_equal(document->version, 1);
	iw_assert_content(&world.ingest, &document->id, "some words");

	const struct uuid id = document->id;
	drop(&world, "a.txt", "other words");
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;
	while (library_find(world.library, &id)->version != 2) {
		assert_true(clock_mono_ns() < end_ns);
		turn(&world);
	}
	iw_assert_content(&world.ingest, &id, "other words");
	end(&world);
}

static void test_names_that_are_not_documents(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	drop(&world, "a.txt.part", "unfinished");
	drop(&world, "empty.txt", "");
	drop(&world, "b.txt", "some words");
	await(&world, "b.txt", "INDEXED");
	assert_true(is_state(&world, "a.txt.part", ""));
	assert_true(is_state(&world, "empty.txt", ""));
	assert_int_equal(library_count(world.library, DOC_INDEXED), 1);
	assert_ptr_equal(library_first(world.library)->after, NULL);

	/* Renamed to its final name it is one. */
	assert_int_equal(spool_rename(world.spool.spool, sw_find(&world.spool, "a.txt.part"),
				 spool_root(world.spool.spool), "a.txt", 0, NULL, NULL),
		0);
	inbox_came(world.inbox, sw_find(&world.spool, "a.txt"));
	await(&world, "a.txt", "INDEXED");
	assert_non_null(at(&world, "a.txt"));
	end(&world);
}

static void test_a_failure_has_a_note(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	drop(&world, "a.bin", "\x01\x80\xff\x02\x9c\xfe\x03\xc1\xc0\x81\x05\x06\x1c\x1d");
	await(&world, "a.bin", "FAILED");
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;
	while (!sw_find(&world.spool, "a.bin.askfs-error.txt")) {
		assert_true(clock_mono_ns() < end_ns);
		turn(&world);
	}
	assert_true(sw_find(&world.spool, "a.bin.askfs-error.txt")->is_error_note);
	drop(&world, "a.bin", "now words");
	await(&world, "a.bin", "INDEXED");
	while (sw_find(&world.spool, "a.bin.askfs-error.txt")) {
		assert_true(clock_mono_ns() < end_ns);
		turn(&world);
	}
	end(&world);
}

static void test_an_unlinked_file_takes_its_document(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	struct spool_entry *entry = drop(&world, "a.txt", "some words");
	await(&world, "a.txt", "INDEXED");
	inbox_leaves(world.inbox, entry);
	assert_int_equal(spool_unlink(world.spool.spool, entry, true, NULL, NULL), 0);
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;
	while (library_first(world.library)) {
		assert_true(clock_mono_ns() < end_ns);
		turn(&world);
	}
	assert_int_equal(iw_find(&world.ingest, "words"), 0);
	iw_assert_tidy(&world.ingest);
	end(&world);
}

/* Stopped before the file had settled: the next start takes it up. */
static void test_a_restart_adopts_what_was_left(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	drop(&world, "a.txt", "some words");
	stop(&world);
	sw_reopen(&world.spool);
	start(&world);
	await(&world, "a.txt", "INDEXED");
	assert_non_null(at(&world, "a.txt"));
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_becomes_a_document),
		cmocka_unit_test(test_names_that_are_not_documents),
		cmocka_unit_test(test_a_failure_has_a_note),
		cmocka_unit_test(test_an_unlinked_file_takes_its_document),
		cmocka_unit_test(test_a_restart_adopts_what_was_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
