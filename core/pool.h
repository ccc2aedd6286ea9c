/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that take jobs from one queue, in order. */
#ifndef ASKFS_CORE_POOL_H
#define ASKFS_CORE_POOL_H

#include <stddef.h>

struct pool;

/* A piece of work, embedded in whatever it works on. The submitter owns it again once run
 * was called: run may free it. */
struct job {
	struct job *next; /* pool->lock */
	void (*run)(struct job *job);
};

/* A nice value for threads that run only when no other one wants to. */
#define POOL_IDLE 20

/* Start @threads threads named @name (15 characters at most), each with nice value @nice.
 * 0 or -errno. */
int pool_new(struct pool **out, const char *name, size_t threads, int nice);

/* Queue @job; its run is called once on one of the threads. Any thread, also from a job. Never
 * fails, never blocks. After pool_free has begun the job is run all the same. */
void pool_submit(struct pool *pool, struct job *job);

/* Return when nothing is queued and nothing runs. Not from a job. */
void pool_wait(struct pool *pool);

/* Run what is queued, join the threads, free. Not from a job. */
void pool_free(struct pool *pool);

#endif
