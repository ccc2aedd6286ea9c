/* SPDX-License-Identifier: Apache-2.0 */
/* One connection writes, under a lock; a few read, each lent to one call at a time, so that an
 * `each` may call back into the catalog and never holds up a writer (write-ahead log). Reading
 * connections map the file instead of caching pages, and are opened when they are needed. */
#include "core/local/catalog_sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/catalog_row.h"
#include "core/local/sqlite.h"

#define WRITER_CACHE_KIB 512
#define READER_CACHE_KIB 64
#define READERS_KEPT	 4 /* idle connections that stay open */

enum query {
	/* Of the writer. */
	DOCUMENT_PUT,
	DOCUMENT_REMOVE,
	SESSION_PUT,
	SESSION_REMOVE,
	CONVERSATION_REMOVE,
	MESSAGE_PUT,
	MESSAGE_REMOVE_ANSWER,
	MESSAGE_REMOVE,
	BEGIN,
	COMMIT,
	ROLLBACK,
	/* Of the readers. */
	DOCUMENT_GET,
	DOCUMENT_EACH,
	DOCUMENT_MEMBERS,
	SESSION_EACH,
	MESSAGE_EACH,
	QUERY_COUNT
};

#define SESSION_COLUMNS \
	"name, conversation, owner, grp, mode, options, first_seq, created_ns, updated_ns"
#define MESSAGE_COLUMNS "conversation, seq, role, content, detail, created_ns"

/* %s: the columns of a document, then its places. */
static const char *const queries[QUERY_COUNT] = {
	[DOCUMENT_PUT] = "INSERT OR REPLACE INTO documents (%s) VALUES (%s)",
	[DOCUMENT_REMOVE] = "DELETE FROM documents WHERE id = ?",
	[SESSION_PUT] = "INSERT OR REPLACE INTO sessions (" SESSION_COLUMNS ")"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SESSION_REMOVE] = "DELETE FROM sessions WHERE name = ?",
	[CONVERSATION_REMOVE] = "DELETE FROM messages WHERE conversation ="
				" (SELECT conversation FROM sessions WHERE name = ?)",
	[MESSAGE_PUT] = "INSERT OR REPLACE INTO messages (" MESSAGE_COLUMNS ")"
			" VALUES (?, ?, ?, ?, ?, ?)",
	[MESSAGE_REMOVE_ANSWER] = "DELETE FROM messages WHERE conversation = ? AND seq = ?"
				  " AND role = 1",
	[MESSAGE_REMOVE] = "DELETE FROM messages WHERE conversation = ? AND seq = ?",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[DOCUMENT_GET] = "SELECT %s FROM documents WHERE id = ?",
	[DOCUMENT_EACH] = "SELECT %s FROM documents ORDER BY created_ns, id",
	[DOCUMENT_MEMBERS] = "SELECT %s FROM documents WHERE parent = ?"
			     " AND parent <> x'00000000000000000000000000000000' ORDER BY id",
	[SESSION_EACH] = "SELECT " SESSION_COLUMNS " FROM sessions ORDER BY name",
	[MESSAGE_EACH] = "SELECT " MESSAGE_COLUMNS " FROM messages"
			 " WHERE conversation = ? AND seq >= ? ORDER BY seq, role",
};
_Static_assert(MESSAGE_USER == 0 && MESSAGE_ASSISTANT == 1, "roles are stored as numbers");

static const char *const schema[] = {
	"CREATE TABLE documents ("
	"  id BLOB PRIMARY KEY, parent BLOB NOT NULL, path BLOB, title TEXT, source TEXT,"
	"  status INTEGER NOT NULL, content_type TEXT, size INTEGER NOT NULL,"
	"  mtime_ns INTEGER NOT NULL, sha256 BLOB NOT NULL, text_size INTEGER NOT NULL,"
	"  text_sha256 BLOB NOT NULL, chunk_count INTEGER NOT NULL,"
	"  token_count INTEGER NOT NULL, chunks_size INTEGER NOT NULL, created_ns INTEGER NOT NULL,"
	"  updated_ns INTEGER NOT NULL, indexed_ns INTEGER NOT NULL, s3_key TEXT,"
	"  owner INTEGER NOT NULL, grp INTEGER NOT NULL, mode INTEGER NOT NULL, realm TEXT,"
	"  version INTEGER NOT NULL, embedding_model TEXT, error TEXT, extra_metadata TEXT,"
	"  versions BLOB"
	") WITHOUT ROWID;"
	"CREATE INDEX documents_by_age ON documents (created_ns);"
	"CREATE TABLE sessions ("
	"  name BLOB PRIMARY KEY, conversation BLOB NOT NULL, owner INTEGER NOT NULL,"
	"  grp INTEGER NOT NULL, mode INTEGER NOT NULL, options TEXT,"
	"  first_seq INTEGER NOT NULL, created_ns INTEGER NOT NULL,"
	"  updated_ns INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE messages ("
	"  conversation BLOB NOT NULL, seq INTEGER NOT NULL, role INTEGER NOT NULL,"
	"  content BLOB NOT NULL, detail TEXT, created_ns INTEGER NOT NULL,"
	"  PRIMARY KEY (conversation, seq, role)"
	") WITHOUT ROWID",
	/* Most documents have no parent: they are not in it. */
	"CREATE INDEX documents_by_parent ON documents (parent)"
	" WHERE parent <> x'00000000000000000000000000000000'",
};

/* A connection and its statements, prepared at first use. */
struct link {
	struct link *next;
	sqlite3 *db;
	sqlite3_stmt *statements[QUERY_COUNT];
};

struct database {
	struct catalog catalog;
	char *path;
	char *columns, *places; /* of a document, for the queries */
	pthread_mutex_t write_lock;
	struct link *writer; /* write_lock */
	pthread_mutex_t lock;
	struct link *idle; /* lock; readers */
	size_t idle_count; /* lock */
};

static struct database *database_of(struct catalog *catalog)
{
	return (struct database *)catalog;
}

/* Connections. */

static void link_free(struct link *link)
{
	if (!link)
		return;
	for (int i = 0; i < QUERY_COUNT; i++)
		sqlite3_finalize(link->statements[i]);
	db_close(link->db);
	free(link);
}

static int link_new(struct link **out, const char *path, enum db_mode mode, struct err *err)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = db_open(&link->db, path, mode,
		mode == DB_WRITER ? WRITER_CACHE_KIB : READER_CACHE_KIB, err);
	if (rc)
		link_free(TAKE_PTR(link));
	*out = link;
	return rc;
}

/* The SQL of a query: the two that speak of documents have their columns filled in. */
static int write_sql(const struct database *database, enum query query, struct buf *out)
{
	for (const char *from = queries[query], *place; *from; from = place) {
		place = strstr(from, "%s");
		if (!place)
			return buf_adds(out, from);
		buf_add(out, from, (size_t)(place - from));
		buf_adds(out, from == queries[query] ? database->columns : database->places);
		place += 2;
	}
	return out->failed;
}

static int prepare(struct database *database, struct link *link, enum query query,
	sqlite3_stmt **out, struct err *err)
{
	AUTO_BUF struct buf sql = {.max = BUF_MAX_DEFAULT};

	*out = link->statements[query];
	if (*out)
		return 0;
	if (write_sql(database, query, &sql))
		return err_set(err, -ENOMEM, "out of memory");
	int rc = db_prepare(link->db, &link->statements[query], sql.data, err);
	*out = link->statements[query];
	return rc;
}

/* Lend a reader. Nobody waits for one: a callback may hold one and want another. */
static int borrow(struct database *database, struct link **out, struct err *err)
{
	pthread_mutex_lock(&database->lock);
	*out = database->idle;
	if (*out) {
		database->idle = (*out)->next;
		database->idle_count--;
	}
	pthread_mutex_unlock(&database->lock);
	return *out ? 0 : link_new(out, database->path, DB_READER, err);
}

static void give_back(struct database *database, struct link *link)
{
	pthread_mutex_lock(&database->lock);
	bool is_kept = database->idle_count < READERS_KEPT;
	if (is_kept) {
		link->next = database->idle;
		database->idle = link;
		database->idle_count++;
	}
	pthread_mutex_unlock(&database->lock);
	if (!is_kept)
		link_free(link);
}

/* Writing: everything happens in a transaction, with the lock held. */

static int run(struct database *database, enum query query, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = prepare(database, database->writer, query, &statement, err);

	return rc ? rc : db_run(statement, err);
}

static int begin(struct database *database, struct err *err)
{
	pthread_mutex_lock(&database->write_lock);
	int rc = run(database, BEGIN, err);
	if (rc)
		pthread_mutex_unlock(&database->write_lock);
	return rc;
}

/* Commit, or roll back where @rc or the commit says that something failed. */
static int end(struct database *database, int rc, struct err *err)
{
	if (rc == 0)
		rc = run(database, COMMIT, err);
	if (rc && !sqlite3_get_autocommit(database->writer->db))
		run(database, ROLLBACK, NULL);
	pthread_mutex_unlock(&database->write_lock);
	return rc;
}

static int put_document(struct database *database, const struct document *document, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = prepare(database, database->writer, DOCUMENT_PUT, &statement, err);

	if (rc)
		return rc;
	if (row_bind_document(statement, document)) {
		db_reset(statement);
		return err_set(err, -ENOMEM, "out of memory");
	}
	return db_run(statement, err);
}

static int remove_document(struct database *database, const struct uuid *id, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = prepare(database, database->writer, DOCUMENT_REMOVE, &statement, err);

	if (rc)
		return rc;
	db_bind_uuid(statement, 1, id);
	return db_run(statement, err);
}

static int sqlite_write(struct catalog *catalog, const struct document *const *documents,
	size_t count, const struct uuid *gone, size_t gone_count, struct err *err)
{
	struct database *database = database_of(catalog);
	int rc = begin(database, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = put_document(database, documents[i], err);
	for (size_t i = 0; i < gone_count && rc == 0; i++)
		rc = remove_document(database, &gone[i], err);
	return end(database, rc, err);
}

static int sqlite_session_put(
	struct catalog *catalog, const struct session_record *record, struct err *err)
{
	struct database *database = database_of(catalog);
	sqlite3_stmt *statement;
	int rc = begin(database, err);

	if (rc)
		return rc;
	rc = prepare(database, database->writer, SESSION_PUT, &statement, err);
	if (rc == 0 && row_bind_session(statement, record)) {
		db_reset(statement);
		rc = err_set(err, -ENOMEM, "out of memory");
	}
	if (rc == 0)
		rc = db_run(statement, err);
	return end(database, rc, err);
}

static int run_by_name(
	struct database *database, enum query query, const char *name, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = prepare(database, database->writer, query, &statement, err);

	if (rc)
		return rc;
	db_bind_blob(statement, 1, name, strlen(name));
	return db_run(statement, err);
}

static int sqlite_session_remove(struct catalog *catalog, const char *name, struct err *err)
{
	struct database *database = database_of(catalog);
	int rc = begin(database, err);

	if (rc)
		return rc;
	rc = run_by_name(database, CONVERSATION_REMOVE, name, err);
	if (rc == 0)
		rc = run_by_name(database, SESSION_REMOVE, name, err);
	return end(database, rc, err);
}

static int run_by_sequence(struct database *database, enum query query,
	const struct uuid *conversation, uint32_t seq, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = prepare(database, database->writer, query, &statement, err);

	if (rc)
		return rc;
	db_bind_uuid(statement, 1, conversation);
	db_bind_int(statement, 2, seq);
	return db_run(statement, err);
}

static int put_message(struct database *database, const struct message *message, struct err *err)
{
	sqlite3_stmt *statement;
	int rc = prepare(database, database->writer, MESSAGE_PUT, &statement, err);

	if (rc)
		return rc;
	if (row_bind_message(statement, message)) {
		db_reset(statement);
		return err_set(err, -ENOMEM, "out of memory");
	}
	return db_run(statement, err);
}

static int sqlite_message_put(
	struct catalog *catalog, const struct message *message, struct err *err)
{
	struct database *database = database_of(catalog);
	int rc = begin(database, err);

	if (rc)
		return rc;
	rc = put_message(database, message, err);
	if (rc == 0 && message->role == MESSAGE_USER)
		rc = run_by_sequence(
			database, MESSAGE_REMOVE_ANSWER, &message->conversation, message->seq, err);
	return end(database, rc, err);
}

static int sqlite_message_remove(
	struct catalog *catalog, const struct uuid *conversation, uint32_t seq, struct err *err)
{
	struct database *database = database_of(catalog);
	int rc = begin(database, err);

	if (rc)
		return rc;
	rc = run_by_sequence(database, MESSAGE_REMOVE, conversation, seq, err);
	return end(database, rc, err);
}

/* Reading. */

static int bad_row(int rc, struct err *err)
{
	if (rc == -EBADMSG)
		return err_set(err, rc, "catalog.db holds a row that askfs did not write");
	return err_set(err, rc, "out of memory");
}

static int get_from(struct database *database, struct link *link, const struct uuid *id,
	struct document *out, struct err *err)
{
	AUTO_RESET sqlite3_stmt *statement = NULL;
	int rc = prepare(database, link, DOCUMENT_GET, &statement, err);

	if (rc)
		return rc;
	db_bind_uuid(statement, 1, id);
	rc = db_step(statement, err);
	if (rc == 0)
		return err_set(err, -ENOENT, "there is no such document");
	if (rc < 0)
		return rc;
	rc = row_read_document(statement, out);
	return rc ? bad_row(rc, err) : 0;
}

static int sqlite_get(
	struct catalog *catalog, const struct uuid *id, struct document *out, struct err *err)
{
	struct database *database = database_of(catalog);
	struct link *link;
	int rc = borrow(database, &link, err);

	if (rc)
		return rc;
	rc = get_from(database, link, id, out, err);
	give_back(database, link);
	return rc;
}

/* What an `each` does with a row: read it, show it, release it. */
struct visit {
	int (*show)(const struct visit *visit, sqlite3_stmt *statement, struct err *err);
	catalog_document_fn document;
	catalog_session_fn session;
	catalog_message_fn message;
	void *context;
	const struct uuid *conversation; /* of the messages that are wanted */
	uint32_t from_seq;
	const struct uuid *parent; /* of the documents that are wanted */
};

static int show_document(const struct visit *visit, sqlite3_stmt *statement, struct err *err)
{
	struct document document;
	int rc = row_read_document(statement, &document);

	if (rc)
		return bad_row(rc, err);
	rc = visit->document(visit->context, &document);
	document_release(&document);
	return rc;
}

static int show_session(const struct visit *visit, sqlite3_stmt *statement, struct err *err)
{
	struct session_record record;
	int rc = row_read_session(statement, &record);

	if (rc)
		return bad_row(rc, err);
	rc = visit->session(visit->context, &record);
	session_record_release(&record);
	return rc;
}

static int show_message(const struct visit *visit, sqlite3_stmt *statement, struct err *err)
{
	struct message message;
	int rc = row_read_message(statement, &message);

	if (rc)
		return bad_row(rc, err);
	rc = visit->message(visit->context, &message);
	message_release(&message);
	return rc;
}

static int each_from(struct database *database, struct link *link, enum query query,
	const struct visit *visit, struct err *err)
{
	AUTO_RESET sqlite3_stmt *statement = NULL;
	int rc = prepare(database, link, query, &statement, err);

	if (rc)
		return rc;
	if (visit->parent)
		db_bind_uuid(statement, 1, visit->parent);
	if (visit->conversation) {
		db_bind_uuid(statement, 1, visit->conversation);
		db_bind_int(statement, 2, visit->from_seq);
	}
	while ((rc = db_step(statement, err)) == 1) {
		rc = visit->show(visit, statement, err);
		if (rc)
			return rc;
	}
	return rc;
}

static int each(
	struct catalog *catalog, enum query query, const struct visit *visit, struct err *err)
{
	struct database *database = database_of(catalog);
	struct link *link;
	int rc = borrow(database, &link, err);

	if (rc)
		return rc;
	rc = each_from(database, link, query, visit, err);
	give_back(database, link);
	return rc;
}

static int sqlite_each(
	struct catalog *catalog, catalog_document_fn callback, void *context, struct err *err)
{
	const struct visit visit = {
		.show = show_document, .document = callback, .context = context};

	return each(catalog, DOCUMENT_EACH, &visit, err);
}

static int sqlite_members(struct catalog *catalog, const struct uuid *parent,
	catalog_document_fn callback, void *context, struct err *err)
{
	const struct visit visit = {
		.show = show_document, .document = callback, .context = context, .parent = parent};

	return each(catalog, DOCUMENT_MEMBERS, &visit, err);
}

static int sqlite_session_each(
	struct catalog *catalog, catalog_session_fn callback, void *context, struct err *err)
{
	const struct visit visit = {.show = show_session, .session = callback, .context = context};

	return each(catalog, SESSION_EACH, &visit, err);
}

static int sqlite_message_each(struct catalog *catalog, const struct uuid *conversation,
	uint32_t from_seq, catalog_message_fn callback, void *context, struct err *err)
{
	const struct visit visit = {.show = show_message,
		.message = callback,
		.context = context,
		.conversation = conversation,
		.from_seq = from_seq};

	return each(catalog, MESSAGE_EACH, &visit, err);
}

/* The rest. */

static int sqlite_sync(struct catalog *catalog, struct err *err)
{
	struct database *database = database_of(catalog);

	/* A burst may be over: what it read need not stay in memory. */
	pthread_mutex_lock(&database->write_lock);
	sqlite3_db_release_memory(database->writer->db);
	pthread_mutex_unlock(&database->write_lock);
	return db_sync(database->path, err);
}

static int sqlite_check(struct catalog *catalog, struct buf *report, struct err *err)
{
	struct database *database = database_of(catalog);
	struct link *link;
	int rc = borrow(database, &link, err);

	if (rc)
		return rc;
	rc = db_check(link->db, report, err);
	give_back(database, link);
	return rc;
}

static void sqlite_free(struct catalog *catalog)
{
	struct database *database = database_of(catalog);

	while (database->idle) {
		struct link *link = database->idle;
		database->idle = link->next;
		link_free(link);
	}
	link_free(database->writer); /* last: it leaves the log behind empty */
	pthread_mutex_destroy(&database->write_lock);
	pthread_mutex_destroy(&database->lock);
	free(database->path);
	free(database->columns);
	free(database->places);
	free(database);
}

static const struct catalog_ops sqlite_ops = {
	.name = "sqlite",
	.get = sqlite_get,
	.write = sqlite_write,
	.members = sqlite_members,
	.each = sqlite_each,
	.session_put = sqlite_session_put,
	.session_remove = sqlite_session_remove,
	.session_each = sqlite_session_each,
	.message_put = sqlite_message_put,
	.message_remove = sqlite_message_remove,
	.message_each = sqlite_message_each,
	.sync = sqlite_sync,
	.check = sqlite_check,
	.free = sqlite_free,
};

static int write_names(struct database *database, const char *folder)
{
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	if (row_document_columns(&text) == 0)
		database->columns = buf_take(&text, NULL);
	if (row_document_places(&text) == 0)
		database->places = buf_take(&text, NULL);
	if (buf_addf(&text, "%s/catalog.db", folder) == 0)
		database->path = buf_take(&text, NULL);
	return database->columns && database->places && database->path ? 0 : -ENOMEM;
}

int catalog_sqlite_new(struct catalog **out, const char *folder, struct err *err)
{
	struct database *database = calloc(1, sizeof(*database));

	if (!database)
		return err_set(err, -ENOMEM, "out of memory");
	database->catalog.ops = &sqlite_ops;
	pthread_mutex_init(&database->write_lock, NULL);
	pthread_mutex_init(&database->lock, NULL);

	int rc = write_names(database, folder) ? err_set(err, -ENOMEM, "out of memory") : 0;
	if (rc == 0)
		rc = link_new(&database->writer, database->path, DB_WRITER, err);
	if (rc == 0)
		rc = db_migrate(database->writer->db, schema, ARRAY_LEN(schema), err);
	if (rc) {
		sqlite_free(&database->catalog);
		return rc;
	}
	*out = &database->catalog;
	return 0;
}
