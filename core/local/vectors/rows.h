/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of vectors.db and the statements of its only writer. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_ROWS_H
#define ASKFS_CORE_LOCAL_VECTORS_ROWS_H

#include "core/chunk.h"
#include "core/local/sqlite.h"
#include "core/local/vectors/roster.h"

enum row_statement {
	ROW_BEGIN,
	ROW_COMMIT,
	ROW_ROLLBACK,
	ROW_EDITION_NEW,
	ROW_EDITIONS_GONE, /* of a document, but one */
	ROW_EDITION_GONE,
	ROW_CHUNK_NEW,
	ROW_CHUNK_FIND,
	ROW_CHUNK_DELETE,
	ROW_DEAD_NEW,
	ROW_PUBLISH,
	ROW_ACCESS,
	ROW_PATH,
	ROW_REMOVE,
	ROW_EMBED,
	ROW_UNEMBED,
	ROW_GARBAGE,
	ROW_GARBAGE_CHUNKS,
	ROW_GARBAGE_EMBEDDINGS,
	ROW_GARBAGE_DEAD,
	ROW_GARBAGE_EDITION,
	ROW_BIND,
	ROW_COUNT
};

/* One connection, one thread at a time. A transaction is opened by the first change and
 * closed by rows_commit; when a change fails for want of space or memory, all of it may be
 * rolled back: rows_is_open is false then. */
struct rows {
	sqlite3 *db;
	sqlite3_stmt *statements[ROW_COUNT];
	size_t pending_bytes; /* of chunks in the open transaction */
};

int rows_open(struct rows *rows, const char *path, struct err *err);
void rows_close(struct rows *rows);

bool rows_is_open(const struct rows *rows);
int rows_begin(struct rows *rows, struct err *err);
int rows_commit(struct rows *rows, struct err *err);
void rows_rollback(struct rows *rows);

int rows_edition_new(struct rows *rows, const struct pending *pending, struct err *err);
int rows_edition_gone(struct rows *rows, uint32_t edition, struct err *err);
int rows_editions_gone(
	struct rows *rows, const struct uuid *document, uint32_t but, struct err *err);

/* Write a chunk. One of that edition and index that is there already gives way; its id goes
 * into *replaced, 0 if there was none. */
int rows_chunk_put(struct rows *rows, uint64_t id, uint32_t edition, const char *title,
	const struct chunk *chunk, uint64_t *replaced, struct err *err);

/* The id of a chunk; -ENOENT. */
int rows_chunk_find(
	struct rows *rows, uint32_t edition, uint32_t index, uint64_t *id, struct err *err);

int rows_publish(struct rows *rows, const struct publication *publication,
	const struct roster_entry *entry, struct err *err);
int rows_access(struct rows *rows, const struct uuid *document, const struct access *access,
	struct err *err);
int rows_path(struct rows *rows, const struct uuid *document, const char *path, struct err *err);
int rows_remove(struct rows *rows, const struct uuid *document, struct err *err);

/* Write the embeddings of a chunk in place of what it had. */
struct row_embedding {
	uint64_t chunk;
	uint32_t edition, index;
	const void *codes; /* see codes.h */
	size_t size;
	uint64_t number; /* out: of its row, greater than any before it */
	bool is_replaced; /* out: the chunk had some */
};
int rows_embed(struct rows *rows, struct row_embedding *embedding, struct err *err);

/* What the embeddings are bound to. */
int rows_bind(struct rows *rows, const char *model, size_t dimension, struct err *err);

/* Delete up to a few hundred rows of what is gone, in the open transaction. 1: there may be
 * more, 0: nothing was left (and none was opened), -errno. */
int rows_collect(struct rows *rows, struct err *err);

#endif
