/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the vectors port, sentence by sentence, over every adapter. */
#include "core/vectors.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/local/vectors_memory.h"
#include "core/local/vectors_sqlite.h"
#include "tests/unit/vectors_world.h"

static int open_memory(struct world *world)
{
	return vectors_memory_new(&world->vectors);
}

static int open_sqlite(struct world *world)
{
	struct vectors_sqlite_options options = {.memory_max = 1 << 20};
	struct err err = ERR_NONE;
	int rc = vectors_sqlite_new(&world->vectors, world->folder, &options, &err);

	if (rc)
		fail_msg("open: %s", err.text);
	return rc;
}

static const struct adapter memory_adapter = {"memory", open_memory};
static const struct adapter sqlite_adapter = {"sqlite", open_sqlite};

static void test_published_is_found(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();

	world_add(w, &id, 1, 0, "The kestrel hovers over granite.");
	assert_int_equal(world_count(w, "kestrel"), 0);
	world_publish(w, &id, 1);
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	const struct hit *hit = &w->result.hits[0];
	assert_true(uuid_equal(&hit->document, &id));
	assert_int_equal(hit->version, 1);
	assert_int_equal(hit->chunk.index, 0);
	assert_int_equal(hit->chunk.start_char, 0);
	assert_int_equal(hit->chunk.end_char, 32);
	assert_int_equal(hit->chunk.text_len, 32);
	assert_string_equal(hit->chunk.text, "The kestrel hovers over granite.");
	assert_int_equal(w->result.chunk_count, 1);
}

static void test_unpublished_is_invisible(void **state)
{
	struct world *w = *state;
	struct uuid shown = uuid_new(), hidden = uuid_new();

	world_add(w, &shown, 1, 0, "granite and basalt");
	world_publish(w, &shown, 1);
	world_add(w, &hidden, 1, 0, "granite granite granite");
	world_search(w, "granite");
	assert_int_equal(w->result.hit_count, 1);
	assert_int_equal(w->result.chunk_count, 1);
	assert_true(fabs(w->result.terms[0].idf - log(1 + .5 / 1.5)) < 1e-12);
}

static void test_version_without_chunks(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();

	world_publish(w, &id, 1);
	assert_int_equal(world_count(w, "kestrel"), 0);
	assert_int_equal(world_version(w, &id), 1);
	world_add(w, &id, 2, 0, "kestrel");
	world_publish(w, &id, 2);
	assert_int_equal(world_count(w, "kestrel"), 1);
	world_publish(w, &id, 3);
	assert_int_equal(world_count(w, "kestrel"), 0);
}

static void test_chunk_is_replaced(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();

	world_add(w, &id, 1, 0, "kestrel");
	world_add(w, &id, 1, 1, "granite");
	world_add(w, &id, 1, 0, "basalt");
	world_publish(w, &id, 1);
	assert_int_equal(world_count(w, "kestrel"), 0);
	assert_int_equal(world_count(w, "basalt"), 1);
	assert_int_equal(world_count(w, "granite"), 1);
	assert_int_equal(w->result.chunk_count, 2);
	assert_int_equal(world_chunks(w, &id, 1, 0, 10), 2);
	assert_string_equal(w->texts, "basalt|granite|");
}

static void test_title_and_heading(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	struct chunk chunk = {.text = "granite", .text_len = 7, .heading = "Birds > Kestrel"};
	struct err err = ERR_NONE;

	assert_int_equal(vectors_add(w->vectors, &id, 1, "Handbook", &chunk, 1, &err), 0);
	world_publish(w, &id, 1);
	assert_int_equal(world_count(w, "handbook"), 1);
	assert_int_equal(world_count(w, "kestrel"), 1);
	assert_string_equal(w->result.hits[0].chunk.text, "granite");
	assert_string_equal(w->result.hits[0].chunk.heading, "Birds > Kestrel");
}

static void test_versions_change_places(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();

	world_add(w, &id, 1, 0, "kestrel one");
	world_publish(w, &id, 1);
	world_add(w, &id, 2, 0, "kestrel two");
	world_add(w, &id, 3, 0, "kestrel three");
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	assert_int_equal(w->result.hits[0].version, 1);
	world_publish(w, &id, 2);
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	assert_int_equal(w->result.hits[0].version, 2);
	assert_int_equal(world_chunks(w, &id, 1, 0, 10), 0);
	assert_int_equal(world_chunks(w, &id, 3, 0, 10), 0);
	assert_int_equal(world_chunks(w, &id, 2, 0, 10), 1);
}

static void test_discard(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	struct err err = ERR_NONE;

	world_add(w, &id, 1, 0, "kestrel one");
	world_publish(w, &id, 1);
	world_add(w, &id, 2, 0, "kestrel two");
	assert_int_equal(vectors_discard(w->vectors, &id, 2, &err), 0);
	assert_int_equal(world_chunks(w, &id, 2, 0, 10), 0);
	assert_int_equal(vectors_discard(w->vectors, &id, 1, &err), 0);
	assert_int_equal(world_count(w, "kestrel"), 1);
	world_add(w, &id, 2, 1, "basalt");
	world_publish(w, &id, 2);
	assert_int_equal(world_count(w, "kestrel"), 0);
	assert_int_equal(world_chunks(w, &id, 2, 0, 10), 1);

	struct uuid other = uuid_new();
	world_add(w, &other, 1, 0, "gneiss");
	assert_int_equal(world_version(w, &other), 0);
	assert_int_equal(vectors_discard(w->vectors, &other, 1, &err), 0);
	assert_int_equal(world_version(w, &other), -1);
	assert_int_equal(vectors_discard(w->vectors, &other, 7, &err), 0);
}

static bool is_seen_by(struct world *w, uid_t uid, gid_t group)
{
	gid_t groups[] = {77, group};

	w->caller = (struct caller){uid, groups, 2};
	bool is_seen = world_count(w, "kestrel") == 1;
	w->caller = world_root;
	return is_seen;
}

static void test_permissions(void **state)
{
	static const struct {
		mode_t mode;
		bool owner, group, other;
	} cases[] = {
		{0600, true, false, false},
		{0640, true, true, false},
		{0644, true, true, true},
		{0044, false, true, true},
		{0604, true, false, true},
		{0, false, false, false},
	};
	struct world *w = *state;
	struct uuid id = uuid_new();
	struct err err = ERR_NONE;

	world_add(w, &id, 1, 0, "kestrel");
	world_publish(w, &id, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct access access = {1001, 500, cases[i].mode};
		assert_int_equal(vectors_set_access(w->vectors, &id, &access, &err), 0);
		assert_int_equal(is_seen_by(w, 1001, 500), cases[i].owner);
		assert_int_equal(is_seen_by(w, 1002, 500), cases[i].group);
		assert_int_equal(is_seen_by(w, 1002, 501), cases[i].other);
		assert_true(is_seen_by(w, 0, 0));
	}
	struct uuid unknown = uuid_new();
	assert_int_equal(vectors_set_access(w->vectors, &unknown, &(struct access){0}, &err), 0);
}

static void test_private_does_not_push_out_public(void **state)
{
	struct world *w = *state;
	struct uuid id;

	w->access = (struct access){1001, 500, 0600};
	for (int i = 0; i < 1000; i++) {
		id = uuid_new();
		world_add(w, &id, 1, 0, "kestrel kestrel kestrel");
		world_embed(w, &id, 1, 0, 1, 0);
		world_publish(w, &id, 1);
	}
	id = uuid_new();
	w->access = (struct access){1001, 500, 0644};
	world_add(w, &id, 1, 0, "one kestrel among a great many other words of no interest");
	world_embed(w, &id, 1, 0, .1f, 1);
	world_publish(w, &id, 1);
	w->caller = (struct caller){1002, (gid_t[]){9}, 1};
	w->query.top_k = 5;
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	assert_true(uuid_equal(&w->result.hits[0].document, &id));
	assert_int_equal(w->result.chunk_count, 1001);
	assert_int_equal(world_dense(w, 1, 0), 1);
	assert_true(uuid_equal(&w->result.hits[0].document, &id));
	w->caller = world_root;
	assert_int_equal(world_count(w, "kestrel"), 5);
}

static void test_filters(void **state)
{
	struct world *w = *state;
	struct uuid a = uuid_new(), b = uuid_new();
	struct err err = ERR_NONE;

	world_add(w, &a, 1, 0, "kestrel");
	w->path = "birds/kestrel.pdf";
	w->content_type = "application/pdf";
	world_publish(w, &a, 1);
	world_add(w, &b, 1, 0, "kestrel");
	w->path = "notes/kestrel.txt";
	w->content_type = "text/plain";
	world_publish(w, &b, 1);
	assert_int_equal(world_count(w, "kestrel"), 2);
	w->query.content_type = "text/";
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	assert_true(uuid_equal(&w->result.hits[0].document, &b));
	w->query.content_type = NULL;
	w->query.path = "birds/";
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	assert_true(uuid_equal(&w->result.hits[0].document, &a));
	assert_int_equal(vectors_set_path(w->vectors, &a, "mammals/kestrel.pdf", &err), 0);
	assert_int_equal(world_count(w, "kestrel"), 0);
	w->query.path = "mammals";
	assert_int_equal(world_count(w, "kestrel"), 1);
	w->query.path = NULL;
	w->query.documents = &a;
	w->query.document_count = 1;
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 1);
	assert_true(uuid_equal(&w->result.hits[0].document, &a));
	w->query.document_count = 0;
	assert_int_equal(world_count(w, "kestrel"), 0);
	struct uuid unknown = uuid_new();
	assert_int_equal(vectors_set_path(w->vectors, &unknown, "x", &err), 0);
}

static void test_bare_hits_are_filled(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	struct err err = ERR_NONE;

	world_add(w, &id, 1, 0, "granite");
	world_add(w, &id, 1, 1, "The kestrel hovers.");
	world_embed(w, &id, 1, 1, 1, 0);
	world_publish(w, &id, 1);
	w->query.is_bare = true;
	assert_int_equal(world_dense(w, 1, 0), 1);
	assert_null(w->result.hits[0].chunk.text);
	assert_int_equal(w->result.hits[0].chunk.index, 1);
	assert_int_equal(world_count(w, "kestrel"), 1);
	struct hit *hit = &w->result.hits[0];
	assert_null(hit->chunk.text);
	assert_int_equal(hit->chunk.index, 1);
	for (int i = 0; i < 2; i++) /* a second time there is nothing to do */
		assert_int_equal(vectors_fill(w->vectors, hit, &err), 0);
	assert_string_equal(hit->chunk.text, "The kestrel hovers.");
	assert_int_equal(hit->chunk.start_char, 1000);
	assert_int_equal(world_count(w, "kestrel"), 1);
	world_add(w, &id, 2, 0, "basalt");
	world_publish(w, &id, 2);
	assert_int_equal(vectors_fill(w->vectors, &w->result.hits[0], &err), -ENOENT);
	assert_null(w->result.hits[0].chunk.text);
}

static void test_remove(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	struct err err = ERR_NONE;

	world_add(w, &id, 1, 0, "kestrel");
	world_publish(w, &id, 1);
	world_embed(w, &id, 1, 0, 1, 0);
	world_add(w, &id, 2, 0, "kestrel");
	assert_int_equal(vectors_remove(w->vectors, &id, &err), 0);
	assert_int_equal(world_count(w, "kestrel"), 0);
	assert_int_equal(w->result.chunk_count, 0);
	assert_int_equal(world_dense(w, 1, 0), 0);
	assert_int_equal(world_version(w, &id), -1);
	assert_int_equal(world_chunks(w, &id, 1, 0, 10), 0);
	assert_int_equal(world_chunks(w, &id, 2, 0, 10), 0);
	assert_int_equal(vectors_remove(w->vectors, &id, &err), 0);
}

static void test_scores(void **state)
{
	struct world *w = *state;
	struct uuid a = uuid_new(), b = uuid_new(), c = uuid_new();

	world_add(w, &a, 1, 0, "8848 4711");
	world_add(w, &b, 1, 0, "8848 8848 basalt gneiss");
	world_add(w, &c, 1, 0, "schist basalt");
	world_publish(w, &a, 1);
	world_publish(w, &b, 1);
	world_publish(w, &c, 1);
	world_search(w, "8848 4711 8848");
	assert_int_equal(w->result.term_count, 2);
	double frequent = log(1 + 1.5 / 2.5), rare = log(1 + 2.5 / 1.5), mean = 8. / 3;
	assert_true(fabs(w->result.terms[0].idf - frequent) < 1e-12);
	assert_true(fabs(w->result.terms[1].idf - rare) < 1e-12);
	assert_int_not_equal(w->result.terms[0].group, w->result.terms[1].group);
	double first = (frequent + rare) * 2 / (1 + (.25 + .75 * 2 / mean));
	double second = frequent * 2 * 2 / (2 + (.25 + .75 * 4 / mean));
	assert_int_equal(w->result.hit_count, 2);
	assert_true(fabs(w->result.hits[0].score - first) < 1e-9);
	assert_true(fabs(w->result.hits[1].score - second) < 1e-9);
	assert_true(uuid_equal(&w->result.hits[1].document, &b));
}

static void test_equal_scores_have_an_order(void **state)
{
	struct world *w = *state;
	struct uuid a = uuid_new(), b = uuid_new();

	for (uint32_t i = 3; i-- > 0;) {
		world_add(w, &b, 1, i, "kestrel");
		world_add(w, &a, 1, i, "kestrel");
	}
	world_publish(w, &b, 1);
	world_publish(w, &a, 1);
	w->query.top_k = 5;
	world_search(w, "kestrel");
	assert_int_equal(w->result.hit_count, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_true(uuid_equal(&w->result.hits[i].document, i < 3 ? &a : &b));
		assert_int_equal(w->result.hits[i].chunk.index, i % 3);
	}
}

static void test_unknown_words(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();

	assert_int_equal(world_count(w, "kestrel"), 0);
	world_add(w, &id, 1, 0, "kestrel");
	world_publish(w, &id, 1);
	assert_int_equal(world_count(w, "4711"), 0);
	assert_int_equal(w->result.term_count, 1);
	assert_int_equal(world_count(w, " ?! "), 0);
	assert_int_equal(w->result.term_count, 0);
	assert_int_equal(world_count(w, "4711 kestrel"), 1);
	w->query.top_k = 0;
	assert_int_equal(world_count(w, "kestrel"), 0);
}

static void test_dense(void **state)
{
	struct world *w = *state;
	struct uuid a = uuid_new(), b = uuid_new();

	assert_int_equal(world_dense(w, 1, 0), 0);
	world_add(w, &a, 1, 0, "kestrel");
	world_add(w, &a, 1, 1, "granite");
	world_embed(w, &a, 1, 0, 1, 0);
	assert_int_equal(world_dense(w, 1, 0), 0);
	world_publish(w, &a, 1);
	assert_int_equal(world_dense(w, 1, 0), 1);
	world_embed(w, &a, 1, 1, .8f, .6f);
	world_add(w, &b, 1, 0, "basalt");
	world_publish(w, &b, 1);
	world_embed(w, &b, 1, 0, 0, 1);
	assert_int_equal(world_dense(w, 1, 0), 3);
	assert_true(fabs(w->result.hits[0].score - 1) < .01);
	assert_true(fabs(w->result.hits[1].score - .8) < .01);
	assert_true(fabs(w->result.hits[2].score) < .01);
	assert_string_equal(w->result.hits[1].chunk.text, "granite");
	world_embed(w, &a, 1, 1, -1, 0);
	assert_int_equal(world_dense(w, 1, 0), 3);
	assert_true(fabs(w->result.hits[2].score + 1) < .01);
	w->query.top_k = 1;
	assert_int_equal(world_dense(w, 0, 1), 1);
	assert_true(uuid_equal(&w->result.hits[0].document, &b));
}

static void test_embeddings_are_bound(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	float embedding[8] = {1};
	const struct span span = {0, 7};
	struct err err = ERR_NONE;

	world_add(w, &id, 1, 0, "kestrel");
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){1, &span, embedding, 1}, 4, "hawk", &err),
		-ENOENT);
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){0, &span, embedding, 1}, 8, "hawk", &err),
		0);
	world_publish(w, &id, 1);
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){0, &span, embedding, 1}, 4, "hawk", &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "hawk"));
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){0, &span, embedding, 1}, 8, "owl", &err),
		-EINVAL);
	assert_int_equal(vectors_embed(w->vectors, &id, 2,
				 &(struct embedding){0, &span, embedding, 1}, 8, "hawk", &err),
		-ENOENT);
	w->query.embedding = embedding;
	w->query.dimension = 4;
	w->query.caller = &world_root;
	search_result_release(&w->result);
	assert_int_equal(vectors_dense(w->vectors, &w->query, &w->result, &err), -EINVAL);
	assert_int_equal(vectors_remove(w->vectors, &id, &err), 0);
	world_add(w, &id, 1, 0, "kestrel");
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){0, &span, embedding, 1}, 4, "owl", &err),
		0);
}

static void test_another_model(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	float embedding[4] = {1};
	const struct span span = {0, 7};
	struct err err = ERR_NONE;

	assert_int_equal(vectors_accepts(w->vectors, "owl", 8, &err), 0);
	world_add(w, &id, 1, 0, "kestrel");
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){0, &span, embedding, 1}, 4, "hawk", &err),
		0);
	world_publish(w, &id, 1);
	assert_int_equal(vectors_accepts(w->vectors, "hawk", 4, &err), 0);
	assert_int_equal(vectors_accepts(w->vectors, "owl", 4, &err), -EINVAL);
	assert_non_null(strstr(err.text, "hawk"));
	w->query.model = "hawk";
	assert_int_equal(world_dense(w, 1, 0), 1);
	w->query.model = "owl";
	assert_int_equal(world_dense(w, 1, 0), 0);

	assert_int_equal(vectors_unembed(w->vectors, &err), 0);
	assert_int_equal(vectors_accepts(w->vectors, "owl", 8, &err), 0);
	w->query.model = NULL;
	assert_int_equal(world_dense(w, 1, 0), 0);
	assert_int_equal(world_count(w, "kestrel"), 1);
	embedding[0] = 0;
	embedding[1] = 1;
	assert_int_equal(vectors_embed(w->vectors, &id, 1,
				 &(struct embedding){0, &span, embedding, 1}, 4, "owl", &err),
		0);
	assert_int_equal(world_dense(w, 0, 1), 1);
	assert_true(w->result.hits[0].score > .99);
	world_assert_sound(w);
}

static int stop_at_once(void *context, const struct chunk *chunk)
{
	*(uint32_t *)context += 1 + chunk->index;
	return 1;
}

static void test_chunks(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	uint32_t calls = 0;
	struct err err = ERR_NONE;

	for (uint32_t i = 5; i-- > 0;)
		world_add(w, &id, 1, i, (const char *[]){"a", "b", "c", "d", "e"}[i]);
	assert_int_equal(world_chunks(w, &id, 1, 0, 100), 5);
	assert_string_equal(w->texts, "a|b|c|d|e|");
	world_publish(w, &id, 1);
	assert_int_equal(world_chunks(w, &id, 1, 1, 3), 3);
	assert_string_equal(w->texts, "b|c|d|");
	assert_int_equal(world_chunks(w, &id, 1, 5, 3), 0);
	vectors_chunks(w->vectors, &id, 1, 2, 3, stop_at_once, &calls, &err);
	assert_int_equal(calls, 3);
}

static void test_sync_and_check(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	struct err err = ERR_NONE;

	world_add(w, &id, 1, 0, "kestrel");
	world_embed(w, &id, 1, 0, 1, 0);
	world_publish(w, &id, 1);
	assert_int_equal(vectors_sync(w->vectors, &err), 0);
	world_assert_sound(w);
}

/* A document whose versions change places while others search: each search must see three
 * chunks of one version, and never an older version than a search before it. */
struct race {
	struct world *world;
	struct uuid id;
	atomic_bool is_over;
	atomic_int failures;
};

static void *search_until_over(void *context)
{
	struct race *race = context;
	uint32_t seen = 0;

	while (!race->is_over) {
		struct search_query query = {
			.caller = &world_root, .text = "kestrel", .top_k = 100};
		struct search_result result = {0};
		struct err err = ERR_NONE;
		int rc = vectors_words(race->world->vectors, &query, &result, &err);
		bool is_good = rc == 0 && result.hit_count == 3 && result.chunk_count == 3 &&
			result.hits[0].version >= seen &&
			result.hits[1].version == result.hits[0].version &&
			result.hits[2].version == result.hits[0].version;
		if (!is_good)
			race->failures++;
		else
			seen = result.hits[0].version;
		search_result_release(&result);
	}
	return NULL;
}

static void add_kestrels(struct world *w, const struct uuid *id, uint32_t version)
{
	for (uint32_t i = 0; i < 3; i++)
		world_add(w, id, version, i, "kestrel and granite");
}

static void test_versions_under_search(void **state)
{
	struct world *w = *state;
	struct race race = {.world = w, .id = uuid_new()};
	pthread_t threads[2];

	add_kestrels(w, &race.id, 1);
	world_publish(w, &race.id, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, search_until_over, &race), 0);
	for (uint32_t version = 2; version < 150; version++) {
		add_kestrels(w, &race.id, version);
		world_publish(w, &race.id, version);
	}
	race.is_over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.failures, 0);
}

#define CONTRACT(adapter, test)                                                                    \
	{                                                                                          \
#adapter ": " #test, test, world_setup, world_teardown, (void *)&adapter##_adapter \
	}

#define CONTRACT_ALL(a)                                                                        \
	CONTRACT(a, test_published_is_found), CONTRACT(a, test_unpublished_is_invisible),      \
		CONTRACT(a, test_version_without_chunks), CONTRACT(a, test_chunk_is_replaced), \
		CONTRACT(a, test_title_and_heading), CONTRACT(a, test_versions_change_places), \
		CONTRACT(a, test_discard), CONTRACT(a, test_permissions),                      \
		CONTRACT(a, test_private_does_not_push_out_public), CONTRACT(a, test_filters), \
		CONTRACT(a, test_bare_hits_are_filled), CONTRACT(a, test_remove),              \
		CONTRACT(a, test_scores), CONTRACT(a, test_equal_scores_have_an_order),        \
		CONTRACT(a, test_unknown_words), CONTRACT(a, test_dense),                      \
		CONTRACT(a, test_embeddings_are_bound), CONTRACT(a, test_another_model),       \
		CONTRACT(a, test_chunks), CONTRACT(a, test_sync_and_check),                    \
		CONTRACT(a, test_versions_under_search)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTRACT_ALL(memory),
		CONTRACT_ALL(sqlite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
