/* SPDX-License-Identifier: Apache-2.0 */
/* One contract over every adapter of the catalog, then what only the database promises. */
#include "core/catalog.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/local/catalog_memory.h"
#include "core/local/catalog_sqlite.h"
#include "core/local/sqlite.h"
#include "tests/unit/scratch.h"

struct fixture {
	char *folder;
	struct catalog *catalog;
	struct err err;
};

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->folder = scratch_new();
	return fixture;
}

static int setup_sqlite(void **state)
{
	struct fixture *fixture = fixture_new();

	assert_int_equal(catalog_sqlite_new(&fixture->catalog, fixture->folder, &fixture->err), 0);
	*state = fixture;
	return 0;
}

static int setup_memory(void **state)
{
	struct fixture *fixture = fixture_new();

	assert_int_equal(catalog_memory_new(&fixture->catalog, &fixture->err), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	catalog_free(fixture->catalog);
	scratch_free(fixture->folder);
	free(fixture);
	return 0;
}

/* Documents. */

/* A record with something in every member. */
static struct document full_document(void)
{
	struct document document = {
		.id = uuid_new(),
		.parent = uuid_new(),
		.path = strdup("a/caf\xe9\n.txt"),
		.title = strdup("A title"),
		.source = strdup("https://example.org/"),
		.status = DOC_FAILED,
		.content_type = strdup("text/plain"),
		.size = UINT64_MAX,
		.mtime_ns = -5,
		.sha256 = {1, 2, 3},
		.text_size = 77,
		.text_sha256 = {4, 5, 6},
		.chunk_count = UINT32_MAX,
		.token_count = 88,
		.chunks_size = 4711,
		.created_ns = 100,
		.updated_ns = 200,
		.indexed_ns = 300,
		.s3_key = strdup("key"),
		.access = {.owner = UINT32_MAX - 1, .group = 1001, .mode = 0640},
		.realm = strdup("host"),
		.version = 3,
		.embedding_model = strdup("model"),
		.error = strdup("what\nwhy"),
		.extra_metadata = strdup("{\"tags\":{}}"),
	};

	document.versions = calloc(2, sizeof(*document.versions));
	assert_non_null(document.versions);
	document.versions[0] = (struct doc_version){
		.number = 1, .sha256 = {9}, .size = 10, .mtime_ns = -1, .name = strdup("old\xff")};
	document.versions[1] = (struct doc_version){
		.number = 3, .size = UINT64_MAX, .mtime_ns = 6, .name = strdup("")};
	document.version_count = 2;
	return document;
}

static void assert_same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void assert_same_version(const struct doc_version *a, const struct doc_version *b)
{
	assert_int_equal(a->number, b->number);
	assert_memory_equal(a->sha256, b->sha256, 32);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->mtime_ns, b->mtime_ns);
	assert_same_text(a->name, b->name);
}

static void assert_same_numbers(const struct document *a, const struct document *b)
{
	assert_memory_equal(&a->id, &b->id, sizeof(a->id));
	assert_memory_equal(&a->parent, &b->parent, sizeof(a->parent));
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->mtime_ns, b->mtime_ns);
	assert_memory_equal(a->sha256, b->sha256, 32);
	assert_int_equal(a->text_size, b->text_size);
	assert_memory_equal(a->text_sha256, b->text_sha256, 32);
	assert_int_equal(a->chunk_count, b->chunk_count);
	assert_int_equal(a->token_count, b->token_count);
	assert_int_equal(a->chunks_size, b->chunks_size);
	assert_int_equal(a->created_ns, b->created_ns);
	assert_int_equal(a->updated_ns, b->updated_ns);
	assert_int_equal(a->indexed_ns, b->indexed_ns);
	assert_memory_equal(&a->access, &b->access, sizeof(a->access));
	assert_int_equal(a->version, b->version);
}

static void assert_same_document(const struct document *a, const struct document *b)
{
	assert_same_numbers(a, b);
	assert_same_text(a->path, b->path);
	assert_same_text(a->title, b->title);
	assert_same_text(a->source, b->source);
	assert_same_text(a->content_type, b->content_type);
	assert_same_text(a->s3_key, b->s3_key);
	assert_same_text(a->realm, b->realm);
	assert_same_text(a->embedding_model, b->embedding_model);
	assert_same_text(a->error, b->error);
	assert_same_text(a->extra_metadata, b->extra_metadata);
	assert_int_equal(a->version_count, b->version_count);
	for (size_t i = 0; i < a->version_count; i++)
		assert_same_version(&a->versions[i], &b->versions[i]);
}

static void put_one(struct fixture *fixture, const struct document *document)
{
	assert_int_equal(catalog_put(fixture->catalog, &document, 1, &fixture->err), 0);
}

static void test_document_comes_back_whole(void **state)
{
	struct fixture *fixture = *state;
	struct document full = full_document(), empty = {.id = uuid_new()}, found;

	assert_int_equal(catalog_get(fixture->catalog, &full.id, &found, NULL), -ENOENT);
	put_one(fixture, &full);
	put_one(fixture, &empty);
	assert_int_equal(catalog_get(fixture->catalog, &full.id, &found, &fixture->err), 0);
	assert_same_document(&found, &full);
	document_release(&found);
	assert_int_equal(catalog_get(fixture->catalog, &empty.id, &found, &fixture->err), 0);
	assert_same_document(&found, &empty);
	document_release(&found);
	document_release(&full);
}

static void test_put_replaces(void **state)
{
	struct fixture *fixture = *state;
	struct document document = full_document(), found;

	put_one(fixture, &document);
	free(document.title);
	document.title = NULL;
	document.status = DOC_INDEXED;
	put_one(fixture, &document);
	assert_int_equal(catalog_get(fixture->catalog, &document.id, &found, NULL), 0);
	assert_same_document(&found, &document);
	document_release(&found);
	document_release(&document);
}

struct order {
	struct uuid ids[8];
	size_t count, stop_at;
	struct catalog *catalog;
};

static int take_order(void *context, const struct document *document)
{
	struct order *order = context;
	struct document again;

	order->ids[order->count++] = document->id;
	/* calling back is allowed, and so is changing what is walked over */
	assert_int_equal(catalog_get(order->catalog, &document->id, &again, NULL), 0);
	assert_int_equal(
		catalog_put(order->catalog, &(const struct document *){&again}, 1, NULL), 0);
	document_release(&again);
	return order->count == order->stop_at ? 42 : 0;
}

static void test_each_goes_by_age(void **state)
{
	struct fixture *fixture = *state;
	struct document documents[4] = {
		{.created_ns = 30}, {.created_ns = 10}, {.created_ns = 20}, {.created_ns = 10}};
	const struct document *pointers[4];
	static const int expected[4] = {1, 3, 2, 0};
	struct order order = {.catalog = fixture->catalog};

	for (int i = 0; i < 4; i++) {
		documents[i].id = uuid_new();
		pointers[i] = &documents[i];
	}
	assert_int_equal(catalog_put(fixture->catalog, pointers, 4, &fixture->err), 0);
	assert_int_equal(catalog_each(fixture->catalog, take_order, &order, NULL), 0);
	assert_int_equal(order.count, 4);
	for (int i = 0; i < 4; i++)
		assert_true(uuid_equal(&order.ids[i], &documents[expected[i]].id));
	order = (struct order){.catalog = fixture->catalog, .stop_at = 2};
	assert_int_equal(catalog_each(fixture->catalog, take_order, &order, NULL), 42);
	assert_int_equal(order.count, 2);
}

static void test_remove(void **state)
{
	struct fixture *fixture = *state;
	struct document document = {.id = uuid_new()}, found;

	put_one(fixture, &document);
	assert_int_equal(catalog_remove(fixture->catalog, &document.id, NULL), 0);
	assert_int_equal(catalog_get(fixture->catalog, &document.id, &found, NULL), -ENOENT);
	assert_int_equal(catalog_remove(fixture->catalog, &document.id, NULL), 0);
}

static void test_write_forgets_in_the_same_step(void **state)
{
	struct fixture *fixture = *state;
	struct document old = {.id = uuid_new()}, new = {.id = uuid_new()}, found;
	const struct uuid gone[] = {old.id, uuid_new()};
	const struct document *documents[] = {&new};

	put_one(fixture, &old);
	assert_int_equal(catalog_write(fixture->catalog, documents, 1, gone, 2, NULL), 0);
	assert_int_equal(catalog_get(fixture->catalog, &old.id, &found, NULL), -ENOENT);
	assert_int_equal(catalog_get(fixture->catalog, &new.id, &found, NULL), 0);
	document_release(&found);
}

struct expected_members {
	struct uuid parent;
	size_t count;
};

static int take_member(void *context, const struct document *document)
{
	struct expected_members *expected = context;

	assert_true(uuid_equal(&document->parent, &expected->parent));
	expected->count++;
	return 0;
}

static void test_members_are_those_of_one_parent(void **state)
{
	struct fixture *fixture = *state;
	struct expected_members expected = {.parent = uuid_new()};
	struct document documents[] = {{.id = uuid_new()},
		{.id = uuid_new(), .parent = expected.parent},
		{.id = uuid_new(), .parent = uuid_new()},
		{.id = uuid_new(), .parent = expected.parent}};
	struct uuid none = uuid_new();

	for (size_t i = 0; i < 4; i++)
		put_one(fixture, &documents[i]);
	assert_int_equal(
		catalog_members(fixture->catalog, &expected.parent, take_member, &expected, NULL),
		0);
	assert_int_equal(expected.count, 2);
	assert_int_equal(catalog_members(fixture->catalog, &none, take_member, &expected, NULL), 0);
	assert_int_equal(expected.count, 2);
}

/* Sessions and messages. */

static struct session_record session_of(const char *name, const char *options)
{
	return (struct session_record){
		.name = (char *)(uintptr_t)name,
		.conversation = uuid_new(),
		.access = {.owner = 7, .group = 8, .mode = 0600},
		.options = (char *)(uintptr_t)options,
		.first_seq = 3,
		.created_ns = 1,
		.updated_ns = 2,
	};
}

struct found_sessions {
	size_t count;
	struct session_record expected[4];
};

static int take_session(void *context, const struct session_record *record)
{
	struct found_sessions *found = context;
	const struct session_record *expected = &found->expected[found->count++];

	assert_string_equal(record->name, expected->name);
	assert_same_text(record->options, expected->options);
	assert_true(uuid_equal(&record->conversation, &expected->conversation));
	assert_memory_equal(&record->access, &expected->access, sizeof(record->access));
	assert_int_equal(record->first_seq, expected->first_seq);
	assert_int_equal(record->created_ns, expected->created_ns);
	assert_int_equal(record->updated_ns, expected->updated_ns);
	return 0;
}

static void test_sessions(void **state)
{
	struct fixture *fixture = *state;
	struct session_record b = session_of("b\xff", "{}"), a = session_of("a", NULL);
	struct found_sessions found = {.expected = {a, b}};

	assert_int_equal(catalog_session_put(fixture->catalog, &b, &fixture->err), 0);
	assert_int_equal(catalog_session_put(fixture->catalog, &a, &fixture->err), 0);
	assert_int_equal(
		catalog_session_each(fixture->catalog, take_session, &found, &fixture->err), 0);
	assert_int_equal(found.count, 2);

	a.first_seq = 9;
	assert_int_equal(catalog_session_put(fixture->catalog, &a, &fixture->err), 0);
	assert_int_equal(catalog_session_remove(fixture->catalog, "b\xff", &fixture->err), 0);
	assert_int_equal(catalog_session_remove(fixture->catalog, "c", &fixture->err), 0);
	found = (struct found_sessions){.expected = {a}};
	assert_int_equal(
		catalog_session_each(fixture->catalog, take_session, &found, &fixture->err), 0);
	assert_int_equal(found.count, 1);
}

static void say(struct fixture *fixture, const struct uuid *conversation, uint32_t seq,
	enum message_role role, const char *content)
{
	const struct message message = {
		.conversation = *conversation,
		.seq = seq,
		.role = role,
		.content = (char *)(uintptr_t)content,
		.content_len = strlen(content),
		.detail = role == MESSAGE_USER ? NULL : (char *)(uintptr_t) "{}",
		.created_ns = seq * 10,
	};

	assert_int_equal(catalog_message_put(fixture->catalog, &message, &fixture->err), 0);
}

struct transcript {
	char text[256];
};

static int take_message(void *context, const struct message *message)
{
	struct transcript *transcript = context;
	size_t used = strlen(transcript->text);

	assert_int_equal(message->created_ns, message->seq * 10);
	assert_int_equal(strlen(message->content), message->content_len);
	assert_same_text(message->detail, message->role == MESSAGE_USER ? NULL : "{}");
	snprintf(transcript->text + used, sizeof(transcript->text) - used, "%u%c:%s ", message->seq,
		message->role == MESSAGE_USER ? 'u' : 'a', message->content);
	return 0;
}

static void assert_said(struct fixture *fixture, const struct uuid *conversation, uint32_t from_seq,
	const char *expected)
{
	struct transcript transcript = {""};

	assert_int_equal(catalog_message_each(fixture->catalog, conversation, from_seq,
				 take_message, &transcript, &fixture->err),
		0);
	assert_string_equal(transcript.text, expected);
}

static void test_messages(void **state)
{
	struct fixture *fixture = *state;
	struct session_record session = session_of("s", NULL);
	const struct uuid *talk = &session.conversation, other = uuid_new();

	assert_int_equal(catalog_session_put(fixture->catalog, &session, NULL), 0);
	say(fixture, talk, 2, MESSAGE_USER, "q2");
	say(fixture, talk, 1, MESSAGE_ASSISTANT, "a1");
	say(fixture, talk, 1, MESSAGE_USER, "q1");
	say(fixture, &other, 1, MESSAGE_USER, "x");
	assert_said(fixture, talk, 0, "1u:q1 2u:q2 "); /* a1 belonged to an older q1 */
	say(fixture, talk, 1, MESSAGE_ASSISTANT, "a1");
	say(fixture, talk, 2, MESSAGE_ASSISTANT, "a2");
	say(fixture, talk, 2, MESSAGE_ASSISTANT, "");
	assert_said(fixture, talk, 0, "1u:q1 1a:a1 2u:q2 2a: ");
	assert_said(fixture, talk, 2, "2u:q2 2a: ");
	assert_int_equal(catalog_message_remove(fixture->catalog, talk, 1, NULL), 0);
	assert_int_equal(catalog_message_remove(fixture->catalog, talk, 1, NULL), 0);
	assert_said(fixture, talk, 0, "2u:q2 2a: ");
	assert_int_equal(catalog_session_remove(fixture->catalog, "s", NULL), 0);
	assert_said(fixture, talk, 0, "");
	assert_said(fixture, &other, 0, "1u:x ");
}

/* Threads. */

#define WRITES 50

static void *write_documents(void *argument)
{
	struct catalog *catalog = argument;

	for (int i = 0; i < WRITES; i++) {
		struct document document = {.id = uuid_new(), .created_ns = i}, found;
		const struct document *one = &document;
		if (catalog_put(catalog, &one, 1, NULL) ||
			catalog_get(catalog, &document.id, &found, NULL))
			return argument;
		document_release(&found);
	}
	return NULL;
}

static int count_one(void *context, const struct document *document)
{
	(void)document;
	++*(size_t *)context;
	return 0;
}

static void test_many_threads(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[6];
	size_t count = 0;

	for (int i = 0; i < 6; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_documents, fixture->catalog), 0);
	for (int i = 0; i < 6; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(catalog_each(fixture->catalog, count_one, &count, NULL), 0);
	assert_int_equal(count, 6 * WRITES);
}

static void test_sync_and_check(void **state)
{
	struct fixture *fixture = *state;
	struct buf report;

	buf_init(&report, BUF_MAX_DEFAULT);
	assert_int_equal(catalog_sync(fixture->catalog, &fixture->err), 0);
	assert_int_equal(catalog_check(fixture->catalog, &report, &fixture->err), 0);
	assert_int_equal(report.len, 0);
	buf_release(&report);
}

/* The database alone. */

/* A child writes and dies without closing; the parent finds what it wrote. */
static void test_sqlite_write_survives_death(void **state)
{
	struct fixture *fixture = *state;
	struct document document = {.id = uuid_new()}, found;
	const struct document *one = &document;
	int status;

	catalog_free(fixture->catalog);
	pid_t pid = fork();
	if (pid == 0) {
		struct catalog *catalog;
		if (catalog_sqlite_new(&catalog, fixture->folder, NULL) == 0 &&
			catalog_put(catalog, &one, 1, NULL) == 0)
			_exit(0);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(catalog_sqlite_new(&fixture->catalog, fixture->folder, &fixture->err), 0);
	assert_int_equal(catalog_get(fixture->catalog, &document.id, &found, NULL), 0);
	document_release(&found);
}

static void test_sqlite_refuses_a_newer_schema(void **state)
{
	struct fixture *fixture = *state;
	struct catalog *again;
	char path[512];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/catalog.db", fixture->folder);
	assert_int_equal(db_open(&db, path, DB_WRITER, 64, NULL), 0);
	assert_int_equal(db_exec(db, "PRAGMA user_version = 9999", NULL), 0);
	db_close(db);
	assert_int_equal(catalog_sqlite_new(&again, fixture->folder, &fixture->err), -EPROTO);
	assert_non_null(strstr(fixture->err.text, "newer"));
}

#define ON(setup, test)                                                           \
	{                                                                         \
		.name = #test "/" #setup, .test_func = test, .setup_func = setup, \
		.teardown_func = teardown                                         \
	}
#define ON_ALL(test) ON(setup_sqlite, test), ON(setup_memory, test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ALL(test_document_comes_back_whole),
		ON_ALL(test_put_replaces),
		ON_ALL(test_each_goes_by_age),
		ON_ALL(test_remove),
		ON_ALL(test_write_forgets_in_the_same_step),
		ON_ALL(test_members_are_those_of_one_parent),
		ON_ALL(test_sessions),
		ON_ALL(test_messages),
		ON_ALL(test_many_threads),
		ON_ALL(test_sync_and_check),
		ON(setup_sqlite, test_sqlite_write_survives_death),
		ON(setup_sqlite, test_sqlite_refuses_a_newer_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
