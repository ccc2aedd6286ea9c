/* SPDX-License-Identifier: Apache-2.0 */
/* The words' index against the naive search on random collections; and its parts one by one. */
#include "core/local/lexical/lexical.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/local/dense.h"
#include "core/local/lexical/bm25.h"
#include "core/local/lexical/postings.h"
#include "core/local/vectors_memory.h"
#include "core/local/vectors_sqlite.h"
#include "tests/unit/vectors_world.h"

static int open_small(struct world *world)
{
	world_open_small(world);
	return 0;
}

static const struct adapter small_adapter = {"sqlite, small parts", open_small};

static int open_memory(struct world *world)
{
	return vectors_memory_new(&world->vectors);
}

static int open_large(struct world *world)
{
	struct err err = ERR_NONE;

	return vectors_sqlite_new(&world->vectors, world->folder, NULL, &err);
}

static const struct adapter large_adapter = {"sqlite", open_large};
static const struct adapter memory_adapter = {"memory", open_memory};

static unsigned int forms_seen; /* in questions: more than one of a word */

static void compare_searches(struct world *one, struct world *other, const char *question)
{
	world_search(one, question);
	world_search(other, question);
	assert_int_equal(one->result.chunk_count, other->result.chunk_count);
	assert_int_equal(one->result.term_count, other->result.term_count);
	for (size_t i = 0; i < one->result.term_count; i++) {
		assert_string_equal(one->result.terms[i].text, other->result.terms[i].text);
		assert_true(one->result.terms[i].idf == other->result.terms[i].idf);
		assert_int_equal(one->result.terms[i].group, other->result.terms[i].group);
		forms_seen += i && one->result.terms[i].group == one->result.terms[i - 1].group;
	}
	assert_int_equal(one->result.hit_count, other->result.hit_count);
	for (size_t i = 0; i < one->result.hit_count; i++) {
		const struct hit *a = &one->result.hits[i], *b = &other->result.hits[i];
		assert_true(fabs(a->score - b->score) < 1e-9);
		assert_true(uuid_equal(&a->document, &b->document));
		assert_int_equal(a->chunk.index, b->chunk.index);
		assert_int_equal(a->version, b->version);
		assert_string_equal(a->chunk.text, b->chunk.text);
	}
}

/* One keeps vectors as bytes: scores differ a little, and then the order may. */
static void compare_dense(struct world *one, struct world *other)
{
	float x = (float)random_below(1000) / 1000;

	world_dense(one, x, sqrtf(1 - x * x));
	world_dense(other, x, sqrtf(1 - x * x));
	assert_int_equal(one->result.hit_count, other->result.hit_count);
	for (size_t i = 0; i < one->result.hit_count; i++)
		assert_true(fabs(one->result.hits[i].score - other->result.hits[i].score) < .01);
}

static void compare_many(struct world *one, struct world *other)
{
	AUTO_BUF struct buf question;

	buf_init(&question, BUF_MAX_DEFAULT);
	for (int i = 0; i < 60; i++) {
		gid_t groups[] = {5};
		random_text(&question, 1 + random_below(6));
		one->caller = other->caller = (struct caller){random_below(3), groups, 1};
		one->query.top_k = other->query.top_k = 1 + random_below(30);
		compare_searches(one, other, question.data);
		compare_dense(one, other);
	}
}

#define DOCUMENTS 150

/* One random change, the same to both. */
static void change(
	struct world *one, struct world *other, const struct uuid *ids, uint32_t *versions)
{
	AUTO_BUF struct buf text;
	struct err err = ERR_NONE;
	uint32_t at = random_below(DOCUMENTS), chunks = random_below(6);
	const struct uuid *id = &ids[at];

	buf_init(&text, BUF_MAX_DEFAULT);
	if (versions[at] && random_below(8) == 0) {
		assert_int_equal(vectors_remove(one->vectors, id, &err), 0);
		assert_int_equal(vectors_remove(other->vectors, id, &err), 0);
		return;
	}
	versions[at]++;
	for (uint32_t i = 0; i < chunks; i++) {
		random_text(&text, 1 + random_below(random_below(8) ? 60 : 400));
		world_add(one, id, versions[at], i, text.data);
		world_add(other, id, versions[at], i, text.data);
		float x = (float)random_below(1000) / 1000;
		world_embed(one, id, versions[at], i, x, sqrtf(1 - x * x));
		world_embed(other, id, versions[at], i, x, sqrtf(1 - x * x));
	}
	if (random_below(10) == 0)
		return;
	one->access = other->access =
		(struct access){random_below(3), 5 + random_below(2), random_below(0777)};
	world_publish(one, id, versions[at]);
	world_publish(other, id, versions[at]);
}

static void test_same_as_naive(void **state)
{
	struct world *w = *state;
	void *naive_state = (void *)(uintptr_t)&memory_adapter;
	struct uuid ids[DOCUMENTS];
	uint32_t versions[DOCUMENTS] = {0};

	world_random = 20240229;
	assert_int_equal(world_setup(&naive_state), 0);
	struct world *naive = naive_state;
	for (int i = 0; i < DOCUMENTS; i++)
		ids[i] = uuid_new();
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 150; i++)
			change(w, naive, ids, versions);
		compare_many(w, naive);
		if (round == 5)
			world_reopen(w);
	}
	world_assert_sound(w);
	assert_true(forms_seen > 10);
	world_teardown(&naive_state);
}

/* Lists of many blocks in one segment, so that blocks and lists are passed over. Chunks of
 * very different lengths, in runs, so that there is something to pass over. */
static void test_long_lists(void **state)
{
	struct world *w = *state;
	void *naive_state = (void *)(uintptr_t)&memory_adapter;
	AUTO_BUF struct buf text;

	world_random = 15;
	buf_init(&text, BUF_MAX_DEFAULT);
	assert_int_equal(world_setup(&naive_state), 0);
	struct world *naive = naive_state;
	for (uint32_t document = 0; document < 40; document++) {
		struct uuid id = uuid_new();
		for (uint32_t i = 0; i < 150; i++) {
			random_text(&text, 1 + random_below(document % 5 ? 80 : 8));
			world_add(w, &id, 1, i, text.data);
			world_add(naive, &id, 1, i, text.data);
		}
		w->access.mode = naive->access.mode = document % 3 ? 0644 : 0600;
		world_publish(w, &id, 1);
		world_publish(naive, &id, 1);
	}
	compare_many(w, naive);
	for (int round = 0; round < 3; round++) {
		world_reopen(w);
		compare_many(w, naive);
	}
	world_teardown(&naive_state);
}

static void test_blocks(void **state)
{
	uint32_t ordinals[BLOCK_POSTINGS], counts[BLOCK_POSTINGS];
	uint32_t back[BLOCK_POSTINGS], back_counts[BLOCK_POSTINGS];
	uint8_t packed[BLOCK_BYTES + BLOCK_PADDING];

	(void)state;
	world_random = 5;
	for (int round = 0; round < 500; round++) {
		size_t n = 1 + random_below(BLOCK_POSTINGS);
		uint32_t base = random_below(1000), spread = 1u << random_below(25);
		uint32_t next = base + random_below(spread);
		for (size_t i = 0; i < n; i++) {
			ordinals[i] = next;
			next += 1 + random_below(spread);
			counts[i] = 1 + random_below(1u << random_below(20));
		}
		assert_true(block_pack(packed, ordinals, counts, n, base) <= BLOCK_BYTES);
		block_unpack_ordinals(packed, n, base, back);
		block_unpack_counts(packed, n, back_counts);
		assert_memory_equal(ordinals, back, n * sizeof(uint32_t));
		assert_memory_equal(counts, back_counts, n * sizeof(uint32_t));
	}
}

static void test_bounds(void **state)
{
	(void)state;
	world_random = 6;
	for (int round = 0; round < 300; round++) {
		struct bounds bounds;
		double idf = .1 + random_below(90) / 10., mean = 1 + random_below(300), best = 0;
		bounds_init(&bounds);
		for (uint32_t i = 0; i < 20; i++) {
			uint32_t count = 1 + random_below(random_below(5) ? 4 : 100000);
			uint32_t length = count + random_below(random_below(3) ? 200 : 100000);
			bounds_add(&bounds, count, length);
			double weight = bm25_weight(idf, count, length, mean);
			best = weight > best ? weight : best;
		}
		assert_true(bounds_weight(&bounds, idf, mean) >= best);
	}
}

static void test_products(void **state)
{
	int8_t a[389], b[389];
	dense_product_fn product;

	(void)state;
	world_random = 3;
	for (size_t i = 0; i < 389; i++) {
		a[i] = (int8_t)((int)random_below(255) - 127);
		b[i] = (int8_t)((int)random_below(255) - 127);
	}
	for (size_t n = 0; n <= 389; n += n < 40 ? 1 : 37) {
		int32_t exact = 0;
		for (size_t i = 0; i < n; i++)
			exact += a[i] * b[i];
		for (size_t way = 0; (product = dense_product_way(way)); way++)
			assert_int_equal(product(a, b, n), exact);
	}
}

static void test_best(void **state)
{
	struct best best;
	struct found found = {0};

	(void)state;
	world_random = 4;
	best_init(&best, 10);
	for (uint32_t i = 0; i < 1000; i++) {
		found.index = (i * 617) % 1000;
		found.score = found.index / 2;
		assert_int_equal(best_offer(&best, &found), 0);
	}
	best_sort(&best);
	assert_int_equal(best.count, 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(best.items[i].index, 999 - (i ^ 1));
	best_release(&best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_best),
		{"test_same_as_naive", test_same_as_naive, world_setup, world_teardown,
			(void *)(uintptr_t)&small_adapter},
		{"test_long_lists", test_long_lists, world_setup, world_teardown,
			(void *)(uintptr_t)&large_adapter},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
