/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A thread's stack: enough for ICU, SQLite and OpenSSL, small in address space. */
#define POOL_STACK ((size_t)512 << 10)

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t ready, idle;
	size_t running; /* lock */
	struct job *head, **tail; /* lock */
	bool stopping; /* lock */
	int nice;
	size_t thread_count;
	pthread_t threads[];
};

static struct job *take(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (!pool->head && !pool->stopping)
		pthread_cond_wait(&pool->ready, &pool->lock);
	struct job *job = pool->head;
	if (job) {
		pool->head = job->next;
		if (!pool->head)
			pool->tail = &pool->head;
		pool->running++;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void finish(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	if (!pool->running && !pool->head)
		pthread_cond_broadcast(&pool->idle);
	pthread_mutex_unlock(&pool->lock);
}

static void *work(void *argument)
{
	struct pool *pool = argument;
	struct job *job;

	if (pool->nice == POOL_IDLE)
		sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
	else if (pool->nice)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), pool->nice);
	while ((job = take(pool))) {
		job->run(job);
		finish(pool);
	}
	return NULL;
}

/* Threads of a pool never take the process's signals. */
static int start_thread(struct pool *pool, const char *name)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, POOL_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&pool->threads[pool->thread_count], &attributes, work, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (rc)
		return -rc;
	pthread_setname_np(pool->threads[pool->thread_count], name);
	pool->thread_count++;
	return 0;
}

int pool_new(struct pool **out, const char *name, size_t threads, int nice)
{
	struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));

	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->ready, NULL);
	pthread_cond_init(&pool->idle, NULL);
	pool->tail = &pool->head;
	pool->nice = nice;
	for (size_t i = 0; i < threads; i++) {
		int rc = start_thread(pool, name);
		if (rc) {
			pool_free(pool);
			return rc;
		}
	}
	*out = pool;
	return 0;
}

void pool_submit(struct pool *pool, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	*pool->tail = job;
	pool->tail = &job->next;
	pthread_cond_signal(&pool->ready);
	pthread_mutex_unlock(&pool->lock);
}

void pool_wait(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->running || pool->head)
		pthread_cond_wait(&pool->idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->ready);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->ready);
	pthread_cond_destroy(&pool->idle);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
