/* SPDX-License-Identifier: Apache-2.0 */
/* Words are English, figures ISO 8601: what a person asks for, and what a model reads without a
 * doubt about day and month. */
#include "core/parse/readers/calendar_time.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/auto.h"

static bool digits(const char *at, int count, int *out)
{
	*out = 0;
	for (int i = 0; i < count; i++) {
		if (!isdigit((unsigned char)at[i]))
			return false;
		*out = *out * 10 + (at[i] - '0');
	}
	return true;
}

bool calendar_time_read(const char *value, struct calendar_time *out)
{
	int second;

	*out = (struct calendar_time){0};
	if (!digits(value, 4, &out->year) || !digits(value + 4, 2, &out->month) ||
		!digits(value + 6, 2, &out->day))
		return false;
	if (out->month < 1 || out->month > 12 || out->day < 1 || out->day > 31)
		return false;
	if (value[8] != 'T')
		return true;
	out->has_time = digits(value + 9, 2, &out->hour) && digits(value + 11, 2, &out->minute);
	out->is_utc = out->has_time && digits(value + 13, 2, &second) && value[15] == 'Z';
	return true;
}

void calendar_time_step_back(struct calendar_time *time)
{
	struct tm tm = {.tm_year = time->year - 1900,
		.tm_mon = time->month - 1,
		.tm_mday = time->day - 1,
		.tm_hour = 12};

	timegm(&tm);
	time->year = tm.tm_year + 1900;
	time->month = tm.tm_mon + 1;
	time->day = tm.tm_mday;
}

bool calendar_time_same_day(const struct calendar_time *a, const struct calendar_time *b)
{
	return a->year == b->year && a->month == b->month && a->day == b->day;
}

void calendar_time_write(const struct calendar_time *time, bool has_day, struct buf *out)
{
	if (has_day)
		buf_addf(out, "%04d-%02d-%02d", time->year, time->month, time->day);
	if (has_day && time->has_time)
		buf_addc(out, ' ');
	if (time->has_time)
		buf_addf(out, "%02d:%02d", time->hour, time->minute);
}

bool calendar_duration_write(const char *value, struct buf *out)
{
	static const struct {
		char unit;
		bool is_time;
		const char *word;
	} units[] = {{'W', false, "weeks"}, {'D', false, "days"}, {'H', true, "h"},
		{'M', true, "min"}, {'S', true, "s"}};
	bool is_time = false, has_part = false;

	value += *value == '+';
	if (*value++ != 'P')
		return false;
	while (*value) {
		if (*value == 'T') {
			is_time = true;
			value++;
			continue;
		}
		char *unit;
		unsigned long number = strtoul(value, &unit, 10);
		size_t i = 0;
		while (i < ARRAY_LEN(units) &&
			(units[i].unit != *unit || units[i].is_time != is_time))
			i++;
		if (unit == value || i == ARRAY_LEN(units))
			return has_part;
		if (number)
			buf_addf(out, "%s%lu %s", has_part ? " " : "", number, units[i].word);
		has_part = has_part || number;
		value = unit + 1;
	}
	return has_part;
}

/* Recurrence. */

/* The value of one part of the rule, copied into @room; "" if it is missing. */
static const char *part_of(const char *rule, const char *name, char *room, size_t size)
{
	size_t name_len = strlen(name);

	room[0] = '\0';
	for (const char *at = rule; at && *at; at = strchr(at, ';'), at = at ? at + 1 : NULL)
		if (!strncasecmp(at, name, name_len) && at[name_len] == '=') {
			const char *value = at + name_len + 1;
			snprintf(room, size, "%.*s", (int)strcspn(value, ";"), value);
			break;
		}
	return room;
}

static const char *day_name(const char *two)
{
	static const char *const days[] = {
		"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (!strncasecmp(two, days[i], 2))
			return days[i];
	return NULL;
}

static void write_ordinal(long number, struct buf *out)
{
	static const char *const words[] = {"", "first ", "second ", "third ", "fourth ", "fifth "};

	if (number == -1)
		buf_adds(out, "last ");
	else if (number >= 1 && number <= 5)
		buf_adds(out, words[number]);
	else if (number)
		buf_addf(out, "%ld. ", number);
}

/* "MO,2TU,-1FR" */
static void write_days(const char *list, struct buf *out)
{
	bool is_first = true;

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		char *word;
		long number = strtol(at, &word, 10);
		const char *day = day_name(word);
		if (!day)
			continue;
		buf_adds(out, is_first ? " on " : ", ");
		if (number)
			buf_adds(out, "the ");
		write_ordinal(number, out);
		buf_adds(out, day);
		is_first = false;
	}
}

/* "1,15,-1" days of a month, "3,6" months. */
static void write_numbers(const char *list, const char *before, struct buf *out)
{
	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		char *end;
		long number = strtol(at, &end, 10);
		if (end == at)
			continue;
		buf_adds(out, at == list ? before : ", ");
		if (number == -1)
			buf_adds(out, "last");
		else
			buf_addf(out, "%ld", number);
	}
}

static void write_months(const char *list, struct buf *out)
{
	static const char *const months[] = {"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"};

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		long month = strtol(at, NULL, 10);
		if (month >= 1 && month <= 12)
			buf_addf(out, "%s%s", at == list ? " in " : ", ", months[month - 1]);
	}
}

static void write_end(const char *rule, struct buf *out)
{
	char room[128];
	struct calendar_time until;

	if (calendar_time_read(part_of(rule, "UNTIL", room, sizeof(room)), &until)) {
		until.has_time = false;
		buf_adds(out, " until ");
		calendar_time_write(&until, true, out);
	}
	unsigned long count = strtoul(part_of(rule, "COUNT", room, sizeof(room)), NULL, 10);
	if (count)
		buf_addf(out, ", %lu times", count);
}

void calendar_rule_write(const char *rule, struct buf *out)
{
	static const struct {
		const char *name, *one, *many;
	} frequencies[] = {{"SECONDLY", "second", "seconds"}, {"MINUTELY", "minute", "minutes"},
		{"HOURLY", "hour", "hours"}, {"DAILY", "day", "days"}, {"WEEKLY", "week", "weeks"},
		{"MONTHLY", "month", "months"}, {"YEARLY", "year", "years"}};
	char room[128];
	size_t i = 0;

	part_of(rule, "FREQ", room, sizeof(room));
	while (i < ARRAY_LEN(frequencies) && strcasecmp(room, frequencies[i].name))
		i++;
	if (i == ARRAY_LEN(frequencies))
		return;
	unsigned long interval = strtoul(part_of(rule, "INTERVAL", room, sizeof(room)), NULL, 10);
	if (interval > 1)
		buf_addf(out, "every %lu %s", interval, frequencies[i].many);
	else
		buf_addf(out, "every %s", frequencies[i].one);
	write_days(part_of(rule, "BYDAY", room, sizeof(room)), out);
	write_numbers(part_of(rule, "BYMONTHDAY", room, sizeof(room)), " on day ", out);
	write_months(part_of(rule, "BYMONTH", room, sizeof(room)), out);
	write_end(rule, out);
}
