/* SPDX-License-Identifier: Apache-2.0 */
/* A search begins its SQLite transaction while it holds the lock: what it finds by number is
 * then in the rows that it sees, because an edition is taken out of the roster (under the
 * lock) before its rows are deleted, and put in after its rows were committed. The lock is
 * given back before the texts are fetched. One that wants no texts needs no transaction. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/lexical/bag.h"
#include "core/local/vectors/store.h"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* The least text that is greater than all that begin with @prefix: its last byte raised. */
static size_t upper_bound(char *prefix, size_t len)
{
	while (len > 0 && (uint8_t)prefix[len - 1] == 0xff)
		len--;
	if (len > 0)
		prefix[len - 1]++;
	return len;
}

static int filter_paths(struct search *search, const char *prefix, struct err *err)
{
	const struct roster *roster = search->filter.roster;
	sqlite3_stmt *statement = search->reader->paths;
	AUTO_FREE char *bound = strdup(prefix);
	uint64_t *bits = roster_bits_new(roster);
	size_t len = strlen(prefix);
	int rc;

	if (!bound || !bits) {
		free(bits);
		return no_memory(err);
	}
	db_bind_blob(statement, 1, prefix, len);
	db_bind_blob(statement, 2, bound, upper_bound(bound, len));
	while ((rc = db_step(statement, err)) == 1) {
		struct uuid document = db_uuid(statement, 0);
		roster_bits_set(roster, bits, &document);
	}
	db_reset(statement);
	roster_filter_and(&search->filter, bits);
	return rc;
}

static int make_filter(struct search *search, const struct search_query *query, struct err *err)
{
	bool has_path = query->path && query->path[0];
	int rc = search->is_bare && !has_path ? 0 : reader_begin(search->reader, err);

	if (!rc && roster_filter_init(&search->filter, &search->store->roster, query))
		rc = no_memory(err);
	if (!rc && has_path)
		rc = filter_paths(search, query->path, err);
	return rc;
}

int search_begin(struct search *search, struct store *store, const struct search_query *query,
	struct err *err)
{
	*search = (struct search){.store = store, .is_bare = query->is_bare};
	best_init(&search->best, query->top_k);
	int rc = reader_take(store, &search->reader, err);
	if (rc)
		return rc;
	pthread_rwlock_rdlock(&store->lock);
	rc = make_filter(search, query, err);
	if (rc) {
		pthread_rwlock_unlock(&store->lock);
		roster_filter_release(&search->filter);
		reader_give(store, search->reader);
	}
	return rc;
}

static int fetch(struct search *search, const struct found *found, struct hit *hit, struct err *err)
{
	sqlite3_stmt *statement = search->reader->chunk;

	db_bind_int(statement, 1, (int64_t)found->id);
	int rc = db_step(statement, err);
	if (rc == 1) {
		hit->chunk = reader_chunk(statement);
		hit->chunk.text = db_copy(statement, 6, NULL);
		hit->chunk.heading = db_copy(statement, 5, NULL);
		if (!hit->chunk.text) {
			free((char *)hit->chunk.heading);
			rc = no_memory(err);
		}
	} else if (rc == 0) {
		rc = err_set(err, -EIO,
			"the words' index knows chunk %llu, the rows do not: run"
			" a check",
			(unsigned long long)found->id);
	}
	db_reset(statement);
	return rc < 0 ? rc : 0;
}

static int fetch_all(struct search *search, struct search_result *out, struct err *err)
{
	const struct best *best = &search->best;
	int rc = 0;

	out->hits = calloc(best->count + 1, sizeof(*out->hits));
	if (!out->hits)
		return no_memory(err);
	for (size_t i = 0; i < best->count && !rc; i++) {
		const struct found *found = &best->items[i];

		out->hits[i] = (struct hit){
			found->document, found->version, {.index = found->index}, found->score};
		if (!search->is_bare)
			rc = fetch(search, found, &out->hits[i], err);
		out->hit_count += !rc;
	}
	return rc;
}

int search_end(struct search *search, int rc, struct search_result *out, struct err *err)
{
	out->chunk_count = lexical_live_chunks(search->store->lexical);
	pthread_rwlock_unlock(&search->store->lock);
	best_sort(&search->best);
	if (!rc)
		rc = fetch_all(search, out, err);
	best_release(&search->best);
	roster_filter_release(&search->filter);
	reader_give(search->store, search->reader);
	return rc;
}

int store_words(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	struct store *store = store_of(vectors);
	struct search search;
	struct rank_query words = {.admits = roster_admits, .context = &search.filter};

	int rc = question_parse(query->text, &out->terms, &out->term_count);
	if (rc)
		return no_memory(err);
	rc = keeper_wait_complete(store, err);
	if (!rc)
		rc = search_begin(&search, store, query, err);
	if (rc)
		return rc;
	words.terms = out->terms;
	words.term_count = out->term_count;
	if (lexical_search(store->lexical, &words, &search.best))
		rc = no_memory(err);
	return search_end(&search, rc, out, err);
}

uint32_t store_find_edition(
	struct store *store, const struct uuid *document, uint32_t version, bool *is_dirty)
{
	pthread_rwlock_rdlock(&store->lock);
	const struct roster_entry *entry = roster_find(&store->roster, document);
	const struct pending *pending = roster_pending(&store->roster, document, version);
	uint32_t edition = entry && entry->version == version ? entry->edition
		: pending				      ? pending->edition
							      : 0;
	*is_dirty = pending && pending->is_dirty;
	pthread_rwlock_unlock(&store->lock);
	return edition;
}

int store_chunks(struct vectors *vectors, const struct uuid *document, uint32_t version,
	uint32_t first, uint32_t count, vectors_chunk_fn callback, void *context, struct err *err)
{
	struct store *store = store_of(vectors);
	struct reader *reader;
	bool is_dirty;
	uint32_t edition = store_find_edition(store, document, version, &is_dirty);
	int rc = is_dirty ? store_flush(store, err) : 0;

	if (!rc && edition)
		rc = reader_take(store, &reader, err);
	if (rc || !edition)
		return rc;
	db_bind_int(reader->chunks, 1, edition);
	db_bind_int(reader->chunks, 2, first);
	db_bind_int(reader->chunks, 3, count);
	while ((rc = db_step(reader->chunks, err)) == 1) {
		struct chunk chunk = reader_chunk(reader->chunks);
		if (callback(context, &chunk)) {
			rc = 0;
			break;
		}
	}
	reader_give(store, reader);
	return rc;
}

int store_each(struct vectors *vectors,
	int (*callback)(void *context, const struct uuid *document, uint32_t version),
	void *context, struct err *err)
{
	static const char sql[] = "SELECT document, version FROM documents UNION ALL"
				  " SELECT DISTINCT document, 0 FROM editions WHERE NOT is_gone"
				  " AND document NOT IN (SELECT document FROM documents)";
	struct store *store = store_of(vectors);
	struct reader *reader;
	sqlite3_stmt *statement = NULL;

	int rc = store_flush(store, err);
	if (!rc)
		rc = reader_take(store, &reader, err);
	if (rc)
		return rc;
	rc = db_prepare(reader->db, &statement, sql, err);
	while (!rc && (rc = db_step(statement, err)) == 1) {
		struct uuid document = db_uuid(statement, 0);
		rc = 0;
		if (callback(context, &document, (uint32_t)db_int(statement, 1)))
			break;
	}
	sqlite3_finalize(statement);
	reader_give(store, reader);
	return rc;
}
