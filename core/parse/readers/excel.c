/* SPDX-License-Identifier: Apache-2.0 */
/* Excel 5 to 2003. In reading order: here the workbook, excel_string.c (strings),
 * excel_sheet.c (a sheet's cells as rows of a table). Formulas are not computed: a file holds
 * their last values. Left out: pictures, errors, headers and footers of the printed page. */
#include "core/parse/readers/excel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/office.h"
#include "core/parse/readers/ole.h"

#define SHEETS_MAX     4096
#define STYLES_MAX     65536
#define NAME_MAX_BYTES ((size_t)4 << 10)

enum { VERSION_5 = 0x0500, VERSION_8 = 0x0600 };
enum { SHEET_CELLS = 0, SHEET_CHART = 2 };

bool excel_next(struct bytes stream, size_t *at, unsigned *record, struct bytes *data)
{
	if (*at + 4 > stream.len)
		return false;
	*record = bytes_u16(stream, *at);
	*data = bytes_part(stream, *at + 4, bytes_u16(stream, *at + 2));
	*at += 4 + (size_t)bytes_u16(stream, *at + 2);
	return true;
}

/* A sheet's name is a string whose length has one byte. */
static int add_sheet(struct excel *excel, struct bytes data)
{
	AUTO_BUF struct buf name;
	unsigned type = bytes_u8(data, 5);

	buf_init(&name, NAME_MAX_BYTES);
	if (excel->sheet_count >= SHEETS_MAX)
		return 0;
	if (!excel->sheets && !(excel->sheets = calloc(SHEETS_MAX, sizeof(*excel->sheets))))
		return -ENOMEM;
	excel_string(excel, data, 6, 1, &name);
	/* macros have no sheet's text, but their place counts */
	excel->sheets[excel->sheet_count++] = (struct excel_sheet){
		.offset = type == SHEET_CELLS || type == SHEET_CHART ? bytes_u32(data, 0)
								     : UINT32_MAX,
		.name = buf_take(&name, NULL)};
	return 0;
}

static void add_format(struct excel *excel, struct bytes data)
{
	AUTO_BUF struct buf code;

	buf_init(&code, NAME_MAX_BYTES);
	excel_string(excel, data, 2, excel->is_old ? 1 : 2, &code);
	if (code.len)
		excel->formats[bytes_u16(data, 0)] = number_format_parse(code.data, code.len);
}

static int add_style(struct excel *excel, struct bytes data)
{
	if (excel->style_count >= STYLES_MAX)
		return 0;
	if (!excel->styles && !(excel->styles = calloc(STYLES_MAX, sizeof(*excel->styles))))
		return -ENOMEM;
	excel->styles[excel->style_count++] = (struct excel_style){
		.font = bytes_u16(data, 0), .format = excel->formats[bytes_u16(data, 2)]};
	return 0;
}

/* Font number 4 does not exist: files count over it. */
static void add_font(struct excel *excel, struct bytes data)
{
	if (excel->font_count == 4)
		excel->font_count++;
	if (excel->font_count < EXCEL_FONTS)
		excel->bold[excel->font_count++] = bytes_u16(data, 6) >= 600;
}

/* @at: of the record itself. */
static int take(struct excel *excel, unsigned record, struct bytes data, size_t at)
{
	switch (record) {
	case EXCEL_FILE_PASS: excel->is_encrypted = true; return 0;
	case EXCEL_CODEPAGE: excel->codepage = bytes_u16(data, 0); return 0;
	case EXCEL_DATE_MODE: excel->is_1904 = bytes_u16(data, 0) == 1; return 0;
	case EXCEL_FONT: add_font(excel, data); return 0;
	case EXCEL_FORMAT: add_format(excel, data); return 0;
	case EXCEL_XF: return add_style(excel, data);
	case EXCEL_SHEET: return add_sheet(excel, data);
	case EXCEL_STRINGS: return excel_load_strings(excel, at);
	default: return 0;
	}
}

int excel_load(struct excel *excel)
{
	struct bytes data;
	unsigned record;
	size_t at = 0, begin = 0;
	int rc = 0;

	buf_init(&excel->strings, OLE_STREAM_MAX);
	excel->codepage = CODEPAGE_WESTERN;
	excel->formats = calloc(EXCEL_FORMATS, sizeof(*excel->formats));
	excel->bold = calloc(EXCEL_FONTS, sizeof(*excel->bold));
	if (!excel->formats || !excel->bold)
		return -ENOMEM;
	for (unsigned i = 0; i < 256; i++)
		excel->formats[i] = number_format_builtin(i);
	if (!excel_next(excel->stream, &at, &record, &data) || record != EXCEL_BEGIN)
		return -EBADMSG;
	excel->is_old = bytes_u16(data, 0) < VERSION_8;
	for (begin = at; !rc && !excel->is_encrypted; begin = at) {
		if (!excel_next(excel->stream, &at, &record, &data) || record == EXCEL_EOF)
			break;
		rc = take(excel, record, data, begin);
	}
	return rc;
}

void excel_release(struct excel *excel)
{
	for (size_t i = 0; i < excel->sheet_count; i++)
		free(excel->sheets[i].name);
	free(excel->sheets);
	free(excel->styles);
	free(excel->formats);
	free(excel->bold);
	free(excel->string_ends);
	buf_release(&excel->strings);
}

static int write_sheets(const struct excel *excel, struct out *out)
{
	static const struct excel_sheet only = {.offset = 0};
	struct flow flow;

	flow_init(&flow, out);
	for (size_t i = 0; i < excel->sheet_count && !flow_failed(&flow); i++) {
		flow_page(&flow, (uint32_t)i + 1);
		excel_write_sheet(excel, &excel->sheets[i], &flow);
	}
	if (!excel->sheet_count)
		excel_write_sheet(excel, &only, &flow); /* a sheet without a workbook */
	return flow_finish(&flow);
}

static int read_stream(const struct cfb *cfb, struct buf *stream, struct out *out, struct err *err)
{
	struct excel excel = {0};
	uint32_t entry = cfb_find(cfb, CFB_ROOT, "Workbook");
	int rc = ole_stream(
		cfb, entry == CFB_NONE ? cfb_find(cfb, CFB_ROOT, "Book") : entry, stream, err);

	if (rc)
		return rc;
	excel.stream = bytes_of(stream);
	rc = excel_load(&excel);
	if (rc == -EBADMSG)
		err_set(err, rc, "the workbook is damaged: its beginning is missing");
	else if (!rc && excel.is_encrypted)
		rc = ole_encrypted(err);
	else if (!rc)
		rc = write_sheets(&excel, out);
	excel_release(&excel);
	return rc;
}

int excel_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_CFB struct cfb *cfb = NULL;
	AUTO_META struct meta meta;
	AUTO_BUF struct buf stream;
	int rc = cfb_open(&cfb, source, err);

	meta_init(&meta);
	buf_init(&stream, OLE_STREAM_MAX);
	rc = rc ? rc : read_stream(cfb, &stream, out, err);
	if (cfb && rc != -EKEYREJECTED)
		ole_summary(cfb, &meta, out);
	meta_send(&meta, out);
	return office_result(out, rc, 0, err);
}
