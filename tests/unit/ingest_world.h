/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline over adapters in memory that can be made to fail, with the real parser. */
#ifndef ASKFS_TESTS_UNIT_INGEST_WORLD_H
#define ASKFS_TESTS_UNIT_INGEST_WORLD_H

#include <pthread.h>

#include "core/ingest.h"
#include "tests/unit/faulty.h"

struct ingest_world {
	struct catalog *catalog; /* the inner ones: they never fail */
	struct vectors *vectors;
	struct blobs *blobs;
	struct embedder *embedder; /* NULL: by words alone */
	struct fault fault;
	struct faulty faulty;
	struct parser *parser;
	struct records *records;
	struct config config;
	struct ports ports; /* the faulty ones */
	struct ingest *ingest; /* NULL between iw_stop and iw_start */
	char *folder;
	unsigned files;
};

/* A job and its end. */
struct iw_job {
	struct ingest_job job; /* first */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int done; /* lock: how often */
	int published; /* lock */
};

/* @embedder (may be NULL) goes over to the world. */
void iw_open(struct ingest_world *world, struct embedder *embedder);
void iw_close(struct ingest_world *world);
void iw_start(struct ingest_world *world);
void iw_stop(struct ingest_world *world);

/* A job for @len bytes as document @id at @path; the world has the file. */
void iw_job_init(struct ingest_world *world, struct iw_job *job, const struct uuid *id,
	const char *path, const void *data, size_t len);
void iw_job_release(struct iw_job *job);
void iw_wait(struct iw_job *job); /* until done was called; fails the test after 30 s */

/* Submit one text and wait: its outcome. */
enum ingest_outcome iw_run(
	struct ingest_world *world, const struct uuid *id, const char *path, const char *text);

/* The record; fails the test if there is none. The caller releases it. */
struct document iw_record(struct ingest_world *world, const struct uuid *id);

/* Catalog and vectors agree about every document: the version, the number of chunks. */
void iw_assert_agreement(struct ingest_world *world);

/* And no store holds anything that no record names; each named blob is there. */
void iw_assert_tidy(struct ingest_world *world);

/* The version that answers has this original and this text. */
void iw_assert_content(struct ingest_world *world, const struct uuid *id, const char *text);

/* How many chunks a search by these words finds. */
size_t iw_find(struct ingest_world *world, const char *words);

#endif
