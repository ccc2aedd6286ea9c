/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/readers/number_format.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DECIMALS_MAX 12
#define DAYS_MAX     2958466 /* the year 9999 ends */
#define DAYS_TO_1904 1462

struct number_format number_format_builtin(unsigned id)
{
	switch (id) {
	case 1:
	case 3:
	case 5:
	case 6:
	case 37:
	case 38: return (struct number_format){NUMBER_FIXED, 0};
	case 2:
	case 4:
	case 7:
	case 8:
	case 39:
	case 40:
	case 43:
	case 44: return (struct number_format){NUMBER_FIXED, 2};
	case 9: return (struct number_format){NUMBER_PERCENT, 0};
	case 10: return (struct number_format){NUMBER_PERCENT, 2};
	case 22: return (struct number_format){NUMBER_DATE_TIME, 0};
	default: break;
	}
	if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58))
		return (struct number_format){NUMBER_DATE, 0};
	if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47))
		return (struct number_format){NUMBER_TIME, 0};
	return (struct number_format){NUMBER_GENERAL, 0};
}

/* What stands in a code, of its first section. */
struct code {
	unsigned date, time, months; /* letters */
	unsigned digits, decimals;
	bool is_percent, is_decimal, is_scientific, is_fraction;
};

static void look_at_letter(struct code *code, char c)
{
	switch (tolower((unsigned char)c)) {
	case 'y':
	case 'd': code->date++; break;
	case 'm': code->months++; break;
	case 'h':
	case 's': code->time++; break;
	case 'e': code->is_scientific = code->digits > 0; break;
	case '0':
	case '#':
	case '?':
		code->digits++;
		code->decimals += code->is_decimal && c == '0';
		break;
	case '.': code->is_decimal = code->digits > 0 || !code->is_decimal; break;
	case '/': code->is_fraction = true; break;
	case '%': code->is_percent = true; break;
	default: break;
	}
}

/* How far a part goes that is no code: quoted, a colour, a country, a filler. Elapsed time
 * "[h]" is code. */
static size_t literal_len(const char *at, size_t left, struct code *code)
{
	const char *end = NULL;

	if (strchr("\\_*", *at))
		return left < 2 ? left : 2;
	if (*at == '"')
		end = left > 1 ? memchr(at + 1, '"', left - 1) : NULL;
	else if (*at == '[')
		end = memchr(at, ']', left);
	else
		return 0;
	if (*at == '[' && end && end - at <= 3 && strchr("hHmMsS", at[1]))
		code->time++;
	return end ? (size_t)(end - at) + 1 : left;
}

struct number_format number_format_parse(const char *text, size_t len)
{
	struct code code = {0};
	struct number_format format = {NUMBER_GENERAL, 0};

	if (len >= 7 && !strncasecmp(text, "general", 7))
		return format;
	for (size_t i = 0; i < len && text[i] && text[i] != ';';) {
		size_t literal = literal_len(text + i, len - i, &code);
		if (!literal)
			look_at_letter(&code, text[i]);
		i += literal ? literal : 1;
	}
	format.decimals = (uint8_t)(code.decimals < DECIMALS_MAX ? code.decimals : DECIMALS_MAX);
	if (code.time)
		format.kind = code.date ? NUMBER_DATE_TIME : NUMBER_TIME;
	else if (code.date || code.months)
		format.kind = NUMBER_DATE;
	else if (code.is_percent)
		format.kind = NUMBER_PERCENT;
	else if (code.digits && !code.is_scientific && !code.is_fraction)
		format.kind = NUMBER_FIXED;
	return format;
}

/* Days since 1970 as a date of the Gregorian calendar: Hinnant, chrono-compatible algorithms. */
static size_t write_date(long days, char *out, size_t size)
{
	long shifted = days + 719468;
	long era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	long day_of_era = shifted - era * 146097;
	long year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	long shifted_month = (5 * day_of_year + 2) / 153;
	long day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
	long month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;

	return (size_t)snprintf(
		out, size, "%04ld-%02ld-%02ld", year_of_era + era * 400 + (month <= 2), month, day);
}

/* Serial day 1 is the first of January 1900, and day 60 one that never was. */
static size_t write_time(
	struct number_format format, double number, bool is_1904, char out[NUMBER_TEXT_MAX])
{
	double whole = floor(number + 0.5 / 86400);
	long seconds = (long)floor((number - whole) * 86400 + 0.5);
	long serial = (long)whole + (is_1904 ? DAYS_TO_1904 : 0);
	size_t len = 0;

	seconds = seconds < 0 ? 0 : seconds;
	if (format.kind != NUMBER_TIME)
		len = write_date(serial - 25569 + (serial < 60), out, NUMBER_TEXT_MAX);
	if (format.kind == NUMBER_DATE)
		return len;
	long hours = seconds / 3600 + (format.kind == NUMBER_TIME ? (long)whole * 24 : 0);
	len += (size_t)snprintf(out + len, NUMBER_TEXT_MAX - len, "%s%02ld:%02ld", len ? " " : "",
		hours, seconds / 60 % 60);
	if (seconds % 60)
		len += (size_t)snprintf(out + len, NUMBER_TEXT_MAX - len, ":%02ld", seconds % 60);
	return len;
}

size_t number_format_write(
	struct number_format format, double number, bool is_1904, char out[NUMBER_TEXT_MAX])
{
	bool is_time = format.kind >= NUMBER_DATE && number >= 0 && number < DAYS_MAX;
	bool is_small = fabs(number) < 1e15;

	if (!isfinite(number))
		return 0;
	if (is_time)
		return write_time(format, number, is_1904, out);
	if (format.kind == NUMBER_FIXED && is_small)
		return (size_t)snprintf(out, NUMBER_TEXT_MAX, "%.*f", format.decimals, number);
	if (format.kind == NUMBER_PERCENT && is_small)
		return (size_t)snprintf(
			out, NUMBER_TEXT_MAX, "%.*f%%", format.decimals, number * 100);
	return (size_t)snprintf(out, NUMBER_TEXT_MAX, "%.15g", number);
}
