/* SPDX-License-Identifier: Apache-2.0 */
/* Each delimiter that is in use is tried on the first records: the right one cuts them into the
 * same number of cells. A header is evident where its cells are short, all different, no figures,
 * and do not come back below. */
#include "core/parse/readers/csv.h"

#include <ctype.h>
#include <string.h>

#include "core/auto.h"

#define RECORDS_MAX 64 /* that are looked at */
#define CELLS_MAX   256 /* of a record */
#define NAME_MAX    64 /* bytes of a column's name */

struct cell {
	const char *at;
	size_t len;
};

/* A record's cells, and what was seen on the way. */
struct record {
	struct cell cells[CELLS_MAX];
	size_t count; /* of all cells; those beyond CELLS_MAX are not kept */
	size_t filled; /* cells with text */
	size_t good_quotes, bad_quotes; /* cells whose closing mark stands where it should */
};

struct cursor {
	const char *at, *end;
	char delimiter;
	bool has_quotes;
};

static bool is_edge(const struct cursor *c, const char *at)
{
	return at == c->end || *at == '\n' || *at == '\r' || (c->delimiter && *at == c->delimiter);
}

/* Behind a quoted cell, at its edge. */
static const char *end_of_quoted(const struct cursor *c, const char *at, struct record *record)
{
	for (at++; at < c->end; at++) {
		if (*at != '"')
			continue;
		if (at + 1 < c->end && at[1] == '"') {
			at++;
			continue;
		}
		bool is_good = is_edge(c, at + 1);
		record->good_quotes += is_good;
		record->bad_quotes += !is_good;
		break;
	}
	while (at < c->end && !is_edge(c, at))
		at++;
	return at;
}

static void add_cell(struct record *record, const char *at, const char *end)
{
	if (end - at >= 2 && *at == '"' && end[-1] == '"') {
		at++;
		end--;
	}
	while (at < end && isspace((unsigned char)*at))
		at++;
	while (at < end && isspace((unsigned char)end[-1]))
		end--;
	if (record->count < CELLS_MAX)
		record->cells[record->count] = (struct cell){at, (size_t)(end - at)};
	record->count++;
	record->filled += at < end;
}

/* The next record; false: there is none. */
static bool next_record(struct cursor *c, struct record *record)
{
	record->count = record->filled = record->good_quotes = record->bad_quotes = 0;
	if (c->at == c->end)
		return false;
	for (;;) {
		const char *begin = c->at;
		bool is_quoted = c->has_quotes && c->at < c->end && *c->at == '"';
		if (is_quoted)
			c->at = end_of_quoted(c, c->at, record);
		while (!is_edge(c, c->at))
			c->at++;
		add_cell(record, begin, c->at);
		if (c->at == c->end)
			return true;
		char edge = *c->at++;
		if (edge == '\r' && c->at < c->end && *c->at == '\n')
			c->at++;
		if (edge == '\n' || edge == '\r')
			return true;
	}
}

/* What the first records look like, cut at one delimiter. */
struct look {
	size_t counts[RECORDS_MAX]; /* cells of the records that have any text */
	size_t records, usual; /* the number of cells that most have */
	size_t agreeing; /* records that have it */
	size_t good_quotes, bad_quotes;
};

static void find_usual(struct look *look)
{
	for (size_t i = 0; i < look->records; i++) {
		size_t same = 0;
		for (size_t j = 0; j < look->records; j++)
			same += look->counts[j] == look->counts[i];
		bool is_wider = same == look->agreeing && look->counts[i] > look->usual;
		if (same > look->agreeing || is_wider) {
			look->agreeing = same;
			look->usual = look->counts[i];
		}
	}
}

static void look_at(struct cursor c, bool is_all, struct look *look)
{
	struct record record;

	*look = (struct look){0};
	while (look->records < RECORDS_MAX && next_record(&c, &record)) {
		bool is_cut = c.at == c.end && !is_all && look->records;
		if (is_cut || !record.filled)
			continue;
		look->counts[look->records++] = record.count;
		look->good_quotes += record.good_quotes;
		look->bad_quotes += record.bad_quotes;
	}
	find_usual(look);
}

/* 0: it cuts nothing; else how well the records agree, of 1000. */
static size_t score_of(const struct look *look)
{
	return look->usual < 2 ? 0 : look->agreeing * 1000 / look->records;
}

static bool has_letter(const struct cell *cell)
{
	for (size_t i = 0; i < cell->len; i++)
		if (isalpha((unsigned char)cell->at[i]) || (cell->at[i] & 0x80))
			return true;
	return false;
}

/* An amount, a date, an address: begins with a digit (or a sign before one), or has no letter, or
 * holds what no name does. */
static bool is_value(const struct cell *cell)
{
	size_t sign = cell->len > 1 && strchr("+-(", cell->at[0]) ? 1 : 0;
	bool is_year = cell->len == 4 && isdigit((unsigned char)cell->at[0]);

	if (!cell->len || is_year) /* tables have years for columns */
		return false;
	if (memchr(cell->at, '@', cell->len) ||
		(cell->len > 7 && !strncmp(cell->at, "http", 4) && memchr(cell->at, ':', 6)))
		return true;
	return isdigit((unsigned char)cell->at[sign]) || !has_letter(cell);
}

static bool is_same(const struct cell *a, const struct cell *b)
{
	return a->len == b->len && !memcmp(a->at, b->at, a->len);
}

static bool could_name(const struct record *record)
{
	size_t kept = record->count < CELLS_MAX ? record->count : CELLS_MAX;

	for (size_t i = 0; i < kept; i++) {
		const struct cell *cell = &record->cells[i];
		if (is_value(cell) || cell->len > NAME_MAX)
			return false;
		for (size_t j = 0; j < i; j++)
			if (cell->len && is_same(cell, &record->cells[j]))
				return false;
	}
	return record->filled * 2 > record->count;
}

/* Rows below that have figures where the header has words, or several of them, and none that says
 * again what stands above it. */
static bool bears_out(struct cursor c, const struct record *header)
{
	struct record row;
	size_t rows = 0, same = 0, values = 0;

	while (rows < RECORDS_MAX && next_record(&c, &row)) {
		rows += row.filled > 0;
		for (size_t i = 0; i < row.count && i < header->count && i < CELLS_MAX; i++) {
			const struct cell *name = &header->cells[i];
			same += name->len && is_same(name, &row.cells[i]);
			values += name->len && is_value(&row.cells[i]);
		}
	}
	return !same && (values || rows >= 3);
}

/* The first record as wide as the table is its header, or its first row. */
static void find_header(struct cursor c, size_t usual, struct csv_form *form)
{
	struct record record;

	for (size_t i = 0; i < RECORDS_MAX && next_record(&c, &record); i++) {
		if (record.count < usual || record.filled * 2 <= usual)
			continue;
		form->preamble = i;
		form->has_header = could_name(&record) && bears_out(c, &record);
		return;
	}
}

static size_t find_delimiter(
	const char *text, size_t len, bool is_all, bool prefers_tab, struct csv_form *form)
{
	static const char candidates[] = ",;\t|";
	size_t best = 0, usual = 1;

	for (size_t i = 0; candidates[i]; i++) {
		struct look look;
		struct cursor c = {text, text + len, candidates[i], true};
		look_at(c, is_all, &look);
		size_t score = score_of(&look) * 4 + (look.usual > 9 ? 9 : look.usual);
		if (score_of(&look) && candidates[i] == '\t' && prefers_tab)
			score += 4000;
		if (!score_of(&look) || score <= best)
			continue;
		best = score;
		usual = look.usual;
		form->delimiter = candidates[i];
		form->has_quotes = look.bad_quotes <= look.good_quotes;
	}
	return usual;
}

struct csv_form csv_form_of(const char *text, size_t len, bool is_all, bool prefers_tab)
{
	struct csv_form form = {.has_quotes = true};
	size_t usual;

	if (len > 5 && !strncmp(text, "sep=", 4) && strchr("\r\n", text[5])) {
		form.delimiter = text[4];
		form.skip = len > 6 && text[5] == '\r' && text[6] == '\n' ? 7 : 6;
		struct look look;
		look_at((struct cursor){text + form.skip, text + len, form.delimiter, true}, is_all,
			&look);
		usual = look.usual;
	} else {
		usual = find_delimiter(text, len, is_all, prefers_tab, &form);
	}
	if (usual >= 2)
		find_header((struct cursor){text + form.skip, text + len, form.delimiter,
				    form.has_quotes},
			usual, &form);
	else
		form.has_quotes = false;
	return form;
}
