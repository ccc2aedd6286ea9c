/* SPDX-License-Identifier: Apache-2.0 */
/* What the SQLite adapter survives: crashes, lost and damaged files, a full disk, everything
 * at once. */
#include "core/local/vectors_sqlite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#include "core/local/sqlite.h"
#include "tests/unit/vectors_world.h"

static int open_small(struct world *world)
{
	world_open_small(world);
	return 0;
}

static const struct adapter small_adapter = {"sqlite, small parts", open_small};

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

	world_random = 7;
	fill(w, ids, 300);
	world_embed(w, &ids[3], 1, 0, 1, 0);
	world_add(w, &lost, 1, 0, "every unpublished word");
	struct vectors *before = w->vectors;
	world_open_small(w);
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

	world_random = 8;
	fill(w, ids, 300);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		vectors_free(w->vectors);
		assert_true(each_segment(w, damages[i]) > 0);
		world_open_small(w);
		assert_all_found(w, ids, 300);
	}
}

static void test_check_finds_a_wrong_byte(void **state)
{
	struct world *w = *state;
	struct uuid ids[50];
	AUTO_BUF struct buf report;
	struct err err = ERR_NONE;

	world_random = 9;
	fill(w, ids, 50);
	vectors_free(w->vectors);
	assert_true(each_segment(w, spoil_body) > 0);
	world_open_small(w);
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

	world_random = 10;
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
		world_open_small(w);
		w->query.top_k = 30;
		assert_int_equal(world_dense(w, 1, 0), 20);
		assert_true(uuid_equal(&w->result.hits[0].document, &ids[11]));
		assert_true(uuid_equal(&w->result.hits[1].document, &ids[12]));
	}
}

/* Wait until the rows of what is gone are deleted. */
static void await_rows(const struct world *w, int64_t rows)
{
	char path[80];
	int64_t have = -1;
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), "%s/vectors.db", w->folder);
	for (int tries = 0; tries < 500 && have != rows; tries++) {
		sqlite3 *db;
		assert_int_equal(db_open(&db, path, DB_READER, 100, &err), 0);
		assert_int_equal(db_integer(db, "SELECT count(*) FROM chunks", &have, &err), 0);
		db_close(db);
		if (have != rows)
			usleep(10000);
	}
	assert_int_equal(have, rows);
}

/* A lost segment of which no chunk is left. */
static void test_gap_without_rows(void **state)
{
	struct world *w = *state;
	struct uuid ids[60];
	char path[128];
	struct err err = ERR_NONE;

	world_random = 16;
	fill(w, ids, 30);
	world_reopen(w);
	fill(w, ids + 30, 30);
	for (int i = 0; i < 30; i++)
		assert_int_equal(vectors_remove(w->vectors, &ids[i], &err), 0);
	await_rows(w, 30);
	world_reopen(w);
	assert_int_equal(world_count(w, "every"), 10);
	vectors_free(w->vectors);
	snprintf(path, sizeof(path), "%s/words/%016x-%016x.words", w->folder, 1, 30);
	assert_int_equal(unlink(path), 0);
	world_open_small(w);
	assert_all_found(w, ids + 30, 30);
	world_reopen(w);
	assert_int_equal(access(path, F_OK), 0);
	assert_all_found(w, ids + 30, 30);
}

/* Many versions of one document: their chunks must not stay in files or rows for ever. */
static void test_old_versions_go(void **state)
{
	struct world *w = *state;
	struct uuid ids[100];
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	world_random = 11;
	fill(w, ids, 100);
	for (uint32_t version = 2; version < 12; version++)
		for (uint32_t i = 0; i < 100; i++) {
			random_text(&text, 100);
			buf_adds(&text, " every");
			world_add(w, &ids[i], version, 0, text.data);
			world_publish(w, &ids[i], version);
		}
	await_rows(w, 100);
	w->query.top_k = 200;
	assert_int_equal(world_count(w, "every"), 100);
	world_reopen(w);
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
		world_open_small(w);
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
	world_random = 12;
	vectors_free(w->vectors);
	for (uint32_t round = 1; round <= 6; round++) {
		kill_one(w, victim, 30000 + random_below(60000));
		world_open_small(w);
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
	world_open_small(w);
}

/* A document of many parts and several transactions is invisible until it is published, and
 * then there at once. */
static void test_large_document(void **state)
{
	struct world *w = *state;
	struct uuid id = uuid_new();
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	world_random = 13;
	for (uint32_t i = 0; i < 5000; i++) {
		random_text(&text, 250);
		buf_adds(&text, "every");
		world_add(w, &id, 1, i, text.data);
	}
	assert_int_equal(world_count(w, "every"), 0);
	world_publish(w, &id, 1);
	w->query.top_k = 10000;
	assert_int_equal(world_count(w, "every"), 5000);
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
	world_random = 14;
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
	world_reopen(w);
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

#define SMALL(test)                                                                         \
	{                                                                                   \
#test, test, world_setup, world_teardown, (void *)(uintptr_t)&small_adapter \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMALL(test_crash),
		SMALL(test_broken_segments),
		SMALL(test_check_finds_a_wrong_byte),
		SMALL(test_lost_embeddings),
		SMALL(test_gap_without_rows),
		SMALL(test_old_versions_go),
		SMALL(test_killed_at_random),
		SMALL(test_large_document),
		SMALL(test_no_room),
		SMALL(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
