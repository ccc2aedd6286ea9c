/* SPDX-License-Identifier: Apache-2.0 */
/* A spreadsheet's cells as text: rows of a table, with names where a header row is evident. */
#ifndef ASKFS_CORE_PARSE_READERS_SHEET_H
#define ASKFS_CORE_PARSE_READERS_SHEET_H

#include <stdint.h>

#include "core/parse/flow.h"

enum sheet_kind { SHEET_TEXT, SHEET_VALUE }; /* a number, a date, a truth value */

/* Rows and cells come in the order of the sheet; empty ones need not come. A few rows are held back
 * until it is clear whether they have a header. One thread. */
struct sheet;

/* NULL: memory is short. @flow outlives it. */
struct sheet *sheet_new(struct flow *flow);
void sheet_free(struct sheet *sheet);

/* Row @number (from 1) is a header if it looks like one: the format says that a table begins there,
 * or that it stays in sight. */
void sheet_hint(struct sheet *sheet, uint64_t number);

/* A row begins, and ends the one before. */
void sheet_row(struct sheet *sheet, uint64_t number);

/* A cell of it, in @column (from 0). One without a word is none. */
void sheet_cell(
	struct sheet *sheet, unsigned column, enum sheet_kind kind, const char *utf8, size_t len);

/* The sheet has ended: say what is held back, and forget the hints. */
void sheet_end(struct sheet *sheet);

/* Has anything come since the last sheet_end? */
int sheet_has_cells(const struct sheet *sheet);

#endif
