/* SPDX-License-Identifier: Apache-2.0 */
/* One thread beside the store. At start it counts the words of chunks that no segment covers
 * (after a crash: what was in memory; after the loss of a file: what that covered). Then it
 * waits to be woken, and writes full parts out, merges segments, and deletes rows of what is
 * gone. When nothing was added for a while it lets the part that grows be written out too, so
 * that an idle store holds little memory and a crash costs little work. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/lexical/bag.h"
#include "core/local/vectors/store.h"
#include "core/log.h"

/* Full parts in memory beyond which adding waits. */
#define SEALED_MAX 2

/* After a failure (a full disk) the next try waits this long. */
#define RETRY_MS 1000

static bool is_stopping(struct store *store)
{
	pthread_mutex_lock(&store->keeper_lock);
	bool is = store->is_stopping;
	pthread_mutex_unlock(&store->keeper_lock);
	return is;
}

/* Do one piece of maintenance: 1 done, 0 there is nothing to do, -errno. */
static int maintain(struct store *store, struct err *err)
{
	struct lexical_plan *plan = NULL;

	pthread_rwlock_rdlock(&store->lock);
	bool is_due = lexical_plan(store->lexical, &plan);
	pthread_rwlock_unlock(&store->lock);
	if (!is_due)
		return 0;
	int rc = plan ? lexical_plan_make(plan, err) : err_set(err, -ENOMEM, "out of memory");
	if (!rc) {
		pthread_rwlock_wrlock(&store->lock);
		lexical_plan_install(store->lexical, plan);
		pthread_rwlock_unlock(&store->lock);
	}
	lexical_plan_free(plan);
	return rc ? rc : 1;
}

static int collect(struct store *store, struct err *err)
{
	pthread_mutex_lock(&store->write_lock);
	int rc = rows_collect(&store->rows, err);
	if (rc == 1) {
		int committed = store_commit(store, err);
		rc = committed ? committed : 1;
	} else if (rc < 0) {
		store_note_failure(store);
	}
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

/* Read a gap's chunks into a part, up to its size's limit; @last becomes what is covered. */
static int read_gap(struct store *store, sqlite3_stmt *statement, struct memory_part *part,
	uint64_t *last, struct err *err)
{
	struct bag bag;
	int rc;

	bag_init(&bag);
	while ((rc = db_step(statement, err)) == 1) {
		const char *text = db_text(statement, 5);
		struct chunk chunk = {
			.heading = db_text(statement, 4),
			.text = text ? text : "",
			.text_len = (size_t)sqlite3_column_bytes(statement, 5),
		};
		struct indexed_chunk indexed = {(uint64_t)db_int(statement, 0),
			(uint32_t)db_int(statement, 1), (uint32_t)db_int(statement, 2), false};
		if (bag_fill(&bag, db_text(statement, 3), &chunk) ||
			memory_part_add(part, &indexed, &bag)) {
			rc = err_set(err, -ENOMEM, "out of memory");
			break;
		}
		if (memory_part_bytes(part) > store->options.memory_max) {
			*last = indexed.id;
			rc = 0;
			break;
		}
	}
	bag_release(&bag);
	return rc;
}

static int fill_gap(struct store *store, uint64_t first, uint64_t last, struct err *err)
{
	AUTO_STATEMENT sqlite3_stmt *statement = NULL;
	struct memory_part *part = NULL;
	struct reader *reader;

	int rc = reader_take(store, &reader, err);
	if (rc)
		return rc;
	rc = db_prepare(reader->db, &statement,
		"SELECT id, edition, number, title, heading, text FROM chunks"
		" WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
		err);
	if (!rc && memory_part_new(&part, first))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc) {
		db_bind_int(statement, 1, (int64_t)first);
		db_bind_int(statement, 2, (int64_t)last);
		rc = read_gap(store, statement, part, &last, err);
	}
	sqlite3_finalize(statement);
	statement = NULL;
	reader_give(store, reader);
	if (rc) {
		if (part)
			part_free(memory_part_part(part));
		return rc;
	}
	pthread_rwlock_wrlock(&store->lock);
	rc = lexical_fill(store->lexical, part, last);
	pthread_rwlock_unlock(&store->lock);
	return rc ? err_set(err, rc, "out of memory") : 0;
}

/* Fill the first gap, or its beginning: 1 done, 0 there is none, -errno. */
static int complete(struct store *store, struct err *err)
{
	uint64_t first, last;

	pthread_rwlock_rdlock(&store->lock);
	bool is_there = lexical_gap(store->lexical, &first, &last);
	bool is_full = lexical_sealed_count(store->lexical) >= SEALED_MAX;
	pthread_rwlock_unlock(&store->lock);
	if (!is_there)
		return 0;
	int rc = is_full ? maintain(store, err) : fill_gap(store, first, last, err);
	return rc < 0 ? rc : 1;
}

static void set_complete(struct store *store)
{
	pthread_mutex_lock(&store->keeper_lock);
	store->is_complete = true;
	pthread_cond_broadcast(&store->keeper_done);
	pthread_mutex_unlock(&store->keeper_lock);
}

/* All that is to be done now. */
static int work(struct store *store, struct err *err)
{
	int rc;

	while ((rc = complete(store, err)) == 1)
		if (is_stopping(store))
			return 0;
	set_complete(store);
	while (rc >= 0 && !is_stopping(store)) {
		rc = maintain(store, err);
		pthread_mutex_lock(&store->keeper_lock);
		pthread_cond_broadcast(&store->keeper_done);
		pthread_mutex_unlock(&store->keeper_lock);
		if (rc == 0)
			rc = collect(store, err);
		if (rc == 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

/* Is the part that grows worth a file? */
static bool has_grown(struct store *store)
{
	pthread_rwlock_rdlock(&store->lock);
	bool has = lexical_growing_bytes(store->lexical) > KEEPER_IDLE_BYTES;
	pthread_rwlock_unlock(&store->lock);
	return has;
}

static void seal_idle(struct store *store)
{
	struct err err = ERR_NONE;

	pthread_mutex_lock(&store->write_lock);
	if (has_grown(store) && !store_commit(store, &err)) {
		pthread_rwlock_wrlock(&store->lock);
		lexical_seal(store->lexical);
		pthread_rwlock_unlock(&store->lock);
	}
	sqlite3_db_release_memory(store->rows.db);
	pthread_mutex_unlock(&store->write_lock);
}

static struct timespec in_ms(int64_t ms)
{
	return clock_timespec(clock_mono_ns() + ms * NS_PER_MS);
}

/* Sleep until there is something to do; true if nothing was added for a while. An idle store
 * is not woken at all. */
static bool sleep_until_woken(struct store *store, int rc)
{
	bool is_timed = rc || has_grown(store);
	struct timespec deadline = in_ms(rc ? RETRY_MS : store->options.idle_ms);
	int over = 0;

	pthread_mutex_lock(&store->keeper_lock);
	store->keeper_rc = rc;
	pthread_cond_broadcast(&store->keeper_done);
	while (!over && !store->is_stopping && (rc || !store->has_work)) {
		if (is_timed)
			over = pthread_cond_timedwait(
				&store->keeper_wake, &store->keeper_lock, &deadline);
		else
			pthread_cond_wait(&store->keeper_wake, &store->keeper_lock);
	}
	bool is_idle = !store->has_work &&
		clock_mono_ns() - store->last_add_ns >= store->options.idle_ms * NS_PER_MS;
	store->has_work = false;
	pthread_mutex_unlock(&store->keeper_lock);
	return is_idle;
}

/* Bits of the embeddings, made while searches go on. */
static void make_bits(struct store *store)
{
	struct dense_making *making = NULL;
	int rc = 1;

	pthread_rwlock_rdlock(&store->lock);
	bool is_wanted = store->dense && dense_wants_bits(store->dense);
	if (is_wanted && dense_bits_begin(store->dense, &making))
		log_warn("no bits of the embeddings: searches go on without");
	const struct dense *of = store->dense;
	pthread_rwlock_unlock(&store->lock);
	if (!making)
		return;
	while (rc == 1 && !is_stopping(store)) {
		pthread_rwlock_rdlock(&store->lock);
		rc = store->dense == of ? dense_bits_more(store->dense, making) : 0;
		pthread_rwlock_unlock(&store->lock);
	}
	pthread_rwlock_wrlock(&store->lock);
	if (store->dense == of)
		dense_bits_end(store->dense, making);
	else
		dense_making_free(making);
	pthread_rwlock_unlock(&store->lock);
}

static void *keep(void *context)
{
	struct store *store = context;
	bool is_idle = false;

	while (!is_stopping(store)) {
		struct err err = ERR_NONE;
		int rc = work(store, &err);
		if (rc)
			log_warn("vectors: %s", err.text);
		make_bits(store);
		if (is_idle)
			malloc_trim(0);
		is_idle = sleep_until_woken(store, rc);
		if (is_idle)
			seal_idle(store);
	}
	return NULL;
}

int keeper_start(struct store *store)
{
	int rc = pthread_create(&store->keeper, NULL, keep, store);

	if (rc)
		return -rc;
	pthread_setname_np(store->keeper, "vectors");
	store->has_keeper = true;
	return 0;
}

void keeper_stop(struct store *store)
{
	pthread_mutex_lock(&store->keeper_lock);
	store->is_stopping = true;
	pthread_cond_broadcast(&store->keeper_wake);
	pthread_mutex_unlock(&store->keeper_lock);
	pthread_join(store->keeper, NULL);
	store->has_keeper = false;
}

void keeper_wake(struct store *store)
{
	pthread_mutex_lock(&store->keeper_lock);
	store->has_work = true;
	pthread_cond_signal(&store->keeper_wake);
	pthread_mutex_unlock(&store->keeper_lock);
}

int keeper_wait_complete(struct store *store, struct err *err)
{
	pthread_mutex_lock(&store->keeper_lock);
	while (!store->is_complete && !store->keeper_rc)
		pthread_cond_wait(&store->keeper_done, &store->keeper_lock);
	int rc = store->is_complete ? 0 : store->keeper_rc;
	pthread_mutex_unlock(&store->keeper_lock);
	if (!rc)
		return 0;
	return err_set(err, rc, "the words' index cannot be made complete: %s", strerror(-rc));
}

static size_t sealed_count(struct store *store)
{
	pthread_rwlock_rdlock(&store->lock);
	size_t count = lexical_sealed_count(store->lexical);
	pthread_rwlock_unlock(&store->lock);
	return count;
}

int keeper_wait_room(struct store *store)
{
	int rc = 0;

	while (!rc && sealed_count(store) >= SEALED_MAX) {
		struct timespec deadline = in_ms(20);
		pthread_mutex_lock(&store->keeper_lock);
		pthread_cond_timedwait(&store->keeper_done, &store->keeper_lock, &deadline);
		rc = store->keeper_rc;
		pthread_mutex_unlock(&store->keeper_lock);
	}
	pthread_mutex_lock(&store->keeper_lock);
	store->last_add_ns = clock_mono_ns();
	pthread_mutex_unlock(&store->keeper_lock);
	return rc;
}

void keeper_finish(struct store *store)
{
	struct err err = ERR_NONE;
	int rc = store_flush(store, &err);

	if (!rc && lexical_seal(store->lexical))
		rc = err_set(&err, -ENOMEM, "out of memory");
	while (!rc && lexical_sealed_count(store->lexical) > 0) {
		rc = maintain(store, &err);
		rc = rc < 0 ? rc : 0;
	}
	if (rc)
		log_warn("vectors: %s", err.text);
}
