/* SPDX-License-Identifier: Apache-2.0 */
/* SpreadsheetML: a page a sheet, in the order of the workbook, hidden ones included. A sheet is a
 * stream: of its rows only a few are kept (sheet.c). Formulas are their last results; a formula
 * that was never calculated has none. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/reader.h"
#include "core/parse/readers/sheet.h"
#include "core/parse/readers/xlsx.h"

#define SHEETS_MAX 4096
#define VALUE_MAX  ((size_t)256 << 10) /* a cell's text: the programs' own limit is 32 KiB */

enum {
	ROLE_ROW = 1,
	ROLE_CELL,
	ROLE_VALUE, /* <v>, and <t> of a text that stands in the cell */
	ROLE_PHONETIC,
	ROLE_PANE
};

static const struct office_role roles[] = {
	{"c", ROLE_CELL},
	{"pane", ROLE_PANE},
	{"rPh", ROLE_PHONETIC},
	{"row", ROLE_ROW},
	{"t", ROLE_VALUE},
	{"v", ROLE_VALUE},
};

enum cell_type { CELL_NUMBER, CELL_SHARED, CELL_TEXT, CELL_TRUTH, CELL_ERROR, CELL_DATE };

struct xlsx {
	struct flow flow;
	struct ooxml ooxml;
	struct xlsx_styles styles;
	struct xlsx_strings strings;
	struct sheet *sheet;
	bool is_1904;
	const char *name; /* of the sheet, until it was said */
	uint64_t row;
	unsigned column;
	enum cell_type type;
	long style;
	bool in_cell, in_value;
	unsigned phonetic;
	struct buf value; /* of the cell that is open */
	struct buf shown;
};

/* A sheet without cells has no heading. */
static void say_name(struct xlsx *xlsx)
{
	const char *name = TAKE_PTR(xlsx->name);

	if (!name || !*name)
		return;
	flow_heading(&xlsx->flow, 1);
	flow_words(&xlsx->flow, name, strlen(name));
	flow_heading_end(&xlsx->flow);
}

static void begin_row(struct xlsx *xlsx, const struct xml_attributes *attributes)
{
	long number = xml_attribute_number(attributes, "r", 0);

	xlsx->row = number > 0 ? (uint64_t)number : xlsx->row + 1;
	xlsx->column = 0;
	sheet_row(xlsx->sheet, xlsx->row);
}

/* "AB12" is column 27; one that is not said is the next. */
static unsigned column_of(const char *ref, size_t len, unsigned next)
{
	unsigned column = 0;
	size_t i = 0;

	while (i < len && i < 3 && isalpha((unsigned char)ref[i]))
		column = column * 26 + (unsigned)(toupper((unsigned char)ref[i++]) - 'A') + 1;
	return column ? column - 1 : next;
}

static enum cell_type cell_type(const struct xml_attributes *attributes)
{
	const char *type;
	size_t len;

	if (!xml_attribute(attributes, "t", &type, &len) || !len)
		return CELL_NUMBER;
	switch (*type) {
	case 's': return len == 1 ? CELL_SHARED : CELL_TEXT; /* "str" */
	case 'i': return CELL_TEXT; /* "inlineStr" */
	case 'b': return CELL_TRUTH;
	case 'e': return CELL_ERROR;
	case 'd': return CELL_DATE;
	default: return CELL_NUMBER;
	}
}

static void begin_cell(struct xlsx *xlsx, const struct xml_attributes *attributes)
{
	const char *ref;
	size_t len;

	if (xml_attribute(attributes, "r", &ref, &len))
		xlsx->column = column_of(ref, len, xlsx->column);
	xlsx->type = cell_type(attributes);
	xlsx->style = xml_attribute_number(attributes, "s", 0);
	xlsx->in_cell = true;
	buf_clear(&xlsx->value);
}

static bool is_whole(const char *text, size_t len)
{
	size_t i = *text == '-';

	while (i < len && isdigit((unsigned char)text[i]))
		i++;
	return i == len && len <= 20;
}

static void add_number(struct xlsx *xlsx)
{
	const char *text = xlsx->value.data, *code = xlsx_style_code(&xlsx->styles, xlsx->style);
	char *end;

	if (!code && is_whole(text, xlsx->value.len)) {
		sheet_cell(xlsx->sheet, xlsx->column, SHEET_VALUE, text, xlsx->value.len);
		return;
	}
	double number = strtod(text, &end);
	if (end == text) { /* what no program writes: as it is */
		sheet_cell(xlsx->sheet, xlsx->column, SHEET_TEXT, text, xlsx->value.len);
		return;
	}
	buf_clear(&xlsx->shown);
	xlsx_number(code, number, xlsx->is_1904, &xlsx->shown);
	if (xlsx->shown.len)
		sheet_cell(
			xlsx->sheet, xlsx->column, SHEET_VALUE, xlsx->shown.data, xlsx->shown.len);
}

static void add_shared(struct xlsx *xlsx)
{
	size_t len = 0;
	const char *text = xlsx_string(&xlsx->strings, strtol(xlsx->value.data, NULL, 10), &len);

	if (text)
		sheet_cell(xlsx->sheet, xlsx->column, SHEET_TEXT, text, len);
}

static void end_cell(struct xlsx *xlsx)
{
	const char *text = xlsx->value.data;

	xlsx->in_cell = false;
	if (xlsx->value.len) {
		say_name(xlsx);
		switch (xlsx->type) {
		case CELL_NUMBER: add_number(xlsx); break;
		case CELL_SHARED: add_shared(xlsx); break;
		case CELL_TRUTH:
			text = *text == '1' || *text == 't' ? "TRUE" : "FALSE";
			sheet_cell(xlsx->sheet, xlsx->column, SHEET_VALUE, text, strlen(text));
			break;
		default:
			sheet_cell(xlsx->sheet, xlsx->column,
				xlsx->type == CELL_TEXT ? SHEET_TEXT : SHEET_VALUE, text,
				xlsx->value.len);
		}
	}
	xlsx->column++;
}

/* Rows that stay in sight while the others are scrolled: the last one is a header as a rule. */
static void take_pane(struct xlsx *xlsx, const struct xml_attributes *attributes)
{
	long rows = xml_attribute_number(attributes, "ySplit", 0);

	if (rows > 0 && rows < 32 && xml_attribute_is(attributes, "state", "frozen"))
		sheet_hint(xlsx->sheet, (uint64_t)rows);
}

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct xlsx *xlsx = context;

	(void)space;
	if (xlsx->phonetic) {
		xlsx->phonetic++;
		return;
	}
	switch (office_role(roles, ARRAY_LEN(roles), name)) {
	case ROLE_ROW: begin_row(xlsx, attributes); break;
	case ROLE_CELL: begin_cell(xlsx, attributes); break;
	case ROLE_VALUE: xlsx->in_value = xlsx->in_cell; break;
	case ROLE_PHONETIC: xlsx->phonetic = 1; break;
	case ROLE_PANE: take_pane(xlsx, attributes); break;
	default: break;
	}
}

static void end(void *context, const char *name, const char *space)
{
	struct xlsx *xlsx = context;

	(void)space;
	if (xlsx->phonetic) {
		xlsx->phonetic--;
		return;
	}
	switch (office_role(roles, ARRAY_LEN(roles), name)) {
	case ROLE_CELL: end_cell(xlsx); break;
	case ROLE_VALUE: xlsx->in_value = false; break;
	default: break;
	}
}

static void text(void *context, const char *utf8, size_t len)
{
	struct xlsx *xlsx = context;

	if (xlsx->in_value && !xlsx->phonetic)
		buf_add(&xlsx->value, utf8, len);
}

static int failed(void *context)
{
	struct xlsx *xlsx = context;

	return flow_failed(&xlsx->flow);
}

/* Tables that are defined in the sheet: where their headers are. */

static void add_table(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct xlsx *xlsx = context;

	(void)space;
	if (strcmp(name, "table") || xml_attribute_number(attributes, "headerRowCount", 1) < 1)
		return;
	AUTO_FREE char *ref = xml_attribute_copy(attributes, "ref");
	const char *digits = ref ? ref + strcspn(ref, "0123456789") : "";
	unsigned long row = strtoul(digits, NULL, 10);
	if (row)
		sheet_hint(xlsx->sheet, row);
}

/* Text boxes and charts. */
static void read_drawings(struct xlsx *xlsx, const char *part)
{
	struct ooxml_rels rels;
	AUTO_BUF struct buf tape;

	buf_init(&tape, OFFICE_TAPE_MAX);
	flow_record(&xlsx->flow, &tape);
	ooxml_drawing(xlsx->ooxml.package, part, &xlsx->flow);
	ooxml_rels_read(&rels, xlsx->ooxml.package, part);
	for (size_t i = 0; i < rels.count && i < SHEETS_MAX; i++)
		if (!strcmp(rels.at[i].type, "chart") || !strcmp(rels.at[i].type, "diagramData"))
			ooxml_drawing(xlsx->ooxml.package, rels.at[i].target, &xlsx->flow);
	ooxml_rels_release(&rels);
	flow_record(&xlsx->flow, NULL);
	if (office_has_words(&tape))
		say_name(xlsx);
	if (tape.len)
		flow_play(&xlsx->flow, &tape);
}

static int read_sheet(struct xlsx *xlsx, const char *part, struct err *err)
{
	static const struct xml_handler handler = {
		.start = start, .end = end, .text = text, .failed = failed};
	static const struct xml_handler tables = {.start = add_table};
	struct err ignored = ERR_NONE;
	struct ooxml_rels rels;

	ooxml_rels_read(&rels, xlsx->ooxml.package, part);
	for (size_t i = 0; i < rels.count; i++)
		if (!strcmp(rels.at[i].type, "table"))
			xml_part(xlsx->ooxml.package, rels.at[i].target, &tables, xlsx, &ignored);
	xlsx->row = 0;
	xlsx->in_cell = xlsx->in_value = false;
	xlsx->phonetic = 0;
	int rc = xml_part(xlsx->ooxml.package, part, &handler, xlsx, err);
	sheet_end(xlsx->sheet);
	xlsx_comments(xlsx->ooxml.package, &rels, &xlsx->ooxml.rels, &xlsx->flow);
	const char *drawing = ooxml_rel_of_type(&rels, "drawing");
	if (drawing)
		read_drawings(xlsx, drawing);
	ooxml_rels_release(&rels);
	return office_part_result(rc, part, err);
}

/* The workbook. */

struct sheets {
	struct xlsx *xlsx;
	struct {
		char *name;
		const char *part;
	} at[SHEETS_MAX];
	size_t count;
};

static void add_sheet(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct sheets *sheets = context;

	(void)space;
	if (!strcmp(name, "workbookPr"))
		sheets->xlsx->is_1904 = ooxml_is_on(attributes, "date1904", false);
	if (strcmp(name, "sheet") || sheets->count == SHEETS_MAX)
		return;
	const char *part = ooxml_rel_of(&sheets->xlsx->ooxml.rels, attributes, "id");
	if (!part)
		return;
	sheets->at[sheets->count].name = xml_attribute_copy(attributes, "name");
	sheets->at[sheets->count++].part = part;
}

/* Where the workbook names none: the sheets that are there. */
static void find_sheets(struct xlsx *xlsx, struct sheets *sheets)
{
	static const char folder[] = "xl/worksheets/";

	for (size_t i = 0; i < package_count(xlsx->ooxml.package); i++) {
		const char *part = package_name(xlsx->ooxml.package, i);
		if (!strncmp(part, folder, sizeof(folder) - 1) && !strstr(part, "_rels/") &&
			sheets->count < SHEETS_MAX)
			sheets->at[sheets->count++].part = part;
	}
}

static int read_workbook(struct xlsx *xlsx, struct err *err)
{
	static const struct xml_handler handler = {.start = add_sheet};
	AUTO_FREE struct sheets *sheets = calloc(1, sizeof(*sheets));
	const struct ooxml_rels *rels = &xlsx->ooxml.rels;

	xlsx->sheet = sheet_new(&xlsx->flow);
	if (!sheets || !xlsx->sheet)
		return err_set(err, -ENOMEM, "memory is short");
	sheets->xlsx = xlsx;
	int rc = office_part_result(
		xml_part(xlsx->ooxml.package, xlsx->ooxml.main, &handler, sheets, err),
		xlsx->ooxml.main, err);
	if (!sheets->count)
		find_sheets(xlsx, sheets);
	if (!sheets->count && !rc)
		rc = err_set(err, -EBADMSG, "the document is broken: its sheets are missing");
	xlsx_styles_read(&xlsx->styles, xlsx->ooxml.package, ooxml_rel_of_type(rels, "styles"));
	int failure = xlsx_strings_read(
		&xlsx->strings, xlsx->ooxml.package, ooxml_rel_of_type(rels, "sharedStrings"), err);
	rc = rc ? rc : failure;
	for (size_t i = 0; i < sheets->count && !flow_failed(&xlsx->flow); i++) {
		flow_page(&xlsx->flow, (uint32_t)i + 1);
		xlsx->name = sheets->at[i].name;
		failure = read_sheet(xlsx, sheets->at[i].part, err);
		rc = rc ? rc : failure;
	}
	for (size_t i = 0; i < sheets->count; i++)
		free(sheets->at[i].name);
	return rc;
}

static void release(struct xlsx *xlsx)
{
	xlsx_styles_release(&xlsx->styles);
	xlsx_strings_release(&xlsx->strings);
	sheet_free(xlsx->sheet);
	buf_release(&xlsx->value);
	buf_release(&xlsx->shown);
	ooxml_close(&xlsx->ooxml);
}

int xlsx_read(const struct source *source, struct out *out, struct err *err)
{
	struct xlsx xlsx = {.row = 0};

	buf_init(&xlsx.value, VALUE_MAX);
	buf_init(&xlsx.shown, VALUE_MAX);
	int rc = ooxml_open(&xlsx.ooxml, source, "workbook.xml", err);
	if (!rc) {
		flow_init(&xlsx.flow, out);
		rc = read_workbook(&xlsx, err);
		int failure = flow_finish(&xlsx.flow);
		ooxml_properties(&xlsx.ooxml, "", out);
		ooxml_embedded(&xlsx.ooxml, out);
		rc = office_result(out, failure ? failure : rc, xlsx.ooxml.members, err);
	}
	release(&xlsx);
	return rc;
}
