/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings: the row first, committed, then the record in the flat file. A death in between
 * leaves the file behind the rows, by number, and it catches up when it is opened. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/vectors/store.h"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int open_dense(struct store *store, size_t dimension, struct err *err)
{
	AUTO_BUF struct buf path;

	buf_init(&path, BUF_MAX_DEFAULT);
	if (buf_addf(&path, "%s/dense", store->folder))
		return no_memory(err);
	return dense_open(&store->dense, path.data, dimension, err);
}

/* Bind the index to a model, and begin its file. Under write_lock. */
static int bind(struct store *store, const char *model, size_t dimension, struct err *err)
{
	char *copy = strdup(model);
	int rc = copy ? db_exec(store->rows.db, "DELETE FROM embeddings", err) : no_memory(err);

	if (!rc)
		rc = rows_bind(&store->rows, model, dimension, err);
	if (!rc)
		rc = store_commit(store, err);
	if (rc) {
		free(copy);
		return rc;
	}
	pthread_rwlock_wrlock(&store->lock);
	dense_free(store->dense);
	store->dense = NULL;
	free(store->model);
	store->model = copy;
	rc = open_dense(store, dimension, err);
	if (!rc)
		rc = dense_clear(store->dense, err);
	pthread_rwlock_unlock(&store->lock);
	return rc;
}

static int check_binding(struct store *store, const char *model, size_t dimension, struct err *err)
{
	size_t bound = store->dense ? dense_dimension(store->dense) : 0;
	int64_t is_used = 0;

	if (store->model && strcmp(store->model, model) == 0 && bound == dimension)
		return 0;
	int rc = db_integer(store->rows.db,
		"SELECT EXISTS(SELECT 1 FROM embeddings JOIN editions USING (edition)"
		" WHERE NOT is_gone)",
		&is_used, err);
	if (rc)
		return rc;
	if (is_used)
		return err_set(err, -EINVAL,
			"the index holds embeddings of %s (%zu numbers each), not of %s (%zu)",
			store->model ? store->model : "?", bound, model, dimension);
	return bind(store, model, dimension, err);
}

static int embed_rows(struct store *store, struct row_embedding *embeddings, size_t count,
	uint32_t edition, uint32_t first, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		embeddings[i].edition = edition;
		embeddings[i].index = first + (uint32_t)i;
		rc = rows_chunk_find(
			&store->rows, edition, embeddings[i].index, &embeddings[i].chunk, err);
		if (!rc)
			rc = rows_embed(
				&store->rows, &embeddings[i], dense_dimension(store->dense), err);
	}
	return rc ? rc : store_commit(store, err);
}

static int add_records(
	struct store *store, const struct row_embedding *embeddings, size_t count, struct err *err)
{
	int rc = 0;

	pthread_rwlock_wrlock(&store->lock);
	for (size_t i = 0; i < count && !rc; i++) {
		struct dense_item item = {embeddings[i].number, embeddings[i].chunk,
			embeddings[i].edition, embeddings[i].index};
		if (embeddings[i].is_replaced)
			rc = dense_forget(store->dense, item.chunk, err);
		if (!rc)
			rc = dense_add(store->dense, &item, embeddings[i].vector, err);
	}
	pthread_rwlock_unlock(&store->lock);
	return rc;
}

int store_embed(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t first, const float *embeddings, size_t count, size_t dimension, const char *model,
	struct err *err)
{
	struct store *store = store_of(vectors);
	AUTO_FREE struct row_embedding *list = calloc(count + 1, sizeof(*list));

	if (!list)
		return no_memory(err);
	for (size_t i = 0; i < count; i++)
		list[i].vector = embeddings + i * dimension;
	pthread_mutex_lock(&store->write_lock);
	uint32_t edition = store_edition(store, document, version);
	int rc = edition ? 0 : err_set(err, -ENOENT, "there is no version %u", version);
	if (!rc)
		rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = check_binding(store, model, dimension, err);
	if (!rc)
		rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = embed_rows(store, list, count, edition, first, err);
	if (rc)
		store_note_failure(store);
	if (!rc)
		rc = add_records(store, list, count, err);
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

int store_dense(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	struct store *store = store_of(vectors);
	struct search search;

	int rc = search_begin(&search, store, query, err);
	if (rc)
		return rc;
	const struct dense *dense = store->dense;
	if (dense && dense_count(dense) && dense_dimension(dense) != query->dimension)
		rc = err_set(err, -EINVAL, "the index holds embeddings of %zu numbers, not %zu",
			dense_dimension(dense), query->dimension);
	else if (dense && dense_count(dense) &&
		dense_search(dense, query->embedding, roster_admits, &search.filter, &search.best))
		rc = no_memory(err);
	return search_end(&search, rc, out, err);
}

/* Append the rows that the file lacks. */
static int catch_up(struct store *store, struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	size_t bytes = dense_dimension(store->dense) * sizeof(float);
	int rc = db_prepare(store->rows.db, &statement,
		"SELECT number, chunk, edition, chunk_index, vector FROM embeddings"
		" WHERE number > ?1 ORDER BY number",
		err);

	if (rc)
		return rc;
	db_bind_int(statement, 1, (int64_t)dense_last_number(store->dense));
	while ((rc = db_step(statement, err)) == 1) {
		struct dense_item item = {(uint64_t)db_int(statement, 0),
			(uint64_t)db_int(statement, 1), (uint32_t)db_int(statement, 2),
			(uint32_t)db_int(statement, 3)};
		const void *vector = sqlite3_column_blob(statement, 4);
		if (!vector || sqlite3_column_bytes(statement, 4) != (int)bytes)
			return err_set(err, -EIO, "vectors.db: embedding %llu is damaged",
				(unsigned long long)item.number);
		rc = dense_add(store->dense, &item, vector, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* A file of which more than half is gone, or that knows more than the rows, begins anew. */
static int prune(struct store *store, struct err *err)
{
	int64_t rows, last;
	int rc = db_integer(store->rows.db, "SELECT count(*) FROM embeddings", &rows, err);

	if (!rc)
		rc = db_integer(store->rows.db,
			"SELECT max(seq) FROM sqlite_sequence WHERE name = 'embeddings'", &last,
			err);
	if (rc)
		return rc;
	if (dense_last_number(store->dense) <= (uint64_t)last &&
		dense_count(store->dense) <= 2 * (size_t)rows + 1000)
		return 0;
	return dense_clear(store->dense, err);
}

int store_load_embeddings(struct store *store, struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	int rc =
		db_prepare(store->rows.db, &statement, "SELECT dimension, model FROM binding", err);

	if (!rc)
		rc = db_step(statement, err);
	if (rc != 1)
		return rc;
	size_t dimension = (size_t)db_int(statement, 0);
	store->model = db_copy(statement, 1, NULL);
	db_reset(statement);
	if (!store->model)
		return no_memory(err);
	rc = open_dense(store, dimension, err);
	if (!rc)
		rc = prune(store, err);
	return rc ? rc : catch_up(store, err);
}
