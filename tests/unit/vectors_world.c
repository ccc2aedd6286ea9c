/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/vectors_world.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/local/vectors_sqlite.h"
#include "core/text/utf8.h"

const struct caller world_root = {0, (gid_t[]){0}, 1};

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->adapter = *state;
	snprintf(world->folder, sizeof(world->folder), "/tmp/askfs-vectors-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	world->access = (struct access){1000, 1000, 0644};
	world->content_type = "text/plain";
	world->path = "note.txt";
	world->caller = world_root;
	world->query.top_k = 10;
	*state = world;
	return world->adapter->open(world);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

int world_teardown(void **state)
{
	struct world *world = *state;

	search_result_release(&world->result);
	vectors_free(world->vectors);
	nftw(world->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(world);
	return 0;
}

void world_add(struct world *world, const struct uuid *id, uint32_t version, uint32_t index,
	const char *text)
{
	struct err err = ERR_NONE;
	struct chunk chunk = {
		.index = index,
		.start_char = index * 1000,
		.end_char = index * 1000 + utf8_count(text, strlen(text)),
		.text = text,
		.text_len = strlen(text),
	};

	if (vectors_add(world->vectors, id, version, NULL, &chunk, 1, &err))
		fail_msg("add: %s", err.text);
}

void world_publish(struct world *world, const struct uuid *id, uint32_t version)
{
	struct err err = ERR_NONE;
	struct publication publication = {
		*id, version, world->access, world->content_type, world->path};

	if (vectors_publish(world->vectors, &publication, 1, &err))
		fail_msg("publish: %s", err.text);
}

void world_search(struct world *world, const char *question)
{
	struct err err = ERR_NONE;

	search_result_release(&world->result);
	world->query.caller = &world->caller;
	world->query.text = question;
	if (vectors_words(world->vectors, &world->query, &world->result, &err))
		fail_msg("words: %s", err.text);
}

size_t world_count(struct world *world, const char *question)
{
	world_search(world, question);
	return world->result.hit_count;
}

void world_embed(struct world *world, const struct uuid *id, uint32_t version, uint32_t index,
	float x, float y)
{
	struct err err = ERR_NONE;
	float vector[4] = {x, y};
	const struct span span = {0, 1};
	const struct embedding embedding = {index, &span, vector, 1};

	if (vectors_embed(world->vectors, id, version, &embedding, 4, "test", &err))
		fail_msg("embed: %s", err.text);
}

size_t world_dense(struct world *world, float x, float y)
{
	struct err err = ERR_NONE;
	float embedding[4] = {x, y};

	search_result_release(&world->result);
	world->query.caller = &world->caller;
	world->query.embedding = embedding;
	world->query.dimension = 4;
	if (vectors_dense(world->vectors, &world->query, &world->result, &err))
		fail_msg("dense: %s", err.text);
	return world->result.hit_count;
}

struct gathered {
	struct world *world;
	size_t count;
};

static int gather(void *context, const struct chunk *chunk)
{
	struct gathered *gathered = context;
	char *texts = gathered->world->texts;
	size_t len = strlen(texts);

	snprintf(texts + len, sizeof(gathered->world->texts) - len, "%s|", chunk->text);
	gathered->count++;
	return 0;
}

size_t world_chunks(struct world *world, const struct uuid *id, uint32_t version, uint32_t first,
	uint32_t count)
{
	struct err err = ERR_NONE;
	struct gathered gathered = {world, 0};

	world->texts[0] = '\0';
	if (vectors_chunks(world->vectors, id, version, first, count, gather, &gathered, &err))
		fail_msg("chunks: %s", err.text);
	return gathered.count;
}

struct sought {
	const struct uuid *id;
	int version;
};

static int look_for(void *context, const struct uuid *id, uint32_t version)
{
	struct sought *sought = context;

	if (uuid_equal(id, sought->id))
		sought->version = (int)version;
	return 0;
}

int world_version(struct world *world, const struct uuid *id)
{
	struct err err = ERR_NONE;
	struct sought sought = {id, -1};

	if (vectors_each(world->vectors, look_for, &sought, &err))
		fail_msg("each: %s", err.text);
	return sought.version;
}

void world_assert_sound(struct world *world)
{
	AUTO_BUF struct buf report;
	struct err err = ERR_NONE;

	buf_init(&report, BUF_MAX_DEFAULT);
	if (vectors_check(world->vectors, &report, &err))
		fail_msg("check: %s", err.text);
	if (report.len)
		fail_msg("check found: %s", report.data);
}

/* Small parts, so that a few hundred chunks are many of them. */
static const struct vectors_sqlite_options small = {.memory_max = 300 << 10, .idle_ms = 20};

void world_open_small(struct world *world)
{
	struct err err = ERR_NONE;

	if (vectors_sqlite_new(&world->vectors, world->folder, &small, &err))
		fail_msg("open: %s", err.text);
}

void world_reopen(struct world *world)
{
	vectors_free(world->vectors);
	world_open_small(world);
}

uint64_t world_random;

uint32_t random_below(uint32_t n)
{
	world_random ^= world_random << 13;
	world_random ^= world_random >> 7;
	world_random ^= world_random << 17;
	return (uint32_t)((world_random >> 11) % n);
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

void random_text(struct buf *text, uint32_t words)
{
	buf_clear(text);
	for (uint32_t i = 0; i < words; i++)
		add_word(text);
}
