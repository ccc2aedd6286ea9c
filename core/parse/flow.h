/* SPDX-License-Identifier: Apache-2.0 */
/* Text as it flows out of a structured document: words, lines, headings, tables, pages. */
#ifndef ASKFS_CORE_PARSE_FLOW_H
#define ASKFS_CORE_PARSE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/parse/out.h"

/* Between a @flow_init and a @flow_finish. Text gathers in a line; what separates lines (a
 * block's edge, a table's cell) is only noted, the strongest wins, and it is written when the
 * next text comes: nested blocks do not pile up empty lines. One thread. */
enum flow_separator { FLOW_NOTHING, FLOW_SPACE, FLOW_LINE, FLOW_PARAGRAPH, FLOW_CELL };

struct flow_table; /* the outermost table that is open */

struct flow {
	struct out *out;
	struct buf line; /* text since the last separator, white space collapsed */
	enum flow_separator pending;
	uint32_t heading; /* level of the heading we are in, or 0 */
	uint32_t page; /* number of a page that has begun, its mark not yet written; or 0 */
	uint32_t marked_page; /* the last one that has its mark, or 0 */
	bool has_cell; /* the row has one already */
	bool is_cell_start; /* no text in the cell yet: a block's edge there separates nothing */
	bool has_text; /* something was written */
	bool row_has_text; /* … since the row began */
	bool ends_in_space; /* white space waits to be written between words */
	struct flow_table *table;
	unsigned table_depth;
	uint32_t soft_page; /* a page that begins within the line; or 0 */
	size_t soft_at; /* … before this byte of it */
	struct buf *tape; /* what is said is recorded here, not written; or NULL */
};

void flow_init(struct flow *flow, struct out *out);

/* Write what is left, and release. 0, or the first failure of memory or of the output. */
int flow_finish(struct flow *flow);

/* 0, or why it makes no sense to go on: out->failed, or -ENOMEM. */
int flow_failed(const struct flow *flow);

/* Add words; every run of white space (and of no-break spaces) counts as one space. @utf8 may
 * begin or end within a word, never within a character. */
void flow_words(struct flow *flow, const char *utf8, size_t len);

/* Add text whose spaces and line ends are meant. */
void flow_preformatted(struct flow *flow, const char *utf8, size_t len);

/* A tab, or another place where a space is meant and no line ends. */
void flow_space(struct flow *flow);

void flow_line(struct flow *flow); /* what follows begins a line */
void flow_paragraph(struct flow *flow); /* … stands in a paragraph of its own */

/* A heading of @level (1 is the highest; more than 6 counts as 6) begins, and ends: both are
 * paragraphs' edges. */
void flow_heading(struct flow *flow, uint32_t level);
void flow_heading_end(struct flow *flow);

/* A paragraph with a label and text, "Author: Jule Brandt": nothing if @value is NULL or has no
 * word. */
void flow_labelled(struct flow *flow, const char *label, const char *value);

/* Page, slide, sheet or chapter @number (from 1) begins here: a citation shows it. A form feed
 * is written before every one but the first, of those without text, too: so that who has a part
 * of the text can count. A page without text gets no mark. Also counts as
 * a table's end. out->page_count becomes the highest number. */
void flow_page(struct flow *flow, uint32_t number);

/* The same amid what is open: a paragraph, a heading, a table goes on. Within a line nothing but
 * the mark is written. */
void flow_page_break(struct flow *flow, uint32_t number);

/* Tables, row by row, "a | b | c". Where a row was called a header (before the first row that
 * is none), the cells of the rows below it carry its names: "Name: bolt | Price: 12 EUR"; the
 * header's own row is written as it is. A table inside a table's cell is plain. Empty cells
 * are left out where there are names, and leave nothing else. @columns: how many the cell spans,
 * 1 as a rule. Each call ends what was open before it (a cell, a row). Below a header's cell that
 * spans several, the header's next row adds to its name: "Spring Price"; a cell that is alone in
 * the first row and spans several is the table's title and names nothing. */
void flow_table(struct flow *flow);
void flow_row(struct flow *flow, bool is_header);
void flow_cell(struct flow *flow, unsigned columns);
/* The row that is open is no header after all: its cells name nothing, and no later row is a
 * header. Nothing where it was called none. */
void flow_row_is_plain(struct flow *flow);
void flow_row_end(struct flow *flow);
/* Is a cell open whose column has a name, or that is to name one? A line's end in it is a space. */
bool flow_in_named_cell(const struct flow *flow);
void flow_table_end(struct flow *flow);

/* What is to be said later: from here on every call above is recorded at the end of @tape (the
 * caller's, with its ceiling), until flow_record is called with what it returned: the tape
 * before, NULL where there was none. */
struct buf *flow_record(struct flow *flow, struct buf *tape);

/* Say what was recorded. @tape may be recorded again, elsewhere. */
void flow_play(struct flow *flow, const struct buf *tape);

/* The words of a tape alone, appended to @text. */
void flow_tape_text(const struct buf *tape, struct buf *text);

#endif
