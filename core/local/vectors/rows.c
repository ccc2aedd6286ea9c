/* SPDX-License-Identifier: Apache-2.0 */
/* What is published decides about everything: a row of `documents` names an edition, and a
 * version is switched by changing that one row. Chunks of other editions are marked by their
 * edition (is_gone) and deleted later, a few at a time: a document of a million chunks is
 * switched and removed as fast as a note. */
#include "core/local/vectors/rows.h"

#include <errno.h>
#include <string.h>

#include "core/auto.h"

static const char *const schema[] = {
	"CREATE TABLE documents("
	"  document BLOB PRIMARY KEY, edition INTEGER NOT NULL, version INTEGER NOT NULL,"
	"  first INTEGER NOT NULL, last INTEGER NOT NULL, owner INTEGER NOT NULL,"
	"  grp INTEGER NOT NULL, mode INTEGER NOT NULL, type TEXT NOT NULL, path BLOB NOT NULL);"
	"CREATE INDEX documents_path ON documents(path);"
	"CREATE TABLE editions("
	"  edition INTEGER PRIMARY KEY AUTOINCREMENT, document BLOB NOT NULL,"
	"  version INTEGER NOT NULL, is_gone INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX editions_document ON editions(document);"
	"CREATE INDEX editions_gone ON editions(is_gone) WHERE is_gone;"
	"CREATE TABLE chunks("
	"  id INTEGER PRIMARY KEY, edition INTEGER NOT NULL, number INTEGER NOT NULL,"
	"  start_char INTEGER NOT NULL, end_char INTEGER NOT NULL, page INTEGER NOT NULL,"
	"  token_count INTEGER NOT NULL, title TEXT, heading TEXT, text TEXT NOT NULL);"
	"CREATE UNIQUE INDEX chunks_edition ON chunks(edition, number);"
	"CREATE TABLE dead(id INTEGER PRIMARY KEY, edition INTEGER NOT NULL);"
	"CREATE TABLE embeddings("
	"  number INTEGER PRIMARY KEY AUTOINCREMENT, chunk INTEGER NOT NULL UNIQUE,"
	"  edition INTEGER NOT NULL, chunk_index INTEGER NOT NULL, vector BLOB NOT NULL);"
	"CREATE TABLE binding(one INTEGER PRIMARY KEY CHECK (one = 1), model TEXT NOT NULL,"
	"  dimension INTEGER NOT NULL)",
	/* codes: see codes.h */
	"DROP TABLE embeddings; DELETE FROM binding;"
	"CREATE TABLE embeddings("
	"  number INTEGER PRIMARY KEY AUTOINCREMENT, chunk INTEGER NOT NULL UNIQUE,"
	"  edition INTEGER NOT NULL, chunk_index INTEGER NOT NULL, codes BLOB NOT NULL)",
};

#define COLLECT_ROWS "300"

static const char *const statements[ROW_COUNT] = {
	[ROW_BEGIN] = "BEGIN IMMEDIATE",
	[ROW_COMMIT] = "COMMIT",
	[ROW_ROLLBACK] = "ROLLBACK",
	[ROW_EDITION_NEW] = "INSERT INTO editions(edition, document, version) VALUES(?1, ?2, ?3)",
	[ROW_EDITIONS_GONE] =
		"UPDATE editions SET is_gone = 1 WHERE document = ?1 AND edition <> ?2",
	[ROW_EDITION_GONE] = "UPDATE editions SET is_gone = 1 WHERE edition = ?1",
	[ROW_CHUNK_NEW] = "INSERT INTO chunks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[ROW_CHUNK_FIND] = "SELECT id FROM chunks WHERE edition = ?1 AND number = ?2",
	[ROW_CHUNK_DELETE] = "DELETE FROM chunks WHERE id = ?1",
	[ROW_DEAD_NEW] = "INSERT INTO dead VALUES(?1, ?2)",
	[ROW_PUBLISH] =
		"INSERT OR REPLACE INTO documents VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[ROW_ACCESS] = "UPDATE documents SET owner = ?2, grp = ?3, mode = ?4 WHERE document = ?1",
	[ROW_PATH] = "UPDATE documents SET path = ?2 WHERE document = ?1",
	[ROW_REMOVE] = "DELETE FROM documents WHERE document = ?1",
	[ROW_EMBED] = "INSERT INTO embeddings(chunk, edition, chunk_index, codes)"
		      " VALUES(?1, ?2, ?3, ?4)",
	[ROW_UNEMBED] = "DELETE FROM embeddings WHERE chunk = ?1",
	[ROW_GARBAGE] = "SELECT edition FROM editions WHERE is_gone LIMIT 1",
	[ROW_GARBAGE_CHUNKS] = "DELETE FROM chunks WHERE id IN"
			       " (SELECT id FROM chunks WHERE edition = ?1 LIMIT " COLLECT_ROWS ")",
	[ROW_GARBAGE_EMBEDDINGS] =
		"DELETE FROM embeddings WHERE chunk IN"
		" (SELECT id FROM chunks WHERE edition = ?1 LIMIT " COLLECT_ROWS ")",
	[ROW_GARBAGE_DEAD] = "DELETE FROM dead WHERE edition = ?1",
	[ROW_GARBAGE_EDITION] = "DELETE FROM editions WHERE edition = ?1",
	[ROW_BIND] = "INSERT OR REPLACE INTO binding VALUES(1, ?1, ?2)",
};

int rows_open(struct rows *rows, const char *path, struct err *err)
{
	int rc = db_open(&rows->db, path, DB_WRITER, 2048, err);

	if (!rc)
		rc = db_migrate(rows->db, schema, ARRAY_LEN(schema), err);
	for (int i = 0; i < ROW_COUNT && !rc; i++)
		rc = db_prepare(rows->db, &rows->statements[i], statements[i], err);
	if (rc)
		rows_close(rows);
	return rc;
}

void rows_close(struct rows *rows)
{
	for (int i = 0; i < ROW_COUNT; i++)
		sqlite3_finalize(rows->statements[i]);
	db_close(rows->db);
	*rows = (struct rows){0};
}

bool rows_is_open(const struct rows *rows)
{
	return !sqlite3_get_autocommit(rows->db);
}

int rows_begin(struct rows *rows, struct err *err)
{
	return rows_is_open(rows) ? 0 : db_run(rows->statements[ROW_BEGIN], err);
}

int rows_commit(struct rows *rows, struct err *err)
{
	int rc = rows_is_open(rows) ? db_run(rows->statements[ROW_COMMIT], err) : 0;

	if (!rc)
		rows->pending_bytes = 0;
	return rc;
}

void rows_rollback(struct rows *rows)
{
	if (rows_is_open(rows))
		db_run(rows->statements[ROW_ROLLBACK], NULL);
	rows->pending_bytes = 0;
}

int rows_edition_new(struct rows *rows, const struct pending *pending, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_EDITION_NEW];

	db_bind_int(statement, 1, pending->edition);
	db_bind_uuid(statement, 2, &pending->document);
	db_bind_int(statement, 3, pending->version);
	return db_run(statement, err);
}

int rows_edition_gone(struct rows *rows, uint32_t edition, struct err *err)
{
	db_bind_int(rows->statements[ROW_EDITION_GONE], 1, edition);
	return db_run(rows->statements[ROW_EDITION_GONE], err);
}

int rows_editions_gone(
	struct rows *rows, const struct uuid *document, uint32_t but, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_EDITIONS_GONE];

	db_bind_uuid(statement, 1, document);
	db_bind_int(statement, 2, but);
	return db_run(statement, err);
}

static int insert_chunk(struct rows *rows, uint64_t id, uint32_t edition, const char *title,
	const struct chunk *chunk, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_CHUNK_NEW];

	db_bind_int(statement, 1, (int64_t)id);
	db_bind_int(statement, 2, edition);
	db_bind_int(statement, 3, chunk->index);
	db_bind_int(statement, 4, (int64_t)chunk->start_char);
	db_bind_int(statement, 5, (int64_t)chunk->end_char);
	db_bind_int(statement, 6, chunk->page);
	db_bind_int(statement, 7, chunk->token_count);
	db_bind_text(statement, 8, title);
	db_bind_text(statement, 9, chunk->heading);
	sqlite3_bind_text64(
		statement, 10, chunk->text, chunk->text_len, SQLITE_STATIC, SQLITE_UTF8);
	return db_run(statement, err);
}

static int run_id(sqlite3_stmt *statement, uint64_t id, struct err *err)
{
	db_bind_int(statement, 1, (int64_t)id);
	return db_run(statement, err);
}

static int bury(struct rows *rows, uint64_t id, uint32_t edition, struct err *err)
{
	int rc = run_id(rows->statements[ROW_CHUNK_DELETE], id, err);

	if (!rc)
		rc = run_id(rows->statements[ROW_UNEMBED], id, err);
	if (rc)
		return rc;
	db_bind_int(rows->statements[ROW_DEAD_NEW], 2, edition);
	return run_id(rows->statements[ROW_DEAD_NEW], id, err);
}

int rows_chunk_put(struct rows *rows, uint64_t id, uint32_t edition, const char *title,
	const struct chunk *chunk, uint64_t *replaced, struct err *err)
{
	*replaced = 0;
	int rc = insert_chunk(rows, id, edition, title, chunk, err);
	if (rc == -EEXIST) {
		rc = rows_chunk_find(rows, edition, chunk->index, replaced, err);
		if (!rc)
			rc = bury(rows, *replaced, edition, err);
		if (!rc)
			rc = insert_chunk(rows, id, edition, title, chunk, err);
	}
	rows->pending_bytes += chunk->text_len + 64;
	return rc;
}

int rows_chunk_find(
	struct rows *rows, uint32_t edition, uint32_t index, uint64_t *id, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_CHUNK_FIND];

	db_bind_int(statement, 1, edition);
	db_bind_int(statement, 2, index);
	int rc = db_step(statement, err);
	if (rc == 1)
		*id = (uint64_t)db_int(statement, 0);
	db_reset(statement);
	if (rc == 0)
		return err_set(err, -ENOENT, "there is no chunk %u of that version", index);
	return rc < 0 ? rc : 0;
}

static void bind_path(sqlite3_stmt *statement, int at, const char *path)
{
	db_bind_blob(statement, at, path ? path : "", path ? strlen(path) : 0);
}

int rows_publish(struct rows *rows, const struct publication *publication,
	const struct roster_entry *entry, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_PUBLISH];
	const char *type = publication->content_type;

	db_bind_uuid(statement, 1, &publication->document);
	db_bind_int(statement, 2, entry->edition);
	db_bind_int(statement, 3, entry->version);
	db_bind_int(statement, 4, (int64_t)entry->first);
	db_bind_int(statement, 5, (int64_t)entry->last);
	db_bind_int(statement, 6, entry->access.owner);
	db_bind_int(statement, 7, entry->access.group);
	db_bind_int(statement, 8, entry->access.mode);
	db_bind_text(statement, 9, type ? type : "");
	bind_path(statement, 10, publication->path);
	int rc = db_run(statement, err);
	return rc ? rc : rows_editions_gone(rows, &publication->document, entry->edition, err);
}

int rows_access(struct rows *rows, const struct uuid *document, const struct access *access,
	struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_ACCESS];

	db_bind_uuid(statement, 1, document);
	db_bind_int(statement, 2, access->owner);
	db_bind_int(statement, 3, access->group);
	db_bind_int(statement, 4, access->mode);
	return db_run(statement, err);
}

int rows_path(struct rows *rows, const struct uuid *document, const char *path, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_PATH];

	db_bind_uuid(statement, 1, document);
	bind_path(statement, 2, path);
	return db_run(statement, err);
}

int rows_remove(struct rows *rows, const struct uuid *document, struct err *err)
{
	db_bind_uuid(rows->statements[ROW_REMOVE], 1, document);
	int rc = db_run(rows->statements[ROW_REMOVE], err);
	return rc ? rc : rows_editions_gone(rows, document, 0, err);
}

int rows_embed(struct rows *rows, struct row_embedding *embedding, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_EMBED];
	int rc = run_id(rows->statements[ROW_UNEMBED], embedding->chunk, err);

	if (rc)
		return rc;
	embedding->is_replaced = sqlite3_changes(rows->db) > 0;
	db_bind_int(statement, 1, (int64_t)embedding->chunk);
	db_bind_int(statement, 2, embedding->edition);
	db_bind_int(statement, 3, embedding->index);
	db_bind_blob(statement, 4, embedding->codes, embedding->size);
	rc = db_run(statement, err);
	embedding->number = (uint64_t)sqlite3_last_insert_rowid(rows->db);
	return rc;
}

int rows_bind(struct rows *rows, const char *model, size_t dimension, struct err *err)
{
	db_bind_text(rows->statements[ROW_BIND], 1, model);
	db_bind_int(rows->statements[ROW_BIND], 2, (int64_t)dimension);
	return db_run(rows->statements[ROW_BIND], err);
}

static int run_edition(
	struct rows *rows, enum row_statement which, uint32_t edition, struct err *err)
{
	db_bind_int(rows->statements[which], 1, edition);
	return db_run(rows->statements[which], err);
}

static int collect_edition(struct rows *rows, uint32_t edition, struct err *err)
{
	int rc = run_edition(rows, ROW_GARBAGE_EMBEDDINGS, edition, err);

	if (!rc)
		rc = run_edition(rows, ROW_GARBAGE_CHUNKS, edition, err);
	if (rc || sqlite3_changes(rows->db) > 0)
		return rc;
	rc = run_edition(rows, ROW_GARBAGE_DEAD, edition, err);
	return rc ? rc : run_edition(rows, ROW_GARBAGE_EDITION, edition, err);
}

int rows_collect(struct rows *rows, struct err *err)
{
	sqlite3_stmt *statement = rows->statements[ROW_GARBAGE];
	int found = db_step(statement, err);
	uint32_t edition = found == 1 ? (uint32_t)db_int(statement, 0) : 0;

	db_reset(statement);
	if (found <= 0)
		return found;
	int rc = rows_begin(rows, err);
	if (!rc)
		rc = collect_edition(rows, edition, err);
	return rc ? rc : 1;
}
