/* SPDX-License-Identifier: Apache-2.0 */
/* What was appended is replayed in order; what was torn is cut off. */
#include "core/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"
#include "tests/unit/scratch.h"

/* A journal with what it runs on; @seen: the replayed records, a line each. */
struct world {
	struct loop *loop;
	struct pool *pool;
	struct journal *journal;
	char *folder;
	int dir_fd;
	struct buf seen;
};

static int see(void *context, const void *record, size_t len)
{
	struct world *world = context;

	if (len == 3 && memcmp(record, "bad", 3) == 0)
		return -EBADMSG;
	assert_int_equal(buf_add(&world->seen, record, len), 0);
	return buf_addc(&world->seen, '\n');
}

static int try_open(struct world *world)
{
	struct err err = ERR_NONE;

	buf_clear(&world->seen);
	return journal_open(
		&world->journal, world->dir_fd, "log", world->loop, world->pool, see, world, &err);
}

static void begin(struct world *world)
{
	*world = (struct world){.folder = scratch_new()};
	buf_init(&world->seen, BUF_MAX_DEFAULT);
	world->dir_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(world->dir_fd >= 0);
	assert_int_equal(loop_new(&world->loop), 0);
	assert_int_equal(pool_new(&world->pool, "io", 2, 0), 0);
	assert_int_equal(try_open(world), 0);
}

static void settle(struct world *world)
{
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;

	while (journal_is_busy(world->journal)) {
		assert_true(clock_mono_ns() < end_ns);
		usleep(50);
		loop_drain(world->loop);
	}
}

static void shut(struct world *world)
{
	settle(world);
	journal_free(world->journal);
	world->journal = NULL;
}

static void reopen(struct world *world)
{
	shut(world);
	assert_int_equal(try_open(world), 0);
}

static void end(struct world *world)
{
	if (world->journal)
		shut(world);
	pool_free(world->pool);
	loop_free(world->loop);
	close(world->dir_fd);
	buf_release(&world->seen);
	scratch_free(world->folder);
}

static void append(struct world *world, const char *record)
{
	journal_append(world->journal, record, strlen(record), NULL);
}

static const char *seen(const struct world *world)
{
	return world->seen.data ? world->seen.data : "";
}

static off_t file_size(const struct world *world)
{
	struct stat attr;

	assert_int_equal(fstatat(world->dir_fd, "log", &attr, 0), 0);
	return attr.st_size;
}

static void test_records_come_back_in_order(void **state)
{
	struct world world;
	AUTO_BUF struct buf expected;
	char record[32];

	(void)state;
	begin(&world);
	buf_init(&expected, BUF_MAX_DEFAULT);
	for (int i = 0; i < 1000; i++) {
		snprintf(record, sizeof(record), "record %d", i);
		append(&world, record);
		buf_addf(&expected, "%s\n", record);
		if (i % 100 == 0)
			settle(&world);
	}
	reopen(&world);
	assert_string_equal(seen(&world), expected.data);
	assert_int_equal(journal_size(world.journal), file_size(&world));
	end(&world);
}

/* The machine lost its power: the file has grown, its bytes never came. */
static void test_zeros_at_the_end_are_cut_off(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	append(&world, "one");
	shut(&world);
	off_t whole = file_size(&world);
	AUTO_CLOSE int fd = openat(world.dir_fd, "log", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, whole + 4096), 0);
	assert_int_equal(try_open(&world), 0);
	assert_string_equal(seen(&world), "one\n");
	assert_int_equal(file_size(&world), whole);
	end(&world);
}

/* At whatever byte the end was torn: the whole records before it, and no other. */
static void test_every_torn_end(void **state)
{
	struct world world;
	char bytes[64];

	(void)state;
	begin(&world);
	append(&world, "one");
	append(&world, "two");
	shut(&world);
	AUTO_CLOSE int fd = openat(world.dir_fd, "log", O_RDWR | O_CLOEXEC);
	ssize_t whole = pread(fd, bytes, sizeof(bytes), 0);
	assert_true(whole > 0 && whole < (ssize_t)sizeof(bytes));
	for (ssize_t len = 0; len <= whole; len++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
		assert_int_equal(try_open(&world), 0);
		int records = len == whole ? 2 : len >= whole / 2 ? 1 : 0;
		assert_int_equal(file_size(&world), records * whole / 2);
		append(&world, "three");
		reopen(&world);
		static const char *const expected[] = {
			"three\n", "one\nthree\n", "one\ntwo\nthree\n"};
		assert_string_equal(seen(&world), expected[records]);
		shut(&world);
	}
	end(&world);
}

static void test_a_record_with_a_wrong_byte_ends_it(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	append(&world, "one");
	append(&world, "two");
	shut(&world);
	AUTO_CLOSE int fd = openat(world.dir_fd, "log", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "T", 1, file_size(&world) - 3), 1);
	assert_int_equal(try_open(&world), 0);
	assert_string_equal(seen(&world), "one\n");
	append(&world, "three");
	reopen(&world);
	assert_string_equal(seen(&world), "one\nthree\n");
	end(&world);
}

static void test_a_record_that_is_not_understood_is_no_torn_one(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	append(&world, "one");
	append(&world, "bad");
	append(&world, "three");
	shut(&world);
	off_t before = file_size(&world);
	assert_int_equal(try_open(&world), -EBADMSG);
	world.journal = NULL;
	assert_int_equal(file_size(&world), before);
	end(&world);
}

static void test_a_rewrite_replaces_what_came_before(void **state)
{
	AUTO_BUF struct buf records;
	struct world world;

	(void)state;
	begin(&world);
	buf_init(&records, BUF_MAX_DEFAULT);
	append(&world, "old");
	journal_frame(&records, "new", 3);
	journal_rewrite(world.journal, &records);
	append(&world, "after");
	reopen(&world);
	assert_string_equal(seen(&world), "new\nafter\n");
	assert_int_equal(faccessat(world.dir_fd, "log.new", F_OK, 0), -1);
	assert_int_equal(faccessat(world.dir_fd, "journal.new", F_OK, 0), -1);
	end(&world);
}

/* A wait of a record, and what it saw. */
struct waiter {
	struct journal_wait wait;
	int prepared, result, order;
};
static int done_count;

static void on_done(struct journal_wait *wait, int result)
{
	struct waiter *waiter = (struct waiter *)wait;

	waiter->result = result;
	waiter->order = ++done_count;
}

static int prepare(struct journal_wait *wait)
{
	return ((struct waiter *)wait)->prepared;
}

static void test_waits_are_answered_in_order(void **state)
{
	struct waiter waiters[] = {
		{.result = 1},
		{.result = 1, .prepared = -EIO},
		{.result = 1},
	};
	struct world world;

	(void)state;
	begin(&world);
	done_count = 0;
	for (int i = 0; i < 3; i++) {
		waiters[i].wait.done = on_done;
		waiters[i].wait.prepare = prepare;
		if (i < 2)
			journal_append(world.journal, "x", 1, &waiters[i].wait);
		else
			journal_sync(world.journal, &waiters[i].wait);
	}
	settle(&world);
	assert_int_equal(waiters[0].result, 0);
	assert_int_equal(waiters[1].result, -EIO);
	assert_int_equal(waiters[2].result, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(waiters[i].order, i + 1);
	assert_true(journal_has_room(world.journal));
	reopen(&world);
	assert_string_equal(seen(&world), "x\nx\n"); /* written all the same */
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_back_in_order),
		cmocka_unit_test(test_zeros_at_the_end_are_cut_off),
		cmocka_unit_test(test_every_torn_end),
		cmocka_unit_test(test_a_record_with_a_wrong_byte_ends_it),
		cmocka_unit_test(test_a_record_that_is_not_understood_is_no_torn_one),
		cmocka_unit_test(test_a_rewrite_replaces_what_came_before),
		cmocka_unit_test(test_waits_are_answered_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
