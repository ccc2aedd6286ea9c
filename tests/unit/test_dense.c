/* SPDX-License-Identifier: Apache-2.0 */
/* The flat file of embeddings: bits find what a scan of all finds. */
#include "core/local/dense.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/buf.h"
#include "tests/unit/scratch.h"

enum { DIMENSION = 128, VECTORS = 24000, TOP = 10, QUESTIONS = 60, PER_EDITION = 40 };

static uint64_t state_of_random = 88172645463325252;

static float random_float(void)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return (float)(state_of_random % 20001) / 10000 - 1;
}

/* As models make them: all in one cone, in groups about one matter each. */
static void make_vector(float out[DIMENSION], unsigned group, float noise)
{
	uint64_t kept = state_of_random;
	float length = 0;

	state_of_random = 1000003 * (group + 1);
	for (size_t i = 0; i < DIMENSION; i++)
		out[i] = 2 + .3f * (float)(i % 7) + random_float();
	state_of_random = kept;
	for (size_t i = 0; i < DIMENSION; i++) {
		out[i] += noise * random_float();
		length += out[i] * out[i];
	}
	for (size_t i = 0; i < DIMENSION; i++)
		out[i] /= sqrtf(length);
}

static bool admits_all(void *context, uint32_t edition, struct found *found)
{
	(void)context;
	memset(&found->document, 0, sizeof(found->document));
	found->version = edition;
	return true;
}

static bool admits_odd(void *context, uint32_t edition, struct found *found)
{
	return admits_all(context, edition, found) && edition % 2 == 1;
}

struct world {
	char *folder;
	struct dense *dense;
};

static void add(struct world *world, uint64_t chunk, const float *vector)
{
	int8_t numbers[DIMENSION];
	struct dense_code code = {dense_pack(vector, DIMENSION, numbers), numbers};
	struct dense_item item = {
		chunk, chunk, (uint32_t)(chunk / PER_EDITION + 1), (uint32_t)(chunk % PER_EDITION)};
	struct err err = ERR_NONE;

	assert_int_equal(dense_add(world->dense, &item, &code, &err), 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	AUTO_FREE char *path = NULL;
	struct err err = ERR_NONE;
	float vector[DIMENSION];

	world->folder = scratch_new();
	assert_true(asprintf(&path, "%s/dense", world->folder) > 0);
	assert_int_equal(dense_open(&world->dense, path, DIMENSION, &err), 0);
	for (uint64_t i = 1; i <= VECTORS; i++) {
		make_vector(vector, (unsigned)(i * 7919 % 997), 1);
		add(world, i, vector);
	}
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	dense_free(world->dense);
	scratch_free(world->folder);
	free(world);
	return 0;
}

static void search(const struct world *world, const float *query,
	bool (*admits)(void *, uint32_t, struct found *), struct best *best)
{
	best_init(best, TOP);
	assert_int_equal(dense_search(world->dense, query, admits, NULL, best), 0);
	best_sort(best);
}

static void make_bits(struct world *world)
{
	struct dense_making *making;
	int rc;

	assert_true(dense_wants_bits(world->dense));
	assert_int_equal(dense_bits_begin(world->dense, &making), 0);
	while ((rc = dense_bits_more(world->dense, making)) == 1)
		;
	assert_int_equal(rc, 0);
	dense_bits_end(world->dense, making);
	assert_false(dense_wants_bits(world->dense));
}

static size_t common(const struct best *a, const struct best *b)
{
	size_t count = 0;

	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			count += a->items[i].id == b->items[k].id;
	return count;
}

static void bits_find_what_a_scan_finds(void **state)
{
	struct world *world = *state;
	struct best exact[QUESTIONS][2];
	float queries[QUESTIONS][DIMENSION];
	size_t found[2] = {0}, wanted[2] = {0};

	for (unsigned i = 0; i < QUESTIONS; i++) {
		make_vector(queries[i], i * 13 % 997, .7f);
		search(world, queries[i], admits_all, &exact[i][0]);
		search(world, queries[i], admits_odd, &exact[i][1]);
	}
	make_bits(world);
	for (unsigned i = 0; i < QUESTIONS; i++)
		for (int odd = 0; odd < 2; odd++) {
			struct best best;

			search(world, queries[i], odd ? admits_odd : admits_all, &best);
			assert_int_equal(best.count, TOP);
			for (size_t k = 0; k < best.count && odd; k++)
				assert_int_equal(best.items[k].version % 2, 1);
			found[odd] += common(&best, &exact[i][odd]);
			wanted[odd] += exact[i][odd].count;
			best_release(&best);
			best_release(&exact[i][odd]);
		}
	for (int odd = 0; odd < 2; odd++)
		if (found[odd] * 1000 < wanted[odd] * 995)
			fail_msg("%zu of %zu", found[odd], wanted[odd]);
}

static void what_comes_and_goes_afterwards_counts(void **state)
{
	struct world *world = *state;
	float vector[DIMENSION];
	struct err err = ERR_NONE;
	struct best best;

	make_bits(world);
	make_vector(vector, 5000, 0);
	add(world, VECTORS + 1, vector);
	search(world, vector, admits_all, &best);
	assert_int_equal(best.items[0].id, VECTORS + 1);
	best_release(&best);
	assert_int_equal(dense_forget(world->dense, VECTORS + 1, &err), 0);
	search(world, vector, admits_all, &best);
	assert_true(best.items[0].id != VECTORS + 1);
	best_release(&best);
	assert_int_equal(dense_clear(world->dense, &err), 0);
	search(world, vector, admits_all, &best);
	assert_int_equal(best.count, 0);
	best_release(&best);
}

/* Bits that were begun before all was forgotten are not those of what came after it. */
static void bits_of_what_is_gone_are_dropped(void **state)
{
	struct world *world = *state;
	struct dense_making *making;
	float vector[DIMENSION];
	struct err err = ERR_NONE;
	struct best best;

	assert_int_equal(dense_bits_begin(world->dense, &making), 0);
	assert_int_equal(dense_bits_more(world->dense, making), 1);
	assert_int_equal(dense_clear(world->dense, &err), 0);
	make_vector(vector, 1, 0);
	add(world, 1, vector);
	assert_int_equal(dense_bits_more(world->dense, making), 0);
	dense_bits_end(world->dense, making);
	search(world, vector, admits_all, &best);
	assert_int_equal(best.count, 1);
	best_release(&best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bits_find_what_a_scan_finds, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_comes_and_goes_afterwards_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(bits_of_what_is_gone_are_dropped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
