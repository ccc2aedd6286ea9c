/* SPDX-License-Identifier: Apache-2.0 */
/* One parser and one printer for each type of value, so that what is printed can be read
 * back, and so that a message says what was expected in the same words everywhere. Numbers
 * are whole, with one unit at most: "1.5G" is refused rather than guessed at. */
#include "core/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* The largest unit first: printing takes the first one that divides. */
static const struct unit size_units[] = {{"T", INT64_C(1) << 40}, {"G", INT64_C(1) << 30},
	{"M", INT64_C(1) << 20}, {"K", INT64_C(1) << 10}, {"", 1}, {NULL, 0}};
static const struct unit time_units[] = {{"h", 3600 * NS_PER_SEC}, {"m", 60 * NS_PER_SEC},
	{"s", NS_PER_SEC}, {"", NS_PER_SEC}, {"ms", NS_PER_MS}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum value_type type)
{
	if (type == VALUE_SIZE)
		return size_units;
	if (type == VALUE_TIME || type == VALUE_SECONDS)
		return time_units;
	return no_units;
}

bool value_is_text(const struct value_rule *rule)
{
	return rule->type == VALUE_CHOICE || rule->type == VALUE_PATH || rule->type == VALUE_NAME ||
		rule->type == VALUE_PLACE || rule->type == VALUE_TEXT || rule->type == VALUE_URL ||
		rule->type == VALUE_SECRET;
}

/* Digits and a unit, in the smallest unit of the type. */
static int parse_amount(const struct unit *units, const char *text, int64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	int64_t number = strtoll(text, &end, 10);
	if (errno)
		return -EINVAL;
	for (; units->name; units++) {
		if (strcasecmp(units->name, end))
			continue;
		return __builtin_mul_overflow(number, units->factor, out) ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int parse_number(const struct value_rule *rule, const char *text, void *field)
{
	int64_t value;

	if (rule->type == VALUE_TIME && rule->min < 0 && strcasecmp(text, "never") == 0) {
		*(int64_t *)field = -1;
		return 0;
	}
	int rc = parse_amount(units_of(rule->type), text, &value);
	if (rc)
		return rc;
	if (rule->type == VALUE_SECONDS) {
		if (value % NS_PER_SEC)
			return -EINVAL;
		value /= NS_PER_SEC;
	}
	if (value < rule->min || value > rule->max)
		return -EINVAL;
	memcpy(field, &value, sizeof(value)); /* int64_t or uint64_t, never negative here */
	return 0;
}

static int parse_ratio(const char *text, double *field)
{
	char *end;

	if (strcasecmp(text, "auto") == 0) {
		*field = -1;
		return 0;
	}
	double value = strtod(text, &end);
	if (end == text || *end || !(value >= 0 && value <= 1))
		return -EINVAL;
	*field = value;
	return 0;
}

static int parse_flag(const char *text, bool *field)
{
	bool yes = strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0;

	if (!yes && strcasecmp(text, "no") && strcmp(text, "0"))
		return -EINVAL;
	*field = yes;
	return 0;
}

static bool is_word_of(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = choices; len > 0 && *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");
		if (word == len && memcmp(at, text, len) == 0)
			return true;
		at += word;
	}
	return false;
}

static bool is_name(const char *text)
{
	for (const char *at = text; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._-@", *at))
			return false;
	return true;
}

/* Something behind the scheme, and nothing that a URL cannot hold. */
static bool is_url(const char *text)
{
	size_t scheme = strncmp(text, "http://", 7) == 0 ? 7
		: strncmp(text, "https://", 8) == 0	 ? 8
							 : 0;

	return text[0] == '\0' || (scheme && text[scheme] && !strpbrk(text, " \t\"<>\\^`{|}"));
}

static bool is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool text_fits(const struct value_rule *rule, const char *text)
{
	bool is_path = text[0] == '\0' || text[0] == '/';

	if (rule->type == VALUE_CHOICE)
		return is_word_of(rule->choices, text);
	if (strlen(text) > (size_t)rule->max)
		return false;
	switch (rule->type) {
	case VALUE_NAME: return is_name(text);
	case VALUE_PATH: return is_path;
	case VALUE_PLACE: return is_path || is_name(text);
	case VALUE_URL: return is_url(text);
	default: return is_line(text);
	}
}

int value_parse(const struct value_rule *rule, const char *text, void *field)
{
	if (rule->type == VALUE_RATIO)
		return parse_ratio(text, field);
	if (rule->type == VALUE_FLAG)
		return parse_flag(text, field);
	if (!value_is_text(rule))
		return parse_number(rule, text, field);
	if (!text_fits(rule, text))
		return -EINVAL;

	char *copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

/* An amount in the unit of the field, with the largest unit that divides it. */
static int render_number(const struct value_rule *rule, int64_t value, struct buf *out)
{
	const struct unit *unit = units_of(rule->type);

	if (rule->type == VALUE_TIME && value < 0)
		return buf_adds(out, "never");
	if (rule->type == VALUE_SECONDS)
		value *= NS_PER_SEC;
	if (value == 0 && units_of(rule->type) != no_units)
		return buf_adds(out, rule->type == VALUE_SIZE ? "0" : "0s");
	while (value % unit->factor)
		unit++;
	return buf_addf(out, "%" PRId64 "%s", value / unit->factor, unit->name);
}

int value_render(const struct value_rule *rule, const void *field, struct buf *out)
{
	int64_t number;

	if (rule->type == VALUE_SECRET)
		return buf_adds(out, **(char *const *)field ? "(not shown)" : "");
	if (value_is_text(rule))
		return buf_adds(out, *(char *const *)field);
	if (rule->type == VALUE_FLAG)
		return buf_adds(out, *(const bool *)field ? "yes" : "no");
	if (rule->type == VALUE_RATIO) {
		double ratio = *(const double *)field;
		return ratio < 0 ? buf_adds(out, "auto") : buf_addf(out, "%.10g", ratio);
	}
	memcpy(&number, field, sizeof(number));
	return render_number(rule, number, out);
}

static int expected_number(const struct value_rule *rule, struct buf *out)
{
	static const char *const nouns[] = {[VALUE_SIZE] = "a size",
		[VALUE_TIME] = "a time",
		[VALUE_SECONDS] = "a time of whole seconds",
		[VALUE_COUNT] = "a whole number"};

	buf_addf(out, "%s from ", nouns[rule->type]);
	render_number(rule, rule->min < 0 ? 0 : rule->min, out);
	buf_adds(out, " to ");
	render_number(rule, rule->max, out);
	if (rule->type == VALUE_TIME && rule->min < 0)
		buf_adds(out, ", or never");
	return out->failed;
}

int value_expected(const struct value_rule *rule, struct buf *out)
{
	switch (rule->type) {
	case VALUE_CHOICE: return buf_addf(out, "one of: %s", rule->choices);
	case VALUE_PATH: return buf_adds(out, "an absolute path");
	case VALUE_PLACE: return buf_adds(out, "a name, or an absolute path");
	case VALUE_NAME:
		return buf_addf(out, "at most %" PRId64 " letters, digits and . _ - @", rule->max);
	case VALUE_TEXT:
	case VALUE_SECRET: return buf_addf(out, "at most %" PRId64 " characters", rule->max);
	case VALUE_URL: return buf_adds(out, "a URL that begins with http:// or https://");
	case VALUE_RATIO: return buf_adds(out, "a number from 0 to 1, or auto");
	case VALUE_FLAG: return buf_adds(out, "yes or no");
	case VALUE_SIZE:
	case VALUE_TIME:
	case VALUE_SECONDS:
	case VALUE_COUNT: break;
	}
	return expected_number(rule, out);
}
