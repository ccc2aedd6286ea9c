/* SPDX-License-Identifier: Apache-2.0 */
/* Which row is a header? No format says so for certain, and a wrong name is worse than none. A
 * block (rows without an empty one between them) has one where its first row with two cells or more
 * is all short, different texts, and what stands below fits under it and differs from it: a column
 * of values, or many rows. Lines above it, of one cell each, are titles. */
#include "core/parse/readers/sheet.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW	       8 /* rows that are looked at together */
#define TITLES_MAX     4 /* lines of one cell above a header */
#define NAME_MAX_BYTES 80
#define HINTS_MAX      64
#define CELLS_MAX      16384 /* of a row, as in the programs themselves */
#define TEXT_MAX       ((size_t)32 << 20) /* of the rows that are held back */

struct cell {
	unsigned column;
	enum sheet_kind kind;
	size_t at, len; /* in sheet->text */
};

struct row {
	uint64_t number;
	size_t first, count; /* of its cells */
};

struct sheet {
	struct flow *flow;
	struct row rows[WINDOW]; /* held back; the last one may be open */
	size_t row_count;
	struct cell *cells;
	size_t cell_count, cap;
	struct buf text;
	uint64_t hints[HINTS_MAX];
	size_t hint_count;
	uint64_t last; /* the row that came last */
	bool is_decided; /* of this block: rows are said as they come */
	bool is_table; /* one is open in the flow */
	bool has_names; /* it has a header */
	bool has_cells;
};

struct sheet *sheet_new(struct flow *flow)
{
	struct sheet *sheet = calloc(1, sizeof(*sheet));

	if (!sheet)
		return NULL;
	sheet->flow = flow;
	buf_init(&sheet->text, TEXT_MAX);
	return sheet;
}

void sheet_free(struct sheet *sheet)
{
	if (!sheet)
		return;
	free(sheet->cells);
	buf_release(&sheet->text);
	free(sheet);
}

void sheet_hint(struct sheet *sheet, uint64_t number)
{
	if (sheet->hint_count < HINTS_MAX)
		sheet->hints[sheet->hint_count++] = number;
}

static bool is_hinted(const struct sheet *sheet, uint64_t number)
{
	for (size_t i = 0; i < sheet->hint_count; i++)
		if (sheet->hints[i] == number)
			return true;
	return false;
}

/* Is it a header? */

static const struct cell *cells_of(const struct sheet *sheet, const struct row *row)
{
	return sheet->cells + row->first;
}

static const struct cell *cell_at(const struct sheet *sheet, const struct row *row, unsigned column)
{
	const struct cell *cells = cells_of(sheet, row);

	for (size_t i = 0; i < row->count; i++)
		if (cells[i].column == column)
			return &cells[i];
	return NULL;
}

static bool is_same(const struct sheet *sheet, const struct cell *a, const struct cell *b)
{
	return a->len == b->len &&
		!memcmp(sheet->text.data + a->at, sheet->text.data + b->at, a->len);
}

/* Short texts, each another one. */
static bool has_names(const struct sheet *sheet, const struct row *row)
{
	const struct cell *cells = cells_of(sheet, row);

	if (row->count < 2 || row->count > 256)
		return false;
	for (size_t i = 0; i < row->count; i++) {
		if (cells[i].kind != SHEET_TEXT || cells[i].len > NAME_MAX_BYTES)
			return false;
		for (size_t j = 0; j < i; j++)
			if (is_same(sheet, &cells[i], &cells[j]))
				return false;
	}
	return true;
}

struct evidence {
	size_t below, covered; /* cells below it, and those of them under a name */
	size_t repeated; /* that say what their name says */
	bool has_values; /* a column of nothing but values */
};

static void look_below(const struct sheet *sheet, size_t header, struct evidence *evidence)
{
	const struct row *row = &sheet->rows[header];
	const struct cell *names = cells_of(sheet, row);

	for (size_t i = header + 1; i < sheet->row_count; i++)
		evidence->below += sheet->rows[i].count;
	for (size_t i = 0; i < row->count; i++) {
		size_t values = 0, texts = 0;
		for (size_t j = header + 1; j < sheet->row_count; j++) {
			const struct cell *cell = cell_at(sheet, &sheet->rows[j], names[i].column);
			if (!cell)
				continue;
			values += cell->kind != SHEET_TEXT;
			texts += cell->kind == SHEET_TEXT;
			evidence->repeated += is_same(sheet, cell, &names[i]);
		}
		evidence->covered += values + texts;
		evidence->has_values = evidence->has_values || (values && !texts);
	}
}

static bool is_header(const struct sheet *sheet, size_t index)
{
	const struct row *row = &sheet->rows[index];
	size_t rows = sheet->row_count - index - 1;
	struct evidence evidence = {0};

	if (!rows || !has_names(sheet, row))
		return false;
	look_below(sheet, index, &evidence);
	if (evidence.covered * 4 < evidence.below * 3 || evidence.repeated)
		return false;
	if (is_hinted(sheet, row->number))
		return true;
	if (evidence.has_values)
		return rows >= 2 || row->count >= 3;
	return row->count >= 3 && rows >= 4;
}

/* The header of the rows that are held back; SIZE_MAX: none. */
static size_t find_header(const struct sheet *sheet)
{
	size_t i = 0;

	while (i < sheet->row_count && i < TITLES_MAX && sheet->rows[i].count < 2 &&
		!is_hinted(sheet, sheet->rows[i].number))
		i++;
	return i < sheet->row_count && is_header(sheet, i) ? i : SIZE_MAX;
}

/* Saying. */

static void close_table(struct sheet *sheet)
{
	if (sheet->is_table)
		flow_table_end(sheet->flow);
	sheet->is_table = sheet->has_names = false;
}

static void say_row(struct sheet *sheet, const struct row *row, bool is_names)
{
	const struct cell *cells = cells_of(sheet, row);
	unsigned next = 0;

	if (!sheet->is_table)
		flow_table(sheet->flow);
	sheet->is_table = true;
	flow_row(sheet->flow, is_names);
	for (size_t i = 0; i < row->count; i++) {
		if (cells[i].column > next)
			flow_cell(sheet->flow, cells[i].column - next);
		flow_cell(sheet->flow, 1);
		flow_words(sheet->flow, sheet->text.data + cells[i].at, cells[i].len);
		next = cells[i].column + 1;
	}
	flow_row_end(sheet->flow);
}

static void forget_rows(struct sheet *sheet)
{
	sheet->row_count = sheet->cell_count = 0;
	buf_clear(&sheet->text);
}

/* All rows that are held back are complete. */
static void decide(struct sheet *sheet)
{
	size_t header = sheet->is_decided ? SIZE_MAX : find_header(sheet);

	bool is_line = !sheet->is_decided && sheet->row_count && sheet->rows[0].count < 2;
	if (header != SIZE_MAX || is_line)
		close_table(sheet); /* what stands by itself below a table is none of its cells */
	for (size_t i = 0; i < sheet->row_count; i++) {
		bool is_names = i == header;
		say_row(sheet, &sheet->rows[i], is_names);
		if (header != SIZE_MAX && i < header)
			close_table(sheet);
		sheet->has_names = sheet->has_names || is_names;
	}
	sheet->is_decided = true;
	forget_rows(sheet);
}

/* The row that is open has all its cells. */
static void end_row(struct sheet *sheet)
{
	if (sheet->row_count && !sheet->rows[sheet->row_count - 1].count) {
		sheet->row_count--; /* an empty one is none */
		return;
	}
	if (sheet->row_count && (sheet->is_decided || sheet->row_count == WINDOW))
		decide(sheet);
}

/* An empty row may part a table's rows, and a header may follow it; two end the table. */
static void end_block(struct sheet *sheet, uint64_t empty)
{
	decide(sheet);
	sheet->is_decided = false;
	if (empty > 1)
		close_table(sheet);
}

static void open_row(struct sheet *sheet, uint64_t number)
{
	if (sheet->last && number > sheet->last + 1)
		end_block(sheet, number - sheet->last - 1);
	else if (sheet->is_decided && is_hinted(sheet, number))
		end_block(sheet, 2);
	sheet->last = number;
}

void sheet_row(struct sheet *sheet, uint64_t number)
{
	end_row(sheet);
	sheet->rows[sheet->row_count++] =
		(struct row){.number = number, .first = sheet->cell_count};
}

static bool has_word(const char *utf8, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", utf8[i]))
			return true;
	return false;
}

/* The first cell of a row makes it one: only now what is before it may end. */
static void open_pending(struct sheet *sheet)
{
	struct row row = sheet->rows[sheet->row_count - 1];

	if (row.count)
		return;
	sheet->row_count--;
	open_row(sheet, row.number);
	row.first = sheet->cell_count;
	sheet->rows[sheet->row_count++] = row;
}

static bool make_room(struct sheet *sheet)
{
	if (sheet->cell_count < sheet->cap)
		return true;
	size_t cap = sheet->cap ? sheet->cap * 2 : 256;
	struct cell *cells = realloc(sheet->cells, cap * sizeof(*cells));
	if (!cells)
		return false;
	sheet->cells = cells;
	sheet->cap = cap;
	return true;
}

void sheet_cell(
	struct sheet *sheet, unsigned column, enum sheet_kind kind, const char *utf8, size_t len)
{
	if (!sheet->row_count || !has_word(utf8, len))
		return;
	open_pending(sheet);
	struct row *row = &sheet->rows[sheet->row_count - 1];
	const struct cell *last = row->count ? &sheet->cells[sheet->cell_count - 1] : NULL;
	if (row->count == CELLS_MAX || column >= CELLS_MAX || (last && column <= last->column) ||
		!make_room(sheet) || buf_add(&sheet->text, utf8, len))
		return;
	sheet->cells[sheet->cell_count++] = (struct cell){
		.column = column, .kind = kind, .at = sheet->text.len - len, .len = len};
	row->count++;
	sheet->has_cells = true;
}

void sheet_end(struct sheet *sheet)
{
	end_row(sheet);
	decide(sheet);
	close_table(sheet);
	sheet->is_decided = sheet->has_cells = false;
	sheet->hint_count = 0;
	sheet->last = 0;
}

int sheet_has_cells(const struct sheet *sheet)
{
	return sheet->has_cells;
}
