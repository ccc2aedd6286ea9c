/* SPDX-License-Identifier: Apache-2.0 */
/* Searches on a catalog and an index in memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/catalog_memory.h"
#include "core/local/vectors_memory.h"
#include "core/search.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

struct stage {
	struct loop *loop;
	struct catalog *catalog;
	struct vectors *vectors;
	struct config config;
	struct searches *searches;
	gid_t group;
	struct caller caller;
};

struct outcome {
	struct waiter waiter;
	bool is_done;
	int rc;
};

static void start(struct stage *stage)
{
	struct err err = ERR_NONE;
	struct searches_ports ports = {
		.loop = stage->loop,
		.catalog = stage->catalog,
		.retriever = {.vectors = stage->vectors, .catalog = stage->catalog},
	};

	assert_int_equal(searches_new(&stage->searches, &ports, &stage->config, &err), 0);
}

static int setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct err err = ERR_NONE;

	assert_non_null(stage);
	assert_int_equal(loop_new(&stage->loop), 0);
	assert_int_equal(catalog_memory_new(&stage->catalog, &err), 0);
	assert_int_equal(vectors_memory_new(&stage->vectors), 0);
	assert_int_equal(config_init(&stage->config), 0);
	stage->group = 1000;
	stage->caller = (struct caller){1000, &stage->group, 1};
	start(stage);
	*state = stage;
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;

	searches_free(stage->searches);
	vectors_free(stage->vectors);
	catalog_free(stage->catalog);
	config_release(&stage->config);
	loop_free(stage->loop);
	free(stage);
	return 0;
}

static void done(struct waiter *waiter, int rc)
{
	struct outcome *outcome = (struct outcome *)(void *)waiter;

	outcome->is_done = true;
	outcome->rc = rc;
}

static int await(struct stage *stage, struct outcome *outcome)
{
	int64_t end = clock_mono_ns() + 5 * NS_PER_SEC;

	while (!outcome->is_done) {
		assert_true(clock_mono_ns() < end);
		loop_drain(stage->loop);
		usleep(200);
	}
	return outcome->rc;
}

static int wait_for(struct stage *stage, struct search *search)
{
	struct outcome outcome = {.waiter.done = done};
	int rc = search_wait(search, &outcome.waiter);

	return rc == -EINPROGRESS ? await(stage, &outcome) : rc;
}

static int remove_search(struct stage *stage, struct search *search)
{
	struct outcome outcome = {.waiter.done = done};
	int rc = search_remove(search, &outcome.waiter);

	return rc == -EINPROGRESS ? await(stage, &outcome) : rc;
}

/* A document with so many chunks that all say @text. */
static struct uuid add(
	struct stage *stage, const char *path, mode_t mode, const char *text, uint32_t chunks)
{
	struct err err = ERR_NONE;
	struct document document;
	const struct document *list[] = {&document};

	document_init(&document);
	document.id = uuid_new();
	document.path = strdup(path);
	document.version = 1;
	document.status = DOC_INDEXED;
	document.chunk_count = chunks;
	document.access = (struct access){2000, 2000, mode};
	assert_int_equal(catalog_put(stage->catalog, list, 1, &err), 0);
	for (uint32_t i = 0; i < chunks; i++) {
		struct chunk chunk = {.index = i,
			.start_char = i * 100,
			.end_char = i * 100 + 50,
			.text = text,
			.text_len = strlen(text)};
		assert_int_equal(
			vectors_add(stage->vectors, &document.id, 1, NULL, &chunk, 1, &err), 0);
	}
	struct publication publication = {
		.document = document.id, .version = 1, .access = document.access, .path = path};
	assert_int_equal(vectors_publish(stage->vectors, &publication, 1, &err), 0);
	struct uuid id = document.id;
	document_release(&document);
	return id;
}

static struct search *make(struct stage *stage, const char *path)
{
	struct search *search;

	assert_int_equal(searches_make(stage->searches, path, false, &stage->caller, &search), 0);
	assert_int_equal(wait_for(stage, search), 0);
	return search;
}

static void the_best_documents_are_listed_once(void **state)
{
	struct stage *stage = *state;

	add(stage, "hr/refunds.txt", 0644, "refund policy of the house", 3);
	add(stage, "other.txt", 0644, "the policy on something else entirely, at length", 1);
	struct search *search = make(stage, "refund policy");
	assert_int_equal(search->findings.entry_count, 2);
	assert_string_equal(search->findings.entries[0].name, "01-refunds.txt");
	assert_string_equal(search->findings.entries[1].name, "02-other.txt");
	AUTO(cJSON_Delete) cJSON *list = cJSON_Parse(search->findings.json);
	assert_int_equal(cJSON_GetArraySize(list), 4);
	const cJSON *first = cJSON_GetArrayItem(list, 0);
	assert_true(cJSON_HasObjectItem(first, "document_id"));
	assert_true(cJSON_HasObjectItem(first, "chunk_id"));
	assert_true(cJSON_HasObjectItem(first, "score"));
	assert_true(cJSON_HasObjectItem(first, "content"));
	const cJSON *metadata = cJSON_GetObjectItem(first, "metadata");
	assert_true(cJSON_HasObjectItem(metadata, "start_char"));
	assert_string_equal(
		cJSON_GetStringValue(cJSON_GetObjectItem(metadata, "path")), "hr/refunds.txt");
	assert_int_equal(search->access.mode, 0700);
	assert_int_equal(search->access.owner, 1000);
}

static void a_search_sees_what_its_maker_may_read(void **state)
{
	struct stage *stage = *state;

	add(stage, "private.txt", 0600, "refund policy", 1);
	add(stage, "public.txt", 0644, "refund policy", 1);
	struct search *search = make(stage, "refund policy");
	assert_int_equal(search->findings.entry_count, 1);
	assert_string_equal(search->findings.entries[0].name, "01-public.txt");
}

static void it_is_run_once_and_again_by_touch(void **state)
{
	struct stage *stage = *state;
	struct search *search = make(stage, "refund policy");

	assert_int_equal(search->findings.entry_count, 0);
	assert_string_equal(search->findings.json, "[]\n");
	add(stage, "public.txt", 0644, "refund policy", 1);
	assert_int_equal(wait_for(stage, search), 0);
	assert_int_equal(search->findings.entry_count, 0);
	assert_int_equal(search_run(search, &stage->caller), 0);
	assert_int_equal(search->state, SEARCH_PENDING);
	assert_int_equal(wait_for(stage, search), 0);
	assert_int_equal(search->findings.entry_count, 1);
}

static void names_folders_and_limits(void **state)
{
	struct stage *stage = *state;
	struct searches *searches = stage->searches;
	struct search *search;
	char name[258];

	memset(name, 'n', 256);
	name[256] = '\0';
	assert_int_equal(
		searches_make(searches, name, false, &stage->caller, &search), -ENAMETOOLONG);
	assert_int_equal(
		searches_make(searches, ".Trash-1000", false, &stage->caller, &search), -EPERM);
	assert_int_equal(searches_make(searches, " ", false, &stage->caller, &search), -EINVAL);
	assert_int_equal(searches_make(searches, "\xff", false, &stage->caller, &search), -EINVAL);
	assert_int_equal(searches_make(searches, "me/x", false, &stage->caller, &search), -ENOENT);
	make(stage, "a");
	assert_int_equal(searches_make(searches, "a", false, &stage->caller, &search), -EEXIST);
	assert_int_equal(searches_make(searches, "a/x", false, &stage->caller, &search), -EPERM);
	assert_int_equal(searches_make(searches, "me", true, &stage->caller, &search), 0);
	assert_true(search->is_folder);
	assert_int_equal(wait_for(stage, search), 0);
	make(stage, "me/a");
	assert_int_equal(searches_make(searches, "me/a/b", false, &stage->caller, &search), -EPERM);
	assert_int_equal(search_remove(searches_find(searches, "me"), NULL), -ENOTEMPTY);
	assert_int_equal(remove_search(stage, searches_find(searches, "me/a")), 0);
	assert_int_equal(remove_search(stage, searches_find(searches, "me")), 0);
	assert_null(searches_find(searches, "me"));
	stage->config.search_limit = 1;
	assert_int_equal(searches_make(searches, "b", false, &stage->caller, &search), -EDQUOT);
}

static void a_deleted_document_leaves_the_findings(void **state)
{
	struct stage *stage = *state;
	struct err err = ERR_NONE;
	struct uuid id = add(stage, "a.txt", 0644, "refund policy", 2);

	add(stage, "b.txt", 0644, "refund policy and more of it, and more", 1);
	struct search *search = make(stage, "refund policy");
	assert_int_equal(search->findings.entry_count, 2);
	assert_int_equal(catalog_remove(stage->catalog, &id, &err), 0);
	searches_document_removed(stage->searches, &id);
	assert_int_equal(search->findings.entry_count, 1);
	assert_string_equal(search->findings.entries[0].name, "01-b.txt");
	AUTO(cJSON_Delete) cJSON *list = cJSON_Parse(search->findings.json);
	assert_int_equal(cJSON_GetArraySize(list), 1);
}

static void searches_survive_a_restart_without_being_run(void **state)
{
	struct stage *stage = *state;
	struct search *search;

	add(stage, "a\xff.txt", 0644, "refund policy", 1);
	search = make(stage, "refund policy");
	AUTO_FREE char *json = strdup(search->findings.json);
	int64_t run_ns = search->run_ns;
	assert_int_equal(searches_make(stage->searches, "me", true, &stage->caller, &search), 0);
	make(stage, "me/refund");
	assert_int_equal(remove_search(stage, make(stage, "gone")), 0);
	searches_free(stage->searches);
	add(stage, "new.txt", 0644, "refund policy", 1);
	start(stage);
	assert_int_equal(searches_count(stage->searches), 3);
	assert_true(searches_find(stage->searches, "me")->is_folder);
	search = searches_find(stage->searches, "refund policy");
	assert_int_equal(wait_for(stage, search), 0);
	assert_string_equal(search->findings.json, json);
	assert_string_equal(search->findings.entries[0].file_name, "a\xff.txt");
	assert_int_equal(search->run_ns, run_ns);
}

/* What a daemon that is killed before it has run a search leaves, after mkdir and after touch. */
static void an_owed_search_runs_with_all_groups_of_its_maker(void **state)
{
	struct stage *stage = *state;
	gid_t groups[] = {1000, 2000};
	const struct caller member = {1000, groups, 2};
	struct search *search;
	struct err err = ERR_NONE;

	add(stage, "of-the-group.txt", 0640, "refund policy", 1);
	make(stage, "refund policy");
	assert_int_equal(searches_make(stage->searches, "policy", false, &member, &search), 0);
	assert_int_equal(wait_for(stage, search), 0);
	AUTO_FREE char *caller = caller_to_json(&member);
	struct session_record owed = {.name = (char *)"search/policy",
		.conversation = search->id,
		.access = search->access,
		.options = caller,
		.first_seq = 1};
	searches_free(stage->searches);
	assert_int_equal(catalog_session_put(stage->catalog, &owed, &err), 0);
	start(stage);
	search = searches_find(stage->searches, "policy");
	assert_int_equal(wait_for(stage, search), 0);
	assert_int_equal(search->findings.entry_count, 1);
	search = searches_find(stage->searches, "refund policy");
	assert_int_equal(wait_for(stage, search), 0);
	assert_int_equal(search->findings.entry_count, 0);
}

static void a_long_name_is_cut_between_characters(void **state)
{
	struct stage *stage = *state;
	char name[256] = "";

	for (size_t i = 0; i < 127; i++)
		memcpy(name + 2 * i, "\xc3\xa4", 3);
	add(stage, name, 0644, "refund policy", 1);
	struct search *search = make(stage, "refund");
	const char *entry = search->findings.entries[0].name;
	assert_int_equal(strlen(entry), 255);
	assert_memory_equal(entry, "01-\xc3\xa4", 5);
	assert_memory_equal(entry + 253, "\xc3\xa4", 2);
	assert_string_equal(search->findings.entries[0].file_name, name);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_best_documents_are_listed_once),
		CASE(a_search_sees_what_its_maker_may_read),
		CASE(it_is_run_once_and_again_by_touch),
		CASE(names_folders_and_limits),
		CASE(a_deleted_document_leaves_the_findings),
		CASE(searches_survive_a_restart_without_being_run),
		CASE(an_owed_search_runs_with_all_groups_of_its_maker),
		CASE(a_long_name_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
