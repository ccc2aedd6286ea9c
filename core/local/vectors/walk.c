/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/vectors/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/local/sqlite.h"
#include "core/local/vectors/store.h"

#define AT_A_TIME "256"

struct chunk_walk {
	sqlite3 *db;
	sqlite3_stmt *next;
	int64_t last; /* the id of the chunk before */
};

int chunk_walk_open(struct chunk_walk **out, const char *folder, uint64_t *count, struct err *err)
{
	AUTO_FREE char *path = NULL;
	struct chunk_walk *walk = calloc(1, sizeof(*walk));
	int64_t chunks = 0;

	if (!walk || asprintf(&path, "%s/vectors.db", folder) < 0) {
		free(walk);
		return err_set(err, -ENOMEM, "out of memory");
	}
	int rc = access(path, F_OK) ? err_set(err, -ENOENT, "%s: there are no documents", folder)
				    : db_open(&walk->db, path, DB_READER, 1024, err);
	if (!rc)
		rc = db_integer(walk->db, "SELECT count(*) FROM chunks", &chunks, err);
	if (!rc)
		rc = db_prepare(walk->db, &walk->next,
			"SELECT number, start_char, end_char, page, token_count, heading, text, id"
			" FROM chunks JOIN editions USING(edition)"
			" WHERE id > ?1 AND NOT is_gone ORDER BY id LIMIT " AT_A_TIME,
			err);
	if (rc) {
		chunk_walk_free(walk);
		return rc;
	}
	*count = (uint64_t)chunks;
	*out = walk;
	return 0;
}

int chunk_walk_next(
	struct chunk_walk *walk, vectors_chunk_fn callback, void *context, struct err *err)
{
	int rc, count = 0;

	db_bind_int(walk->next, 1, walk->last);
	while ((rc = db_step(walk->next, err)) == 1) {
		struct chunk chunk = reader_chunk(walk->next);
		callback(context, &chunk);
		walk->last = db_int(walk->next, 7);
		count++;
	}
	db_reset(walk->next);
	return rc ? rc : count;
}

void chunk_walk_free(struct chunk_walk *walk)
{
	if (!walk)
		return;
	sqlite3_finalize(walk->next);
	db_close(walk->db);
	free(walk);
}
