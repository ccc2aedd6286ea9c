/* SPDX-License-Identifier: Apache-2.0 */
#include "core/retrieve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/followup.h"
#include "core/local/catalog_memory.h"
#include "core/local/embedder_test.h"
#include "core/local/vectors_memory.h"

struct base {
	struct retriever retriever;
	struct uuid ids[64];
	size_t count;
};

static gid_t groups[] = {100};
static const struct caller alice = {.uid = 1000, .groups = groups, .group_count = 1};

/* The record of a document that one user may read, or all. */
static void put_record(struct base *base, size_t number, uid_t owner, mode_t mode, uint32_t version,
	const char *path)
{
	struct err err = ERR_NONE;
	struct document document;

	document_init(&document);
	document.id = base->ids[number];
	document.path = strdup(path);
	document.version = version;
	document.status = DOC_INDEXED;
	document.access = (struct access){.owner = owner, .group = 1, .mode = mode};
	const struct document *list[] = {&document};
	assert_int_equal(catalog_put(base->retriever.catalog, list, 1, &err), 0);
	document_release(&document);
}

/* One document of one chunk; its number. */
static size_t add(struct base *base, const char *path, const char *text, uid_t owner, mode_t mode)
{
	struct err err = ERR_NONE;
	struct uuid id = uuid_new();
	struct access access = {.owner = owner, .group = 1, .mode = mode};
	struct publication publication = {.document = id,
		.version = 1,
		.access = access,
		.content_type = "text/plain",
		.path = path};
	struct chunk chunk = {.end_char = strlen(text), .text = text, .text_len = strlen(text)};

	assert_true(base->count < ARRAY_LEN(base->ids));
	base->ids[base->count] = id;
	assert_int_equal(vectors_add(base->retriever.vectors, &id, 1, path, &chunk, 1, &err), 0);
	assert_int_equal(vectors_publish(base->retriever.vectors, &publication, 1, &err), 0);
	put_record(base, base->count, owner, mode, 1, path);
	if (base->retriever.embedder) {
		const struct embedder_info *info = embedder_info(base->retriever.embedder);
		AUTO_FREE float *vector = calloc(info->dimension, sizeof(*vector));

		assert_int_equal(embedder_embed(base->retriever.embedder, EMBED_PASSAGE, &text, 1,
					 vector, &err),
			0);
		const struct span span = {0, strlen(text)};
		const struct embedding embedding = {0, &span, vector, 1};
		assert_int_equal(vectors_embed(base->retriever.vectors, &id, 1, &embedding,
					 info->dimension, info->model, &err),
			0);
	}
	return base->count++;
}

static int setup(void **state)
{
	struct base *base = calloc(1, sizeof(*base));
	struct err err = ERR_NONE;

	assert_non_null(base);
	assert_int_equal(vectors_memory_new(&base->retriever.vectors), 0);
	assert_int_equal(catalog_memory_new(&base->retriever.catalog, &err), 0);
	*state = base;
	return 0;
}

static int teardown(void **state)
{
	struct base *base = *state;

	vectors_free(base->retriever.vectors);
	catalog_free(base->retriever.catalog);
	embedder_free(base->retriever.embedder);
	free(base);
	return 0;
}

static void find(const struct base *base, const char *question, size_t top_k, struct retrieval *out)
{
	struct err err = ERR_NONE;
	struct retrieve_request request = {
		.question = question, .caller = &alice, .top_k = top_k, .threshold = -1};

	retrieval_release(out);
	assert_int_equal(retrieve(&base->retriever, &request, out, &err), 0);
	for (size_t i = 0; i < out->passage_count; i++) {
		assert_true(uuid_equal(&out->documents[i].id, &out->passages[i].hit->document));
		assert_true(out->passages[i].score >= 0 && out->passages[i].score <= 1);
		assert_true(i == 0 || out->passages[i].score <= out->passages[i - 1].score);
	}
}

static bool is_passage(
	const struct base *base, const struct retrieval *found, size_t rank, size_t number)
{
	return rank < found->passage_count &&
		uuid_equal(&found->passages[rank].hit->document, &base->ids[number]);
}

static void add_library(struct base *base)
{
	add(base, "refunds.txt", "Refunds are paid within 14 days of the return.", 1, 0644);
	add(base, "shipping.txt", "Shipping to Germany takes three days.", 1, 0644);
	add(base, "germany.txt", "In Germany refunds are paid within 30 days.", 1, 0644);
	add(base, "cats.txt", "Cats sleep for most of the day.", 1, 0644);
}

static void words_alone_rank_as_the_index_does(void **state)
{
	struct base *base = *state;
	struct retrieval found = {0};
	struct search_result words = {0};
	struct err err = ERR_NONE;
	struct search_query query = {
		.caller = &alice, .text = "When are refunds paid in Germany?", .top_k = 10};

	add_library(base);
	find(base, query.text, 10, &found);
	assert_int_equal(vectors_words(base->retriever.vectors, &query, &words, &err), 0);
	assert_int_equal(found.passage_count, words.hit_count);
	assert_true(is_passage(base, &found, 0, 2));
	for (size_t i = 0; i < words.hit_count; i++)
		assert_true(uuid_equal(&words.hits[i].document, &found.passages[i].hit->document));
	assert_int_equal(found.term_count, words.term_count);
	assert_string_equal(found.passages[0].title, "germany.txt");
	assert_true(found.passages[0].dense < 0);
	find(base, query.text, 1, &found);
	assert_int_equal(found.passage_count, 1);
	find(base, "xylophone", 5, &found);
	assert_int_equal(found.passage_count, 0);
	search_result_release(&words);
	retrieval_release(&found);
}

static void what_was_closed_deleted_or_replaced_is_dropped(void **state)
{
	struct base *base = *state;
	struct retrieval found = {0};
	struct err err = ERR_NONE;

	add_library(base);
	find(base, "refunds paid", 5, &found);
	assert_int_equal(found.passage_count, 2);
	/* The index still has all of them; the records know better. */
	put_record(base, 0, 1, 0600, 1, "refunds.txt");
	find(base, "refunds paid", 5, &found);
	assert_int_equal(found.passage_count, 1);
	assert_true(is_passage(base, &found, 0, 2));
	put_record(base, 2, 1, 0644, 2, "germany.txt");
	find(base, "refunds paid", 5, &found);
	assert_int_equal(found.passage_count, 0);
	assert_int_equal(catalog_remove(base->retriever.catalog, &base->ids[3], &err), 0);
	find(base, "cats", 5, &found);
	assert_int_equal(found.passage_count, 0);
	retrieval_release(&found);
}

static void private_documents_do_not_push_out_the_public_one(void **state)
{
	struct base *base = *state;
	struct retrieval found = {0};

	for (int i = 0; i < 50; i++)
		add(base, "secret.txt", "the secret plan plan plan", 1, 0600);
	size_t public =
		add(base, "public.txt", "a plan that all may read, and more of it", 1, 0644);
	find(base, "secret plan", 1, &found);
	assert_int_equal(found.passage_count, 1);
	assert_true(is_passage(base, &found, 0, public));
	retrieval_release(&found);
}

static void file_names_that_are_not_utf8_make_titles_that_are(void **state)
{
	struct base *base = *state;
	struct retrieval found = {0};

	add(base, "folder/caf\xe9.txt", "coffee is served until noon", 1, 0644);
	find(base, "coffee", 1, &found);
	assert_string_equal(found.passages[0].title, "caf\xef\xbf\xbd.txt");
	retrieval_release(&found);
}

static void follow_ups_find_their_passage(void **state)
{
	static const struct exchange history[] = {
		{"When are refunds paid?", "Within 14 days."},
		{"And in France?", "The documents do not say."},
	};
	struct base *base = *state;
	struct retrieval found = {0};
	struct err err = ERR_NONE;
	struct retrieve_request request = {.question = "and in Germany?",
		.history = history,
		.history_count = 2,
		.caller = &alice,
		.top_k = 5,
		.threshold = -1};

	add_library(base);
	add(base, "beer.txt", "Germany has beer. Germany, Germany!", 1, 0644);
	assert_int_equal(retrieve(&base->retriever, &request, &found, &err), 0);
	assert_true(is_passage(base, &found, 0, 2));
	retrieval_release(&found);
}

static void a_follow_up_takes_the_place_of_what_was_asked(void **state)
{
	static const struct exchange history[] = {{"When are refunds paid in France?", "Soon."}};
	AUTO_BUF struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(followup_resolve("and in Germany?", history, 1, &out), 0);
	assert_non_null(strstr(out.data, "refunds paid in"));
	assert_null(strstr(out.data, "France"));
}

static void questions_that_stand_alone_stay_alone(void **state)
{
	static const struct {
		const char *question;
		bool is_elliptic;
	} cases[] = {
		{"and in Germany?", true},
		{"Und in Deutschland?", true},
		{"What about Germany?", true},
		{"When was it built?", true},
		{"Why?", true},
		{"In Germany?", true},
		{"Was ist mit Deutschland?", true},
		{"What is Germany?", false},
		{"In dem Haus?", false},
		{"En quelle ann\xc3\xa9"
		 "e ?",
			false},
		{"How long does shipping to Germany take?", false},
		{"refund policy", false},
		{"refunds", false},
		{"Who founded Rome?", false},
	};
	static const struct exchange history[] = {{"Who was Caesar of Rome?", "A man."}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF struct buf out;

		buf_init(&out, BUF_MAX_DEFAULT);
		assert_int_equal(followup_resolve(cases[i].question, history, 1, &out), 0);
		assert_memory_equal(out.data, cases[i].question, strlen(cases[i].question));
		assert_int_equal(strstr(out.data, "Caesar") != NULL, cases[i].is_elliptic);
		buf_clear(&out);
		assert_int_equal(followup_resolve(cases[i].question, NULL, 0, &out), 0);
		assert_string_equal(out.data, cases[i].question);
	}
}

static void dense_hits_join_by_the_embedders_weight(void **state)
{
	struct base *base = *state;
	struct retrieval found = {0};
	struct err err = ERR_NONE;
	struct retrieve_request request = {.question = "refunds paid in Germany",
		.caller = &alice,
		.top_k = 5,
		.threshold = -1};

	assert_int_equal(embedder_test_new(&base->retriever.embedder, 0), 0);
	add_library(base);
	uint64_t calls = embedder_calls();
	assert_int_equal(retrieve(&base->retriever, &request, &found, &err), 0);
	assert_int_equal(embedder_calls(), calls + 1);
	assert_true(is_passage(base, &found, 0, 2));
	assert_true(found.passages[0].dense > .5);
	/* The best of both lists has the full score of both. */
	assert_true(found.passages[0].score > .999);
	retrieval_release(&found);
	/* Nothing is that near: the words remain, with their share of the weight. */
	request.threshold = 1.1;
	assert_int_equal(retrieve(&base->retriever, &request, &found, &err), 0);
	assert_true(found.passage_count >= 2);
	for (size_t i = 0; i < found.passage_count; i++)
		assert_true(found.passages[i].dense < 0);
	retrieval_release(&found);
}

static void an_embedder_that_fails_leaves_the_words(void **state)
{
	struct base *base = *state;
	struct retrieval found = {0};
	struct err err = ERR_NONE;
	struct retrieve_request request = {
		.question = "refunds", .caller = &alice, .top_k = 5, .threshold = -1};

	add_library(base);
	assert_int_equal(embedder_test_new(&base->retriever.embedder, 1), 0);
	assert_int_equal(retrieve(&base->retriever, &request, &found, &err), 0);
	assert_true(found.passage_count >= 2);
	assert_true(found.passages[0].dense < 0);
	retrieval_release(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			words_alone_rank_as_the_index_does, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_closed_deleted_or_replaced_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(
			private_documents_do_not_push_out_the_public_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
			file_names_that_are_not_utf8_make_titles_that_are, setup, teardown),
		cmocka_unit_test_setup_teardown(follow_ups_find_their_passage, setup, teardown),
		cmocka_unit_test(a_follow_up_takes_the_place_of_what_was_asked),
		cmocka_unit_test(questions_that_stand_alone_stay_alone),
		cmocka_unit_test_setup_teardown(
			dense_hits_join_by_the_embedders_weight, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_embedder_that_fails_leaves_the_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
