/* SPDX-License-Identifier: Apache-2.0 */
/* The words' index against the naive search on random collections; what it survives; and its
 * parts one by one. */
#include "core/local/lexical/lexical.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/local/dense.h"
#include "core/local/lexical/bm25.h"
#include "core/local/lexical/postings.h"
#include "core/local/sqlite.h"
#include "core/local/vectors_memory.h"
#include "core/local/vectors_sqlite.h"
#include "tests/unit/vectors_world.h"

/* Small parts, so that a few hundred chunks are many of them. */
static const struct vectors_sqlite_options small = {.memory_max = 300 << 10, .idle_ms = 20};

static void open_store(struct world *world)
{
	struct err err = ERR_NONE;

	if (vectors_sqlite_new(&world->vectors, world->folder, &small, &err))
		fail_msg("open: %s", err.text);
}

static int open_small(struct world *world)
{
	open_store(world);
	return 0;
}

static int open_memory(struct world *world)
{
	return vectors_memory_new(&world->vectors);
}

static const struct adapter small_adapter = {"sqlite, small parts", open_small};
static const struct adapter memory_adapter = {"memory", open_memory};

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % n);
}

/* Word number k of 400, small numbers far more often than large ones. */
static void add_word(struct buf *text)
{
	uint32_t k = random_below(20) * random_below(20) * random_below(2) + random_below(5);

	buf_addf(text, "w%u ", k);
}

static void random_text(struct buf *text, uint32_t words)
{
	buf_clear(text);
	for (uint32_t i = 0; i < words; i++)
		add_word(text);
}

static void compare_searches(struct world *one, struct world *other, const char *question)
{
	world_search(one, question);
	world_search(other, question);
	assert_int_equal(one->result.chunk_count, other->result.chunk_count);
	assert_int_equal(one->result.term_count, other->result.term_count);
	for (size_t i = 0; i < one->result.term_count; i++) {
		assert_string_equal(one->result.terms[i].text, other->result.terms[i].text);
		assert_true(one->result.terms[i].idf == other->result.terms[i].idf);
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
	}
}

#define DOCUMENTS 150

/* One random change, the same to both. */
static void change(struct world *one, struct world *other, const struct uuid *ids,
	uint32_t *versions)
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
	}
	if (random_below(10) == 0)
		return;
	one->access = other->access =
		(struct access){random_below(3), 5 + random_below(2), random_below(0777)};
	world_publish(one, id, versions[at]);
	world_publish(other, id, versions[at]);
}

static void reopen(struct world *world)
{
	vectors_free(world->vectors);
	open_store(world);
}

static void test_same_as_naive(void **state)
{
	struct world *w = *state;
	void *naive_state = (void *)(uintptr_t)&memory_adapter;
	struct uuid ids[DOCUMENTS];
	uint32_t versions[DOCUMENTS] = {0};

	random_state = 20240229;
	assert_int_equal(world_setup(&naive_state), 0);
	struct world *naive = naive_state;
	for (int i = 0; i < DOCUMENTS; i++)
		ids[i] = uuid_new();
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 150; i++)
			change(w, naive, ids, versions);
		compare_many(w, naive);
		if (round == 5)
			reopen(w);
	}
	world_assert_sound(w);
	world_teardown(&naive_state);
}

/* Documents 0 … count - 1, each with a word of its own and one of all. */
static void fill(struct world *w, struct uuid *ids, uint32_t count)
{
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	for (uint32_t i = 0; i < count; i++) {
		ids[i] = uuid_new();
		random_text(&text, 120);
		buf_addf(&text, "every own%u", i);
		world_add(w, &ids[i], 1, 0, text.data);
		world_publish(w, &ids[i], 1);
	}
}

static void assert_all_found(struct world *w, const struct uuid *ids, uint32_t count)
{
	char question[32];

	w->query.top_k = count + 10;
	assert_int_equal(world_count(w, "every"), count);
	for (uint32_t i = 0; i < count; i += 7) {
		snprintf(question, sizeof(question), "own%u", i);
		assert_int_equal(world_count(w, question), 1);
		assert_true(uuid_equal(&w->result.hits[0].document, &ids[i]));
	}
	world_assert_sound(w);
}

/* As after kill -9: the store before is left open, a second one opens the folder. */
static void test_crash(void **state)
{
	struct world *w = *state;
	struct uuid ids[300];
	struct uuid lost = uuid_new();

	random_state = 7;
	fill(w, ids, 300);
	world_embed(w, &ids[3], 1, 0, 1, 0);
	world_add(w, &lost, 1, 0, "every unpublished word");
	struct vectors *before = w->vectors;
	open_store(w);
	assert_all_found(w, ids, 300);
	assert_int_equal(world_dense(w, 1, 0), 1);
	struct vectors *after = w->vectors;
	w->vectors = before;
	vectors_free(after);
}

static size_t each_segment(const struct world *w, void (*visit)(const char *path))
{
	char folder[80], path[400];
	size_t count = 0;
	struct dirent *entry;

	snprintf(folder, sizeof(folder), "%s/words", w->folder);
	DIR *words = opendir(folder);
	assert_non_null(words);
	while ((entry = readdir(words))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count++;
		if (visit)
			visit(path);
	}
	closedir(words);
	return count;
}

static void cut(const char *path)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(truncate(path, info.st_size / 2), 0);
}

static void delete(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void spoil_head(const char *path)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\x07", 1, 20), 1);
	close(fd);
}

static void spoil_body(const char *path)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 2000), 4);
	close(fd);
}

static void test_broken_segments(void **state)
{
	static void (*const damages[])(const char *) = {cut, delete, spoil_head};
	struct world *w = *state;
	struct uuid ids[300];

	random_state = 8;
	fill(w, ids, 300);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		vectors_free(w->vectors);
		assert_true(each_segment(w, damages[i]) > 0);
		open_store(w);
		assert_all_found(w, ids, 300);
	}
}

static void test_check_finds_a_wrong_byte(void **state)
{
	struct world *w = *state;
	struct uuid ids[50];
	AUTO_BUF struct buf report;
	struct err err = ERR_NONE;

	random_state = 9;
	fill(w, ids, 50);
	vectors_free(w->vectors);
	assert_true(each_segment(w, spoil_body) > 0);
	open_store(w);
	buf_init(&report, BUF_MAX_DEFAULT);
	assert_int_equal(vectors_check(w->vectors, &report, &err), 0);
	assert_non_null(report.data);
	assert_non_null(strstr(report.data, "checksum"));
}

static void test_lost_embeddings(void **state)
{
	struct world *w = *state;
	struct uuid ids[20];
	char path[80];

	random_state = 10;
	fill(w, ids, 20);
	for (int i = 0; i < 20; i++)
		world_embed(w, &ids[i], 1, 0, i == 11, i != 11);
	world_embed(w, &ids[12], 1, 0, .6f, .8f);
	snprintf(path, sizeof(path), "%s/dense", w->folder);
	for (int round = 0; round < 3; round++) {
		vectors_free(w->vectors);
		if (round == 0)
			assert_int_equal(unlink(path), 0);
		else if (round == 1)
			cut(path);
		open_store(w);
		w->query.top_k = 30;
		assert_int_equal(world_dense(w, 1, 0), 20);
		assert_true(uuid_equal(&w->result.hits[0].document, &ids[11]));
		assert_true(uuid_equal(&w->result.hits[1].document, &ids[12]));
	}
}

/* Many versions of one document: their chunks must not stay in files or rows for ever. */
static void test_old_versions_go(void **state)
{
	struct world *w = *state;
	struct uuid ids[100];
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	random_state = 11;
	fill(w, ids, 100);
	for (uint32_t version = 2; version < 12; version++)
		for (uint32_t i = 0; i < 100; i++) {
			random_text(&text, 100);
			buf_adds(&text, " every");
			world_add(w, &ids[i], version, 0, text.data);
			world_publish(w, &ids[i], version);
		}
	for (int tries = 0; tries < 250; tries++) {
		sqlite3 *db;
		int64_t rows = 0;
		struct err err = ERR_NONE;
		char path[80];
		snprintf(path, sizeof(path), "%s/vectors.db", w->folder);
		assert_int_equal(db_open(&db, path, DB_READER, 100, &err), 0);
		db_integer(db, "SELECT count(*) FROM chunks", &rows, &err);
		db_close(db);
		if (rows == 100)
			break;
		usleep(20000);
		assert_true(tries < 249);
	}
	w->query.top_k = 200;
	assert_int_equal(world_count(w, "every"), 100);
	reopen(w);
	assert_int_equal(world_count(w, "every"), 100);
	assert_true(each_segment(w, NULL) < 12);
	world_assert_sound(w);
}

static void test_blocks(void **state)
{
	uint32_t ordinals[BLOCK_POSTINGS], counts[BLOCK_POSTINGS];
	uint32_t back[BLOCK_POSTINGS], back_counts[BLOCK_POSTINGS];
	uint8_t packed[BLOCK_BYTES + BLOCK_PADDING];

	(void)state;
	random_state = 5;
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
	random_state = 6;
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
	float a[389], b[389];
	dense_product_fn product;

	(void)state;
	random_state = 3;
	for (size_t i = 0; i < 389; i++) {
		a[i] = (float)random_below(2000) / 1000 - 1;
		b[i] = (float)random_below(2000) / 1000 - 1;
	}
	for (size_t n = 0; n <= 389; n += n < 40 ? 1 : 37) {
		double exact = 0;
		for (size_t i = 0; i < n; i++)
			exact += (double)a[i] * (double)b[i];
		for (size_t way = 0; (product = dense_product_way(way)); way++)
			assert_true(fabs((double)product(a, b, n) - exact) < 1e-4);
	}
}

static void test_best(void **state)
{
	struct best best;
	struct found found = {0};

	(void)state;
	random_state = 4;
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

#define SMALL(test) {#test, test, world_setup, world_teardown, (void *)(uintptr_t)&small_adapter}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_best),
		SMALL(test_same_as_naive),
		SMALL(test_crash),
		SMALL(test_broken_segments),
		SMALL(test_check_finds_a_wrong_byte),
		SMALL(test_lost_embeddings),
		SMALL(test_old_versions_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
