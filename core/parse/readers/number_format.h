/* SPDX-License-Identifier: Apache-2.0 */
/* What a spreadsheet shows of a number. */
#ifndef ASKFS_CORE_PARSE_READERS_NUMBER_FORMAT_H
#define ASKFS_CORE_PARSE_READERS_NUMBER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum number_kind {
	NUMBER_GENERAL,
	NUMBER_FIXED,
	NUMBER_PERCENT,
	NUMBER_DATE,
	NUMBER_TIME,
	NUMBER_DATE_TIME
};

struct number_format {
	uint8_t kind; /* enum number_kind */
	uint8_t decimals; /* of NUMBER_FIXED and NUMBER_PERCENT */
};

#define NUMBER_TEXT_MAX 64

/* The built-in format of that number (of Excel; general where there is none). */
struct number_format number_format_builtin(unsigned id);

/* What a format code ("0.00", "dd.mm.yyyy") says, as far as it matters here. */
struct number_format number_format_parse(const char *code, size_t len);

/* The number as text: dates as ISO 8601, without thousands' separators and currencies.
 * @is_1904: days are counted from 1904 on. The length. */
size_t number_format_write(
	struct number_format format, double number, bool is_1904, char out[NUMBER_TEXT_MAX]);

#endif
