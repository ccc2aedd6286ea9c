/* SPDX-License-Identifier: Apache-2.0 */
/* Write-ahead log, synchronous=NORMAL: a commit is a write without an fsync, so it survives
 * the death of the process; db_sync makes it survive a loss of power. The log is synced
 * through a descriptor of our own, which is safe: SQLite keeps its locks on the database and
 * on the -shm file, and closing a second descriptor of one of those would drop them. */
#include "core/local/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"

#define BUSY_TIMEOUT_MS 10000

static int to_errno(sqlite3 *db)
{
	int code = sqlite3_errcode(db) & 0xff, system_code = sqlite3_system_errno(db);

	switch (code) {
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_CONSTRAINT: return -EEXIST;
	case SQLITE_TOOBIG: return -EFBIG;
	case SQLITE_INTERRUPT: return -EINTR;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR: return system_code > 0 ? -system_code : -EIO;
	default: return -EIO;
	}
}

int db_fail(sqlite3 *db, struct err *err, const char *what)
{
	int code = to_errno(db);

	return err_set(err, code, "%s: %s", what, sqlite3_errmsg(db));
}

static const char *file_of(sqlite3 *db)
{
	const char *name = sqlite3_db_filename(db, "main");
	const char *slash = name ? strrchr(name, '/') : NULL;

	return slash ? slash + 1 : "database";
}

int db_exec(sqlite3 *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, err, file_of(db));
	return 0;
}

static int set_up(sqlite3 *db, enum db_mode mode, int cache_kib, struct err *err)
{
	AUTO_BUF struct buf sql;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	buf_init(&sql, BUF_MAX_DEFAULT);
	buf_addf(&sql, "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY;", cache_kib);
	if (mode == DB_WRITER)
		buf_adds(&sql,
			"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			"PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=16777216;");
	else
		buf_adds(&sql, "PRAGMA query_only=ON; PRAGMA mmap_size=1073741824;");
	return sql.failed ? sql.failed : db_exec(db, sql.data, err);
}

int db_open(sqlite3 **out, const char *path, enum db_mode mode, int cache_kib, struct err *err)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (mode == DB_WRITER)
		flags |= SQLITE_OPEN_CREATE;
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		int rc = db ? db_fail(db, err, path) : err_set(err, -ENOMEM, "out of memory");
		db_close(db);
		return rc;
	}
	int rc = set_up(db, mode, cache_kib, err);
	if (rc) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

void db_close(sqlite3 *db)
{
	sqlite3_close(db);
}

static int migrate_step(sqlite3 *db, const char *step, size_t version, struct err *err)
{
	AUTO_BUF struct buf sql;

	buf_init(&sql, BUF_MAX_DEFAULT);
	buf_addf(&sql, "BEGIN IMMEDIATE; %s; PRAGMA user_version=%zu; COMMIT;", step, version);
	int rc = sql.failed ? sql.failed : db_exec(db, sql.data, err);
	if (rc && !sqlite3_get_autocommit(db))
		db_exec(db, "ROLLBACK", NULL);
	return rc;
}

int db_migrate(sqlite3 *db, const char *const *steps, size_t count, struct err *err)
{
	int64_t version;
	int rc = db_integer(db, "PRAGMA user_version", &version, err);

	if (rc)
		return rc;
	if (version < 0 || (uint64_t)version > count)
		return err_set(err, -EPROTO,
			"%s is of version %lld, this askfs knows up to %zu: use a newer askfs",
			file_of(db), (long long)version, count);
	for (size_t i = (size_t)version; i < count && !rc; i++)
		rc = migrate_step(db, steps[i], i + 1, err);
	return rc;
}

int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, struct err *err)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return db_fail(db, err, file_of(db));
	return 0;
}

int db_step(sqlite3_stmt *statement, struct err *err)
{
	sqlite3 *db = sqlite3_db_handle(statement);
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	int rc = code == SQLITE_DONE ? 0 : db_fail(db, err, file_of(db));
	sqlite3_reset(statement);
	return rc;
}

int db_run(sqlite3_stmt *statement, struct err *err)
{
	int rc = db_step(statement, err);

	db_reset(statement);
	return rc < 0 ? rc : 0;
}

void db_reset(sqlite3_stmt *statement)
{
	if (!statement)
		return;
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

int db_integer(sqlite3 *db, const char *sql, int64_t *out, struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	int rc = db_prepare(db, &statement, sql, err);

	if (!rc)
		rc = db_step(statement, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, "%s: no such row", file_of(db));
	*out = db_int(statement, 0);
	return 0;
}

static int sync_path(const char *path, int flags, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0 || fsync(fd) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int db_sync(const char *path, struct err *err)
{
	AUTO_BUF struct buf log, folder;
	const char *slash = strrchr(path, '/');

	buf_init(&log, BUF_MAX_DEFAULT);
	buf_init(&folder, BUF_MAX_DEFAULT);
	buf_addf(&log, "%s-wal", path);
	buf_add(&folder, slash ? path : "./", slash ? (size_t)(slash - path) + 1 : 2);
	if (log.failed || folder.failed)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = sync_path(log.data, 0, err);
	if (rc && rc != -ENOENT) /* no log: nothing was written since it was closed */
		return rc;
	return sync_path(folder.data, O_DIRECTORY, err);
}

int db_check(sqlite3 *db, struct buf *report, struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	int rc = db_prepare(db, &statement, "PRAGMA integrity_check(20)", err);

	while (!rc && (rc = db_step(statement, err)) == 1) {
		const char *line = db_text(statement, 0);
		rc = 0;
		if (line && strcmp(line, "ok") != 0)
			rc = buf_addf(report, "%s: %s\n", file_of(db), line);
	}
	return rc;
}

struct uuid db_uuid(sqlite3_stmt *statement, int column)
{
	struct uuid uuid = {{0}};
	const void *bytes = sqlite3_column_blob(statement, column);

	if (bytes && sqlite3_column_bytes(statement, column) == (int)sizeof(uuid.bytes))
		memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
	return uuid;
}

char *db_copy(sqlite3_stmt *statement, int column, size_t *len)
{
	const void *bytes = sqlite3_column_blob(statement, column);
	size_t size = (size_t)sqlite3_column_bytes(statement, column);

	if (len)
		*len = 0;
	if (!bytes && sqlite3_column_type(statement, column) == SQLITE_NULL)
		return NULL;
	char *copy = malloc(size + 1);
	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	if (len)
		*len = size;
	return copy;
}
