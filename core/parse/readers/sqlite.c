/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite databases: every ordinary table a page with its name as a heading, every row with the
 * names of its columns, in the order of the schema. Read through a file system of our own, which
 * knows one file, the document, by its descriptor: nothing can be opened, nothing written, no
 * journal looked for.
 *
 * The file may have been made to harm (SQLite's "Defense Against The Dark Arts"): its schema is
 * not trusted, views and virtual tables are not asked, lengths are limited, the pages are read as
 * if no log belonged to them (a database in WAL mode is read as of its last checkpoint). */
#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/reader.h"

#define VALUE_MAX    (16 << 20) /* bytes of a value, a row or an SQL text */
#define TABLES_MAX   10000
#define VFS_NAME     "askfs-document"
#define WAL_VERSIONS 18 /* where the header says twice whether a log belongs to the file */

static const struct source *document; /* of this process, which reads one at a time */

/* The file. */

static int file_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

/* A header that says "log" is shown as one that says "journal": there is no log here. */
static void hide_log(char *data, size_t len, sqlite3_int64 offset)
{
	for (sqlite3_int64 at = WAL_VERSIONS; at < WAL_VERSIONS + 2; at++)
		if (at >= offset && at < offset + (sqlite3_int64)len && data[at - offset] == 2)
			data[at - offset] = 1;
}

static int file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	(void)file;
	ssize_t n = source_read(document, data, (size_t)len, (uint64_t)offset);
	if (n < 0)
		return SQLITE_IOERR_READ;
	if (n < len)
		memset((char *)data + n, 0, (size_t)(len - n));
	hide_log(data, (size_t)len, offset);
	return n < len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	(void)file, (void)data, (void)len, (void)offset;
	return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	(void)file, (void)size;
	return SQLITE_READONLY;
}

static int file_ok(sqlite3_file *file, int how)
{
	(void)file, (void)how;
	return SQLITE_OK;
}

/* As the header has it where the file is shorter: what is cut off is missing from its table, and
 * the other tables can be read. */
static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	unsigned char head[100] = {0};

	(void)file;
	source_read(document, head, sizeof(head), 0);
	uint64_t page = (uint64_t)head[16] << 8 | head[17];
	uint64_t pages = (uint64_t)head[28] << 24 | (uint64_t)head[29] << 16 |
		(uint64_t)head[30] << 8 | head[31];
	uint64_t claimed = pages * (page == 1 ? 65536 : page);
	*size = (sqlite3_int64)(claimed > document->size ? claimed : document->size);
	return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *file, int *is_reserved)
{
	(void)file;
	*is_reserved = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int what, void *value)
{
	(void)file, (void)what, (void)value;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int file_traits(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_IMMUTABLE;
}

static int vfs_open(
	sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags)
{
	static const sqlite3_io_methods methods = {.iVersion = 1,
		.xClose = file_close,
		.xRead = file_read,
		.xWrite = file_write,
		.xTruncate = file_truncate,
		.xSync = file_ok,
		.xFileSize = file_size,
		.xLock = file_ok,
		.xUnlock = file_ok,
		.xCheckReservedLock = file_is_reserved,
		.xFileControl = file_control,
		.xSectorSize = file_sector,
		.xDeviceCharacteristics = file_traits};

	(void)vfs, (void)name;
	file->pMethods = NULL;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	file->pMethods = &methods;
	if (out_flags)
		*out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int is_synced)
{
	(void)vfs, (void)name, (void)is_synced;
	return SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *is_there)
{
	(void)vfs, (void)name, (void)flags;
	*is_there = 0;
	return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int len, char *path)
{
	(void)vfs;
	sqlite3_snprintf(len, path, "%s", name);
	return SQLITE_OK;
}

/* Nothing that is read needs chance or the time. */
static int vfs_random(sqlite3_vfs *vfs, int len, char *data)
{
	(void)vfs;
	memset(data, 0, (size_t)len);
	return len;
}

static int vfs_time(sqlite3_vfs *vfs, double *now)
{
	(void)vfs;
	*now = 2440587.5; /* 1970 */
	return SQLITE_OK;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static sqlite3_vfs vfs = {.iVersion = 1,
	.szOsFile = (int)sizeof(sqlite3_file),
	.mxPathname = 64,
	.zName = VFS_NAME,
	.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_path,
	.xRandomness = vfs_random,
	.xSleep = vfs_sleep,
	.xCurrentTime = vfs_time};

/* The database. */

AUTO_DEFINE(sqlite3_close, sqlite3 *);
AUTO_DEFINE(sqlite3_finalize, sqlite3_stmt *);

static void restrict_db(sqlite3 *db)
{
	static const int limits[][2] = {{SQLITE_LIMIT_LENGTH, VALUE_MAX},
		{SQLITE_LIMIT_SQL_LENGTH, 1 << 20}, {SQLITE_LIMIT_COLUMN, 2000},
		{SQLITE_LIMIT_EXPR_DEPTH, 100}, {SQLITE_LIMIT_COMPOUND_SELECT, 3},
		{SQLITE_LIMIT_VDBE_OP, 250000}, {SQLITE_LIMIT_FUNCTION_ARG, 8},
		{SQLITE_LIMIT_ATTACHED, 0}, {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100},
		{SQLITE_LIMIT_VARIABLE_NUMBER, 10}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
		{SQLITE_LIMIT_WORKER_THREADS, 0}};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		sqlite3_limit(db, limits[i][0], limits[i][1]);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_exec(db, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0",
		NULL, NULL, NULL);
}

/* Rows that never end are ended by the limits of the text or of the processor's time; what gives no
 * row must stop as well once the output has failed. */
static int should_stop(void *context)
{
	return flow_failed(context) != 0;
}

static void add_value(struct flow *flow, sqlite3_stmt *rows, int column)
{
	char size[48];

	flow_cell(flow, 1);
	int type = sqlite3_column_type(rows, column);
	if (type == SQLITE_NULL)
		return;
	if (type == SQLITE_BLOB) {
		snprintf(size, sizeof(size), "(%d bytes)", sqlite3_column_bytes(rows, column));
		flow_words(flow, size, strlen(size));
		return;
	}
	const char *text = (const char *)sqlite3_column_text(rows, column);
	if (text)
		flow_words(flow, text, (size_t)sqlite3_column_bytes(rows, column));
}

static void add_names(struct flow *flow, sqlite3_stmt *rows)
{
	flow_row(flow, true);
	for (int i = 0; i < sqlite3_column_count(rows); i++) {
		const char *name = sqlite3_column_name(rows, i);
		flow_cell(flow, 1);
		if (name)
			flow_words(flow, name, strlen(name));
	}
}

/* SQLITE_DONE, or why the rows end early. */
static int add_rows(struct flow *flow, sqlite3_stmt *rows)
{
	int step = SQLITE_ROW;

	flow_table(flow);
	add_names(flow, rows);
	while (!flow_failed(flow) && (step = sqlite3_step(rows)) == SQLITE_ROW) {
		flow_row(flow, false);
		for (int i = 0; i < sqlite3_column_count(rows); i++)
			add_value(flow, rows, i);
	}
	flow_table_end(flow);
	return step;
}

static int add_table(struct flow *flow, sqlite3 *db, const char *name, uint32_t number)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *rows = NULL;
	char *sql = sqlite3_mprintf("SELECT * FROM main.\"%w\"", name);
	int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &rows, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	flow_page(flow, number);
	flow_heading(flow, 1);
	flow_words(flow, name, strlen(name));
	flow_heading_end(flow);
	return rc ? rc : add_rows(flow, rows);
}

/* SQLITE_DONE, or the last failure: a table that is damaged does not hide those behind it. */
static int add_tables(struct flow *flow, sqlite3 *db)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *tables = NULL;
	uint32_t number = 0;
	int step = SQLITE_ROW, worst = SQLITE_DONE;

	int rc = sqlite3_prepare_v2(db,
		"SELECT s.name FROM sqlite_schema s JOIN pragma_table_list(s.name) t ON "
		"t.schema='main' AND t.type='table' WHERE s.type='table' AND s.name NOT LIKE "
		"'sqlite\\_%' ESCAPE '\\' ORDER BY s.rowid",
		-1, &tables, NULL);
	if (rc)
		return rc;
	while (!flow_failed(flow) && number < TABLES_MAX &&
		(step = sqlite3_step(tables)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		rc = name ? add_table(flow, db, name, ++number) : SQLITE_DONE;
		worst = rc == SQLITE_DONE || rc == SQLITE_ROW ? worst : rc;
	}
	return step == SQLITE_DONE || step == SQLITE_ROW ? worst : step;
}

/* SQLite's own sentence may quote the file: its words for the code are enough. */
static int explain(int rc, const struct out *out, struct err *err)
{
	if (rc == SQLITE_DONE || (out->chars && rc != SQLITE_NOMEM))
		return 0;
	if (rc == SQLITE_NOMEM)
		return err_set(err, -ENOMEM, "memory is short");
	return err_set(err, -EBADMSG, "the database is broken: %s", sqlite3_errstr(rc));
}

int sqlite_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO(sqlite3_close) sqlite3 *db = NULL;
	struct flow flow;

	document = source;
	int rc = sqlite3_vfs_register(&vfs, 0);
	rc = rc ? rc
		: sqlite3_open_v2("document", &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE,
			  VFS_NAME);
	flow_init(&flow, out);
	if (!rc) {
		restrict_db(db);
		sqlite3_progress_handler(db, 100000, should_stop, &flow);
		rc = add_tables(&flow, db);
	}
	int failed = flow_finish(&flow);
	return failed ? failed : explain(rc, out, err);
}
