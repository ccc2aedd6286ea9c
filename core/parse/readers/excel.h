/* SPDX-License-Identifier: Apache-2.0 */
/* Excel's binary workbooks ([MS-XLS], BIFF8; BIFF5 of Excel 5 and 95). For excel*.c. */
#ifndef ASKFS_CORE_PARSE_READERS_EXCEL_H
#define ASKFS_CORE_PARSE_READERS_EXCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/parse/bytes.h"
#include "core/parse/flow.h"
#include "core/parse/readers/number_format.h"

enum excel_record {
	EXCEL_FORMULA = 0x06,
	EXCEL_EOF = 0x0a,
	EXCEL_NOTE = 0x1c,
	EXCEL_DATE_MODE = 0x22,
	EXCEL_FILE_PASS = 0x2f,
	EXCEL_FONT = 0x31,
	EXCEL_CONTINUE = 0x3c,
	EXCEL_CODEPAGE = 0x42,
	EXCEL_OBJECT = 0x5d,
	EXCEL_SHEET = 0x85,
	EXCEL_MUL_RK = 0xbd,
	EXCEL_RICH_LABEL = 0xd6,
	EXCEL_XF = 0xe0,
	EXCEL_STRINGS = 0xfc,
	EXCEL_SHARED_LABEL = 0xfd,
	EXCEL_BOX = 0x1b6,
	EXCEL_NUMBER = 0x203,
	EXCEL_LABEL = 0x204,
	EXCEL_BOOL_OR_ERROR = 0x205,
	EXCEL_STRING = 0x207,
	EXCEL_RK = 0x27e,
	EXCEL_FORMAT = 0x41e,
	EXCEL_BEGIN = 0x809,
	EXCEL_CHART_TEXT = 0x100d
};

struct excel_sheet {
	uint32_t offset; /* in the stream */
	char *name;
};

struct excel_style {
	uint16_t font;
	struct number_format format;
};

struct excel {
	struct bytes stream;
	bool is_old; /* BIFF5: text in a code page, no shared strings */
	bool is_1904, is_encrypted;
	unsigned codepage;
	struct excel_sheet *sheets;
	size_t sheet_count;
	struct excel_style *styles;
	size_t style_count;
	struct number_format *formats; /* by number, EXCEL_FORMATS of them */
	bool *bold; /* by font, EXCEL_FONTS of them */
	size_t font_count;
	struct buf strings; /* shared, UTF-8, one behind the other */
	uint32_t *string_ends; /* in @strings */
	size_t string_count;
};
#define EXCEL_FORMATS 65536
#define EXCEL_FONTS   4096

/* The record at *at, and step over it. False: the stream has ended. */
bool excel_next(struct bytes stream, size_t *at, unsigned *record, struct bytes *data);

/* What is common to all sheets, from the beginning of the stream on. 0, -EBADMSG, -ENOMEM, -EFBIG.
 * excel_release frees it. */
int excel_load(struct excel *excel);
void excel_release(struct excel *excel);

/* Shared strings: the record and those that continue it, at @at. 0, -ENOMEM, -EFBIG. */
int excel_load_strings(struct excel *excel, size_t at);

/* Append a string of a record, which begins with its length (of @width bytes) at @at. */
void excel_string(
	const struct excel *excel, struct bytes data, size_t at, unsigned width, struct buf *out);

/* Append @len characters behind the byte of flags at @at. */
void excel_chars(struct bytes data, size_t at, size_t len, struct buf *out);

/* Write the sheet whose records begin at @sheet->offset. */
void excel_write_sheet(
	const struct excel *excel, const struct excel_sheet *sheet, struct flow *flow);

#endif
