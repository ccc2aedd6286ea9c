/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog in memory: three sorted arrays of pointers under one lock. What an `each` shows
 * is a copy made under the lock, so that the callback may call back. */
#include "core/local/catalog_memory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

typedef int (*compare_fn)(const void *a, const void *b);

/* Rows in the order of @compare; owned. */
struct table {
	void **rows;
	size_t count, cap;
	compare_fn compare;
	void (*free_row)(void *row);
};

struct memory {
	struct catalog catalog;
	pthread_mutex_t lock;
	struct table documents, sessions, messages; /* lock */
};

static struct memory *memory_of(struct catalog *catalog)
{
	return (struct memory *)catalog;
}

/* Tables. */

/* Where @row is, or where it belongs; true if it is there. */
static bool table_find(const struct table *table, const void *row, size_t *place)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = table->compare(table->rows[middle], row);
		if (order == 0) {
			*place = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*place = low;
	return false;
}

static int table_reserve(struct table *table, size_t more)
{
	if (table->count + more <= table->cap)
		return 0;
	size_t cap = (table->count + more) * 2;
	void **rows = realloc(table->rows, cap * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	table->rows = rows;
	table->cap = cap;
	return 0;
}

/* Put @row, which the table owns from here on, into room that was reserved. */
static void table_put(struct table *table, void *row)
{
	size_t place;

	if (table_find(table, row, &place)) {
		table->free_row(table->rows[place]);
	} else {
		assert(table->count < table->cap);
		memmove(&table->rows[place + 1], &table->rows[place],
			(table->count - place) * sizeof(*table->rows));
		table->count++;
	}
	table->rows[place] = row;
}

/* Forget the rows from @place on, @count of them. */
static void table_cut(struct table *table, size_t place, size_t count)
{
	for (size_t i = place; i < place + count; i++)
		table->free_row(table->rows[i]);
	table->count -= count;
	if (table->count > place)
		memmove(&table->rows[place], &table->rows[place + count],
			(table->count - place) * sizeof(*table->rows));
}

static void table_remove(struct table *table, const void *row)
{
	size_t place;

	if (table_find(table, row, &place))
		table_cut(table, place, 1);
}

static void table_release(struct table *table)
{
	table_cut(table, 0, table->count);
	free(table->rows);
}

/* Rows: how each kind is compared, copied and freed. */

static int compare_documents(const void *a, const void *b)
{
	const struct document *left = a, *right = b;

	return uuid_compare(&left->id, &right->id);
}

static int compare_sessions(const void *a, const void *b)
{
	const struct session_record *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int compare_messages(const void *a, const void *b)
{
	const struct message *left = a, *right = b;
	int order = uuid_compare(&left->conversation, &right->conversation);

	if (order)
		return order;
	if (left->seq != right->seq)
		return left->seq < right->seq ? -1 : 1;
	return (int)left->role - (int)right->role;
}

static void free_document(void *row)
{
	document_release(row);
	free(row);
}

static void free_session(void *row)
{
	session_record_release(row);
	free(row);
}

static void free_message(void *row)
{
	message_release(row);
	free(row);
}

static void *copy_document(const void *row)
{
	struct document *copy = malloc(sizeof(*copy));

	if (copy && document_copy(copy, row))
		free(TAKE_PTR(copy));
	return copy;
}

static bool copy_string(char **slot)
{
	if (!*slot)
		return true;
	*slot = strdup(*slot);
	return *slot != NULL;
}

static void *copy_session(const void *row)
{
	struct session_record *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	memcpy(copy, row, sizeof(*copy));
	bool name = copy_string(&copy->name), options = copy_string(&copy->options);
	if (!name || !options) {
		free_session(copy);
		return NULL;
	}
	return copy;
}

static void *copy_message(const void *row)
{
	const struct message *from = row;
	struct message *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *from;
	copy->content = malloc(from->content_len + 1);
	bool detail = copy_string(&copy->detail);
	if (!copy->content || !detail) {
		free_message(copy);
		return NULL;
	}
	memcpy(copy->content, from->content, from->content_len);
	copy->content[from->content_len] = '\0';
	return copy;
}

static int out_of_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* Write one row: a copy of it. */
static int put_row(struct memory *memory, struct table *table, void *copy, struct err *err)
{
	if (!copy)
		return out_of_memory(err);
	pthread_mutex_lock(&memory->lock);
	int rc = table_reserve(table, 1);
	if (rc == 0)
		table_put(table, copy);
	pthread_mutex_unlock(&memory->lock);
	if (rc)
		table->free_row(copy);
	return rc ? out_of_memory(err) : 0;
}

static void remove_row(struct memory *memory, struct table *table, const void *row)
{
	pthread_mutex_lock(&memory->lock);
	table_remove(table, row);
	pthread_mutex_unlock(&memory->lock);
}

/* Copies of the rows that @wanted takes, as a table of its own. */
static int snapshot(struct memory *memory, const struct table *from, struct table *to,
	void *(*copy)(const void *), bool (*wanted)(const void *context, const void *row),
	const void *context)
{
	*to = (struct table){.compare = from->compare, .free_row = from->free_row};
	pthread_mutex_lock(&memory->lock);
	int rc = table_reserve(to, from->count);
	for (size_t i = 0; i < from->count && rc == 0; i++) {
		if (wanted && !wanted(context, from->rows[i]))
			continue;
		void *row = copy(from->rows[i]);
		if (row)
			to->rows[to->count++] = row;
		else
			rc = -ENOMEM;
	}
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

static inline void auto_table(struct table *table)
{
	if (table->free_row)
		table_release(table);
}
#define AUTO_TABLE __attribute__((cleanup(auto_table)))

/* Documents. */

static int memory_get(
	struct catalog *catalog, const struct uuid *id, struct document *out, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	const struct document key = {.id = *id};
	size_t place;

	pthread_mutex_lock(&memory->lock);
	bool is_there = table_find(&memory->documents, &key, &place);
	int rc = is_there ? document_copy(out, memory->documents.rows[place]) : -ENOENT;
	pthread_mutex_unlock(&memory->lock);
	if (rc == -ENOENT)
		return err_set(err, rc, "there is no such document");
	return rc ? out_of_memory(err) : 0;
}

static int memory_write(struct catalog *catalog, const struct document *const *documents,
	size_t count, const struct uuid *gone, size_t gone_count, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	struct table copies AUTO_TABLE = {.free_row = free_document};

	if (table_reserve(&copies, count))
		return out_of_memory(err);
	for (size_t i = 0; i < count; i++) {
		copies.rows[i] = copy_document(documents[i]);
		if (!copies.rows[i])
			return out_of_memory(err);
		copies.count++;
	}
	pthread_mutex_lock(&memory->lock);
	int rc = table_reserve(&memory->documents, count);
	for (; rc == 0 && copies.count; copies.count--)
		table_put(&memory->documents, copies.rows[copies.count - 1]);
	for (size_t i = 0; rc == 0 && i < gone_count; i++)
		table_remove(&memory->documents, &(struct document){.id = gone[i]});
	pthread_mutex_unlock(&memory->lock);
	return rc ? out_of_memory(err) : 0;
}

static int compare_age(const void *a, const void *b)
{
	const struct document *left = *(void *const *)a, *right = *(void *const *)b;

	if (left->created_ns != right->created_ns)
		return left->created_ns < right->created_ns ? -1 : 1;
	return uuid_compare(&left->id, &right->id);
}

static int memory_each(
	struct catalog *catalog, catalog_document_fn callback, void *context, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	struct table rows AUTO_TABLE = {0};
	int rc = 0;

	if (snapshot(memory, &memory->documents, &rows, copy_document, NULL, NULL))
		return out_of_memory(err);
	if (rows.count)
		qsort(rows.rows, rows.count, sizeof(*rows.rows), compare_age);
	for (size_t i = 0; i < rows.count && rc == 0; i++)
		rc = callback(context, rows.rows[i]);
	return rc;
}

static bool has_parent(const void *parent, const void *row)
{
	return uuid_equal(&((const struct document *)row)->parent, parent);
}

static int memory_members(struct catalog *catalog, const struct uuid *parent,
	catalog_document_fn callback, void *context, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	struct table rows AUTO_TABLE = {0};
	int rc = 0;

	if (snapshot(memory, &memory->documents, &rows, copy_document, has_parent, parent))
		return out_of_memory(err);
	for (size_t i = 0; i < rows.count && rc == 0; i++)
		rc = callback(context, rows.rows[i]);
	return rc;
}

/* Sessions. */

static int memory_session_put(
	struct catalog *catalog, const struct session_record *record, struct err *err)
{
	struct memory *memory = memory_of(catalog);

	return put_row(memory, &memory->sessions, copy_session(record), err);
}

/* The place of the first message of a conversation from @seq on. Under the lock. */
static size_t first_message(
	const struct memory *memory, const struct uuid *conversation, uint32_t seq)
{
	const struct message key = {
		.conversation = *conversation, .seq = seq, .role = MESSAGE_USER};
	size_t place;

	table_find(&memory->messages, &key, &place);
	return place;
}

static void cut_conversation(struct memory *memory, const struct uuid *conversation)
{
	size_t first = first_message(memory, conversation, 0), count = 0;

	while (first + count < memory->messages.count) {
		const struct message *message = memory->messages.rows[first + count];
		if (!uuid_equal(&message->conversation, conversation))
			break;
		count++;
	}
	table_cut(&memory->messages, first, count);
}

static int memory_session_remove(struct catalog *catalog, const char *name, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	AUTO_FREE char *own_name = strdup(name);
	const struct session_record key = {.name = own_name};
	size_t place;

	if (!own_name)
		return out_of_memory(err);
	pthread_mutex_lock(&memory->lock);
	if (table_find(&memory->sessions, &key, &place)) {
		const struct session_record *record = memory->sessions.rows[place];
		cut_conversation(memory, &record->conversation);
		table_cut(&memory->sessions, place, 1);
	}
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static int memory_session_each(
	struct catalog *catalog, catalog_session_fn callback, void *context, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	struct table rows AUTO_TABLE = {0};
	int rc = 0;

	if (snapshot(memory, &memory->sessions, &rows, copy_session, NULL, NULL))
		return out_of_memory(err);
	for (size_t i = 0; i < rows.count && rc == 0; i++)
		rc = callback(context, rows.rows[i]);
	return rc;
}

/* Messages. */

static int memory_message_put(
	struct catalog *catalog, const struct message *message, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	struct message answer = *message;

	int rc = put_row(memory, &memory->messages, copy_message(message), err);
	if (rc || message->role != MESSAGE_USER)
		return rc;
	answer.role = MESSAGE_ASSISTANT;
	remove_row(memory, &memory->messages, &answer);
	return 0;
}

static int memory_message_remove(
	struct catalog *catalog, const struct uuid *conversation, uint32_t seq, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	struct message key = {.conversation = *conversation, .seq = seq, .role = MESSAGE_USER};

	(void)err;
	remove_row(memory, &memory->messages, &key);
	key.role = MESSAGE_ASSISTANT;
	remove_row(memory, &memory->messages, &key);
	return 0;
}

static bool is_from(const void *context, const void *row)
{
	const struct message *from = context, *message = row;

	return uuid_equal(&message->conversation, &from->conversation) && message->seq >= from->seq;
}

static int memory_message_each(struct catalog *catalog, const struct uuid *conversation,
	uint32_t from_seq, catalog_message_fn callback, void *context, struct err *err)
{
	struct memory *memory = memory_of(catalog);
	const struct message from = {.conversation = *conversation, .seq = from_seq};
	struct table rows AUTO_TABLE = {0};
	int rc = 0;

	if (snapshot(memory, &memory->messages, &rows, copy_message, is_from, &from))
		return out_of_memory(err);
	for (size_t i = 0; i < rows.count && rc == 0; i++)
		rc = callback(context, rows.rows[i]);
	return rc;
}

/* The rest. */

static int memory_sync(struct catalog *catalog, struct err *err)
{
	(void)catalog;
	(void)err;
	return 0;
}

static int memory_check(struct catalog *catalog, struct buf *report, struct err *err)
{
	(void)catalog;
	(void)report;
	(void)err;
	return 0;
}

static void memory_free(struct catalog *catalog)
{
	struct memory *memory = memory_of(catalog);

	table_release(&memory->documents);
	table_release(&memory->sessions);
	table_release(&memory->messages);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static const struct catalog_ops memory_ops = {
	.name = "memory",
	.get = memory_get,
	.write = memory_write,
	.each = memory_each,
	.members = memory_members,
	.session_put = memory_session_put,
	.session_remove = memory_session_remove,
	.session_each = memory_session_each,
	.message_put = memory_message_put,
	.message_remove = memory_message_remove,
	.message_each = memory_message_each,
	.sync = memory_sync,
	.check = memory_check,
	.free = memory_free,
};

int catalog_memory_new(struct catalog **out, struct err *err)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return out_of_memory(err);
	memory->catalog.ops = &memory_ops;
	pthread_mutex_init(&memory->lock, NULL);
	memory->documents = (struct table){.compare = compare_documents, .free_row = free_document};
	memory->sessions = (struct table){.compare = compare_sessions, .free_row = free_session};
	memory->messages = (struct table){.compare = compare_messages, .free_row = free_message};
	*out = &memory->catalog;
	return 0;
}
