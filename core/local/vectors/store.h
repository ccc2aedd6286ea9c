/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter's insides, shared by the files of this folder. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_STORE_H
#define ASKFS_CORE_LOCAL_VECTORS_STORE_H

#include <pthread.h>

#include "core/local/dense.h"
#include "core/local/vectors/roster.h"
#include "core/local/vectors/rows.h"
#include "core/local/vectors_sqlite.h"

/* A connection of a search, kept for the next one. */
struct reader {
	struct reader *next;
	sqlite3 *db;
	sqlite3_stmt *begin, *touch, *commit, *chunk, *chunks, *codes, *paths;
};

#define READERS_KEPT 4

/* Locks in the order in which they are taken, where two are held: write_lock, lock. The
 * others are taken alone. */
struct store {
	struct vectors vectors;
	char *folder, *path; /* constant; path: of vectors.db */
	struct vectors_sqlite_options options; /* constant */

	pthread_mutex_t write_lock; /* whoever changes something */
	struct rows rows; /* write_lock */
	uint64_t next_id; /* write_lock: of the next chunk */
	uint32_t next_edition; /* write_lock */

	pthread_rwlock_t lock; /* searches read; what is seen by them changes under it */
	struct roster roster; /* lock */
	struct lexical *lexical; /* lock */
	struct dense *dense; /* lock; NULL until something was embedded */
	char *model; /* lock; what the embeddings are bound to */

	pthread_mutex_t readers_lock;
	struct reader *readers; /* readers_lock */
	size_t reader_count; /* readers_lock */

	pthread_mutex_t keeper_lock;
	pthread_cond_t keeper_wake, keeper_done;
	bool is_stopping; /* keeper_lock */
	bool has_work; /* keeper_lock */
	bool is_complete; /* keeper_lock: the words' index covers all chunks */
	int keeper_rc; /* keeper_lock: of its last work that failed, 0 after a success */
	int64_t last_add_ns; /* keeper_lock */
	pthread_t keeper;
	bool has_keeper;
};

static inline struct store *store_of(struct vectors *vectors)
{
	return (struct store *)vectors;
}

/* readers.c: a connection with a transaction that sees what is committed now. */
int reader_take(struct store *store, struct reader **out, struct err *err);
int reader_begin(struct reader *reader, struct err *err);
void reader_give(struct store *store, struct reader *reader);
void readers_close(struct store *store);

/* The columns of reader->chunk and reader->chunks, in order. Text and heading are the
 * statement's. */
struct chunk reader_chunk(sqlite3_stmt *statement);

/* keeper.c: the thread that writes parts of the index out, merges them, deletes what is
 * gone, and reads what the index lacks at start. */
int keeper_start(struct store *store);
void keeper_stop(struct store *store); /* only after keeper_start */
void keeper_wake(struct store *store);

/* A part that grows and is smaller is not worth a file while the store is idle; whoever makes
 * it larger wakes the keeper. */
#define KEEPER_IDLE_BYTES ((size_t)512 << 10)

/* Wait until the index covers all chunks; any thread without a lock. -errno if it cannot be
 * made complete (it is tried again). */
int keeper_wait_complete(struct store *store, struct err *err);

/* Wait until few full parts are left to write out. 0, or the -errno that writing them met. */
int keeper_wait_room(struct store *store);

/* Write the whole index out; no other thread is left. */
void keeper_finish(struct store *store);

/* write.c */
int store_add(struct vectors *, const struct uuid *document, uint32_t version, const char *title,
	const struct chunk *chunks, size_t count, struct err *);
int store_publish(
	struct vectors *, const struct publication *publications, size_t count, struct err *);
int store_discard(struct vectors *, const struct uuid *document, uint32_t version, struct err *);
int store_set_access(
	struct vectors *, const struct uuid *document, const struct access *, struct err *);
int store_set_path(struct vectors *, const struct uuid *document, const char *path, struct err *);
int store_remove(struct vectors *, const struct uuid *document, struct err *);

/* Commit what is open, for a reader that must see it. Without a lock. */
int store_flush(struct store *store, struct err *err);

/* After a failure, under write_lock: what was rolled back is known to be lost. */
void store_note_failure(struct store *store);

/* Commit, under write_lock. */
int store_commit(struct store *store, struct err *err);

/* The edition of a version, published or not; 0: unknown. Under write_lock. */
uint32_t store_edition(struct store *store, const struct uuid *document, uint32_t version);

/* embed.c */
int store_embed(struct vectors *, const struct uuid *document, uint32_t version,
	const struct embedding *, size_t dimension, const char *model, struct err *);
int store_accepts(struct vectors *, const char *model, size_t dimension, struct err *);
int store_unembed(struct vectors *, struct err *);
int store_similar(struct vectors *, const struct uuid *document, uint32_t version, uint32_t index,
	const float *embedding, size_t dimension, struct nearness **out, size_t *count,
	struct err *);
int store_dense(
	struct vectors *, const struct search_query *, struct search_result *out, struct err *);

/* Open the file of embeddings and bring it up to date with the rows. At start. */
int store_load_embeddings(struct store *store, struct err *err);

/* search.c */
int store_words(
	struct vectors *, const struct search_query *, struct search_result *out, struct err *);
int store_chunks(struct vectors *, const struct uuid *document, uint32_t version, uint32_t first,
	uint32_t count, vectors_chunk_fn, void *context, struct err *);
int store_each(struct vectors *,
	int (*callback)(void *context, const struct uuid *document, uint32_t version),
	void *context, struct err *);

/* The edition of a version, published or not, 0: unknown; and whether its rows may still be
 * uncommitted. Without a lock. */
uint32_t store_find_edition(
	struct store *store, const struct uuid *document, uint32_t version, bool *is_dirty);

/* A search's way: begin takes store->lock for reading, a reader and the filter; end gives the
 * lock back, fetches what is in @best into @out and gives the reader back; after a failure
 * of begin there is nothing to end. */
struct search {
	struct store *store;
	struct reader *reader;
	struct roster_filter filter;
	struct best best;
	bool is_bare;
};
int search_begin(struct search *search, struct store *store, const struct search_query *query,
	struct err *err);
int search_end(struct search *search, int rc, struct search_result *out, struct err *err);

#endif
