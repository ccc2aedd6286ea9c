/* SPDX-License-Identifier: Apache-2.0 */
/* Time: nanoseconds since 1970 for records, a clock that only goes forward for waiting. */
#ifndef ASKFS_CORE_CLOCK_H
#define ASKFS_CORE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_SEC INT64_C(1000000000)
#define NS_PER_MS  INT64_C(1000000)

static inline int64_t clock_read_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

/* For records and mtimes. */
static inline int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

/* For deadlines and latencies. */
static inline int64_t clock_mono_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* The same instant or span as POSIX calls want it. */
static inline struct timespec clock_timespec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC};
}

/* Sleep so long, in short naps; false, and soon, if another thread sets @cancelled, which may be
 * NULL. */
bool clock_sleep(int64_t ns, const atomic_bool *cancelled);

/* @ns as "2026-11-25T01:02:03.456Z" in @out (at least 32 bytes), which is returned. */
char *clock_format(int64_t ns, char out[32]);

#endif
