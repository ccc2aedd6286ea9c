/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in a text (RFC 4180 and what is written in its name). The beginning is kept until the
 * form is known; from then on cells go into the flow as they come, piece by piece, so that
 * neither a long cell nor a wide record is ever held in memory. */
#include "core/parse/readers/csv.h"

#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/reader.h"

#define BEGINNING_MAX ((size_t)64 << 10) /* what the form is found in */
#define QUOTED_MAX    ((size_t)256 << 10) /* a longer cell has lost its closing mark */

struct csv {
	struct flow flow;
	struct csv_form form;
	struct buf beginning;
	bool has_form, prefers_tab;
	size_t records; /* complete */
	size_t quoted_len; /* of the cell that is open */
	bool in_record, at_cell_start, in_quotes, after_quote, after_cr;
};

static bool in_table(const struct csv *csv)
{
	return csv->form.delimiter && csv->records >= csv->form.preamble;
}

static void begin_cell(struct csv *csv)
{
	if (!csv->in_record && in_table(csv)) {
		bool is_header = csv->form.has_header && csv->records == csv->form.preamble;
		if (csv->records == csv->form.preamble)
			flow_table(&csv->flow);
		flow_row(&csv->flow, is_header);
	} else if (!csv->in_record) {
		flow_line(&csv->flow);
	}
	csv->in_record = csv->at_cell_start = true;
	csv->quoted_len = 0;
	if (in_table(csv))
		flow_cell(&csv->flow, 1);
	else
		flow_space(&csv->flow);
}

static void end_record(struct csv *csv)
{
	if (csv->in_record && in_table(csv))
		flow_row_end(&csv->flow);
	else
		flow_line(&csv->flow);
	csv->in_record = csv->in_quotes = csv->after_quote = false;
	csv->records++;
}

/* The length of the text at @at that is plainly the cell's. */
static size_t run_of_text(const struct csv *csv, const char *at, size_t len)
{
	size_t n = 0;

	if (csv->in_quotes) {
		const char *quote = memchr(at, '"', len);
		return quote ? (size_t)(quote - at) : len;
	}
	while (n < len && at[n] != '\n' && at[n] != '\r' &&
		(!csv->form.delimiter || at[n] != csv->form.delimiter))
		n++;
	return n;
}

/* A character that may end something; returns whether it was one. */
static bool take_mark(struct csv *csv, char c)
{
	bool is_quote = c == '"' && csv->form.has_quotes;

	if (csv->after_cr && c == '\n') {
		csv->after_cr = false;
		return true;
	}
	csv->after_cr = false;
	if (csv->in_quotes && c == '"') {
		csv->in_quotes = false;
		csv->after_quote = true;
		return true;
	}
	if (csv->in_quotes)
		return false;
	if (csv->after_quote && c == '"') { /* two are one */
		csv->in_quotes = true;
		csv->after_quote = false;
		flow_words(&csv->flow, "\"", 1);
		return true;
	}
	csv->after_quote = false;
	if (!csv->in_record && c != '\n' && c != '\r')
		begin_cell(csv);
	if (is_quote && csv->at_cell_start) {
		csv->in_quotes = true;
		csv->at_cell_start = false;
		return true;
	}
	if (csv->form.delimiter && c == csv->form.delimiter) {
		begin_cell(csv);
		return true;
	}
	if (c != '\n' && c != '\r')
		return false;
	csv->after_cr = c == '\r';
	end_record(csv);
	return true;
}

static void add_text(struct csv *csv, const char *at, size_t len)
{
	if (len && csv->form.delimiter)
		flow_words(&csv->flow, at, len);
	else if (len)
		flow_preformatted(&csv->flow, at, len);
	csv->at_cell_start = csv->at_cell_start && !len;
	if (!csv->in_quotes)
		return;
	csv->quoted_len += len;
	if (csv->quoted_len > QUOTED_MAX) /* a mark that is none: lines are records again */
		csv->in_quotes = csv->form.has_quotes = false;
}

static int take(struct csv *csv, const char *at, size_t len)
{
	while (len && !flow_failed(&csv->flow)) {
		if (take_mark(csv, *at)) {
			at++;
			len--;
			continue;
		}
		size_t n = run_of_text(csv, at, len);
		n = n ? n : 1;
		add_text(csv, at, n);
		at += n;
		len -= n;
	}
	return flow_failed(&csv->flow);
}

static int begin(struct csv *csv, bool is_all)
{
	struct buf *text = &csv->beginning;

	csv->has_form = true;
	if (!text->len)
		return 0;
	csv->form = csv_form_of(text->data, text->len, is_all, csv->prefers_tab);
	return take(csv, text->data + csv->form.skip, text->len - csv->form.skip);
}

static int add(void *context, const char *utf8, size_t len)
{
	struct csv *csv = context;

	if (csv->has_form)
		return take(csv, utf8, len);
	buf_add(&csv->beginning, utf8, len);
	if (csv->beginning.failed)
		return csv->beginning.failed;
	return csv->beginning.len >= BEGINNING_MAX ? begin(csv, false) : 0;
}

int csv_read(const struct source *source, struct out *out, struct err *err)
{
	struct csv csv = {.prefers_tab = strstr(source->type, "tab-separated") != NULL};
	size_t skip;
	const char *charset = source_charset(source, out, &skip);

	flow_init(&csv.flow, out);
	buf_init(&csv.beginning, BEGINNING_MAX * 16);
	int rc = source_each(source, charset, skip, add, &csv, err);
	if (!rc && !csv.has_form)
		rc = begin(&csv, true);
	if (csv.in_record)
		end_record(&csv);
	while (csv.flow.table_depth)
		flow_table_end(&csv.flow);
	buf_release(&csv.beginning);
	int failed = flow_finish(&csv.flow);
	return rc ? rc : failed;
}
