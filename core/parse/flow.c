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
	bool is_header; /* the row is one */
	bool has_rows; /* that are no header: names are not taken any more */
	bool has_names; /* a header's row is complete */
	bool owes_name; /* the cell has no text yet, and its column a name */
};

void flow_init(struct flow *flow, struct out *out)
{
	*flow = (struct flow){.out = out};
	buf_init(&flow->line, LINE_MAX_BYTES * 2);
}

int flow_failed(const struct flow *flow)
{
	return flow->line.failed ? flow->line.failed : flow->out->failed;
}

static void mark_page(struct flow *flow)
{
	struct out *out = flow->out;

	if (!flow->page)
		return;
	if (flow->has_text)
		out_text(out, "\f", 1);
	out_mark(out, MARK_PAGE, flow->page, out->chars, out->chars);
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
	if (flow->heading)
		out_mark(out, MARK_HEADING, flow->heading, out->chars,
			out->chars + out_count(flow->line.data, flow->line.len));
	out_text(out, flow->line.data, flow->line.len);
	flow->has_text = true;
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
	separate(flow, FLOW_LINE);
}

void flow_paragraph(struct flow *flow)
{
	separate(flow, FLOW_PARAGRAPH);
}

void flow_space(struct flow *flow)
{
	flow->ends_in_space = true;
}

void flow_heading(struct flow *flow, uint32_t level)
{
	separate(flow, FLOW_PARAGRAPH);
	flow->heading = level < 1 ? 1 : level > 6 ? 6 : level;
}

void flow_heading_end(struct flow *flow)
{
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
		size_t part = LINE_MAX_BYTES - 4;
		while ((utf8[part] & 0xc0) == 0x80)
			part--;
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
	while (flow->table_depth)
		flow_table_end(flow);
	flow->heading = 0;
	separate(flow, FLOW_PARAGRAPH);
	flow->page = number;
	if (number > flow->out->page_count)
		flow->out->page_count = number;
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

/* The cell that is open ends: what it said may be the name of its columns. */
static void end_cell(struct flow *flow)
{
	struct flow_table *table = flow->table;

	flush(flow);
	flow->ends_in_space = false;
	if (!table || flow->table_depth > 1 || !flow->has_cell)
		return;
	for (unsigned i = 0; table->is_header && i < table->span; i++) {
		size_t column = table->column + i;
		if (column >= COLUMNS_MAX || table->header.len > NAME_MAX_BYTES)
			break;
		while (table->name_count <= column)
			table->names[table->name_count++] = NULL;
		if (!table->names[column] && table->header.len)
			table->names[column] = strdup(table->header.data);
	}
	buf_clear(&table->header);
	table->column += table->span;
	table->owes_name = false;
}

void flow_table(struct flow *flow)
{
	separate(flow, flow->table_depth ? FLOW_LINE : FLOW_PARAGRAPH);
	if (flow->table_depth++ || !(flow->table = calloc(1, sizeof(*flow->table))))
		return;
	buf_init(&flow->table->header, NAME_MAX_BYTES * 2);
	flow->has_cell = false;
}

/* A row's edge: a cell's separator that no text has used is void. */
void flow_row_end(struct flow *flow)
{
	end_cell(flow);
	if (flow->pending == FLOW_CELL)
		flow->pending = FLOW_LINE;
	flow->is_cell_start = false;
	separate(flow, FLOW_LINE);
	flow->has_cell = false;
}

void flow_row(struct flow *flow, bool is_header)
{
	struct flow_table *table = flow->table;

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

	end_cell(flow);
	if (!flow->has_cell) {
		separate(flow, FLOW_LINE);
		flow->has_cell = true;
	} else {
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
