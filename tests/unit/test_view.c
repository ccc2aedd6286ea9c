/* SPDX-License-Identifier: Apache-2.0 */
#include "core/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"

struct world {
	struct library *library;
	struct view *view;
	int64_t now;
};

static void begin(struct world *world)
{
	*world = (struct world){0};
	assert_int_equal(library_new(&world->library), 0);
	assert_int_equal(view_new(&world->view, world->library), 0);
}

static void end(struct world *world)
{
	library_free(world->library);
	view_free(world->view);
}

static struct library_entry *put(
	struct world *world, const char *path, const char *type, enum doc_status status)
{
	AUTO_DOCUMENT struct document document;

	document_init(&document);
	document.id = uuid_new();
	document.path = strdup(path);
	document.content_type = type ? strdup(type) : NULL;
	document.status = status;
	document.created_ns = document.updated_ns = ++world->now;
	struct library_entry *entry = library_put(world->library, &document);
	assert_non_null(entry);
	return entry;
}

/* The name's node below the root; NULL: there is none. */
static struct view_node *node(struct world *world, const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	struct view_node *at = view_root(world->view);
	char *rest = copy;

	for (char *name; at && (name = strsep(&rest, "/"));)
		at = view_lookup(world->view, at, name);
	return at;
}

static bool leads_to(struct world *world, const char *path, const struct library_entry *entry)
{
	struct view_node *leaf = node(world, path);

	return leaf && uuid_equal(&leaf->document, &entry->id);
}

static void test_three_trees(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	struct library_entry *a = put(&world, "in/deep/a.txt", "text/plain", DOC_INDEXED);
	assert_true(leads_to(&world, "status/INDEXED/a.txt", a));
	assert_true(leads_to(&world, "name/in/deep/a.txt", a));
	assert_true(leads_to(&world, "type/text/plain/a.txt", a));
	assert_non_null(node(&world, "status/FAILED"));
	assert_null(node(&world, "status/FAILED/a.txt"));

	library_set_status(world.library, a, DOC_FAILED);
	assert_null(node(&world, "status/INDEXED/a.txt"));
	assert_true(leads_to(&world, "status/FAILED/a.txt", a));
	library_remove(world.library, a);
	assert_null(node(&world, "status/FAILED/a.txt"));
	assert_null(node(&world, "name/in")); /* emptied folders go */
	assert_null(node(&world, "type/text"));
	assert_non_null(node(&world, "name"));
	assert_non_null(node(&world, "status/INDEXED"));
	end(&world);
}

static void test_a_type_that_is_not_known_yet(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	struct library_entry *a = put(&world, "a", NULL, DOC_PENDING);
	assert_true(leads_to(&world, "status/PENDING/a", a));
	assert_null(node(&world, "type")->children);
	end(&world);
}

/* Of two users: the file of one has the name of the other's folder. */
static void test_a_document_with_the_name_of_a_folder(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	struct library_entry *file = put(&world, "contracts", "text/plain", DOC_INDEXED);
	assert_true(leads_to(&world, "name/contracts", file));
	struct library_entry *below = put(&world, "contracts/a.txt", "text/plain", DOC_INDEXED);
	struct library_entry *late = put(&world, "contracts/b.txt", "text/plain", DOC_INDEXED);
	assert_true(leads_to(&world, "name/contracts/a.txt", below));
	assert_true(leads_to(&world, "name/contracts/b.txt", late));
	assert_true(leads_to(&world, "name/contracts (2)", file));
	library_remove(world.library, below);
	library_remove(world.library, late);
	assert_null(node(&world, "name/contracts"));
	assert_true(leads_to(&world, "name/contracts (2)", file));
	library_remove(world.library, file);
	assert_null(node(&world, "name")->children);
	end(&world);
}

static void test_names_that_occur_twice(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	struct library_entry *a = put(&world, "x/a.tar.gz", "text/plain", DOC_INDEXED);
	struct library_entry *b = put(&world, "y/a.tar.gz", "text/plain", DOC_INDEXED);
	struct library_entry *c = put(&world, "z/a.tar.gz", "text/plain", DOC_INDEXED);
	struct library_entry *plain = put(&world, "x/plain", "text/plain", DOC_INDEXED);
	struct library_entry *twin = put(&world, "y/plain", "text/plain", DOC_INDEXED);
	assert_true(leads_to(&world, "status/INDEXED/a.tar.gz", a));
	assert_true(leads_to(&world, "status/INDEXED/a.tar (2).gz", b));
	assert_true(leads_to(&world, "status/INDEXED/a.tar (3).gz", c));
	assert_true(leads_to(&world, "status/INDEXED/plain", plain));
	assert_true(leads_to(&world, "status/INDEXED/plain (2)", twin));
	assert_true(leads_to(&world, "name/y/a.tar.gz", b));

	/* Each keeps its name when another one goes. */
	library_remove(world.library, a);
	assert_null(node(&world, "status/INDEXED/a.tar.gz"));
	assert_true(leads_to(&world, "status/INDEXED/a.tar (2).gz", b));
	struct library_entry *d = put(&world, "w/a.tar.gz", "text/plain", DOC_INDEXED);
	assert_true(leads_to(&world, "status/INDEXED/a.tar.gz", d));
	end(&world);
}

static void test_names_of_255_bytes(void **state)
{
	struct world world;
	char name[256];

	(void)state;
	begin(&world);
	memset(name, 'n', 251);
	memcpy(name + 251, ".txt", 5);
	struct library_entry *a = put(&world, name, "text/plain", DOC_INDEXED);
	AUTO_FREE char *path = NULL;
	assert_true(asprintf(&path, "folder/%s", name) > 0);
	struct library_entry *b = put(&world, path, "text/plain", DOC_INDEXED);
	struct view_node *status = node(&world, "status/INDEXED");
	int found = 0;
	for (struct view_node *leaf = status->children; leaf; leaf = leaf->next) {
		assert_int_equal(strlen(leaf->name), 255);
		assert_string_equal(leaf->name + 251, ".txt");
		found += uuid_equal(&leaf->document, &a->id) || uuid_equal(&leaf->document, &b->id);
	}
	assert_int_equal(found, 2);
	end(&world);
}

static void test_made_late_it_says_the_same(void **state)
{
	struct view *late;
	struct world world;
	char path[32];

	(void)state;
	begin(&world);
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "%d/a.txt", i);
		put(&world, path, "text/plain", (enum doc_status)(i % DOC_STATUS_COUNT));
	}
	assert_int_equal(view_new(&late, world.library), 0);
	struct view_node *type = node(&world, "type/text/plain");
	size_t count = 0;
	for (struct view_node *leaf = type->children; leaf; leaf = leaf->next, count++) {
		struct view_node *same = view_lookup(late, view_root(late), "type");
		same = view_lookup(late, same, "text");
		same = view_lookup(late, same, "plain");
		same = view_lookup(late, same, leaf->name);
		assert_non_null(same);
		assert_true(uuid_equal(&same->document, &leaf->document));
	}
	assert_int_equal(count, 1000);
	end(&world);
	view_free(late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_trees),
		cmocka_unit_test(test_a_type_that_is_not_known_yet),
		cmocka_unit_test(test_a_document_with_the_name_of_a_folder),
		cmocka_unit_test(test_names_that_occur_twice),
		cmocka_unit_test(test_names_of_255_bytes),
		cmocka_unit_test(test_made_late_it_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
