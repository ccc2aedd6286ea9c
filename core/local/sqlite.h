/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer over sqlite3: connections opened our way, statements, errors as sentences. */
#ifndef ASKFS_CORE_LOCAL_SQLITE_H
#define ASKFS_CORE_LOCAL_SQLITE_H

#include <stddef.h>
#include <stdint.h>
#include <sqlite3.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/uuid.h"

/* How a connection is opened. A connection is used by one thread at a time. */
enum db_mode {
	DB_WRITER, /* creates the file; WAL, synchronous=NORMAL, foreign keys on */
	DB_READER, /* the file is there already; refuses to write */
};

/* Open @path with a busy timeout of 10 s and a page cache of @cache_kib. 0 or -errno. */
int db_open(sqlite3 **out, const char *path, enum db_mode mode, int cache_kib, struct err *err);

/* Close. All statements must have been finalised. NULL is accepted. */
void db_close(sqlite3 *db);

/* Bring the schema to version @count (PRAGMA user_version): steps[i] leads from version i to
 * i + 1, each in a transaction of its own. -EPROTO if the file was made by a newer askfs. */
int db_migrate(sqlite3 *db, const char *const *steps, size_t count, struct err *err);

/* Statements without parameters or results. */
int db_exec(sqlite3 *db, const char *sql, struct err *err);

/* Prepare a statement that lives long. The caller finalises it. */
int db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, struct err *err);

/* One step: 1 there is a row, 0 there is none (the statement was reset), -errno (reset). */
int db_step(sqlite3_stmt *statement, struct err *err);

/* Run a statement that gives no rows and make it ready for its next use. 0 or -errno. */
int db_run(sqlite3_stmt *statement, struct err *err);

/* Make a statement ready for its next use: reset, bindings forgotten. */
void db_reset(sqlite3_stmt *statement);

/* A query that gives one integer (NULL counts as 0). -ENOENT if it gives no row. */
int db_integer(sqlite3 *db, const char *sql, int64_t *out, struct err *err);

/* The errno for the connection's last failure, with the sentence set: "@what: reason". */
int db_fail(sqlite3 *db, struct err *err, const char *what);

/* Make all that was committed safe from a loss of power: fsync of the log beside @path and of
 * their folder. Any thread, beside any writer. */
int db_sync(const char *path, struct err *err);

/* SQLite's own integrity check; each problem is a line in @report. 0 or -errno (the check
 * could not be made); problems found are no failure. */
int db_check(sqlite3 *db, struct buf *report, struct err *err);

/* Bind in place (the value must live until the statement is reset). NULL text binds NULL. */
static inline void db_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static inline void db_bind_int(sqlite3_stmt *statement, int at, int64_t value)
{
	sqlite3_bind_int64(statement, at, value);
}

static inline void db_bind_blob(sqlite3_stmt *statement, int at, const void *data, size_t len)
{
	sqlite3_bind_blob64(statement, at, data, len, SQLITE_STATIC);
}

static inline void db_bind_uuid(sqlite3_stmt *statement, int at, const struct uuid *uuid)
{
	db_bind_blob(statement, at, uuid->bytes, sizeof(uuid->bytes));
}

/* Columns. A text belongs to the statement until its next step; NULL for NULL. */
static inline const char *db_text(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

static inline int64_t db_int(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

/* The nil UUID where the column is not 16 bytes. */
struct uuid db_uuid(sqlite3_stmt *statement, int column);

/* A copy of a text or blob column with a NUL behind it; the caller frees it. NULL for NULL or
 * when memory is short. @len may be NULL. */
char *db_copy(sqlite3_stmt *statement, int column, size_t *len);

static inline void auto_statement(sqlite3_stmt **slot)
{
	sqlite3_finalize(*slot);
}
#define AUTO_STATEMENT __attribute__((cleanup(auto_statement)))

/* A statement that lives longer is made ready for its next use when the scope ends. */
static inline void auto_reset(sqlite3_stmt **slot)
{
	db_reset(*slot);
}
#define AUTO_RESET __attribute__((cleanup(auto_reset)))

#endif
