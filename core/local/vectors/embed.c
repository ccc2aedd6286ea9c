/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings: the row first, committed, then the record in the flat file. A death in between
 * leaves the file behind the rows, by number, and it catches up when it is opened. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/vectors/codes.h"
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

/* 0: it is bound to that model; 1: to nothing, or to what nothing is left of; -EINVAL. */
static int look_at_binding(
	struct store *store, const char *model, size_t dimension, struct err *err)
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
	return 1;
}

static int check_binding(struct store *store, const char *model, size_t dimension, struct err *err)
{
	int rc = look_at_binding(store, model, dimension, err);

	return rc == 1 ? bind(store, model, dimension, err) : rc;
}

int store_accepts(struct vectors *vectors, const char *model, size_t dimension, struct err *err)
{
	struct store *store = store_of(vectors);

	pthread_mutex_lock(&store->write_lock);
	int rc = look_at_binding(store, model, dimension, err);
	pthread_mutex_unlock(&store->write_lock);
	return rc == 1 ? 0 : rc;
}

int store_unembed(struct vectors *vectors, struct err *err)
{
	struct store *store = store_of(vectors);

	pthread_mutex_lock(&store->write_lock);
	int rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = db_exec(store->rows.db, "DELETE FROM embeddings; DELETE FROM binding", err);
	rc = rc ? rc : store_commit(store, err);
	if (rc)
		store_note_failure(store);
	pthread_rwlock_wrlock(&store->lock);
	if (!rc && store->dense)
		rc = dense_clear(store->dense, err);
	if (!rc) {
		free(store->model);
		store->model = NULL;
	}
	pthread_rwlock_unlock(&store->lock);
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

/* What a row holds into the flat file. Under write_lock and lock. */
static int add_records(struct store *store, const struct row_embedding *row, struct err *err)
{
	size_t dimension = dense_dimension(store->dense);
	ssize_t count = codes_count(row->size, dimension);
	const struct dense_item item = {row->number, row->chunk, row->edition, row->index};
	int rc = row->is_replaced ? dense_forget(store->dense, row->chunk, err) : 0;

	for (ssize_t i = 0; i < count && !rc; i++) {
		struct dense_code code = codes_at(row->codes, dimension, (size_t)i, NULL);
		rc = dense_add(store->dense, &item, &code, err);
	}
	return rc;
}

static int embed_chunk(struct store *store, struct row_embedding *row, struct err *err)
{
	int rc = rows_chunk_find(&store->rows, row->edition, row->index, &row->chunk, err);

	if (!rc)
		rc = rows_embed(&store->rows, row, err);
	if (!rc)
		rc = store_commit(store, err);
	if (rc) {
		store_note_failure(store);
		return rc;
	}
	pthread_rwlock_wrlock(&store->lock);
	rc = add_records(store, row, err);
	bool wants_bits = dense_wants_bits(store->dense);
	pthread_rwlock_unlock(&store->lock);
	if (wants_bits)
		keeper_wake(store);
	return rc;
}

int store_embed(struct vectors *vectors, const struct uuid *document, uint32_t version,
	const struct embedding *embedding, size_t dimension, const char *model, struct err *err)
{
	struct store *store = store_of(vectors);
	AUTO_BUF struct buf codes;

	buf_init(&codes, BUF_MAX_DEFAULT);
	if (codes_pack(embedding, dimension, &codes))
		return no_memory(err);
	pthread_mutex_lock(&store->write_lock);
	struct row_embedding row = {.edition = store_edition(store, document, version),
		.index = embedding->index,
		.codes = codes.data ? codes.data : "",
		.size = codes.len};
	int rc = row.edition ? 0 : err_set(err, -ENOENT, "there is no version %u", version);
	if (!rc)
		rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = check_binding(store, model, dimension, err);
	if (!rc)
		rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = embed_chunk(store, &row, err);
	else
		store_note_failure(store);
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

/* What a row's codes say to the embedding. */
static int measure(sqlite3_stmt *statement, const float *embedding, size_t dimension,
	struct nearness **out, size_t *count)
{
	const void *codes = sqlite3_column_blob(statement, 0);
	ssize_t found = codes_count((size_t)sqlite3_column_bytes(statement, 0), dimension);
	size_t room = found > 0 ? (size_t)found : 0;
	struct nearness *list = calloc(room + 1, sizeof(*list));
	AUTO_FREE int8_t *packed = malloc(dimension + 1);

	if (!list || !packed) {
		free(list);
		return -ENOMEM;
	}
	double scale = (double)dense_pack(embedding, dimension, packed);
	for (size_t i = 0; i < room; i++) {
		struct dense_code code = codes_at(codes, dimension, i, &list[i].span);
		list[i].cosine = (double)dense_product(code.numbers, packed, dimension) * scale *
			(double)code.scale;
	}
	*out = list;
	*count = room;
	return 0;
}

int store_similar(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t index, const float *embedding, size_t dimension, struct nearness **out,
	size_t *count, struct err *err)
{
	struct store *store = store_of(vectors);
	struct reader *reader;
	bool is_dirty;
	uint32_t edition = store_find_edition(store, document, version, &is_dirty);
	int rc = is_dirty ? store_flush(store, err) : 0;

	if (rc || !edition)
		return rc;
	rc = reader_take(store, &reader, err);
	if (rc)
		return rc;
	db_bind_int(reader->codes, 1, edition);
	db_bind_int(reader->codes, 2, index);
	db_bind_int(reader->codes, 3, (int64_t)dimension);
	rc = db_step(reader->codes, err);
	if (rc == 1 && measure(reader->codes, embedding, dimension, out, count))
		rc = no_memory(err);
	db_reset(reader->codes);
	reader_give(store, reader);
	return rc < 0 ? rc : 0;
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
	if (query->model && store->model && strcmp(query->model, store->model) != 0)
		dense = NULL; /* nothing is near to what another model says */
	if (dense && dense_count(dense) && dense_dimension(dense) != query->dimension)
		rc = err_set(err, -EINVAL, "the index holds embeddings of %zu numbers, not %zu",
			dense_dimension(dense), query->dimension);
	else if (dense && dense_count(dense) &&
		dense_search(dense, query->embedding, roster_admits, &search.filter, &search.best))
		rc = no_memory(err);
	return search_end(&search, rc, out, err);
}

static int damaged(uint64_t number, struct err *err)
{
	return err_set(
		err, -EIO, "vectors.db: embedding %llu is damaged", (unsigned long long)number);
}

/* Append the rows that the file lacks. The last one that it has may not be whole. */
static int catch_up(struct store *store, struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	uint64_t last = dense_last_number(store->dense);
	int rc = db_prepare(store->rows.db, &statement,
		"SELECT number, chunk, edition, chunk_index, codes FROM embeddings"
		" WHERE number >= ?1 ORDER BY number",
		err);

	if (rc)
		return rc;
	db_bind_int(statement, 1, (int64_t)last);
	while ((rc = db_step(statement, err)) == 1) {
		struct row_embedding row = {.number = (uint64_t)db_int(statement, 0),
			.chunk = (uint64_t)db_int(statement, 1),
			.edition = (uint32_t)db_int(statement, 2),
			.index = (uint32_t)db_int(statement, 3),
			.codes = sqlite3_column_blob(statement, 4),
			.size = (size_t)sqlite3_column_bytes(statement, 4)};
		row.is_replaced = row.number == last;
		if (codes_count(row.size, dense_dimension(store->dense)) < 0)
			return damaged(row.number, err);
		rc = add_records(store, &row, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* A file of which more than half is gone, or that knows more than the rows, begins anew. */
static int prune(struct store *store, struct err *err)
{
	size_t dimension = dense_dimension(store->dense);
	int64_t rows, last;
	int rc = db_integer(store->rows.db,
		"SELECT coalesce(sum(length(codes)), 0) FROM embeddings", &rows, err);

	if (!rc)
		rc = db_integer(store->rows.db,
			"SELECT max(seq) FROM sqlite_sequence WHERE name = 'embeddings'", &last,
			err);
	if (rc)
		return rc;
	if (dense_last_number(store->dense) <= (uint64_t)last &&
		dense_count(store->dense) <= 2 * (size_t)rows / dimension + 1000)
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
