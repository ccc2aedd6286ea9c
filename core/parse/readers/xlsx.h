/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a workbook: number formats and shared strings. */
#ifndef ASKFS_CORE_PARSE_READERS_XLSX_H
#define ASKFS_CORE_PARSE_READERS_XLSX_H

#include "core/parse/readers/ooxml.h"

/* A number as it is shown by @code ("#,##0.00 [$€-407]", "dd.mm.yyyy"; NULL or "General": as it
 * is), appended to @out. What a code says beyond digits, literals and dates is passed over, and the
 * plain number is given. @is_1904: the day 0 of dates. */
void xlsx_number(const char *code, double value, bool is_1904, struct buf *out);

/* The code of a built-in format; NULL: none is known. */
const char *xlsx_builtin_code(long id);

/* Does @code show a date or a time? And @value by it; false: it is none that can be shown. */
bool xlsx_is_date(const char *code);
bool xlsx_date(const char *code, double value, bool is_1904, struct buf *out);

/* The formats of cells, by their style. */
struct xlsx_styles {
	struct {
		long id;
		char *code;
	} * codes;
	size_t code_count;
	long *formats; /* a style's number format */
	size_t format_count;
};
void xlsx_styles_read(struct xlsx_styles *styles, struct package *package, const char *part);
void xlsx_styles_release(struct xlsx_styles *styles);
const char *xlsx_style_code(const struct xlsx_styles *styles, long style);

/* Strings that cells share, by their number. */
struct xlsx_strings {
	struct buf text;
	size_t *ends; /* of each, in @text */
	size_t count, cap;
};

/* 0, -EFBIG with *err set: there are more than fit (the first ones are there), -ENOMEM, or as
 * package_each. */
int xlsx_strings_read(
	struct xlsx_strings *strings, struct package *package, const char *part, struct err *err);
void xlsx_strings_release(struct xlsx_strings *strings);

/* String @index, *len bytes; NULL: there is none. */
const char *xlsx_string(const struct xlsx_strings *strings, long index, size_t *len);

/* Say the comments of a sheet, of either form. */
void xlsx_comments(struct package *package, const struct ooxml_rels *sheet,
	const struct ooxml_rels *workbook, struct flow *flow);

#endif
