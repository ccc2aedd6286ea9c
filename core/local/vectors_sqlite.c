/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite has the truth: documents, chunks, embeddings (vectors/rows.h). A search does not ask
 * it: the roster in memory says what is published and who may read it, the words' index and
 * the file of embeddings find chunks by number, and only the texts of the best come from the
 * rows. FTS5 was measured first: with all words of a question OR-ed it scores every chunk
 * that has a frequent word, and cannot leave out what the caller must not see before it
 * ranks.
 *
 * Reading order: vectors/rows, vectors/roster, lexical/, vectors/write, vectors/search,
 * vectors/embed, vectors/keeper. */
#include "core/local/vectors_sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/vectors/store.h"

#define MEMORY_MAX ((size_t)8 << 20)
#define IDLE_MS	   5000

static int store_sync(struct vectors *vectors, struct err *err)
{
	struct store *store = store_of(vectors);
	int rc = store_flush(store, err);

	return rc ? rc : db_sync(store->path, err);
}

static int store_check(struct vectors *vectors, struct buf *report, struct err *err)
{
	struct store *store = store_of(vectors);
	struct reader *reader;
	int64_t rows = 0;

	int rc = keeper_wait_complete(store, err);
	if (!rc)
		rc = store_flush(store, err);
	if (!rc)
		rc = reader_take(store, &reader, err);
	if (rc)
		return rc;
	pthread_rwlock_rdlock(&store->lock);
	rc = reader_begin(reader, err);
	if (!rc)
		rc = lexical_check(store->lexical, report);
	uint64_t live = lexical_live_chunks(store->lexical);
	pthread_rwlock_unlock(&store->lock);
	if (!rc)
		rc = db_integer(reader->db,
			"SELECT count(*) FROM chunks JOIN documents USING (edition)", &rows, err);
	if (!rc && live != (uint64_t)rows)
		rc = buf_addf(report, "words' index: %llu chunks, the rows have %lld\n",
			(unsigned long long)live, (long long)rows);
	if (!rc)
		rc = db_check(reader->db, report, err);
	reader_give(store, reader);
	return rc;
}

static void store_free(struct vectors *vectors)
{
	struct store *store = store_of(vectors);

	if (store->has_keeper) {
		keeper_stop(store);
		keeper_finish(store);
	}
	readers_close(store);
	rows_close(&store->rows);
	dense_free(store->dense);
	lexical_free(store->lexical);
	roster_release(&store->roster);
	pthread_cond_destroy(&store->keeper_wake);
	pthread_cond_destroy(&store->keeper_done);
	pthread_mutex_destroy(&store->keeper_lock);
	pthread_mutex_destroy(&store->readers_lock);
	pthread_mutex_destroy(&store->write_lock);
	pthread_rwlock_destroy(&store->lock);
	free(store->model);
	free(store->folder);
	free(store->path);
	free(store);
}

static const struct vectors_ops store_ops = {
	.name = "sqlite",
	.add = store_add,
	.publish = store_publish,
	.discard = store_discard,
	.set_access = store_set_access,
	.set_path = store_set_path,
	.remove = store_remove,
	.embed = store_embed,
	.accepts = store_accepts,
	.unembed = store_unembed,
	.similar = store_similar,
	.words = store_words,
	.dense = store_dense,
	.chunks = store_chunks,
	.each = store_each,
	.sync = store_sync,
	.check = store_check,
	.free = store_free,
};

static void init_locks(struct store *store)
{
	pthread_condattr_t monotonic;
	pthread_rwlockattr_t prefer_writer;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&store->keeper_wake, &monotonic);
	pthread_cond_init(&store->keeper_done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_rwlockattr_init(&prefer_writer);
	pthread_rwlockattr_setkind_np(&prefer_writer, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&store->lock, &prefer_writer);
	pthread_rwlockattr_destroy(&prefer_writer);
	pthread_mutex_init(&store->keeper_lock, NULL);
	pthread_mutex_init(&store->readers_lock, NULL);
	pthread_mutex_init(&store->write_lock, NULL);
}

static struct store *store_new(const char *folder, const struct vectors_sqlite_options *options)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	init_locks(store);
	store->vectors.ops = &store_ops;
	if (options)
		store->options = *options;
	if (!store->options.memory_max)
		store->options.memory_max = MEMORY_MAX;
	if (!store->options.idle_ms)
		store->options.idle_ms = IDLE_MS;
	store->folder = strdup(folder);
	if (asprintf(&store->path, "%s/vectors.db", folder) < 0)
		store->path = NULL;
	if (store->folder && store->path)
		return store;
	store_free(&store->vectors);
	return NULL;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int load_document(struct store *store, sqlite3_stmt *statement)
{
	struct roster_entry entry = {
		.document = db_uuid(statement, 0),
		.edition = (uint32_t)db_int(statement, 1),
		.version = (uint32_t)db_int(statement, 2),
		.first = (uint64_t)db_int(statement, 3),
		.last = (uint64_t)db_int(statement, 4),
		.access = {(uid_t)db_int(statement, 5), (gid_t)db_int(statement, 6),
			(mode_t)db_int(statement, 7)},
	};
	const char *type = db_text(statement, 8);

	if (roster_type(&store->roster, type ? type : "", &entry.type) ||
		roster_reserve(&store->roster, 1))
		return -ENOMEM;
	roster_put(&store->roster, &entry);
	return 0;
}

static int load_pending(struct store *store, sqlite3_stmt *statement)
{
	struct pending pending = {
		.document = db_uuid(statement, 0),
		.edition = (uint32_t)db_int(statement, 1),
		.version = (uint32_t)db_int(statement, 2),
		.first = (uint64_t)db_int(statement, 3),
		.last = (uint64_t)db_int(statement, 4),
	};

	return roster_pending_add(&store->roster, &pending);
}

static int load_dead(struct store *store, sqlite3_stmt *statement)
{
	return lexical_kill(store->lexical, (uint64_t)db_int(statement, 0));
}

/* Call @load for each row. */
static int load_rows(struct store *store, const char *sql,
	int (*load)(struct store *store, sqlite3_stmt *statement), struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	int rc = db_prepare(store->rows.db, &statement, sql, err);

	if (rc)
		return rc;
	while ((rc = db_step(statement, err)) == 1)
		if (load(store, statement))
			return no_memory(err);
	return rc;
}

static int load_roster(struct store *store, struct err *err)
{
	int rc = load_rows(store,
		"SELECT document, edition, version, first, last, owner, grp, mode, type"
		" FROM documents",
		load_document, err);

	if (rc)
		return rc;
	return load_rows(store,
		"SELECT document, edition, version,"
		" coalesce((SELECT min(id) FROM chunks c WHERE c.edition = e.edition), 1),"
		" coalesce((SELECT max(id) FROM chunks c WHERE c.edition = e.edition), 0)"
		" FROM editions e WHERE NOT is_gone"
		" AND edition NOT IN (SELECT edition FROM documents)",
		load_pending, err);
}

static enum edition_state state_of(void *context, uint32_t edition)
{
	const struct store *store = context;

	return roster_state(&store->roster, edition);
}

/* Numbers that were given out once are not given out again, also where the rows or the index
 * know less than the other. */
static int load_numbers(struct store *store, struct err *err)
{
	int64_t id = 0, edition = 0;
	int rc = db_integer(store->rows.db, "SELECT max(id) FROM chunks", &id, err);

	if (!rc)
		rc = db_integer(store->rows.db,
			"SELECT max(seq) FROM sqlite_sequence WHERE name = 'editions'", &edition,
			err);
	if (rc)
		return rc;
	uint64_t last_id = lexical_last_id(store->lexical);
	uint32_t max_edition = lexical_max_edition(store->lexical);
	store->next_id = ((uint64_t)id > last_id ? (uint64_t)id : last_id) + 1;
	store->next_edition =
		((uint32_t)edition > max_edition ? (uint32_t)edition : max_edition) + 1;
	return lexical_start(store->lexical, store->next_id) ? no_memory(err) : 0;
}

static int load_index(struct store *store, struct err *err)
{
	AUTO_BUF struct buf path;
	struct lexical_owner owner = {state_of, store};

	buf_init(&path, BUF_MAX_DEFAULT);
	if (buf_addf(&path, "%s/words", store->folder))
		return no_memory(err);
	int rc = lexical_open(&store->lexical, path.data, &owner, err);
	if (!rc)
		rc = load_numbers(store, err);
	if (!rc)
		rc = load_rows(store, "SELECT id FROM dead", load_dead, err);
	return rc;
}

int vectors_sqlite_new(struct vectors **out, const char *folder,
	const struct vectors_sqlite_options *options, struct err *err)
{
	struct store *store = store_new(folder, options);

	if (!store)
		return no_memory(err);
	int rc = rows_open(&store->rows, store->path, err);
	if (!rc)
		rc = load_roster(store, err);
	if (!rc)
		rc = load_index(store, err);
	if (!rc)
		rc = store_load_embeddings(store, err);
	if (!rc)
		sqlite3_db_release_memory(store->rows.db);
	if (!rc && (rc = keeper_start(store)))
		err_set(err, rc, "no thread for the vectors: %s", strerror(-rc));
	if (rc) {
		store_free(&store->vectors);
		return rc;
	}
	*out = &store->vectors;
	return 0;
}
