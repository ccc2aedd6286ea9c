/* SPDX-License-Identifier: Apache-2.0 */
/* Number formats (ECMA-376 part 1, 18.8.30, 18.8.31): up to four sections for positive, negative,
 * zero and text. What depends on the reader's own country (format 14, "short date") is given as
 * ISO 8601 has it; points and commas are those of the format's language, English. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/readers/xlsx.h"

#define DECIMALS_MAX 15
#define LITERAL_MAX  64

const char *xlsx_builtin_code(long id)
{
	static const char *const codes[] = {[1] = "0",
		[2] = "0.00",
		[3] = "#,##0",
		[4] = "#,##0.00",
		[9] = "0%",
		[10] = "0.00%",
		[11] = "0.00E+00",
		[14] = "yyyy-mm-dd",
		[15] = "d-mmm-yy",
		[16] = "d-mmm",
		[17] = "mmm-yy",
		[18] = "h:mm AM/PM",
		[19] = "h:mm:ss AM/PM",
		[20] = "h:mm",
		[21] = "h:mm:ss",
		[22] = "yyyy-mm-dd h:mm",
		[37] = "#,##0;-#,##0",
		[38] = "#,##0;-#,##0",
		[39] = "#,##0.00;-#,##0.00",
		[40] = "#,##0.00;-#,##0.00",
		[41] = "#,##0;-#,##0",
		[42] = "#,##0;-#,##0",
		[43] = "#,##0.00;-#,##0.00",
		[44] = "#,##0.00;-#,##0.00",
		[45] = "mm:ss",
		[46] = "[h]:mm:ss",
		[47] = "mm:ss.0",
		[48] = "##0.0E+0"};

	if ((id >= 27 && id <= 36) || (id >= 50 && id <= 58))
		return "yyyy-mm-dd"; /* of East Asian programs, all dates */
	return id >= 0 && (size_t)id < ARRAY_LEN(codes) ? codes[id] : NULL;
}

/* Fifteen digits are what a cell holds; more are noise of its binary form. */
static void add_plain(double value, struct buf *out)
{
	char text[40];

	snprintf(text, sizeof(text), "%.15g", value);
	char *exponent = strchr(text, 'e');
	if (exponent)
		*exponent = 'E';
	buf_adds(out, text);
}

/* One section, taken apart. */
struct section {
	char before[LITERAL_MAX], after[LITERAL_MAX]; /* the digits */
	size_t before_len, after_len;
	int whole, decimals, least_decimals; /* digits: at least, at most, at least */
	int percents, thousands; /* signs of percent; commas behind the digits */
	bool has_digits, has_groups, has_exponent, is_odd; /* @is_odd: not to be shown by this */
};

static void add_literal(struct section *section, const char *text, size_t len)
{
	char *to = section->has_digits ? section->after : section->before;
	size_t *to_len = section->has_digits ? &section->after_len : &section->before_len;

	if (len < LITERAL_MAX - *to_len) {
		memcpy(to + *to_len, text, len);
		*to_len += len;
	}
}

static size_t character_len(const char *at)
{
	size_t len = 1;

	while ((at[len] & 0xc0) == 0x80)
		len++;
	return *at ? len : 0;
}

/* "[$€-407]" is a currency's sign; "[Red]" and conditions are not shown. */
static const char *skip_bracket(struct section *section, const char *at)
{
	const char *end = strchr(at, ']');

	if (at[1] == '$' && end)
		add_literal(section, at + 2, strcspn(at + 2, "-]"));
	return end ? end + 1 : at + strlen(at);
}

static const char *skip_quoted(struct section *section, const char *at)
{
	size_t len = strcspn(at + 1, "\"");

	add_literal(section, at + 1, len);
	return at + 1 + len + (at[1 + len] == '"');
}

static void digit(struct section *section, char c, bool has_point, int *commas)
{
	if (section->after_len) { /* "000-0000" */
		section->is_odd = true;
		return;
	}
	section->has_groups = section->has_groups || *commas;
	*commas = 0;
	section->has_digits = true;
	if (has_point) {
		section->decimals++;
		section->least_decimals = c == '0' ? section->decimals : section->least_decimals;
	} else {
		section->whole += c == '0';
	}
}

static void take_apart(const char *at, struct section *section)
{
	bool has_point = false;
	int commas = 0;

	while (*at && *at != ';') {
		char c = *at;
		if (c == '"') {
			at = skip_quoted(section, at);
			continue;
		}
		if (c == '[') {
			at = skip_bracket(section, at);
			continue;
		}
		if (c == '\\' || c == '_' || c == '*') {
			size_t len = character_len(at + 1);
			add_literal(section, c == '\\' ? at + 1 : " ", c == '\\' ? len : c == '_');
			at += 1 + len;
			continue;
		}
		if (strchr("0#?", c)) {
			digit(section, c, has_point, &commas);
		} else if (c == '.' && !has_point) {
			section->thousands += commas;
			commas = 0;
			has_point = true;
		} else if (c == ',') {
			commas += section->has_digits;
		} else if ((c == 'E' || c == 'e') && (at[1] == '+' || at[1] == '-')) {
			section->has_exponent = true;
			at += 1 + strspn(at + 1, "+-0#?");
			continue;
		} else {
			section->percents += c == '%';
			section->is_odd = section->is_odd || c == '@' || c == '/' ||
				!strncasecmp(at, "general", 7);
			add_literal(section, at, 1);
		}
		at++;
	}
	section->thousands += commas;
}

static const char *next_section(const char *at)
{
	while (*at && *at != ';') {
		if (*at == '"')
			at += 1 + strcspn(at + 1, "\"");
		else if (*at == '[')
			at += strcspn(at, "]");
		else if (*at == '\\' && at[1])
			at++;
		at += *at != '\0';
	}
	return *at ? at + 1 : NULL;
}

/* The section for @value; *has_sign: it stands for negative numbers and says so itself. */
static const char *section_of(const char *code, double value, bool *has_sign)
{
	const char *second = next_section(code);
	const char *third = second ? next_section(second) : NULL;

	*has_sign = false;
	if (value < 0 && second) {
		*has_sign = true;
		return second;
	}
	return value == 0 && third ? third : code;
}

static void add_groups(const char *digits, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_addc(out, ',');
		buf_addc(out, digits[i]);
	}
}

static void add_digits(const struct section *section, double value, struct buf *out)
{
	int decimals = section->decimals < DECIMALS_MAX ? section->decimals : DECIMALS_MAX;
	char text[64];

	if (section->has_exponent) {
		buf_addf(out, "%.*E", decimals, value);
		return;
	}
	/* Half a cent is 0.285 in a cell and a little less in binary. */
	snprintf(text, sizeof(text), "%.15g", value);
	double mended = strtod(text, NULL);
	if (decimals <= 4 && mended < 1e9)
		mended *= 1 + 1e-15;
	snprintf(text, sizeof(text), "%.*f", decimals, mended);
	char *point = strchr(text, '.');
	size_t len = point ? (size_t)(point - text) : strlen(text);
	size_t end = strlen(text);
	while (point && end > len + 1 + (size_t)section->least_decimals && text[end - 1] == '0')
		end--;
	if (end == len + 1)
		end = len; /* a bare point */
	for (int i = (int)len; i < section->whole && i < DECIMALS_MAX; i++)
		buf_addc(out, '0');
	if (section->has_groups)
		add_groups(text, len, out);
	else
		buf_add(out, text, len);
	buf_add(out, text + len, end - len);
}

void xlsx_number(const char *code, double value, bool is_1904, struct buf *out)
{
	struct section section = {.whole = 0};
	bool has_sign;

	if (!code || !isfinite(value) || !strcasecmp(code, "general")) {
		add_plain(value, out);
		return;
	}
	if (xlsx_is_date(code) && xlsx_date(code, value, is_1904, out))
		return;
	take_apart(section_of(code, value, &has_sign), &section);
	double shown = has_sign ? fabs(value) : value;
	for (int i = 0; i < section.percents && i < 4; i++)
		shown *= 100;
	for (int i = 0; i < section.thousands && i < 8; i++)
		shown /= 1000;
	if (section.is_odd || !section.has_digits || fabs(shown) >= 1e21) {
		add_plain(value, out);
		return;
	}
	if (shown < 0)
		buf_addc(out, '-');
	buf_add(out, section.before, section.before_len);
	add_digits(&section, fabs(shown), out);
	buf_add(out, section.after, section.after_len);
}

/* Dates. */

bool xlsx_is_date(const char *code)
{
	for (const char *at = code; *at && *at != ';'; at++) {
		if (*at == '"')
			at += 1 + strcspn(at + 1, "\"");
		else if (*at == '[' && strchr("hHmMsS", at[1]) && at[1])
			return true;
		else if (*at == '[')
			at += strcspn(at, "]");
		else if (strchr("\\_*", *at) && at[1])
			at++;
		else if (!strncasecmp(at, "general", 7))
			return false;
		else if (strchr("yYmMdDhHsS", *at))
			return true;
		if (!*at)
			break;
	}
	return false;
}

struct moment {
	long year;
	unsigned month, day, weekday; /* 0: Sunday */
	double days; /* as it is stored */
	long hour, minute, second, millisecond;
};

/* Howard Hinnant's civil_from_days, for days since 1970. */
static void set_day(struct moment *moment, long days)
{
	long shifted = days + 719468;
	long era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	long in_era = shifted - era * 146097;
	long year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	long in_year = in_era - (365 * year + year / 4 - year / 100);
	long month = (5 * in_year + 2) / 153;

	moment->day = (unsigned)(in_year - (153 * month + 2) / 5 + 1);
	moment->month = (unsigned)(month < 10 ? month + 3 : month - 9);
	moment->year = year + era * 400 + (moment->month <= 2);
	moment->weekday = (unsigned)((days % 7 + 11) % 7);
}

/* Day 60 of the system of 1900 is a 29 February that never was. */
static bool set_moment(struct moment *moment, double value, bool is_1904, bool has_fraction)
{
	if (!(value >= 0 && value < 2958466))
		return false;
	double unit = has_fraction ? 86400e3 : 86400;
	long ticks = lround(value * unit), per_day = (long)unit;
	long day = ticks / per_day, rest = ticks % per_day;
	moment->days = value;
	moment->millisecond = has_fraction ? rest % 1000 : 0;
	rest = has_fraction ? rest / 1000 : rest;
	moment->hour = rest / 3600;
	moment->minute = rest / 60 % 60;
	moment->second = rest % 60;
	set_day(moment, day + (is_1904 ? -24107 : day < 60 ? -25568 : -25569));
	return true;
}

static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July",
	"August", "September", "October", "November", "December"};
static const char *const weekdays[] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static void add_name(const char *name, size_t run, struct buf *out)
{
	size_t len = run == 3 ? 3 : run == 5 ? 1 : strlen(name);

	buf_add(out, name, len);
}

static void add_padded(long number, size_t run, struct buf *out)
{
	buf_addf(out, run > 1 ? "%02ld" : "%ld", number);
}

/* @is_minute: "m" stands for one. */
static void add_token(const struct moment *moment, char c, size_t run, bool is_minute, bool is_12,
	struct buf *out)
{
	long hour = is_12 ? (moment->hour + 11) % 12 + 1 : moment->hour;

	switch (c) {
	case 'y':
		buf_addf(out, run > 2 ? "%04ld" : "%02ld",
			run > 2 ? moment->year : moment->year % 100);
		break;
	case 'm':
		if (is_minute)
			add_padded(moment->minute, run, out);
		else if (run > 2)
			add_name(months[moment->month - 1], run, out);
		else
			add_padded(moment->month, run, out);
		break;
	case 'd':
		if (run > 2)
			add_name(weekdays[moment->weekday], run, out);
		else
			add_padded(moment->day, run, out);
		break;
	case 'h': add_padded(hour, run, out); break;
	default: add_padded(moment->second, run, out); break;
	}
}

/* Does the next letter of time or date say seconds? */
static bool seconds_follow(const char *at)
{
	while (*at && !strchr("yYmMdDhHsS;", *at))
		at++;
	return *at == 's' || *at == 'S';
}

/* "[h]": hours without an end. */
static const char *add_elapsed(const struct moment *moment, const char *at, struct buf *out)
{
	char c = (char)tolower((unsigned char)at[1]);
	double unit = c == 'h' ? 24 : c == 'm' ? 1440 : 86400;
	const char *end = strchr(at, ']');

	buf_addf(out, "%.0f", floor(moment->days * unit + 1e-6));
	return end ? end + 1 : at + strlen(at);
}

static const char *add_literal_of(const char *at, struct buf *out)
{
	size_t len;

	switch (*at) {
	case '"':
		len = strcspn(at + 1, "\"");
		buf_add(out, at + 1, len);
		return at + 1 + len + (at[1 + len] == '"');
	case '[': len = strcspn(at, "]"); return at + len + (at[len] == ']');
	case '\\':
		len = character_len(at + 1);
		buf_add(out, at + 1, len);
		return at + 1 + len;
	case '_':
	case '*': return at + 1 + character_len(at + 1);
	default: buf_addc(out, *at); return at + 1;
	}
}

bool xlsx_date(const char *code, double value, bool is_1904, struct buf *out)
{
	struct moment moment;
	bool is_12 = strcasestr(code, "am/pm") || strcasestr(code, "a/p");
	bool has_fraction = strstr(code, ".0") != NULL;
	char last = '\0'; /* the letter before */

	if (!set_moment(&moment, value, is_1904, has_fraction))
		return false;
	for (const char *at = code; *at && *at != ';';) {
		char c = (char)tolower((unsigned char)*at);
		if (*at == '[' && at[1] && strchr("hHmMsS", at[1])) {
			last = (char)tolower((unsigned char)at[1]);
			at = add_elapsed(&moment, at, out);
		} else if (!strncasecmp(at, "am/pm", 5) || !strncasecmp(at, "a/p", 3)) {
			buf_adds(out, moment.hour < 12 ? "AM" : "PM");
			at += c == 'a' && at[1] == '/' ? 3 : 5;
		} else if (strchr("ymdhs", c)) {
			size_t run = 1;
			while (tolower((unsigned char)at[run]) == c)
				run++;
			bool is_minute = last == 'h' || seconds_follow(at + run);
			add_token(&moment, c, run, is_minute, is_12, out);
			last = c;
			at += run;
		} else if (last == 's' && *at == '.' && at[1] == '0') {
			buf_addf(out, ".%03ld", moment.millisecond);
			at += 1 + strspn(at + 1, "0");
		} else {
			at = add_literal_of(at, out);
		}
	}
	return true;
}
