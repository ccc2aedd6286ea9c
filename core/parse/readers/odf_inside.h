/* SPDX-License-Identifier: Apache-2.0 */
/* The walker of OpenDocument from within: for odf.c and odf_sheet.c alone. */
#ifndef ASKFS_CORE_PARSE_READERS_ODF_INSIDE_H
#define ASKFS_CORE_PARSE_READERS_ODF_INSIDE_H

#include "core/parse/readers/odf.h"
#include "core/parse/readers/sheet.h"

#define ODF_FRAMES_MAX 32 /* boxes within boxes */
#define ODF_CELL_MAX   ((size_t)256 << 10)

struct frame {
	bool is_open; /* a paragraph of it */
	bool is_heading, is_title, is_item; /* @is_item: the next paragraph begins a list's item */
	bool all_titles; /* its paragraphs are the slide's title */
	unsigned tables; /* that are open */
	unsigned covered; /* columns that the cell before spans */
	const char *label; /* to be said before its next paragraph; or NULL */
	struct buf after, notes; /* what is said behind the paragraph, and the table */
	struct buf *tape; /* where the text around goes */
};

struct odf {
	struct flow *flow;
	struct package *package; /* NULL: one XML file */
	const char *folder; /* of the object that is walked: "Object 1/" */
	unsigned objects; /* that are walked, one in the other */
	struct odf_styles styles;
	char *style; /* that is open */
	struct frame frames[ODF_FRAMES_MAX];
	unsigned frame, lost_frames, dropping;
	bool in_styles, in_body, in_edges, in_edge, in_creator, in_alt_text, in_header_rows;
	bool is_first_header; /* a slide's table says so of its first row */
	bool is_chart;
	uint64_t text;
	bool has_pages, is_page_due;
	uint32_t page;
	struct office_tapes headers, footers;
	struct buf creator; /* of the comment that is open */
	struct buf title;
	bool has_title;
	/* spreadsheets */
	struct sheet *sheet;
	bool in_sheet;
	char *name; /* of the sheet, until it was said */
	uint64_t row, rows; /* as it counts for the table; as it is in the sheet */
	unsigned column;
	bool in_cell;
	long repeated, rows_repeated;
	enum sheet_kind kind;
	char value[64]; /* of a cell that shows nothing */
	struct buf cell;
	struct buf after_sheet;
	bool row_has_cells;
};

/* Say what @tape holds, and empty it. */
void odf_say(struct odf *odf, struct buf *tape);

/* A count in an attribute: 1 where there is none, at most @most. */
long odf_number_of(const struct xml_attributes *attributes, const char *name, long most);

/* A sheet, its rows and its cells begin and end. */
void odf_begin_sheet(struct odf *odf, const struct xml_attributes *attributes);
void odf_end_sheet(struct odf *odf);
void odf_begin_sheet_row(struct odf *odf, const struct xml_attributes *attributes);
void odf_end_sheet_row(struct odf *odf);
void odf_begin_sheet_cell(
	struct odf *odf, bool is_covered, const struct xml_attributes *attributes);
void odf_end_sheet_cell(struct odf *odf);

#endif
