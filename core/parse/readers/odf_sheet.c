/* SPDX-License-Identifier: Apache-2.0 */
/* Spreadsheets of OpenDocument: cells show a text, whatever they hold, so no number is formatted
 * here. A cell or a row that is the same as the ones before it stands there once, with a count,
 * which is up to a million for the empty ones at the end. */
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/odf_inside.h"

static void say_name(struct odf *odf)
{
	AUTO_FREE char *name = TAKE_PTR(odf->name);

	if (!name || !*name)
		return;
	flow_heading(odf->flow, 1);
	flow_words(odf->flow, name, strlen(name));
	flow_heading_end(odf->flow);
}

void odf_begin_sheet(struct odf *odf, const struct xml_attributes *attributes)
{
	if (odf->objects)
		flow_paragraph(odf->flow);
	else
		flow_page(odf->flow, ++odf->page);
	free(odf->name);
	odf->name = xml_attribute_copy_in(attributes, "table:1.0", "name");
	odf->row = odf->rows = 0;
	odf->in_cell = false;
	odf->in_sheet = true;
}

void odf_end_sheet(struct odf *odf)
{
	sheet_end(odf->sheet);
	odf->in_sheet = false;
	if (office_has_words(&odf->after_sheet))
		say_name(odf);
	odf_say(odf, &odf->after_sheet);
}

void odf_begin_sheet_row(struct odf *odf, const struct xml_attributes *attributes)
{
	odf->rows_repeated = odf_number_of(attributes, "number-rows-repeated", 1L << 20);
	odf->column = 0;
	odf->row_has_cells = false;
	if (odf->in_header_rows)
		sheet_hint(odf->sheet, odf->row + 1);
	sheet_row(odf->sheet, odf->row + 1);
}

/* Rows that are the same are said once, and count as one. */
void odf_end_sheet_row(struct odf *odf)
{
	odf->row += odf->row_has_cells ? 1 : (uint64_t)odf->rows_repeated;
	odf->rows += (uint64_t)odf->rows_repeated;
}

void odf_begin_sheet_cell(struct odf *odf, bool is_covered, const struct xml_attributes *attributes)
{
	static const char *const values[] = {"value", "date-value", "time-value", "string-value"};
	const char *type = "", *value;
	size_t len = 0, value_len;

	odf->repeated = odf_number_of(attributes, "number-columns-repeated", 16384);
	odf->in_cell = !is_covered;
	odf->value[0] = '\0';
	buf_clear(&odf->cell);
	if (!xml_attribute(attributes, "value-type", &type, &len))
		len = 0;
	odf->kind = !len || *type == 's' ? SHEET_TEXT : SHEET_VALUE;
	for (size_t i = 0; len && !odf->value[0] && i < ARRAY_LEN(values); i++)
		if (xml_attribute(attributes, values[i], &value, &value_len) &&
			value_len < sizeof(odf->value))
			snprintf(odf->value, sizeof(odf->value), "%.*s", (int)value_len, value);
}

void odf_end_sheet_cell(struct odf *odf)
{
	const char *text = odf->cell.len ? odf->cell.data : odf->value;
	size_t len = odf->cell.len ? odf->cell.len : strlen(odf->value);
	long most = odf->repeated < 256 ? odf->repeated : 256;

	if (odf->in_cell && len && text[strspn(text, " \t\r\n")]) {
		say_name(odf);
		odf->row_has_cells = true;
		for (long i = 0; i < most; i++)
			sheet_cell(odf->sheet, odf->column + (unsigned)i, odf->kind, text, len);
	}
	if (odf->column < 1U << 20)
		odf->column += (unsigned)odf->repeated;
	odf->in_cell = false;
}
