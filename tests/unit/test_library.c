/* SPDX-License-Identifier: Apache-2.0 */
#include "core/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/local/catalog_memory.h"

static struct document make(const char *path, uid_t owner, enum doc_status status)
{
	struct document document;

	document_init(&document);
	document.id = uuid_new();
	document.path = strdup(path);
	document.content_type = strdup("text/plain");
	document.access = (struct access){owner, 100, 0644};
	document.status = status;
	document.created_ns = document.updated_ns = 1000;
	return document;
}

static void move_to(struct document *document, const char *path)
{
	free(document->path);
	document->path = strdup(path);
	document->updated_ns++;
}

static void test_found_by_id_and_path(void **state)
{
	AUTO_DOCUMENT struct document a = make("in/a.txt", 1, DOC_INDEXED);
	AUTO_DOCUMENT struct document b = make("in/a.txt", 2, DOC_FAILED);
	struct library *library;

	(void)state;
	assert_int_equal(library_new(&library), 0);
	struct library_entry *entry = library_put(library, &a);
	library_put(library, &b);
	assert_ptr_equal(library_find(library, &a.id), entry);
	assert_ptr_equal(library_by_path(library, 1, "in/a.txt"), entry);
	assert_true(uuid_equal(&library_by_path(library, 2, "in/a.txt")->id, &b.id));
	assert_null(library_by_path(library, 3, "in/a.txt"));
	assert_string_equal(library_entry_name(entry), "a.txt");
	assert_string_equal(entry->content_type, "text/plain");
	assert_int_equal(library_count(library, DOC_INDEXED), 1);
	assert_int_equal(library_count(library, DOC_FAILED), 1);

	move_to(&a, "other");
	library_put(library, &a);
	assert_null(library_by_path(library, 1, "in/a.txt"));
	assert_ptr_equal(library_by_path(library, 1, "other"), entry);
	library_remove(library, entry);
	assert_null(library_find(library, &a.id));
	assert_null(library_by_path(library, 1, "other"));
	assert_int_equal(library_count(library, DOC_INDEXED), 0);
	library_free(library);
}

static void test_stale_records_are_ignored(void **state)
{
	AUTO_DOCUMENT struct document a = make("new", 1, DOC_INDEXED);
	struct library *library;

	(void)state;
	assert_int_equal(library_new(&library), 0);
	a.updated_ns = 2000;
	library_put(library, &a);
	move_to(&a, "old");
	a.updated_ns = 1999;
	a.status = DOC_PENDING;
	struct library_entry *entry = library_put(library, &a);
	assert_string_equal(entry->path, "new");
	assert_int_equal(entry->status, DOC_INDEXED);
	assert_int_equal(library_count(library, DOC_PENDING), 0);
	a.updated_ns = 2000;
	library_put(library, &a);
	assert_string_equal(entry->path, "old");
	library_free(library);
}

/* What a watch was told last. */
struct seen {
	struct library_watch watch; /* first */
	int came, changed, gone;
	enum doc_status before;
	char path[32];
};

static void see(struct library_watch *watch, const struct library_entry *before,
	const struct library_entry *after)
{
	struct seen *seen = (struct seen *)watch;

	seen->came += !before;
	seen->gone += !after;
	seen->changed += before && after;
	if (before)
		seen->before = before->status;
	snprintf(seen->path, sizeof(seen->path), "%s", before ? before->path : "");
}

static void test_watches_are_told(void **state)
{
	AUTO_DOCUMENT struct document a = make("one", 1, DOC_PENDING);
	struct seen seen = {.watch.changed = see};
	struct library *library;

	(void)state;
	assert_int_equal(library_new(&library), 0);
	library_watch(library, &seen.watch);
	struct library_entry *entry = library_put(library, &a);
	assert_int_equal(seen.came, 1);
	library_set_status(library, entry, DOC_PENDING);
	assert_int_equal(seen.changed, 0);
	library_set_status(library, entry, DOC_PROCESSING);
	assert_int_equal(seen.changed, 1);
	assert_int_equal(seen.before, DOC_PENDING);
	assert_int_equal(library_count(library, DOC_PROCESSING), 1);
	const struct access access = {9, 9, 0600};
	assert_int_equal(library_set_place(library, entry, &access, "two"), 0);
	assert_string_equal(seen.path, "one");
	assert_ptr_equal(library_by_path(library, 9, "two"), entry);
	library_remove(library, entry);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.changed, 2);
	library_free(library);
}

/* More than the first tables hold, each found, in the order in which they came. */
static void test_many(void **state)
{
	enum { COUNT = 3000 };
	static struct uuid ids[COUNT];
	struct library *library;
	char path[32];
	size_t i = 0;

	(void)state;
	assert_int_equal(library_new(&library), 0);
	for (i = 0; i < COUNT; i++) {
		snprintf(path, sizeof(path), "f/%zu", i);
		AUTO_DOCUMENT struct document document = make(path, 1, DOC_INDEXED);
		ids[i] = document.id;
		assert_non_null(library_put(library, &document));
	}
	for (i = 0; i < COUNT; i += 2)
		library_remove(library, library_find(library, &ids[i]));
	assert_int_equal(library_count(library, DOC_INDEXED), COUNT / 2);
	i = 1;
	for (struct library_entry *e = library_first(library); e; e = e->after, i += 2) {
		snprintf(path, sizeof(path), "f/%zu", i);
		assert_string_equal(e->path, path);
		assert_ptr_equal(library_by_path(library, 1, path), e);
	}
	assert_int_equal(i, COUNT + 1);
	library_free(library);
}

static void test_load(void **state)
{
	AUTO_DOCUMENT struct document a = make("a", 1, DOC_INDEXED);
	AUTO_DOCUMENT struct document b = make("b", 1, DOC_FAILED);
	const struct document *both[] = {&a, &b};
	struct catalog *catalog;
	struct library *library;
	struct err err = ERR_NONE;

	(void)state;
	a.created_ns = 2000;
	assert_int_equal(catalog_memory_new(&catalog, &err), 0);
	assert_int_equal(catalog_put(catalog, both, 2, &err), 0);
	assert_int_equal(library_new(&library), 0);
	assert_int_equal(library_load(library, catalog, &err), 0);
	assert_string_equal(library_first(library)->path, "b"); /* the older one */
	assert_string_equal(library_first(library)->after->path, "a");
	assert_null(library_first(library)->after->after);
	library_free(library);
	catalog_free(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_id_and_path),
		cmocka_unit_test(test_stale_records_are_ignored),
		cmocka_unit_test(test_watches_are_told),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
