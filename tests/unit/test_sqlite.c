/* SPDX-License-Identifier: Apache-2.0 */
/* The thin layer over sqlite3. */
#include "core/local/sqlite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/auto.h"

struct base {
	char folder[32], path[64];
	sqlite3 *db;
};

static int set_up(void **state)
{
	static struct base base;
	struct err err = ERR_NONE;

	snprintf(base.folder, sizeof(base.folder), "/tmp/askfs-sqlite-XXXXXX");
	assert_non_null(mkdtemp(base.folder));
	snprintf(base.path, sizeof(base.path), "%s/base.db", base.folder);
	*state = &base;
	return db_open(&base.db, base.path, DB_WRITER, 256, &err);
}

static int tear_down(void **state)
{
	struct base *base = *state;

	db_close(base->db);
	unlink(base->path);
	return rmdir(base->folder);
}

static const char *const steps[] = {
	"CREATE TABLE birds(name TEXT PRIMARY KEY, data BLOB)",
	"ALTER TABLE birds ADD COLUMN weight INTEGER",
};

static void test_migration(void **state)
{
	struct base *base = *state;
	struct err err = ERR_NONE;
	int64_t version;

	assert_int_equal(db_migrate(base->db, steps, 1, &err), 0);
	assert_int_equal(db_migrate(base->db, steps, 2, &err), 0);
	assert_int_equal(db_migrate(base->db, steps, 2, &err), 0);
	assert_int_equal(db_integer(base->db, "PRAGMA user_version", &version, &err), 0);
	assert_int_equal(version, 2);
	assert_int_equal(db_exec(base->db, "INSERT INTO birds VALUES('owl', NULL, 9)", &err), 0);
	assert_int_equal(db_migrate(base->db, steps, 1, &err), -EPROTO);
	assert_non_null(strstr(err.text, "newer askfs"));
}

/* A step that fails leaves nothing behind, and the version as it was. */
static void test_failed_migration(void **state)
{
	static const char *const bad[] = {"CREATE TABLE a(x); CREATE TABLE a(x)"};
	struct base *base = *state;
	struct err err = ERR_NONE;
	int64_t count;

	assert_true(db_migrate(base->db, bad, 1, &err) < 0);
	assert_non_null(strstr(err.text, "base.db"));
	assert_int_equal(
		db_integer(base->db, "SELECT count(*) FROM sqlite_schema", &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(db_migrate(base->db, steps, 2, &err), 0);
}

static void test_errors(void **state)
{
	struct base *base = *state;
	AUTO_STATEMENT sqlite3_stmt *insert = NULL;
	struct err err = ERR_NONE;
	int64_t count;

	assert_int_equal(db_migrate(base->db, steps, 2, &err), 0);
	assert_int_equal(
		db_prepare(base->db, &insert, "INSERT INTO birds VALUES(?1, ?2, 1)", &err), 0);
	db_bind_text(insert, 1, "owl");
	assert_int_equal(db_run(insert, &err), 0);
	db_bind_text(insert, 1, "owl");
	assert_int_equal(db_run(insert, &err), -EEXIST);
	assert_non_null(strstr(err.text, "UNIQUE"));
	db_bind_text(insert, 1, "hawk");
	assert_int_equal(db_run(insert, &err), 0);
	assert_int_equal(db_integer(base->db, "SELECT 1 FROM birds WHERE name = 'x'", &count, &err),
		-ENOENT);
	sqlite3_stmt *none = NULL;
	assert_int_equal(db_prepare(base->db, &none, "SELECT nonsense", &err), -EIO);
	assert_int_equal(db_open(&base->db, "/nowhere/at/all.db", DB_WRITER, 1, &err), -ENOENT);
}

static void test_reader(void **state)
{
	struct base *base = *state;
	struct uuid uuid = uuid_new(), nil = {{0}}, back;
	AUTO_STATEMENT sqlite3_stmt *select = NULL;
	AUTO_STATEMENT sqlite3_stmt *insert = NULL;
	struct err err = ERR_NONE;
	sqlite3 *reader;
	size_t len;

	assert_int_equal(db_migrate(base->db, steps, 2, &err), 0);
	assert_int_equal(
		db_prepare(base->db, &insert, "INSERT INTO birds VALUES(?1, ?2, ?3)", &err), 0);
	db_bind_text(insert, 1, "owl");
	db_bind_uuid(insert, 2, &uuid);
	db_bind_int(insert, 3, INT64_MIN);
	assert_int_equal(db_run(insert, &err), 0);
	assert_int_equal(db_open(&reader, base->path, DB_READER, 100, &err), 0);
	assert_true(db_exec(reader, "DELETE FROM birds", &err) < 0);
	assert_int_equal(
		db_prepare(reader, &select, "SELECT name, data, weight, NULL FROM birds", &err), 0);
	assert_int_equal(db_step(select, &err), 1);
	AUTO_FREE char *name = db_copy(select, 0, &len);
	assert_string_equal(name, "owl");
	assert_int_equal(len, 3);
	back = db_uuid(select, 1);
	assert_true(uuid_equal(&back, &uuid));
	back = db_uuid(select, 0);
	assert_true(uuid_equal(&back, &nil));
	assert_true(db_int(select, 2) == INT64_MIN);
	assert_null(db_copy(select, 3, &len));
	assert_int_equal(db_step(select, &err), 0);
	sqlite3_finalize(select);
	select = NULL;
	db_close(reader);
}

static void test_sync_and_check(void **state)
{
	struct base *base = *state;
	AUTO_BUF struct buf report;
	struct err err = ERR_NONE;

	buf_init(&report, BUF_MAX_DEFAULT);
	assert_int_equal(db_migrate(base->db, steps, 2, &err), 0);
	assert_int_equal(db_sync(base->path, &err), 0);
	assert_int_equal(db_check(base->db, &report, &err), 0);
	assert_int_equal(report.len, 0);
	assert_int_equal(db_sync("/nowhere/at/all.db", &err), -ENOENT);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_migration),
		CASE(test_failed_migration),
		CASE(test_errors),
		CASE(test_reader),
		CASE(test_sync_and_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
