/* SPDX-License-Identifier: Apache-2.0 */
/* A row a text: its model, the SHA-256 of its bytes, its vector. Questions go past the cache:
 * they are rarely asked twice. The database is asked before and after the inner embedder, and
 * not locked meanwhile; two threads that embed one new text at once both pay for it.
 *
 * It is only a cache: what the database refuses costs a call, and is logged, and never fails
 * the caller. Nothing is synced, for the same reason. "Used" is a count of batches, not a
 * time: it needs no clock that only moves forward. */
#include "core/local/embedder_cached.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/hash.h"
#include "core/local/sqlite.h"
#include "core/log.h"

#define CACHE_KIB    1024
#define ROW_OVERHEAD 128 /* bytes beside the vector: the hash twice, and SQLite's own */

struct embedder_cached {
	struct embedder base;
	struct embedder_ops ops; /* with the name of the inner adapter, which metrics show */
	struct embedder *inner;
	int64_t max_rows;
	pthread_mutex_t lock;
	sqlite3 *db; /* lock; as all below */
	sqlite3_stmt *find, *touch, *keep, *evict;
	int64_t model; /* its row */
	int64_t rows;
	int64_t batches; /* the value of "used" */
};

/* One text of a call. */
struct wanted {
	uint8_t hash[HASH_SIZE];
	bool is_known; /* its vector is in the caller's array */
	size_t asked; /* otherwise: its place among the texts that the inner embedder gets */
};

/* The texts of a call that the cache does not know, each once. */
struct misses {
	const char **texts;
	float *vectors;
	size_t count;
};

static const char *const schema[] = {
	"CREATE TABLE model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE embedding(id INTEGER PRIMARY KEY, model INTEGER NOT NULL,"
	" hash BLOB NOT NULL, used INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE(model, hash));"
	"CREATE INDEX embedding_used ON embedding(used)",
};

static size_t vector_size(struct embedder_cached *cached)
{
	return embedder_info(cached->inner)->dimension * sizeof(float);
}

/* The database; all under the lock. */

/* 1 and the vector copied to @out, 0 if there is none, -errno. */
static int find(struct embedder_cached *cached, const uint8_t *hash, float *out, struct err *err)
{
	AUTO_RESET sqlite3_stmt *statement = cached->find;
	size_t size = vector_size(cached);

	db_bind_int(statement, 1, cached->model);
	db_bind_blob(statement, 2, hash, HASH_SIZE);
	int rc = db_step(statement, err);
	if (rc <= 0)
		return rc;
	if ((size_t)sqlite3_column_bytes(statement, 1) != size)
		return 0; /* the model was replaced by one of the same name */
	memcpy(out, sqlite3_column_blob(statement, 1), size);
	db_bind_int(cached->touch, 1, cached->batches);
	db_bind_int(cached->touch, 2, db_int(statement, 0));
	rc = db_run(cached->touch, err);
	return rc ? rc : 1;
}

static int keep(
	struct embedder_cached *cached, const uint8_t *hash, const float *vector, struct err *err)
{
	db_bind_int(cached->keep, 1, cached->model);
	db_bind_blob(cached->keep, 2, hash, HASH_SIZE);
	db_bind_int(cached->keep, 3, cached->batches);
	db_bind_blob(cached->keep, 4, vector, vector_size(cached));
	int rc = db_run(cached->keep, err);
	if (rc == 0)
		cached->rows++;
	return rc;
}

static int evict(struct embedder_cached *cached, struct err *err)
{
	if (cached->rows <= cached->max_rows)
		return 0;
	db_bind_int(cached->evict, 1, cached->rows - cached->max_rows);
	int rc = db_run(cached->evict, err);
	if (rc == 0)
		cached->rows -= sqlite3_changes64(cached->db);
	return rc;
}

static int end_transaction(struct embedder_cached *cached, int rc, struct err *err)
{
	if (rc == 0)
		rc = db_exec(cached->db, "COMMIT", err);
	if (rc && !sqlite3_get_autocommit(cached->db))
		db_exec(cached->db, "ROLLBACK", NULL);
	return rc;
}

static int find_all(struct embedder_cached *cached, struct wanted *wanted, size_t count, float *out,
	struct err *err)
{
	size_t dimension = embedder_info(cached->inner)->dimension;
	int rc = db_exec(cached->db, "BEGIN", err);

	cached->batches++;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		int found = find(cached, wanted[i].hash, out + i * dimension, err);
		wanted[i].is_known = found > 0;
		rc = found < 0 ? found : 0;
	}
	return end_transaction(cached, rc, err);
}

static int keep_all(struct embedder_cached *cached, const struct wanted *wanted, size_t count,
	const struct misses *misses, struct err *err)
{
	size_t dimension = embedder_info(cached->inner)->dimension, next = 0;
	int64_t rows = cached->rows;
	int rc = db_exec(cached->db, "BEGIN", err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (wanted[i].is_known || wanted[i].asked != next)
			continue; /* the first of equal texts stands for them all */
		rc = keep(cached, wanted[i].hash, misses->vectors + next * dimension, err);
		next++;
	}
	if (rc == 0)
		rc = evict(cached, err);
	rc = end_transaction(cached, rc, err);
	if (rc)
		cached->rows = rows;
	return rc;
}

/* A call. */

static void look_up(struct embedder_cached *cached, struct wanted *wanted, size_t count, float *out)
{
	struct err err = ERR_NONE;

	pthread_mutex_lock(&cached->lock);
	int rc = find_all(cached, wanted, count, out, &err);
	pthread_mutex_unlock(&cached->lock);
	if (rc)
		log_warn("cache of embeddings: %s", err.text);
}

static void remember(struct embedder_cached *cached, const struct wanted *wanted, size_t count,
	const struct misses *misses)
{
	struct err err = ERR_NONE;

	pthread_mutex_lock(&cached->lock);
	int rc = keep_all(cached, wanted, count, misses, &err);
	pthread_mutex_unlock(&cached->lock);
	if (rc)
		log_warn("cache of embeddings: %s", err.text);
}

/* Choose the texts to be embedded: one of those that are equal. */
static void list_misses(
	struct wanted *wanted, const char *const *texts, size_t count, struct misses *misses)
{
	for (size_t i = 0; i < count; i++) {
		size_t twin = 0;
		if (wanted[i].is_known)
			continue;
		while (twin < i &&
			(wanted[twin].is_known ||
				memcmp(wanted[twin].hash, wanted[i].hash, HASH_SIZE) != 0))
			twin++;
		if (twin < i) {
			wanted[i].asked = wanted[twin].asked;
			continue;
		}
		wanted[i].asked = misses->count;
		misses->texts[misses->count++] = texts[i];
	}
}

static int embed_misses(struct embedder_cached *cached, struct wanted *wanted,
	const char *const *texts, size_t count, float *out, struct err *err)
{
	size_t dimension = embedder_info(cached->inner)->dimension;
	AUTO_FREE const char **chosen = calloc(count, sizeof(*chosen));
	AUTO_FREE float *vectors = calloc(count, vector_size(cached));
	struct misses misses = {.texts = chosen, .vectors = vectors};

	if (!chosen || !vectors)
		return err_set(err, -ENOMEM, "out of memory");
	list_misses(wanted, texts, count, &misses);
	if (misses.count == 0)
		return 0;
	int rc = embedder_embed(
		cached->inner, EMBED_PASSAGE, misses.texts, misses.count, vectors, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (!wanted[i].is_known)
			memcpy(out + i * dimension, vectors + wanted[i].asked * dimension,
				vector_size(cached));
	remember(cached, wanted, count, &misses);
	return 0;
}

static int cached_embed(struct embedder *base, enum embed_kind kind, const char *const *texts,
	size_t count, float *out, struct err *err)
{
	struct embedder_cached *cached = (struct embedder_cached *)base;

	if (kind != EMBED_PASSAGE)
		return embedder_embed(cached->inner, kind, texts, count, out, err);
	AUTO_FREE struct wanted *wanted = calloc(count, sizeof(*wanted));
	if (!wanted)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (hash_bytes(texts[i], strlen(texts[i]), wanted[i].hash))
			return err_set(err, -ENOMEM, "out of memory");
	look_up(cached, wanted, count, out);
	return embed_misses(cached, wanted, texts, count, out, err);
}

static const struct embedder_info *cached_info(struct embedder *base)
{
	return embedder_info(((struct embedder_cached *)base)->inner);
}

/* Opening and closing. */

static void close_database(struct embedder_cached *cached)
{
	sqlite3_stmt **all[] = {&cached->find, &cached->touch, &cached->keep, &cached->evict};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
	db_close(cached->db);
	cached->db = NULL;
}

static int prepare(struct embedder_cached *cached, struct err *err)
{
	sqlite3 *db = cached->db;
	int rc = db_prepare(db, &cached->find,
		"SELECT id, vector FROM embedding WHERE model = ? AND hash = ?", err);

	if (rc == 0)
		rc = db_prepare(
			db, &cached->touch, "UPDATE embedding SET used = ? WHERE id = ?", err);
	if (rc == 0)
		rc = db_prepare(db, &cached->keep,
			"INSERT OR REPLACE INTO embedding(model, hash, used, vector)"
			" VALUES(?, ?, ?, ?)",
			err);
	if (rc == 0)
		rc = db_prepare(db, &cached->evict,
			"DELETE FROM embedding WHERE id IN"
			" (SELECT id FROM embedding ORDER BY used, id LIMIT ?)",
			err);
	return rc;
}

/* Find or make the row of the inner embedder's model. */
static int find_model(struct embedder_cached *cached, struct err *err)
{
	const char *name = embedder_info(cached->inner)->model;
	AUTO_STATEMENT sqlite3_stmt *insert = NULL;
	AUTO_STATEMENT sqlite3_stmt *select = NULL;
	int rc =
		db_prepare(cached->db, &insert, "INSERT OR IGNORE INTO model(name) VALUES(?)", err);

	if (rc == 0)
		rc = db_prepare(cached->db, &select, "SELECT id FROM model WHERE name = ?", err);
	if (rc)
		return rc;
	db_bind_text(insert, 1, name);
	rc = db_run(insert, err);
	if (rc)
		return rc;
	db_bind_text(select, 1, name);
	rc = db_step(select, err);
	if (rc <= 0)
		return rc ? rc : err_set(err, -EIO, "embeddings.db: the model has no row");
	cached->model = db_int(select, 0);
	return 0;
}

static int open_database(struct embedder_cached *cached, const char *path, struct err *err)
{
	int rc = db_open(&cached->db, path, DB_WRITER, CACHE_KIB, err);

	if (rc == 0)
		rc = db_migrate(cached->db, schema, ARRAY_LEN(schema), err);
	if (rc == 0)
		rc = prepare(cached, err);
	if (rc == 0)
		rc = find_model(cached, err);
	if (rc == 0)
		rc = db_integer(cached->db, "SELECT count(*) FROM embedding", &cached->rows, err);
	if (rc == 0)
		rc = db_integer(
			cached->db, "SELECT max(used) FROM embedding", &cached->batches, err);
	if (rc)
		close_database(cached);
	return rc;
}

static void remove_database(const char *path)
{
	static const char *const endings[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		AUTO_FREE char *file = NULL;
		if (asprintf(&file, "%s%s", path, endings[i]) < 0)
			file = NULL;
		else
			unlink(file);
	}
}

static int open_or_renew(struct embedder_cached *cached, const char *state_path, struct err *err)
{
	AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/embeddings.db", state_path) < 0) {
		path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (open_database(cached, path, err) == 0)
		return 0;
	log_warn("cache of embeddings, made anew: %s", err->text);
	remove_database(path);
	return open_database(cached, path, err);
}

static void free_shell(struct embedder_cached *cached)
{
	close_database(cached);
	pthread_mutex_destroy(&cached->lock);
	free(cached);
}

static void cached_free(struct embedder *base)
{
	struct embedder_cached *cached = (struct embedder_cached *)base;

	embedder_free(cached->inner);
	free_shell(cached);
}

int embedder_cached_new(struct embedder **out, struct embedder *inner, const char *state_path,
	uint64_t max_bytes, struct err *err)
{
	struct embedder_cached *cached = calloc(1, sizeof(*cached));

	*out = NULL;
	if (!cached)
		return err_set(err, -ENOMEM, "out of memory");
	cached->ops = (struct embedder_ops){
		.name = inner->ops->name,
		.is_wrapper = true,
		.info = cached_info,
		.embed = cached_embed,
		.free = cached_free,
	};
	cached->base.ops = &cached->ops;
	cached->inner = inner;
	cached->max_rows = (int64_t)(max_bytes / (vector_size(cached) + ROW_OVERHEAD));
	if (cached->max_rows == 0)
		cached->max_rows = 1;
	pthread_mutex_init(&cached->lock, NULL);
	int rc = open_or_renew(cached, state_path, err);
	if (rc) {
		free_shell(cached);
		return rc;
	}
	*out = &cached->base;
	return 0;
}
