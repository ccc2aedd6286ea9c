/* SPDX-License-Identifier: Apache-2.0 */
/* An archive and what is inside: whatever call of the stores fails, it is there with all its
 * members or not at all; so are their changes and their end. */
#include "core/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/member_list.h"
#include "core/member_path.h"
#include "tests/unit/ingest_world.h"
#include "tests/unit/parse_support.h"

#define CALLS_MAX 120 /* a run that needs more never ends */
#define BLOCK	  512

/* --- a tar --------------------------------------------------------------------------- */

struct tar {
	char data[64 * BLOCK];
	size_t len;
};

/* A member in the format of POSIX.1-1988, ustar. */
static void tar_add(struct tar *tar, const char *path, const char *text)
{
	char *header = tar->data + tar->len;
	size_t len = strlen(text);
	unsigned sum = 0;

	memset(header, 0, 2 * BLOCK);
	snprintf(header, 100, "%s", path);
	snprintf(header + 100, 8, "%07o", 0644U);
	snprintf(header + 108, 8, "%07o", 0U);
	snprintf(header + 116, 8, "%07o", 0U);
	snprintf(header + 124, 12, "%011o", (unsigned)len & 0777U);
	snprintf(header + 136, 12, "%011o", 1000000U);
	memset(header + 148, ' ', 8);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	memcpy(header + BLOCK, text, len);
	tar->len += 2 * BLOCK; /* texts are short */
}

static void tar_end(struct tar *tar)
{
	memset(tar->data + tar->len, 0, 2 * BLOCK);
	tar->len += 2 * BLOCK;
}

/* The two versions of an archive: the second one changes a.txt, drops b.txt and brings c.txt. */
static struct tar make_tar(int version)
{
	struct tar tar = {.len = 0};

	tar_add(&tar, "a.txt", version == 1 ? "alpha first" : "alpha second");
	tar_add(&tar, version == 1 ? "b.txt" : "c.txt", version == 1 ? "bravo" : "charlie");
	tar_add(&tar, "d/e.txt", "echo");
	tar_end(&tar);
	return tar;
}

static enum ingest_outcome run_tar(struct ingest_world *world, const struct uuid *id, int version)
{
	struct tar tar = make_tar(version);
	struct iw_job job;

	iw_job_init(world, &job, id, "x.tar", tar.data, tar.len);
	ingest_submit(world->ingest, &job.job);
	iw_wait(&job);
	enum ingest_outcome outcome = job.job.outcome;
	iw_job_release(&job);
	return outcome;
}

/* --- what is there ------------------------------------------------------------------- */

/* The paths of the members, sorted by id no matter how: one string, sorted by path. */
static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *member_paths(struct ingest_world *world, const struct uuid *id)
{
	AUTO_MEMBER_LIST struct member_list list;
	char *paths[16] = {NULL};
	struct buf all;

	assert_int_equal(member_list_read(&list, world->catalog, id, NULL), 0);
	assert_true(list.count < 16);
	for (size_t i = 0; i < list.count; i++)
		paths[i] = list.documents[i].path;
	qsort(paths, list.count, sizeof(*paths), compare_paths);
	buf_init(&all, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < list.count; i++)
		buf_addf(&all, "%s%s", i ? " " : "", paths[i]);
	return buf_take(&all, NULL);
}

#define FIRST  "x.tar!/a.txt x.tar!/b.txt x.tar!/d/e.txt"
#define SECOND "x.tar!/a.txt x.tar!/c.txt x.tar!/d/e.txt"

static uint32_t version_of(struct ingest_world *world, const struct uuid *id)
{
	AUTO_DOCUMENT struct document record = {0};

	return catalog_get(world->catalog, id, &record, NULL) ? 0 : record.version;
}

/* The members are those of the archive's version, and so are the words that are found. */
static void assert_whole(struct ingest_world *world, const struct uuid *id)
{
	uint32_t version = version_of(world, id);
	AUTO_FREE char *paths = member_paths(world, id);

	assert_string_equal(paths, version == 0 ? "" : version == 1 ? FIRST : SECOND);
	iw_assert_agreement(world);
	assert_int_equal(iw_find(world, "bravo"), version == 1);
	assert_int_equal(iw_find(world, "charlie"), version > 1);
	assert_int_equal(iw_find(world, "echo"), version > 0);
	assert_int_equal(iw_find(world, "first"), version == 1);
}

static void forget(struct ingest_world *world, const struct uuid *id)
{
	struct err err = ERR_NONE;

	assert_int_equal(records_delete(world->records, id, &err), 0);
	assert_int_equal(iw_find(world, "echo"), 0);
	iw_assert_tidy(world);
}

/* --- tests --------------------------------------------------------------------------- */

static void test_members_come_and_go(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(run_tar(&world, &id, 1), INGEST_INDEXED);
	assert_whole(&world, &id);
	assert_int_equal(run_tar(&world, &id, 1), INGEST_UNCHANGED);
	assert_whole(&world, &id);
	assert_int_equal(run_tar(&world, &id, 2), INGEST_INDEXED);
	assert_whole(&world, &id);
	iw_assert_tidy(&world);
	forget(&world, &id);
	iw_close(&world);
}

/* Every call fails in turn; with @is_death all that come after it, too, until a restart. */
static void fail_each_call(struct ingest_world *world, bool has_first, bool is_death)
{
	bool has_hit = true;

	for (int call = 1; has_hit; call++) {
		const struct uuid id = uuid_new();
		struct err err = ERR_NONE;
		assert_true(call < CALLS_MAX);
		if (has_first)
			assert_int_equal(run_tar(world, &id, 1), INGEST_INDEXED);
		fault_arm(&world->fault, call, is_death);
		enum ingest_outcome outcome = run_tar(world, &id, has_first ? 2 : 1);
		has_hit = atomic_load(&world->fault.has_hit);
		fault_disarm(&world->fault);
		if (!has_hit)
			assert_int_equal(outcome, INGEST_INDEXED);
		assert_int_equal(ingest_recover(&world->ports, &err), 0);
		assert_whole(world, &id);
		iw_assert_tidy(world);
		outcome = run_tar(world, &id, has_first ? 2 : 1);
		assert_true(outcome == INGEST_INDEXED || outcome == INGEST_UNCHANGED);
		assert_int_equal(version_of(world, &id), has_first ? 2 : 1);
		assert_whole(world, &id);
		forget(world, &id);
	}
}

static void test_a_new_archive(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	fail_each_call(&world, false, false);
	fail_each_call(&world, false, true);
	iw_close(&world);
}

static void test_a_new_version(void **state)
{
	struct ingest_world world;

	(void)state;
	iw_open(&world, NULL);
	fail_each_call(&world, true, false);
	iw_close(&world);
}

static int make_private(void *context, struct document *document)
{
	(void)context;
	document->access.mode = 0600;
	free(document->path);
	document->path = strdup("y.tar");
	return document->path ? 0 : -ENOMEM;
}

static size_t count_private(struct ingest_world *world, const struct uuid *id)
{
	AUTO_MEMBER_LIST struct member_list list;
	size_t count = 0;

	assert_int_equal(member_list_read(&list, world->catalog, id, NULL), 0);
	for (size_t i = 0; i < list.count; i++) {
		bool is_private = list.documents[i].access.mode == 0600;
		assert_int_equal(is_private, !strncmp(list.documents[i].path, "y.tar!/", 7));
		count += is_private;
	}
	return count;
}

static void test_a_change_is_for_all(void **state)
{
	const struct uuid id = uuid_new();
	struct ingest_world world;
	int rc = -EIO;

	(void)state;
	iw_open(&world, NULL);
	assert_int_equal(run_tar(&world, &id, 1), INGEST_INDEXED);
	for (int call = 1; rc; call++) {
		struct err err = ERR_NONE;
		assert_true(call < CALLS_MAX);
		fault_arm(&world.fault, call, false);
		rc = records_change(world.records, &id, make_private, NULL, NULL, &err);
		fault_disarm(&world.fault);
		assert_int_equal(count_private(&world, &id), rc ? 0 : 3);
	}
	forget(&world, &id);
	iw_close(&world);
}

static void test_a_deletion_is_of_all(void **state)
{
	struct ingest_world world;
	int rc = -EIO;

	(void)state;
	iw_open(&world, NULL);
	for (int call = 1; rc; call++) {
		const struct uuid id = uuid_new();
		struct err err = ERR_NONE;
		assert_true(call < CALLS_MAX);
		assert_int_equal(run_tar(&world, &id, 1), INGEST_INDEXED);
		fault_arm(&world.fault, call, false);
		rc = records_delete(world.records, &id, &err);
		fault_disarm(&world.fault);
		assert_int_equal(records_delete(world.records, &id, &err), 0);
		assert_int_equal(ingest_recover(&world.ports, &err), 0);
		forget(&world, &id);
	}
	iw_close(&world);
}

/* The world goes on with the parser that misbehaves. */
static void misbehave(struct ingest_world *world)
{
	struct parser_limits limits = case_limits();
	AUTO_FREE char *program = case_program("-test");
	struct err err = ERR_NONE;

	iw_stop(world);
	parser_free(world->parser);
	assert_int_equal(parser_new(&world->parser, program, &limits, &err), 0);
	world->ports.parser = world->parser;
	iw_start(world);
}

/* Its bytes are not taken for those of the next container's member, nor are these added to it. */
static void test_a_member_left_open_is_dropped(void **state)
{
	const struct uuid id = uuid_new();
	struct tar tar = {.len = 0};
	struct ingest_world world;
	struct iw_job job;

	(void)state;
	iw_open(&world, NULL);
	tar_add(&tar, "1.txt", "!leave-member a.txt");
	tar_add(&tar, "2.txt", "!give-member .git/config");
	tar_add(&tar, "3.txt", "!leave-member b.txt");
	tar_add(&tar, "4.txt", "!give-member c.txt");
	tar_end(&tar);
	misbehave(&world);
	iw_job_init(&world, &job, &id, "x.tar", tar.data, tar.len);
	ingest_submit(world.ingest, &job.job);
	iw_wait(&job);
	assert_int_equal(job.job.outcome, INGEST_INDEXED);
	iw_job_release(&job);
	AUTO_FREE char *paths = member_paths(&world, &id);
	assert_string_equal(
		paths, "x.tar!/1.txt x.tar!/2.txt x.tar!/3.txt x.tar!/4.txt x.tar!/4.txt!/c.txt");
	assert_int_equal(iw_find(&world, "behind"), 0);
	assert_int_equal(iw_find(&world, "member"), 1);
	iw_assert_agreement(&world);
	iw_assert_tidy(&world);
	iw_close(&world);
}

static void is_path(const char *path, unsigned copy, const char *expected)
{
	AUTO_FREE char *found = member_path("x.zip", path, strlen(path), copy);

	assert_string_equal(found, expected);
}

/* What is too deep or too long for programs to walk loses folders, never its name. */
static void test_paths_end(void **state)
{
	AUTO_BUF struct buf path;

	(void)state;
	buf_init(&path, 8192);
	for (unsigned i = 0; i < 1000; i++)
		buf_adds(&path, "a/");
	buf_adds(&path, "end.txt");
	AUTO_FREE char *deep = member_path("x.zip", path.data, path.len, 1);
	assert_int_equal(strlen(deep), strlen("x.zip!/end.txt") + 2 * 31);
	assert_string_equal(deep + strlen(deep) - 10, "/a/end.txt");
	AUTO_FREE char *deeper = member_path(deep, path.data, path.len, 2);
	assert_string_equal(deeper + strlen(deep), "!/end (2).txt");
	buf_clear(&path);
	while (path.len < 4000)
		buf_adds(&path, path.len % 200 == 199 ? "/" : "n");
	buf_adds(&path, "end.txt");
	AUTO_FREE char *is_long = member_path("x.zip", path.data, path.len, 1);
	assert_in_range(strlen(is_long), 2000, 3072);
	assert_string_equal(is_long + strlen(is_long) - 9, "n/end.txt");
}

static void test_paths(void **state)
{
	char long_name[301], expected[300];

	(void)state;
	is_path("a.txt", 1, "x.zip!/a.txt");
	is_path("/a//b/./c.txt", 1, "x.zip!/a/b/c.txt");
	is_path("../../etc/passwd", 1, "x.zip!/etc/passwd");
	is_path("a.tar.gz", 2, "x.zip!/a.tar (2).gz");
	is_path("Makefile", 3, "x.zip!/Makefile (3)");
	is_path("../..", 1, "x.zip!/unnamed");
	is_path("", 1, "x.zip!/unnamed");
	memset(long_name, 'n', 296);
	memcpy(long_name + 296, ".txt", 5);
	memset(expected, 0, sizeof(expected));
	memcpy(expected, "x.zip!/", 7);
	memset(expected + 7, 'n', 251);
	memcpy(expected + 258, ".txt", 4);
	is_path(long_name, 1, expected);
	assert_true(member_is_private(".git/config", 11));
	assert_true(member_is_private("a/.DS_Store", 11));
	assert_true(member_is_private("~$a.docx", 8));
	assert_false(member_is_private("./a/b.txt", 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_come_and_go),
		cmocka_unit_test(test_paths_end),
		cmocka_unit_test(test_a_new_archive),
		cmocka_unit_test(test_a_new_version),
		cmocka_unit_test(test_a_change_is_for_all),
		cmocka_unit_test(test_a_deletion_is_of_all),
		cmocka_unit_test(test_a_member_left_open_is_dropped),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
