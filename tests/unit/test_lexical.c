/* SPDX-License-Identifier: Apache-2.0 */
/* The words' index against the naive search on random collections; what it survives; and its
 * parts one by one. */
#include "core/local/lexical/lexical.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/auto.h"
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
static int open_large(struct world *world)
{
	struct err err = ERR_NONE;

	return vectors_sqlite_new(&world->vectors, world->folder, NULL, &err);
}

static const struct adapter large_adapter = {"sqlite", open_large};
static const struct adapter memory_adapter = {"memory", open_memory};

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 11) % n);
}

/* Word number k of 400, small numbers far more often than large ones. The first ones have
 * several stems, one a language, so that questions have several forms of a word. */
static void add_word(struct buf *text)
{
	static const char *const real[] = {"running", "nations", "national", "houses", "Schulen",
		"laufen", "generously", "Regierungen"};
	uint32_t k = random_below(20) * random_below(20) * random_below(2) + random_below(5);

	if (k < ARRAY_LEN(real))
		buf_addf(text, "%s ", real[k]);
	else
		buf_addf(text, "w%u ", k);
}

static void random_text(struct buf *text, uint32_t words)
{
	buf_clear(text);
	for (uint32_t i = 0; i < words; i++)
		add_word(text);
}

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

/* Vectors differ in the last digits: where scores do, too, the order may. */
static void compare_dense(struct world *one, struct world *other)
{
	float x = (float)random_below(1000) / 1000;

	world_dense(one, x, sqrtf(1 - x * x));
	world_dense(other, x, sqrtf(1 - x * x));
	assert_int_equal(one->result.hit_count, other->result.hit_count);
	for (size_t i = 0; i < one->result.hit_count; i++)
		assert_true(fabs(one->result.hits[i].score - other->result.hits[i].score) < 1e-6);
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

	random_state = 15;
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
		reopen(w);
		compare_many(w, naive);
	}
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

static void delete (const char *path)
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

#define VICTIMS 20000

/* What a process that is killed leaves behind, in memory that it shares. */
struct victim {
	uint32_t begun;
	bool is_published[VICTIMS]; /* it was told so */
	struct uuid ids[VICTIMS];
};

static void publish_until_killed(struct world *w, struct victim *victim)
{
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	while (victim->begun < VICTIMS) {
		uint32_t i = victim->begun++;
		random_text(&text, 60);
		buf_addf(&text, "every own%u", i);
		victim->ids[i] = uuid_new();
		world_add(w, &victim->ids[i], 1, 0, text.data);
		world_embed(w, &victim->ids[i], 1, 0, 1, 0);
		world_publish(w, &victim->ids[i], 1);
		victim->is_published[i] = true;
	}
	_exit(0);
}

static void kill_one(struct world *w, struct victim *victim, useconds_t after)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		open_store(w);
		publish_until_killed(w, victim);
	}
	usleep(after);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static uint32_t assert_published(struct world *w, const struct victim *victim)
{
	uint32_t published = 0;

	for (uint32_t i = 0; i < victim->begun; i++) {
		published += victim->is_published[i];
		if (victim->is_published[i] && i % 16 == 0)
			assert_int_equal(world_version(w, &victim->ids[i]), 1);
	}
	return published;
}

static void test_killed_at_random(void **state)
{
	struct world *w = *state;
	struct victim *victim = mmap(
		NULL, sizeof(*victim), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(victim != MAP_FAILED);
	random_state = 12;
	vectors_free(w->vectors);
	for (uint32_t round = 1; round <= 6; round++) {
		kill_one(w, victim, 30000 + random_below(60000));
		open_store(w);
		uint32_t published = assert_published(w, victim);
		w->query.top_k = VICTIMS;
		size_t found = world_count(w, "every");
		assert_in_range(found, published, published + round);
		assert_int_equal(world_dense(w, 1, 0), found);
		world_assert_sound(w);
		vectors_free(w->vectors);
	}
	assert_true(victim->begun > 50);
	munmap(victim, sizeof(*victim));
	open_store(w);
}

/* A document of many parts and several transactions is invisible until it is published, and
 * then there at once. */
static void test_large_document(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	random_state = 13;
	for (uint32_t i = 0; i < 8000; i++) {
		random_text(&text, 250);
		buf_adds(&text, "every");
		world_add(w, &id, 1, i, text.data);
	}
	assert_int_equal(world_count(w, "every"), 0);
	world_publish(w, &id, 1);
	w->query.top_k = 10000;
	assert_int_equal(world_count(w, "every"), 8000);
	world_publish(w, &id, 2);
	assert_int_equal(world_count(w, "every"), 0);
	world_assert_sound(w);
}

/* One publication that may fail; false if it did. */
static bool try_document(struct world *w, const struct uuid *id, const char *text)
{
	struct err err = ERR_NONE;
	struct chunk chunk = {.text = text, .text_len = strlen(text)};
	struct publication publication = {*id, 1, w->access, "text/plain", "x"};

	if (!vectors_add(w->vectors, id, 1, NULL, &chunk, 1, &err) &&
		!vectors_publish(w->vectors, &publication, 1, &err))
		return true;
	assert_true(err.text[0]);
	vectors_discard(w->vectors, id, 1, NULL);
	return false;
}

/* Writes fail from some size of the files on, as on a full disk; then there is room again. */
static void test_no_room(void **state)
{
	struct world *w = *state;
	AUTO_BUF struct buf text;
	struct rlimit before, limit;
	size_t done = 0, failed = 0;

	buf_init(&text, BUF_MAX_DEFAULT);
	random_state = 14;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	for (int round = 0; round < 4; round++) {
		limit = before;
		limit.rlim_cur = (rlim_t)(round + 1) * 150000;
		setrlimit(RLIMIT_FSIZE, round < 3 ? &limit : &before);
		for (int i = 0; i < 300; i++) {
			struct uuid id = uuid_new();
			random_text(&text, 100);
			buf_adds(&text, " every");
			bool is_done = try_document(w, &id, text.data);
			done += is_done;
			failed += !is_done;
			assert_true(round < 3 || is_done);
		}
	}
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	assert_true(failed > 0);
	w->query.top_k = 2000;
	assert_int_equal(world_count(w, "every"), done);
	reopen(w);
	assert_int_equal(world_count(w, "every"), done);
	world_assert_sound(w);
}

/* Everything at once, for the sanitizers; what is left must be what was done. */
struct crowd {
	struct world *world;
	atomic_bool is_over;
	uint32_t number;
};

static void *crowd_search(void *context)
{
	struct crowd *crowd = context;
	float embedding[4] = {1};

	while (!crowd->is_over) {
		struct search_query query = {.caller = &world_root,
			.text = "every w1 w2 w7",
			.embedding = embedding,
			.dimension = 4,
			.path = crowd->number ? "note" : NULL,
			.top_k = 20};
		struct search_result words = {0}, dense = {0};
		struct err err = ERR_NONE;
		if (vectors_words(crowd->world->vectors, &query, &words, &err) ||
			vectors_dense(crowd->world->vectors, &query, &dense, &err))
			fail_msg("search: %s", err.text);
		search_result_release(&words);
		search_result_release(&dense);
	}
	return NULL;
}

static void *crowd_write(void *context)
{
	struct crowd *crowd = context;
	struct world *w = crowd->world;
	AUTO_BUF struct buf text;
	struct err err = ERR_NONE;
	struct access access = {1, 1, 0600};

	buf_init(&text, BUF_MAX_DEFAULT);
	for (uint32_t i = 0; i < 120; i++) {
		struct uuid id = uuid_new();
		buf_clear(&text);
		for (uint32_t k = 0; k < 300; k++)
			buf_addf(&text, "w%u ", (i * 7 + k * k * crowd->number) % 300);
		buf_adds(&text, "every");
		world_add(w, &id, 1, 0, text.data);
		world_publish(w, &id, 1);
		world_embed(w, &id, 1, 0, 1, 0);
		vectors_set_access(w->vectors, &id, &access, &err);
		vectors_set_path(w->vectors, &id, "note/x", &err);
		if (i % 3 == 0)
			vectors_remove(w->vectors, &id, &err);
	}
	return NULL;
}

static void test_crowd(void **state)
{
	struct world *w = *state;
	struct crowd crowds[4] = {{w, false, 0}, {w, false, 1}, {w, false, 2}, {w, false, 3}};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
					 i < 2 ? crowd_search : crowd_write, &crowds[i]),
			0);
	for (int i = 4; i-- > 0;) {
		crowds[i].is_over = true;
		pthread_join(threads[i], NULL);
	}
	w->query.top_k = 1000;
	assert_int_equal(world_count(w, "every"), 160);
	assert_int_equal(world_dense(w, 1, 0), 160);
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

#define SMALL(test)                                                                         \
	{                                                                                   \
#test, test, world_setup, world_teardown, (void *)(uintptr_t)&small_adapter \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_best),
		SMALL(test_same_as_naive),
		{"test_long_lists", test_long_lists, world_setup, world_teardown,
			(void *)(uintptr_t)&large_adapter},
		SMALL(test_crash),
		SMALL(test_broken_segments),
		SMALL(test_check_finds_a_wrong_byte),
		SMALL(test_lost_embeddings),
		SMALL(test_old_versions_go),
		SMALL(test_killed_at_random),
		SMALL(test_large_document),
		SMALL(test_no_room),
		SMALL(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
