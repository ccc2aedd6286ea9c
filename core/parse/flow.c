/* SPDX-License-Identifier: Apache-2.0 */
/* So "<td><p>a</p></td><td><p>b</p></td>" is "a | b", whatever format it comes from.
 *
 * A table's header names its columns. The names are taken from the text of the header's cells
 * as it goes by, so they cost nothing where there is no header. */
#include "core/parse/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

#define LINE_MAX_BYTES ((size_t)64 << 10) /* longer lines go out in parts */
#define COLUMNS_MAX    256 /* beyond it a table's cells carry no names */
#define NAME_MAX_BYTES 80 /* a longer header is no name */

struct flow_table {
	char *names[COLUMNS_MAX]; /* of the columns; NULL: none */
	size_t name_count;
	struct buf header; /* text of the header's cell that is open */
	size_t column; /* of the cell that is open, from 0 */
	unsigned span; /* of it */
	unsigned cells; /* of the row, so far */
	bool is_group[COLUMNS_MAX]; /* the name is of a cell that spans more columns */
	bool is_header; /* the row is one */
	bool has_rows; /* that are no header: names are not taken any more */
	bool has_names; /* a header's row is complete */
	bool owes_name; /* the cell has no text yet, and its column a name */
};

#define FEEDS_MAX 16

/* What a tape holds: a byte of these, a number, and for text as many bytes. */
enum op {
	OP_WORDS,
	OP_PREFORMATTED,
	OP_SPACE,
	OP_LINE,
	OP_PARAGRAPH,
	OP_HEADING,
	OP_HEADING_END,
	OP_PAGE,
	OP_PAGE_BREAK,
	OP_TABLE,
	OP_ROW,
	OP_ROW_IS_PLAIN,
	OP_CELL,
	OP_ROW_END,
	OP_TABLE_END
};

/* True: it was recorded. */
static bool record(struct flow *flow, enum op op, uint32_t number)
{
	char bytes[1 + sizeof(number)] = {(char)op};

	if (!flow->tape)
		return false;
	memcpy(bytes + 1, &number, sizeof(number));
	buf_add(flow->tape, bytes, sizeof(bytes));
	return true;
}

/* The last edge of a character within @len bytes of a longer text. Where that is no UTF-8, @len:
 * nothing is to be kept whole, and nothing says where to stop. */
static size_t char_edge(const char *utf8, size_t len)
{
	size_t back = 0;

	while (back < 4 && back < len && (utf8[len - back] & 0xc0) == 0x80)
		back++;
	return back < 4 && back < len ? len - back : len;
}

static bool record_text(struct flow *flow, enum op op, const char *utf8, size_t len)
{
	while (flow->tape && len) {
		size_t whole = len > LINE_MAX_BYTES ? char_edge(utf8, LINE_MAX_BYTES) : len;
		uint32_t part = (uint32_t)whole;
		if (flow->tape->max - flow->tape->len <= part + sizeof(part))
			flow->tape->failed = -EFBIG; /* never half an entry */
		record(flow, op, part);
		buf_add(flow->tape, utf8, part);
		utf8 += part;
		len -= part;
	}
	return flow->tape != NULL;
}

void flow_init(struct flow *flow, struct out *out)
{
	*flow = (struct flow){.out = out};
	buf_init(&flow->line, LINE_MAX_BYTES * 2);
}

int flow_failed(const struct flow *flow)
{
	return flow->line.failed ? flow->line.failed : flow->out->failed;
}

/* A form feed for each page that has ended since the last mark, within reason: numbers are the
 * document's. */
static void feed_pages(struct flow *flow)
{
	bool is_next = flow->marked_page && flow->page > flow->marked_page &&
		flow->page - flow->marked_page <= FEEDS_MAX;
	uint32_t count = is_next ? flow->page - flow->marked_page : 1;

	for (; flow->has_text && count; count--)
		out_text(flow->out, "\f", 1);
}

static void mark_page(struct flow *flow)
{
	struct out *out = flow->out;

	if (!flow->page)
		return;
	feed_pages(flow);
	out_mark(out, MARK_PAGE, flow->page, out->chars, out->chars);
	flow->marked_page = flow->page;
	flow->page = 0;
}

/* Before the first text of something: what stands between it and the last text. */
static void write_separator(struct flow *flow)
{
	static const char *const separators[] = {"", " ", "\n", "\n\n", " | "};

	if (flow->has_text && flow->page)
		out_text(flow->out, "\n", 1);
	else if (flow->has_text && flow->pending)
		out_text(flow->out, separators[flow->pending], strlen(separators[flow->pending]));
	mark_page(flow);
	flow->pending = FLOW_NOTHING;
}

static void write_name(struct flow *flow)
{
	struct flow_table *table = flow->table;

	if (!table || !table->owes_name)
		return;
	const char *name = table->names[table->column];
	out_text(flow->out, name, strlen(name));
	out_text(flow->out, ": ", 2);
	table->owes_name = false;
}

/* The text of a header's cell becomes a name where it is short. */
static void keep_name(struct flow *flow)
{
	struct flow_table *table = flow->table;

	if (!table || flow->table_depth > 1 || !table->is_header)
		return;
	if (table->header.len)
		buf_addc(&table->header, ' ');
	buf_add(&table->header, flow->line.data, flow->line.len);
}

/* Write the line, with its mark if it is a heading. */
static void flush(struct flow *flow)
{
	struct out *out = flow->out;

	if (!flow->line.len)
		return;
	write_separator(flow);
	write_name(flow);
	keep_name(flow);
	flow->is_cell_start = false;
	if (flow->soft_page)
		out_mark(out, MARK_PAGE, flow->soft_page,
			out->chars + out_count(flow->line.data, flow->soft_at),
			out->chars + out_count(flow->line.data, flow->soft_at));
	flow->marked_page = flow->soft_page ? flow->soft_page : flow->marked_page;
	flow->soft_page = 0;
	if (flow->heading)
		out_mark(out, MARK_HEADING, flow->heading, out->chars,
			out->chars + out_count(flow->line.data, flow->line.len));
	out_text(out, flow->line.data, flow->line.len);
	flow->has_text = true;
	flow->row_has_text = true;
	buf_clear(&flow->line);
}

static void separate(struct flow *flow, enum flow_separator separator)
{
	flush(flow);
	flow->ends_in_space = false;
	if (separator > flow->pending && !flow->is_cell_start)
		flow->pending = separator;
}

void flow_line(struct flow *flow)
{
	if (record(flow, OP_LINE, 0))
		return;
	separate(flow, FLOW_LINE);
}

void flow_paragraph(struct flow *flow)
{
	if (record(flow, OP_PARAGRAPH, 0))
		return;
	separate(flow, FLOW_PARAGRAPH);
}

void flow_space(struct flow *flow)
{
	if (record(flow, OP_SPACE, 0))
		return;
	flow->ends_in_space = true;
}

void flow_heading(struct flow *flow, uint32_t level)
{
	if (record(flow, OP_HEADING, level))
		return;
	separate(flow, FLOW_PARAGRAPH);
	flow->heading = level < 1 ? 1 : level > 6 ? 6 : level;
}

void flow_heading_end(struct flow *flow)
{
	if (record(flow, OP_HEADING_END, 0))
		return;
	separate(flow, FLOW_PARAGRAPH);
	flow->heading = 0;
}

/* A line beyond the ceiling goes out as far as it is, as text. */
static void flush_part(struct flow *flow)
{
	uint32_t heading = flow->heading;

	flow->heading = 0;
	flush(flow);
	flow->heading = heading;
}

static void add_word(struct flow *flow, const char *utf8, size_t len)
{
	if (flow->line.len + len + 1 > LINE_MAX_BYTES)
		flush_part(flow);
	if (flow->ends_in_space && (flow->line.len || (flow->has_text && !flow->pending)))
		buf_addc(&flow->line, ' ');
	flow->ends_in_space = false;
	while (len > LINE_MAX_BYTES - 1) {
		size_t part = char_edge(utf8, LINE_MAX_BYTES - 1);
		buf_add(&flow->line, utf8, part);
		flush_part(flow);
		utf8 += part;
		len -= part;
	}
	buf_add(&flow->line, utf8, len);
}

static size_t space_at(const char *at, const char *end)
{
	if (strchr(" \t\n\r\f\v", *at) && *at)
		return 1;
	return end - at >= 2 && !memcmp(at, "\xc2\xa0", 2) ? 2 : 0;
}

void flow_words(struct flow *flow, const char *utf8, size_t len)
{
	const char *at = utf8, *end = utf8 + len;

	if (record_text(flow, OP_WORDS, utf8, len))
		return;
	while (at < end) {
		size_t space = space_at(at, end);
		if (space) {
			flow->ends_in_space = true;
			at += space;
			continue;
		}
		const char *word = at;
		while (at < end && !space_at(at, end))
			at++;
		add_word(flow, word, (size_t)(at - word));
	}
}

void flow_preformatted(struct flow *flow, const char *utf8, size_t len)
{
	const char *at = utf8, *end = utf8 + len;

	if (record_text(flow, OP_PREFORMATTED, utf8, len))
		return;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline + 1 : end;
		add_word(flow, at, (size_t)(stop - at));
		at = stop;
	}
}

void flow_labelled(struct flow *flow, const char *label, const char *value)
{
	if (!value || !value[strspn(value, " \t\r\n\f\v")])
		return;
	flow_line(flow);
	flow_words(flow, label, strlen(label));
	flow_words(flow, ": ", 2);
	flow_words(flow, value, strlen(value));
	flow_line(flow);
}

void flow_page(struct flow *flow, uint32_t number)
{
	if (record(flow, OP_PAGE, number))
		return;
	while (flow->table_depth)
		flow_table_end(flow);
	flow->heading = 0;
	separate(flow, FLOW_PARAGRAPH);
	flow->page = number;
	if (number > flow->out->page_count)
		flow->out->page_count = number;
}

void flow_page_break(struct flow *flow, uint32_t number)
{
	if (record(flow, OP_PAGE_BREAK, number))
		return;
	if (number > flow->out->page_count)
		flow->out->page_count = number;
	if (!flow->line.len && !flow->table_depth) {
		flow->page = number;
		return;
	}
	if (flow->soft_page)
		flush_part(flow);
	flow->soft_page = number;
	flow->soft_at = flow->line.len;
}

/* Tables. */

static void forget_names(struct flow_table *table)
{
	for (size_t i = 0; i < table->name_count; i++)
		free(table->names[i]);
	table->name_count = 0;
}

static void table_free(struct flow *flow)
{
	if (!flow->table)
		return;
	forget_names(flow->table);
	buf_release(&flow->table->header);
	free(flow->table);
	flow->table = NULL;
}

/* A header's cell below one that spans more columns says more: "Spring" + "Price". */
static void join_name(struct flow_table *table, size_t column)
{
	AUTO_BUF struct buf name;

	buf_init(&name, NAME_MAX_BYTES);
	buf_adds(&name, table->names[column]);
	buf_addc(&name, ' ');
	buf_adds(&name, table->header.data);
	char *joined = strdup(name.failed ? table->header.data : name.data);
	if (!joined)
		return;
	free(table->names[column]);
	table->names[column] = joined;
}

/* What the header's cell said names each of its columns. */
static void name_columns(struct flow_table *table)
{
	for (unsigned i = 0; i < table->span; i++) {
		size_t column = table->column + i;
		if (column >= COLUMNS_MAX)
			break;
		while (table->name_count <= column) {
			table->is_group[table->name_count] = false;
			table->names[table->name_count++] = NULL;
		}
		if (!table->header.len)
			continue;
		if (!table->names[column])
			table->names[column] = strdup(table->header.data);
		else if (table->is_group[column])
			join_name(table, column);
		else
			continue;
		table->is_group[column] = table->span > 1;
	}
}

/* The cell that is open ends: what it said may be the name of its columns. */
static void end_cell(struct flow *flow)
{
	struct flow_table *table = flow->table;

	flush(flow);
	flow->ends_in_space = false;
	if (!table || flow->table_depth > 1 || !flow->has_cell)
		return;
	if (table->is_header && table->header.len <= NAME_MAX_BYTES)
		name_columns(table);
	buf_clear(&table->header);
	table->cells++;
	table->column += table->span;
	table->owes_name = false;
}

void flow_table(struct flow *flow)
{
	if (record(flow, OP_TABLE, 0))
		return;
	separate(flow, flow->table_depth ? FLOW_LINE : FLOW_PARAGRAPH);
	if (flow->table_depth++ || !(flow->table = calloc(1, sizeof(*flow->table))))
		return;
	buf_init(&flow->table->header, NAME_MAX_BYTES * 2);
	flow->has_cell = false;
}

/* A header's first row of one cell across the columns is the table's title: it names none. */
static void forget_title(struct flow *flow)
{
	struct flow_table *table = flow->table;

	if (!table || flow->table_depth > 1)
		return;
	if (table->is_header && !table->has_names && table->cells == 1 && table->span > 1)
		forget_names(table);
	table->cells = 0;
}

/* A row's edge: a cell's separator that no text has used is void. */
void flow_row_end(struct flow *flow)
{
	if (record(flow, OP_ROW_END, 0))
		return;
	end_cell(flow);
	forget_title(flow);
	if (flow->pending == FLOW_CELL)
		flow->pending = FLOW_LINE;
	flow->is_cell_start = false;
	separate(flow, FLOW_LINE);
	flow->has_cell = false;
	flow->row_has_text = false;
}

void flow_row(struct flow *flow, bool is_header)
{
	struct flow_table *table = flow->table;

	if (record(flow, OP_ROW, is_header))
		return;
	flow_row_end(flow);
	if (!table || flow->table_depth > 1)
		return;
	table->column = 0;
	table->has_names = table->name_count > 0;
	table->is_header = is_header && !table->has_rows;
	table->has_rows = table->has_rows || !is_header;
}

void flow_row_is_plain(struct flow *flow)
{
	struct flow_table *table = flow->table;

	if (record(flow, OP_ROW_IS_PLAIN, 0))
		return;
	if (!table || flow->table_depth > 1 || !table->is_header)
		return;
	table->is_header = false;
	table->has_rows = true;
	if (!table->has_names)
		forget_names(table);
}

void flow_cell(struct flow *flow, unsigned columns)
{
	struct flow_table *table = flow->table;

	if (record(flow, OP_CELL, columns))
		return;
	end_cell(flow);
	if (!flow->has_cell) {
		separate(flow, FLOW_LINE);
		flow->has_cell = true;
	} else if (flow->row_has_text) {
		flow->pending = FLOW_CELL;
	}
	flow->is_cell_start = true;
	if (!table || flow->table_depth > 1)
		return;
	table->span = columns;
	table->owes_name = !table->is_header && table->column < table->name_count &&
		table->names[table->column];
}

bool flow_in_named_cell(const struct flow *flow)
{
	const struct flow_table *table = flow->table;

	return table && flow->has_cell && (table->is_header || table->name_count > 0);
}

void flow_table_end(struct flow *flow)
{
	if (record(flow, OP_TABLE_END, 0))
		return;
	flow_row_end(flow);
	if (!flow->table_depth)
		return;
	if (--flow->table_depth == 0)
		table_free(flow);
	separate(flow, flow->table_depth ? FLOW_LINE : FLOW_PARAGRAPH);
}

int flow_finish(struct flow *flow)
{
	flush(flow);
	int rc = flow_failed(flow);
	table_free(flow);
	buf_release(&flow->line);
	return rc;
}

/* Tapes. */

struct buf *flow_record(struct flow *flow, struct buf *tape)
{
	struct buf *before = flow->tape;

	flow->tape = tape;
	return before;
}

static void play(struct flow *flow, enum op op, uint32_t number, const char *text)
{
	switch (op) {
	case OP_WORDS: flow_words(flow, text, number); break;
	case OP_PREFORMATTED: flow_preformatted(flow, text, number); break;
	case OP_SPACE: flow_space(flow); break;
	case OP_LINE: flow_line(flow); break;
	case OP_PARAGRAPH: flow_paragraph(flow); break;
	case OP_HEADING: flow_heading(flow, number); break;
	case OP_HEADING_END: flow_heading_end(flow); break;
	case OP_PAGE: flow_page(flow, number); break;
	case OP_PAGE_BREAK: flow_page_break(flow, number); break;
	case OP_TABLE: flow_table(flow); break;
	case OP_ROW: flow_row(flow, number); break;
	case OP_ROW_IS_PLAIN: flow_row_is_plain(flow); break;
	case OP_CELL: flow_cell(flow, number); break;
	case OP_ROW_END: flow_row_end(flow); break;
	case OP_TABLE_END: flow_table_end(flow); break;
	}
}

/* The next entry of a tape from *at on. */
static bool next_entry(
	const struct buf *tape, size_t *at, enum op *op, uint32_t *number, const char **text)
{
	if (tape->len - *at < 1 + sizeof(*number))
		return false;
	*op = (enum op)tape->data[*at];
	memcpy(number, tape->data + *at + 1, sizeof(*number));
	*at += 1 + sizeof(*number);
	*text = tape->data + *at;
	bool has_text = *op == OP_WORDS || *op == OP_PREFORMATTED;
	if (has_text && *number > tape->len - *at)
		return false;
	*at += has_text ? *number : 0;
	return true;
}

void flow_play(struct flow *flow, const struct buf *tape)
{
	const char *text;
	uint32_t number;
	size_t at = 0;
	enum op op;

	while (next_entry(tape, &at, &op, &number, &text))
		play(flow, op, number, text);
}

void flow_tape_text(const struct buf *tape, struct buf *text)
{
	const char *words;
	uint32_t number;
	size_t at = 0;
	enum op op;

	while (next_entry(tape, &at, &op, &number, &words)) {
		bool has_text = op == OP_WORDS || op == OP_PREFORMATTED;
		buf_add(text, has_text ? words : " ", has_text ? number : 1);
	}
}
