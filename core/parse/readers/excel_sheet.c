/* SPDX-License-Identifier: Apache-2.0 */
/* A sheet's cells come row by row, sorted, from every program that was seen. A row that is complete
 * is held until the next one is: what follows tells whether it is a header. */
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/excel.h"

#define COLUMNS_MAX  256
#define ROW_MAX	     ((size_t)8 << 20) /* bytes of a row's text */
#define NAME_LONGEST 80 /* of a column; a header's cell that is longer is none */
#define DEPTH_MAX    16 /* of charts inside; more is no file of Excel's */

enum { OBJECT_NOTE = 0x19 };

struct cell {
	uint32_t at, len; /* in the row's text */
	bool is_text, is_bold;
};

struct row {
	uint32_t number;
	unsigned count; /* of cells with text */
	unsigned first, last; /* columns */
	struct buf text;
	struct cell cells[COLUMNS_MAX];
};

struct sheet {
	const struct excel *excel;
	const char *name; /* not yet written, or NULL */
	struct flow *flow;
	struct row rows[2];
	struct row *held, *row; /* the row before, and the one that cells are added to */
	bool in_table, is_note;
	unsigned formula_row, formula_column, formula_style; /* its text follows */
	struct buf notes; /* comments and text boxes, a line each */
};

static void begin_text(struct sheet *sheet)
{
	const char *name = sheet->name;

	if (!name)
		return;
	sheet->name = NULL;
	flow_heading(sheet->flow, 1);
	flow_words(sheet->flow, name, strlen(name));
	flow_heading_end(sheet->flow);
}

static void close_table(struct sheet *sheet)
{
	if (sheet->in_table)
		flow_table_end(sheet->flow);
	sheet->in_table = false;
}

/* A row of short texts, all different in their look (bold) from the row below, or above one
 * that holds a number, names the columns. */
static bool is_header(const struct row *row, const struct row *below)
{
	bool is_bold = true, has_other = false;

	if (row->count < 2 || !below->count || below->number != row->number + 1 ||
		below->first < row->first || below->last > row->last)
		return false;
	for (unsigned i = row->first; i <= row->last; i++) {
		const struct cell *cell = &row->cells[i];
		if (cell->len && (!cell->is_text || cell->len > NAME_LONGEST))
			return false;
		is_bold = is_bold && (!cell->len || cell->is_bold);
	}
	for (unsigned i = below->first; i <= below->last; i++) {
		const struct cell *cell = &below->cells[i];
		has_other =
			has_other || (cell->len && (!cell->is_text || (is_bold && !cell->is_bold)));
	}
	return has_other;
}

static void write_row(struct sheet *sheet, const struct row *row, bool is_head)
{
	struct flow *flow = sheet->flow;

	begin_text(sheet);
	if (!sheet->in_table && row->count < 2) { /* a title above a table, a line of text */
		const struct cell *cell = &row->cells[row->first];
		flow_words(flow, row->text.data + cell->at, cell->len);
		flow_line(flow);
		return;
	}
	if (!sheet->in_table)
		flow_table(flow);
	sheet->in_table = true;
	flow_row(flow, is_head);
	for (unsigned i = 0; i <= row->last; i++) {
		const struct cell *cell = &row->cells[i];
		flow_cell(flow, 1);
		if (cell->len)
			flow_words(flow, row->text.data + cell->at, cell->len);
	}
	flow_row_end(flow);
}

/* The row is complete: the one before it can be written, and it is held itself. */
static void end_row(struct sheet *sheet)
{
	struct row *held = sheet->held, *row = sheet->row;

	if (!row->count)
		return;
	if (held->count) {
		write_row(sheet, held, !sheet->in_table && is_header(held, row));
		if (row->number != held->number + 1)
			close_table(sheet);
	}
	sheet->held = row;
	sheet->row = held;
	memset(held->cells, 0, sizeof(held->cells));
	buf_clear(&held->text);
	held->count = 0;
}

static void add_cell(struct sheet *sheet, unsigned number, unsigned column, unsigned style,
	const char *text, size_t len, bool is_text)
{
	const struct excel *excel = sheet->excel;

	if (column >= COLUMNS_MAX || !len)
		return;
	if (sheet->row->count && number != sheet->row->number)
		end_row(sheet);
	struct row *row = sheet->row;
	struct cell *cell = &row->cells[column];
	unsigned font = style < excel->style_count ? excel->styles[style].font : 0;
	*cell = (struct cell){.at = (uint32_t)row->text.len, .is_text = is_text};
	cell->is_bold = font < EXCEL_FONTS && excel->bold[font];
	if (buf_add(&row->text, text, len))
		return;
	cell->len = (uint32_t)len;
	row->number = number;
	row->first = !row->count || column < row->first ? column : row->first;
	row->last = !row->count || column > row->last ? column : row->last;
	row->count++;
}

static void add_number(
	struct sheet *sheet, unsigned row, unsigned column, unsigned style, double number)
{
	const struct excel *excel = sheet->excel;
	struct number_format format = {NUMBER_GENERAL, 0};
	char text[NUMBER_TEXT_MAX];

	if (style < excel->style_count)
		format = excel->styles[style].format;
	size_t len = number_format_write(format, number, excel->is_1904, text);
	add_cell(sheet, row, column, style, text, len, false);
}

static double double_of(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

/* Thirty bits of a number: an integer or the upper half of a double, perhaps times 100. */
static double number_of_rk(uint32_t rk)
{
	double number = rk & 2 ? (double)((int32_t)rk >> 2)
			       : double_of((uint64_t)(rk & ~UINT32_C(3)) << 32);

	return rk & 1 ? number / 100 : number;
}

static void add_numbers(struct sheet *sheet, struct bytes data)
{
	unsigned row = bytes_u16(data, 0), column = bytes_u16(data, 2);

	for (size_t at = 4; at + 8 <= data.len; at += 6, column++)
		add_number(sheet, row, column, bytes_u16(data, at),
			number_of_rk(bytes_u32(data, at + 2)));
}

static void add_shared(struct sheet *sheet, struct bytes data)
{
	const struct excel *excel = sheet->excel;
	uint32_t index = bytes_u32(data, 6);

	if (index >= excel->string_count)
		return;
	uint32_t begin = index ? excel->string_ends[index - 1] : 0;
	add_cell(sheet, bytes_u16(data, 0), bytes_u16(data, 2), bytes_u16(data, 4),
		excel->strings.data + begin, excel->string_ends[index] - begin, true);
}

static void add_string(struct sheet *sheet, unsigned row, unsigned column, unsigned style,
	struct bytes data, size_t at)
{
	AUTO_BUF struct buf text;

	buf_init(&text, (size_t)1 << 20);
	excel_string(sheet->excel, data, at, 2, &text);
	add_cell(sheet, row, column, style, text.data, text.len, true);
}

static void add_bool(struct sheet *sheet, struct bytes data, bool is_true)
{
	add_cell(sheet, bytes_u16(data, 0), bytes_u16(data, 2), bytes_u16(data, 4),
		is_true ? "TRUE" : "FALSE", is_true ? 4 : 5, false);
}

/* The value that the formula had when the file was saved. */
static void add_formula(struct sheet *sheet, struct bytes data)
{
	unsigned row = bytes_u16(data, 0), column = bytes_u16(data, 2), style = bytes_u16(data, 4);

	if (bytes_u16(data, 12) != 0xffff) {
		add_number(sheet, row, column, style, double_of(bytes_u64(data, 6)));
	} else if (bytes_u8(data, 6) == 0) {
		sheet->formula_row = row;
		sheet->formula_column = column;
		sheet->formula_style = style;
	} else if (bytes_u8(data, 6) == 1) {
		add_bool(sheet, data, bytes_u8(data, 8));
	}
}

static void add_note(
	struct sheet *sheet, const char *label, struct bytes data, size_t at, size_t len)
{
	size_t begin = sheet->notes.len;

	buf_adds(&sheet->notes, label);
	if (sheet->excel->is_old)
		excel_string(sheet->excel, data, at, 2, &sheet->notes);
	else
		excel_chars(data, at, len, &sheet->notes);
	for (size_t i = begin; i < sheet->notes.len; i++)
		if (sheet->notes.data[i] == '\n' || sheet->notes.data[i] == '\r')
			sheet->notes.data[i] = ' ';
	buf_addc(&sheet->notes, '\n');
}

/* The text of a box is in the record that follows; what kind of box, in the one before. */
static void add_box(struct sheet *sheet, struct bytes data, size_t next)
{
	unsigned record;
	size_t len = bytes_u16(data, 10);
	struct bytes text;

	if (!len || !excel_next(sheet->excel->stream, &next, &record, &text) ||
		record != EXCEL_CONTINUE)
		return;
	add_note(sheet, sheet->is_note ? "Comment: " : "", text, 0, len);
}

static void take(struct sheet *sheet, unsigned record, struct bytes data, size_t next)
{
	unsigned row = bytes_u16(data, 0), column = bytes_u16(data, 2), style = bytes_u16(data, 4);

	switch (record) {
	case EXCEL_SHARED_LABEL: add_shared(sheet, data); break;
	case EXCEL_RICH_LABEL:
	case EXCEL_LABEL: add_string(sheet, row, column, style, data, 6); break;
	case EXCEL_NUMBER:
		add_number(sheet, row, column, style, double_of(bytes_u64(data, 6)));
		break;
	case EXCEL_RK:
		add_number(sheet, row, column, style, number_of_rk(bytes_u32(data, 6)));
		break;
	case EXCEL_MUL_RK: add_numbers(sheet, data); break;
	case EXCEL_BOOL_OR_ERROR:
		if (!bytes_u8(data, 7))
			add_bool(sheet, data, bytes_u8(data, 6));
		break;
	case EXCEL_FORMULA: add_formula(sheet, data); break;
	case EXCEL_STRING:
		add_string(sheet, sheet->formula_row, sheet->formula_column, sheet->formula_style,
			data, 0);
		break;
	case EXCEL_OBJECT: sheet->is_note = bytes_u16(data, 4) == OBJECT_NOTE; break;
	case EXCEL_BOX: add_box(sheet, data, next); break;
	case EXCEL_NOTE:
		if (sheet->excel->is_old)
			add_note(sheet, "Comment: ", data, 4, 0);
		break;
	default: break;
	}
}

/* Charts lie in a sheet as sheets do in a workbook: their texts are no cells. */
static void take_chart(struct sheet *sheet, unsigned record, struct bytes data)
{
	if (record == EXCEL_CHART_TEXT && !sheet->excel->is_old)
		add_note(sheet, "", data, 3, bytes_u8(data, 2));
}

static void read_records(struct sheet *sheet, size_t at)
{
	struct bytes stream = sheet->excel->stream, data;
	unsigned record, depth = 0, is_chart = 0;

	while (excel_next(stream, &at, &record, &data) && !flow_failed(sheet->flow)) {
		if (record == EXCEL_BEGIN) {
			is_chart = bytes_u16(data, 2) == 0x20;
			if (++depth > DEPTH_MAX)
				return;
		} else if (record == EXCEL_EOF) {
			if (depth <= 1)
				return;
			depth--;
			is_chart = 0;
		} else if (depth <= 1 && !is_chart) {
			take(sheet, record, data, at);
		} else {
			take_chart(sheet, record, data);
		}
	}
}

static void write_notes(struct sheet *sheet)
{
	const char *at = sheet->notes.data, *end = at + sheet->notes.len;

	while (sheet->notes.len && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end; /* the last one may be cut */
		begin_text(sheet);
		flow_words(sheet->flow, at, (size_t)(stop - at));
		flow_line(sheet->flow);
		at = stop + 1;
	}
}

void excel_write_sheet(
	const struct excel *excel, const struct excel_sheet *place, struct flow *flow)
{
	struct sheet *sheet = calloc(1, sizeof(*sheet));

	if (!sheet)
		return;
	sheet->excel = excel;
	sheet->flow = flow;
	sheet->name = place->name;
	sheet->held = &sheet->rows[0];
	sheet->row = &sheet->rows[1];
	buf_init(&sheet->rows[0].text, ROW_MAX);
	buf_init(&sheet->rows[1].text, ROW_MAX);
	buf_init(&sheet->notes, ROW_MAX);
	read_records(sheet, place->offset);
	end_row(sheet); /* the last two */
	if (sheet->held->count)
		write_row(sheet, sheet->held, false);
	close_table(sheet);
	flow_paragraph(flow);
	write_notes(sheet);
	buf_release(&sheet->rows[0].text);
	buf_release(&sheet->rows[1].text);
	buf_release(&sheet->notes);
	free(sheet);
}
