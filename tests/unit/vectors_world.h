/* SPDX-License-Identifier: Apache-2.0 */
/* A store of vectors with the defaults that its tests share. */
#ifndef ASKFS_TESTS_UNIT_VECTORS_WORLD_H
#define ASKFS_TESTS_UNIT_VECTORS_WORLD_H

#include "core/vectors.h"

struct world;

struct adapter {
	const char *name;
	int (*open)(struct world *world);
};

struct world {
	const struct adapter *adapter;
	struct vectors *vectors;
	char folder[64];

	struct access access; /* of what world_publish publishes */
	const char *content_type, *path;
	struct caller caller; /* of searches */
	struct search_query query;
	struct search_result result; /* of the last search */
	char texts[4096]; /* of the last world_chunks, a bar behind each */
};

extern const struct caller world_root;

/* The state that cmocka hands over is the adapter before, the world after. */
int world_setup(void **state);
int world_teardown(void **state);

/* All assert success. */
void world_add(struct world *world, const struct uuid *id, uint32_t version, uint32_t index,
	const char *text);
void world_publish(struct world *world, const struct uuid *id, uint32_t version);
void world_search(struct world *world, const char *question);
size_t world_count(struct world *world, const char *question);
size_t world_chunks(struct world *world, const struct uuid *id, uint32_t version, uint32_t first,
	uint32_t count);

/* Four numbers that begin (x, y), made by the model "test"; the hits nearest to (x, y). */
void world_embed(struct world *world, const struct uuid *id, uint32_t version, uint32_t index,
	float x, float y);
size_t world_dense(struct world *world, float x, float y);

/* The version that the store gives for a document, -1 if it knows none such. */
int world_version(struct world *world, const struct uuid *id);

/* Open the SQLite adapter in the world's folder with parts so small that a few hundred chunks
 * are many of them; close it first. */
void world_open_small(struct world *world);
void world_reopen(struct world *world);

/* Numbers and texts that are the same in every run; set world_random first. */
extern uint64_t world_random;
uint32_t random_below(uint32_t n);
void random_text(struct buf *text, uint32_t words);

/* The store's own check finds nothing. */
void world_assert_sound(struct world *world);

#endif
