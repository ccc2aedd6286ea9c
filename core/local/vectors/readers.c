/* SPDX-License-Identifier: Apache-2.0 */
/* Connections for searches: one is taken, used by one thread, and given back; a few are
 * kept. Their page caches are small, since they read through a map of the file. */
#include <errno.h>
#include <stdlib.h>

#include "core/local/vectors/store.h"

#define CHUNK_COLUMNS "number, start_char, end_char, page, token_count, heading, text"

static void reader_free(struct reader *reader)
{
	sqlite3_finalize(reader->begin);
	sqlite3_finalize(reader->touch);
	sqlite3_finalize(reader->commit);
	sqlite3_finalize(reader->chunk);
	sqlite3_finalize(reader->chunks);
	sqlite3_finalize(reader->codes);
	sqlite3_finalize(reader->paths);
	db_close(reader->db);
	free(reader);
}

static int prepare(struct reader *reader, struct err *err)
{
	sqlite3 *db = reader->db;
	int rc = db_prepare(db, &reader->begin, "BEGIN", err);

	if (!rc)
		rc = db_prepare(db, &reader->touch, "SELECT 1 FROM binding", err);
	if (!rc)
		rc = db_prepare(db, &reader->commit, "COMMIT", err);
	if (!rc)
		rc = db_prepare(db, &reader->chunk,
			"SELECT " CHUNK_COLUMNS " FROM chunks WHERE id = ?1", err);
	if (!rc)
		rc = db_prepare(db, &reader->chunks,
			"SELECT " CHUNK_COLUMNS " FROM chunks"
			" WHERE edition = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
			err);
	if (!rc)
		rc = db_prepare(db, &reader->codes,
			"SELECT codes FROM embeddings, binding WHERE chunk ="
			" (SELECT id FROM chunks WHERE edition = ?1 AND number = ?2)"
			" AND dimension = ?3",
			err);
	if (!rc)
		rc = db_prepare(db, &reader->paths,
			"SELECT document FROM documents WHERE path >= ?1 AND path < ?2", err);
	return rc;
}

static int reader_new(struct store *store, struct reader **out, struct err *err)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = db_open(&reader->db, store->path, DB_READER, 128, err);
	if (!rc)
		rc = prepare(reader, err);
	if (rc) {
		reader_free(reader);
		return rc;
	}
	*out = reader;
	return 0;
}

int reader_take(struct store *store, struct reader **out, struct err *err)
{
	pthread_mutex_lock(&store->readers_lock);
	struct reader *reader = store->readers;
	if (reader) {
		store->readers = reader->next;
		store->reader_count--;
	}
	pthread_mutex_unlock(&store->readers_lock);
	if (!reader)
		return reader_new(store, out, err);
	*out = reader;
	return 0;
}

int reader_begin(struct reader *reader, struct err *err)
{
	int rc = db_run(reader->begin, err);

	return rc ? rc : db_run(reader->touch, err);
}

void reader_give(struct store *store, struct reader *reader)
{
	db_reset(reader->chunk);
	db_reset(reader->chunks);
	db_reset(reader->paths);
	if (!sqlite3_get_autocommit(reader->db))
		db_run(reader->commit, NULL);
	pthread_mutex_lock(&store->readers_lock);
	bool is_kept = store->reader_count < READERS_KEPT;
	if (is_kept) {
		reader->next = store->readers;
		store->readers = reader;
		store->reader_count++;
	}
	pthread_mutex_unlock(&store->readers_lock);
	if (!is_kept)
		reader_free(reader);
}

void readers_close(struct store *store)
{
	struct reader *reader = store->readers, *next;

	for (; reader; reader = next) {
		next = reader->next;
		reader_free(reader);
	}
}

struct chunk reader_chunk(sqlite3_stmt *statement)
{
	const char *text = db_text(statement, 6);

	return (struct chunk){
		.index = (uint32_t)db_int(statement, 0),
		.start_char = (uint64_t)db_int(statement, 1),
		.end_char = (uint64_t)db_int(statement, 2),
		.page = (uint32_t)db_int(statement, 3),
		.token_count = (uint32_t)db_int(statement, 4),
		.heading = db_text(statement, 5),
		.text = text ? text : "",
		.text_len = (size_t)sqlite3_column_bytes(statement, 6),
	};
}
