/* SPDX-License-Identifier: Apache-2.0 */
/* Times, durations and recurrences of a calendar (RFC 5545) in words. */
#ifndef ASKFS_CORE_PARSE_READERS_CALENDAR_TIME_H
#define ASKFS_CORE_PARSE_READERS_CALENDAR_TIME_H

#include <stdbool.h>

#include "core/buf.h"

/* A DATE or a DATE-TIME. */
struct calendar_time {
	int year, month, day, hour, minute;
	bool has_time, is_utc;
};

/* "20250304T093000Z". False: it is none; *out is not to be used then. */
bool calendar_time_read(const char *value, struct calendar_time *out);

/* The day before, as an end that does not count itself says "until". */
void calendar_time_step_back(struct calendar_time *time);

bool calendar_time_same_day(const struct calendar_time *a, const struct calendar_time *b);

/* "2025-03-04" with @has_day, " 09:30" if it has a time; " UTC" is not said. */
void calendar_time_write(const struct calendar_time *time, bool has_day, struct buf *out);

/* "1 h 30 min" for "PT1H30M". False: it is none. */
bool calendar_duration_write(const char *value, struct buf *out);

/* "every 2 weeks on Monday, Wednesday until 2025-06-30" for an RRULE's value; nothing for one that
 * makes no sense. */
void calendar_rule_write(const char *value, struct buf *out);

#endif
