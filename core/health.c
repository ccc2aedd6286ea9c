/* SPDX-License-Identifier: Apache-2.0 */
/* A success costs one relaxed load: the lock is only taken when something fails, or works
 * again for the first time. */
#include "core/health.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"

struct part {
	atomic_bool is_failing;
	struct health health; /* lock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct part parts[HEALTH_COUNT];

static const char *const names[HEALTH_COUNT] = {
	[HEALTH_CATALOG] = "catalog",
	[HEALTH_BLOBS] = "blobs",
	[HEALTH_VECTORS] = "vectors",
	[HEALTH_EMBEDDER] = "embedder",
	[HEALTH_GENERATOR] = "generator",
	[HEALTH_PARSER] = "parser",
	[HEALTH_SPOOL] = "spool",
};

/* What says something about the part, and not about what it was asked. */
static bool is_fault(int rc)
{
	static const int faults[] = {EIO, ENOSPC, EROFS, EDQUOT, ENOMEM, EACCES, EPERM, EAGAIN,
		EPROTO, ETIMEDOUT, ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, EMFILE,
		ENFILE, ENXIO, EUCLEAN};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (rc == -faults[i])
			return true;
	return false;
}

static void note_failure(struct part *part, int rc, const struct err *err)
{
	pthread_mutex_lock(&lock);
	if (!part->health.is_failing)
		part->health.since_ns = clock_wall_ns();
	part->health.is_failing = true;
	if (err && err->text[0])
		part->health.err = *err;
	else
		err_set(&part->health.err, rc, "%s", strerror(-rc));
	atomic_store_explicit(&part->is_failing, true, memory_order_relaxed);
	pthread_mutex_unlock(&lock);
}

static void note_success(struct part *part)
{
	pthread_mutex_lock(&lock);
	part->health = (struct health){0};
	atomic_store_explicit(&part->is_failing, false, memory_order_relaxed);
	pthread_mutex_unlock(&lock);
}

int health_note(enum health_part index, int rc, const struct err *err)
{
	struct part *part = &parts[index];

	assert(index < HEALTH_COUNT);
	if (is_fault(rc))
		note_failure(part, rc, err);
	else if (rc >= 0 && atomic_load_explicit(&part->is_failing, memory_order_relaxed))
		note_success(part);
	return rc;
}

struct health health_get(enum health_part index)
{
	assert(index < HEALTH_COUNT);
	pthread_mutex_lock(&lock);
	struct health health = parts[index].health;
	pthread_mutex_unlock(&lock);
	return health;
}

const char *health_name(enum health_part index)
{
	assert(index < HEALTH_COUNT);
	return names[index];
}
