/* SPDX-License-Identifier: Apache-2.0 */
/* Time: nanoseconds since 1970 for records, a clock that only goes forward for waiting. */
#ifndef ASKFS_CORE_CLOCK_H
#define ASKFS_CORE_CLOCK_H

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

/* @ns as "2026-11-25T01:02:03.456Z" in @out (at least 32 bytes), which is returned. */
char *clock_format(int64_t ns, char out[32]);

#endif
