/* SPDX-License-Identifier: Apache-2.0 */
/* What changes the store. Chunks go into a transaction that stays open until something is
 * published (or until it holds a few MiB), so that many small documents cost one commit; what
 * dies uncommitted was not published. Words go into the index at the same time, where they
 * are not live until the edition is in the roster.
 *
 * The rows are committed first, then the roster changes under the lock, in one step for all
 * documents of a call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/local/lexical/bag.h"
#include "core/local/vectors/store.h"

/* Chunks whose words are counted before the locks are taken for them. */
#define ADD_BATCH 16

/* Bytes of chunks that an open transaction holds at most. */
#define TRANSACTION_MAX ((size_t)4 << 20)

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

int store_commit(struct store *store, struct err *err)
{
	int rc = rows_commit(&store->rows, err);

	if (rc) {
		store_note_failure(store);
		return rc;
	}
	pthread_rwlock_wrlock(&store->lock);
	for (size_t i = 0; i < store->roster.pending_count; i++)
		store->roster.pending[i].is_dirty = false;
	pthread_rwlock_unlock(&store->lock);
	return 0;
}

void store_note_failure(struct store *store)
{
	if (rows_is_open(&store->rows))
		return;
	pthread_rwlock_wrlock(&store->lock);
	for (size_t i = 0; i < store->roster.pending_count; i++) {
		struct pending *pending = &store->roster.pending[i];
		pending->is_lost |= pending->is_dirty;
		pending->is_dirty = false;
	}
	pthread_rwlock_unlock(&store->lock);
}

int store_flush(struct store *store, struct err *err)
{
	pthread_mutex_lock(&store->write_lock);
	int rc = rows_is_open(&store->rows) ? store_commit(store, err) : 0;
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

uint32_t store_edition(struct store *store, const struct uuid *document, uint32_t version)
{
	const struct roster_entry *entry = roster_find(&store->roster, document);
	const struct pending *pending = roster_pending(&store->roster, document, version);

	if (entry && entry->version == version)
		return entry->edition;
	return pending ? pending->edition : 0;
}

/* Let the version have an edition if it has none. Under write_lock. */
static int make_edition(struct store *store, const struct uuid *document, uint32_t version,
	uint32_t *edition, struct err *err)
{
	struct pending new = {.document = *document, .version = version, .first = 1, .last = 0};

	*edition = store_edition(store, document, version);
	if (*edition)
		return 0;
	new.edition = *edition = store->next_edition++;
	new.is_dirty = true;
	int rc = rows_edition_new(&store->rows, &new, err);
	if (rc)
		return rc;
	pthread_rwlock_wrlock(&store->lock);
	rc = roster_pending_add(&store->roster, &new);
	pthread_rwlock_unlock(&store->lock);
	return rc ? no_memory(err) : 0;
}

/* Chunks being added, with their words. */
struct addition {
	const struct uuid *document;
	uint32_t version, edition;
	const char *title;
	const struct chunk *chunks;
	struct bag *bags;
	size_t count;
};

/* The words of a chunk that is in the rows. Under write_lock and lock. */
static int index_chunk(struct store *store, const struct addition *addition, size_t i, uint64_t id,
	uint64_t replaced)
{
	struct pending *pending =
		roster_pending(&store->roster, addition->document, addition->version);

	if (pending->first > pending->last)
		pending->first = id;
	pending->last = id;
	pending->is_dirty = true;
	if (replaced && lexical_kill(store->lexical, replaced))
		return -ENOMEM;
	return lexical_add(store->lexical, id, addition->edition, addition->chunks[i].index,
		&addition->bags[i]);
}

static int add_chunk(
	struct store *store, const struct addition *addition, size_t i, struct err *err)
{
	uint64_t id = store->next_id++, replaced;
	int rc = rows_chunk_put(&store->rows, id, addition->edition, addition->title,
		&addition->chunks[i], &replaced, err);

	if (rc)
		return rc;
	pthread_rwlock_wrlock(&store->lock);
	rc = index_chunk(store, addition, i, id, replaced);
	if (!rc && replaced && store->dense)
		rc = dense_forget(store->dense, replaced, err);
	pthread_rwlock_unlock(&store->lock);
	return rc == -ENOMEM ? no_memory(err) : rc;
}

/* A part that is written out names only rows that are committed. */
static int seal(struct store *store, struct err *err)
{
	int rc = store_commit(store, err);

	if (rc)
		return rc;
	pthread_rwlock_wrlock(&store->lock);
	rc = lexical_seal(store->lexical);
	pthread_rwlock_unlock(&store->lock);
	keeper_wake(store);
	return rc ? no_memory(err) : 0;
}

static int check_version(
	struct store *store, const struct uuid *document, uint32_t version, struct err *err)
{
	const struct roster_entry *entry = roster_find(&store->roster, document);
	const struct pending *pending = roster_pending(&store->roster, document, version);

	if (entry && entry->version == version)
		return err_set(err, -EINVAL, "version %u is published already", version);
	if (pending && pending->is_lost)
		return err_set(err, -EIO, "chunks of version %u were lost: begin again", version);
	return 0;
}

static int add_locked(struct store *store, struct addition *addition, struct err *err)
{
	size_t before = lexical_growing_bytes(store->lexical), after;
	int rc = check_version(store, addition->document, addition->version, err);

	if (!rc)
		rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = make_edition(
			store, addition->document, addition->version, &addition->edition, err);
	for (size_t i = 0; i < addition->count && !rc; i++)
		rc = add_chunk(store, addition, i, err);
	if (rc)
		store_note_failure(store);
	if (!rc && store->rows.pending_bytes > TRANSACTION_MAX)
		rc = store_commit(store, err);
	after = lexical_growing_bytes(store->lexical);
	if (!rc && after > store->options.memory_max)
		rc = seal(store, err);
	else if (before <= KEEPER_IDLE_BYTES && after > KEEPER_IDLE_BYTES)
		keeper_wake(store);
	return rc;
}

static int add_batch(struct store *store, struct addition *addition, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < addition->count && !rc; i++)
		rc = bag_fill(&addition->bags[i], addition->title, &addition->chunks[i]);
	if (rc)
		return no_memory(err);
	rc = keeper_wait_room(store);
	if (rc)
		return err_set(err, rc, "the words' index cannot be written: %s", strerror(-rc));
	pthread_mutex_lock(&store->write_lock);
	rc = add_locked(store, addition, err);
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

int store_add(struct vectors *vectors, const struct uuid *document, uint32_t version,
	const char *title, const struct chunk *chunks, size_t count, struct err *err)
{
	struct bag bags[ADD_BATCH];
	struct addition addition = {
		.document = document,
		.version = version,
		.title = title,
		.bags = bags,
	};
	int rc = 0;

	for (size_t i = 0; i < ADD_BATCH; i++)
		bag_init(&bags[i]);
	for (size_t done = 0; done < count && !rc; done += addition.count) {
		addition.chunks = chunks + done;
		addition.count = count - done < ADD_BATCH ? count - done : ADD_BATCH;
		rc = add_batch(store_of(vectors), &addition, err);
	}
	for (size_t i = 0; i < ADD_BATCH; i++)
		bag_release(&bags[i]);
	return rc;
}

/* The roster's entry for a publication. Under write_lock. */
static int make_entry(struct store *store, const struct publication *publication,
	struct roster_entry *entry, struct err *err)
{
	const char *type = publication->content_type ? publication->content_type : "";
	const struct roster_entry *have = roster_find(&store->roster, &publication->document);
	const struct pending *pending;

	*entry = (struct roster_entry){.first = 1};
	if (have && have->version == publication->version)
		*entry = *have;
	entry->document = publication->document;
	entry->version = publication->version;
	entry->access = publication->access;
	int rc = make_edition(store, &entry->document, entry->version, &entry->edition, err);
	if (rc)
		return rc;
	pending = roster_pending(&store->roster, &entry->document, entry->version);
	if (pending && pending->is_lost)
		return err_set(err, -EIO, "chunks of version %u were lost: add them again",
			entry->version);
	if (pending) {
		entry->first = pending->first;
		entry->last = pending->last;
	}
	pthread_rwlock_wrlock(&store->lock);
	rc = roster_type(&store->roster, type, &entry->type);
	pthread_rwlock_unlock(&store->lock);
	return rc ? err_set(err, rc, "content types: %s", strerror(-rc)) : 0;
}

static void drop_pending(struct roster *roster, const struct uuid *document)
{
	for (size_t i = roster->pending_count; i-- > 0;)
		if (uuid_equal(&roster->pending[i].document, document))
			roster_pending_remove(roster, &roster->pending[i]);
}

static void hide(struct store *store, const struct uuid *document)
{
	const struct roster_entry *have = roster_find(&store->roster, document);

	if (have)
		lexical_set_live(store->lexical, have->edition, have->first, have->last, false);
}

/* Under write_lock and lock. */
static void show(struct store *store, const struct roster_entry *entry)
{
	hide(store, &entry->document);
	drop_pending(&store->roster, &entry->document);
	roster_put(&store->roster, entry);
	lexical_set_live(store->lexical, entry->edition, entry->first, entry->last, true);
}

static int publish_rows(struct store *store, const struct publication *publications,
	struct roster_entry *entries, size_t count, struct err *err)
{
	int rc = rows_begin(&store->rows, err);

	for (size_t i = 0; i < count && !rc; i++) {
		rc = make_entry(store, &publications[i], &entries[i], err);
		if (!rc)
			rc = rows_publish(&store->rows, &publications[i], &entries[i], err);
	}
	if (!rc) {
		pthread_rwlock_wrlock(&store->lock);
		rc = roster_reserve(&store->roster, count);
		pthread_rwlock_unlock(&store->lock);
		if (rc)
			no_memory(err);
	}
	if (!rc)
		return store_commit(store, err);
	rows_rollback(&store->rows);
	store_note_failure(store);
	return rc;
}

int store_publish(struct vectors *vectors, const struct publication *publications, size_t count,
	struct err *err)
{
	struct store *store = store_of(vectors);
	struct roster_entry *entries = calloc(count + 1, sizeof(*entries));

	if (!entries)
		return no_memory(err);
	bool is_change = false;

	pthread_mutex_lock(&store->write_lock);
	for (size_t i = 0; i < count; i++)
		is_change |= roster_find(&store->roster, &publications[i].document) != NULL;
	int rc = publish_rows(store, publications, entries, count, err);
	if (!rc) {
		pthread_rwlock_wrlock(&store->lock);
		for (size_t i = 0; i < count; i++)
			show(store, &entries[i]);
		pthread_rwlock_unlock(&store->lock);
	}
	pthread_mutex_unlock(&store->write_lock);
	if (is_change)
		keeper_wake(store);
	free(entries);
	return rc;
}

int store_discard(
	struct vectors *vectors, const struct uuid *document, uint32_t version, struct err *err)
{
	struct store *store = store_of(vectors);
	int rc = 0;

	pthread_mutex_lock(&store->write_lock);
	struct pending *pending = roster_pending(&store->roster, document, version);
	if (pending) {
		rc = rows_begin(&store->rows, err);
		if (!rc)
			rc = rows_edition_gone(&store->rows, pending->edition, err);
		if (!rc)
			rc = store_commit(store, err);
		if (rc)
			store_note_failure(store);
		pthread_rwlock_wrlock(&store->lock);
		if (!rc || pending->is_lost)
			roster_pending_remove(&store->roster, pending);
		pthread_rwlock_unlock(&store->lock);
	}
	pthread_mutex_unlock(&store->write_lock);
	keeper_wake(store);
	return rc;
}

int store_set_access(struct vectors *vectors, const struct uuid *document,
	const struct access *access, struct err *err)
{
	struct store *store = store_of(vectors);

	pthread_mutex_lock(&store->write_lock);
	int rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = rows_access(&store->rows, document, access, err);
	if (!rc)
		rc = store_commit(store, err);
	else
		store_note_failure(store);
	pthread_rwlock_wrlock(&store->lock);
	struct roster_entry *entry = roster_find(&store->roster, document);
	if (!rc && entry)
		entry->access = *access;
	pthread_rwlock_unlock(&store->lock);
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

int store_set_path(
	struct vectors *vectors, const struct uuid *document, const char *path, struct err *err)
{
	struct store *store = store_of(vectors);

	pthread_mutex_lock(&store->write_lock);
	int rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = rows_path(&store->rows, document, path, err);
	if (!rc)
		rc = store_commit(store, err);
	else
		store_note_failure(store);
	pthread_mutex_unlock(&store->write_lock);
	return rc;
}

int store_remove(struct vectors *vectors, const struct uuid *document, struct err *err)
{
	struct store *store = store_of(vectors);

	pthread_mutex_lock(&store->write_lock);
	int rc = rows_begin(&store->rows, err);
	if (!rc)
		rc = rows_remove(&store->rows, document, err);
	if (!rc)
		rc = store_commit(store, err);
	else
		store_note_failure(store);
	if (!rc) {
		pthread_rwlock_wrlock(&store->lock);
		hide(store, document);
		drop_pending(&store->roster, document);
		roster_remove(&store->roster, document);
		pthread_rwlock_unlock(&store->lock);
	}
	pthread_mutex_unlock(&store->write_lock);
	keeper_wake(store);
	return rc;
}
