/* SPDX-License-Identifier: Apache-2.0 */
/* OpenDocument: texts, spreadsheets, presentations and drawings have one vocabulary and one
 * walker.
 *
 * What is anchored within a paragraph (a text box, a note, a comment) lies inside of its element:
 * it is recorded in a frame of its own and said behind the paragraph, or, in a spreadsheet, behind
 * the sheet. Embedded objects (charts, formulas) are documents in folders of the same package, and
 * are walked where they stand. */
#include "core/parse/readers/odf_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/reader.h"

#define OBJECTS_MAX 2 /* objects within objects */

enum {
	ROLE_DROP = 1, /* with all that is inside */
	ROLE_BODY,
	ROLE_SPREADSHEET,
	ROLE_CHART_BODY,
	ROLE_STYLES,
	ROLE_EDGE, /* a header or a footer of pages */
	ROLE_HEADING,
	ROLE_PARAGRAPH,
	ROLE_ITEM,
	ROLE_SPACE,
	ROLE_LINE,
	ROLE_PAGE_BREAK,
	ROLE_TABLE,
	ROLE_HEADER_ROWS,
	ROLE_ROW,
	ROLE_CELL,
	ROLE_COVERED,
	ROLE_BOX,
	ROLE_NOTE,
	ROLE_COMMENT,
	ROLE_CREATOR,
	ROLE_PAGE,
	ROLE_SPEAKER,
	ROLE_ALT_TEXT,
	ROLE_OBJECT
};

static const struct office_role roles[] = {
	{"alphabetical-index-source", ROLE_DROP},
	{"annotation", ROLE_COMMENT},
	{"automatic-styles", ROLE_STYLES},
	{"bibliography-source", ROLE_DROP},
	{"binary-data", ROLE_DROP},
	{"body", ROLE_BODY},
	{"caption", ROLE_BOX},
	{"chart", ROLE_CHART_BODY},
	{"circle", ROLE_BOX},
	{"connector", ROLE_BOX},
	{"content-validations", ROLE_DROP},
	{"covered-table-cell", ROLE_COVERED},
	{"creator", ROLE_CREATOR},
	{"custom-shape", ROLE_BOX},
	{"date-time-decl", ROLE_DROP},
	{"dde-links", ROLE_DROP},
	{"desc", ROLE_ALT_TEXT},
	{"ellipse", ROLE_BOX},
	{"endnote", ROLE_NOTE},
	{"endnote-citation", ROLE_DROP},
	{"footer", ROLE_EDGE},
	{"footer-decl", ROLE_DROP},
	{"footer-first", ROLE_EDGE},
	{"footer-left", ROLE_EDGE},
	{"footnote", ROLE_NOTE},
	{"footnote-citation", ROLE_DROP},
	{"forms", ROLE_DROP},
	{"frame", ROLE_BOX},
	{"g", ROLE_BOX},
	{"h", ROLE_HEADING},
	{"header", ROLE_EDGE},
	{"header-decl", ROLE_DROP},
	{"header-first", ROLE_EDGE},
	{"header-left", ROLE_EDGE},
	{"illustration-index-source", ROLE_DROP},
	{"line", ROLE_BOX},
	{"line-break", ROLE_LINE},
	{"list-item", ROLE_ITEM},
	{"measure", ROLE_BOX},
	{"note", ROLE_NOTE},
	{"note-citation", ROLE_DROP},
	{"notes", ROLE_SPEAKER},
	{"object", ROLE_OBJECT},
	{"object-index-source", ROLE_DROP},
	{"p", ROLE_PARAGRAPH},
	{"page", ROLE_PAGE},
	{"path", ROLE_BOX},
	{"polygon", ROLE_BOX},
	{"polyline", ROLE_BOX},
	{"rect", ROLE_BOX},
	{"regular-polygon", ROLE_BOX},
	{"ruby-text", ROLE_DROP},
	{"s", ROLE_SPACE},
	{"script", ROLE_DROP},
	{"soft-page-break", ROLE_PAGE_BREAK},
	{"spreadsheet", ROLE_SPREADSHEET},
	{"tab", ROLE_SPACE},
	{"tab-stop", ROLE_SPACE},
	{"table", ROLE_TABLE},
	{"table-cell", ROLE_CELL},
	{"table-header-rows", ROLE_HEADER_ROWS},
	{"table-index-source", ROLE_DROP},
	{"table-of-content-source", ROLE_DROP},
	{"table-row", ROLE_ROW},
	{"title", ROLE_ALT_TEXT},
	{"tracked-changes", ROLE_DROP},
	{"user-index-source", ROLE_DROP},
};

static struct frame *current(struct odf *odf)
{
	return &odf->frames[odf->frame];
}

void odf_say(struct odf *odf, struct buf *tape)
{
	if (!tape->len)
		return;
	struct buf taken = *tape;
	buf_init(tape, OFFICE_TAPE_MAX);
	flow_play(odf->flow, &taken);
	buf_release(&taken);
}

long odf_number_of(const struct xml_attributes *attributes, const char *name, long most)
{
	long number = xml_attribute_number(attributes, name, 1);

	return number < 1 ? 1 : number > most ? most : number;
}

/* Pages. */

static void turn_page(struct odf *odf, bool is_asked)
{
	if (!odf->has_pages || odf->frame || odf->in_edges)
		return;
	if (is_asked && !odf->text)
		return; /* the first page is there already */
	if (is_asked || !odf->is_page_due)
		flow_page_break(odf->flow, ++odf->page);
	odf->is_page_due = is_asked;
}

static void begin_slide(struct odf *odf)
{
	if (odf->objects)
		flow_paragraph(odf->flow);
	else
		flow_page(odf->flow, ++odf->page);
}

/* Frames. */

static void init_frame(struct frame *frame)
{
	*frame = (struct frame){.is_open = false};
	buf_init(&frame->after, OFFICE_TAPE_MAX);
	buf_init(&frame->notes, OFFICE_TAPE_MAX);
}

static void release_frame(struct frame *frame)
{
	buf_release(&frame->after);
	buf_release(&frame->notes);
}

/* @tape: where its text goes; NULL: where the text goes now. */
static void push_frame(struct odf *odf, struct buf *tape, const char *label)
{
	if (odf->frame + 1 == ODF_FRAMES_MAX) {
		odf->lost_frames++;
		return;
	}
	struct buf *before = odf->flow->tape;
	if (tape)
		flow_record(odf->flow, tape);
	flow_paragraph(odf->flow);
	odf->frame++;
	init_frame(current(odf));
	current(odf)->tape = before;
	current(odf)->label = label ? label : TAKE_PTR(odf->frames[odf->frame - 1].label);
	current(odf)->all_titles = odf->frames[odf->frame - 1].all_titles;
}

static void close_paragraph(struct odf *odf);
static void close_table(struct odf *odf);

static void pop_frame(struct odf *odf)
{
	if (odf->lost_frames) {
		odf->lost_frames--;
		return;
	}
	if (!odf->frame)
		return;
	struct frame *frame = current(odf);
	close_paragraph(odf);
	while (frame->tables)
		close_table(odf);
	flow_paragraph(odf->flow);
	flow_record(odf->flow, frame->tape);
	release_frame(frame);
	odf->frame--;
}

/* Where that goes which is anchored here. */
static struct buf *place(struct odf *odf)
{
	if (odf->in_sheet && !odf->frame)
		return &odf->after_sheet;
	return current(odf)->is_open ? &current(odf)->after : NULL;
}

static void begin_box(struct odf *odf, const struct xml_attributes *attributes)
{
	AUTO_FREE char *class = xml_attribute_copy_in(attributes, "presentation:1.0", "class");

	if (class && (!strcmp(class, "page-number") || !strcmp(class, "date-time"))) {
		odf->dropping = 1;
		return;
	}
	push_frame(odf, place(odf), NULL);
	if (class && !strcmp(class, "title") && !odf->lost_frames)
		current(odf)->all_titles = true;
}

/* A note of a table's cell is said behind the table: its columns carry names. */
static void begin_note(struct odf *odf, const char *name, const struct xml_attributes *attributes)
{
	bool is_end = *name == 'e' || xml_attribute_is(attributes, "note-class", "endnote");
	struct frame *frame = current(odf);

	push_frame(odf, frame->tables ? &frame->notes : place(odf),
		is_end ? "Endnote: " : "Footnote: ");
}

static void begin_comment(struct odf *odf)
{
	buf_clear(&odf->creator);
	push_frame(odf, place(odf), "Comment");
}

/* Paragraphs. */

static void say_label(struct odf *odf, const char *label)
{
	flow_words(odf->flow, label, strlen(label));
	if (strcmp(label, "Comment"))
		return;
	if (odf->in_cell && odf->column < 26 * 26) {
		char ref[32], letters[3] = {(char)('A' + odf->column % 26)};
		if (odf->column >= 26) {
			letters[1] = letters[0];
			letters[0] = (char)('A' + odf->column / 26 - 1);
		}
		snprintf(
			ref, sizeof(ref), " on %s%llu", letters, (unsigned long long)odf->rows + 1);
		flow_words(odf->flow, ref, strlen(ref));
	}
	if (odf->creator.len) {
		flow_words(odf->flow, " by ", 4);
		flow_words(odf->flow, odf->creator.data, odf->creator.len);
	}
	flow_words(odf->flow, ": ", 2);
}

static void begin_text(struct odf *odf, uint32_t level)
{
	struct frame *frame = current(odf);

	frame->is_heading = level > 0;
	if (frame->is_heading)
		flow_heading(odf->flow, level);
	else if (frame->is_item || frame->tables || frame->label)
		flow_line(odf->flow);
	else if (odf->frame)
		flow_line(odf->flow);
	else
		flow_paragraph(odf->flow);
	if (frame->label)
		say_label(odf, frame->label);
	else if (frame->is_item && !level)
		flow_words(odf->flow, "- ", 2);
	frame->is_item = false;
	frame->label = NULL;
}

/* Paragraph or (@is_heading) heading. */
static void open_paragraph(
	struct odf *odf, bool is_heading, const struct xml_attributes *attributes)
{
	AUTO_FREE char *style = xml_attribute_copy_in(attributes, "text:1.0", "style-name");
	struct frame *frame = current(odf);
	uint32_t level = 0;

	if (odf->in_sheet && !odf->frame) {
		buf_addc(&odf->cell, ' ');
		return;
	}
	close_paragraph(odf);
	if (style && !odf->frame && office_tapes_find(&odf->styles.breaks, style))
		turn_page(odf, true);
	bool is_title = style && !odf->frame &&
		(!strcmp(style, "Title") || office_tapes_find(&odf->styles.titles, style));
	if (is_heading)
		level = (uint32_t)xml_attribute_number(
			attributes, "outline-level", xml_attribute_number(attributes, "level", 1));
	if (is_title || frame->all_titles)
		level = 1;
	frame->is_open = true;
	frame->is_title = (is_title || frame->all_titles) && !odf->has_title;
	begin_text(odf, odf->in_edges ? 0 : level);
}

static void close_paragraph(struct odf *odf)
{
	struct frame *frame = current(odf);

	if (!frame->is_open)
		return;
	frame->is_open = false;
	if (frame->is_heading)
		flow_heading_end(odf->flow);
	else
		flow_line(odf->flow);
	odf->has_title = odf->has_title || odf->title.len;
	odf_say(odf, &frame->after);
}

static void add_words(struct odf *odf, const char *utf8, size_t len)
{
	struct frame *frame = current(odf);

	if (odf->in_sheet && !odf->frame) {
		if (odf->in_cell)
			buf_add(&odf->cell, utf8, len);
		return;
	}
	if (!frame->is_open)
		return;
	office_words(odf->flow, utf8, len);
	if (frame->is_title)
		buf_add(&odf->title, utf8, len);
	odf->text += len;
	odf->is_page_due = false;
}

static void add_space(struct odf *odf)
{
	if (odf->in_sheet && !odf->frame)
		buf_addc(&odf->cell, ' ');
	else if (current(odf)->is_open)
		flow_space(odf->flow);
}

static void add_line(struct odf *odf)
{
	bool is_plain = !current(odf)->is_heading && !(odf->in_sheet && !odf->frame);

	if (is_plain && current(odf)->is_open)
		flow_line(odf->flow);
	else
		add_space(odf);
}

/* Tables of a text. */

static void close_table(struct odf *odf)
{
	struct frame *frame = current(odf);

	if (!frame->tables)
		return;
	frame->tables--;
	flow_table_end(odf->flow);
	if (!frame->tables)
		odf_say(odf, &frame->notes);
}

static void open_row(struct odf *odf)
{
	bool is_header = odf->in_header_rows || odf->is_first_header;

	current(odf)->covered = 0;
	odf->is_first_header = false;
	flow_row(odf->flow, is_header);
}

static void open_cell(struct odf *odf, bool is_covered, const struct xml_attributes *attributes)
{
	struct frame *frame = current(odf);
	unsigned columns = (unsigned)odf_number_of(attributes, "number-columns-repeated", 1024);
	unsigned span = (unsigned)odf_number_of(attributes, "number-columns-spanned", 1024);

	if (!frame->tables)
		return;
	if (is_covered) {
		unsigned passed = columns < frame->covered ? columns : frame->covered;
		frame->covered -= passed;
		if (columns > passed)
			flow_cell(odf->flow, columns - passed);
		return;
	}
	flow_cell(odf->flow, span > 1 ? span : columns);
	frame->covered = span - 1;
}

/* Objects. */

static int walk_part(struct odf *odf, const char *part, struct err *err);
static struct odf *odf_new(struct flow *flow, struct package *package);
static void odf_free(struct odf *odf);

static void read_object(struct odf *odf, const struct xml_attributes *attributes)
{
	AUTO_FREE char *href = xml_attribute_copy(attributes, "href");
	AUTO_FREE char *folder = href ? package_resolve(odf->folder, href) : NULL;
	AUTO_BUF struct buf part;
	struct err ignored = ERR_NONE;

	buf_init(&part, 8192);
	if (!folder || !odf->package || odf->objects == OBJECTS_MAX)
		return;
	buf_addf(&part, "%s/content.xml", folder);
	struct odf *object = odf_new(odf->flow, odf->package);
	if (!object || part.failed || !package_has(odf->package, part.data)) {
		odf_free(object);
		return;
	}
	object->objects = odf->objects + 1;
	object->folder = part.data;
	walk_part(object, part.data, &ignored);
	odf->text += object->text;
	odf_free(object);
}

/* Elements. */

static void begin_edge(struct odf *odf, const char *name)
{
	struct office_tapes *edges = *name == 'h' ? &odf->headers : &odf->footers;

	if (!odf->in_edges || edges->count == 256)
		return;
	struct buf *tape = office_tapes_add(edges, "", 0);
	if (!tape)
		return;
	odf->in_edge = odf->in_body = true;
	flow_record(odf->flow, tape);
}

static void end_edge(struct odf *odf, const char *name)
{
	struct office_tapes *edges = *name == 'h' ? &odf->headers : &odf->footers;

	if (!odf->in_edge)
		return;
	close_paragraph(odf);
	flow_record(odf->flow, NULL);
	odf->in_edge = odf->in_body = false;
	office_edges_settle(edges);
}

static void open_table(struct odf *odf, const struct xml_attributes *attributes)
{
	AUTO_FREE char *style = xml_attribute_copy_in(attributes, "table:1.0", "style-name");

	if (odf->is_chart) {
		odf->dropping = 1; /* the numbers it is drawn of */
		return;
	}
	if (odf->sheet && !odf->frame && !odf->in_sheet) {
		odf_begin_sheet(odf, attributes);
		return;
	}
	if (odf->in_sheet && !odf->frame)
		return; /* a table within a cell is said as the cell's text */
	close_paragraph(odf);
	if (style && !odf->frame && office_tapes_find(&odf->styles.breaks, style))
		turn_page(odf, true);
	odf->is_first_header = xml_attribute_is(attributes, "use-first-row-styles", "true");
	current(odf)->tables++;
	flow_table(odf->flow);
}

static void begin_alt_text(struct odf *odf)
{
	if (odf->is_chart) /* its title, a paragraph inside */
		return;
	odf->in_alt_text = true;
	flow_line(odf->flow);
}

static void start_in_body(
	struct odf *odf, int role, const char *name, const struct xml_attributes *attributes)
{
	bool is_cell = odf->in_sheet && !odf->frame;

	switch (role) {
	case ROLE_SPREADSHEET: odf->sheet = odf->sheet ? odf->sheet : sheet_new(odf->flow); break;
	case ROLE_CHART_BODY: odf->is_chart = true; break;
	case ROLE_HEADING: open_paragraph(odf, true, attributes); break;
	case ROLE_PARAGRAPH: open_paragraph(odf, false, attributes); break;
	case ROLE_ITEM: current(odf)->is_item = true; break;
	case ROLE_SPACE: add_space(odf); break;
	case ROLE_LINE: add_line(odf); break;
	case ROLE_PAGE_BREAK: turn_page(odf, false); break;
	case ROLE_TABLE: open_table(odf, attributes); break;
	case ROLE_HEADER_ROWS: odf->in_header_rows = true; break;
	case ROLE_ROW:
		if (is_cell)
			odf_begin_sheet_row(odf, attributes);
		else
			open_row(odf);
		break;
	case ROLE_CELL:
	case ROLE_COVERED:
		if (is_cell)
			odf_begin_sheet_cell(odf, role == ROLE_COVERED, attributes);
		else
			open_cell(odf, role == ROLE_COVERED, attributes);
		break;
	case ROLE_BOX: begin_box(odf, attributes); break;
	case ROLE_NOTE: begin_note(odf, name, attributes); break;
	case ROLE_COMMENT: begin_comment(odf); break;
	case ROLE_CREATOR: odf->in_creator = true; break;
	case ROLE_PAGE: begin_slide(odf); break;
	case ROLE_SPEAKER: push_frame(odf, NULL, "Notes: "); break;
	case ROLE_ALT_TEXT: begin_alt_text(odf); break;
	case ROLE_OBJECT: read_object(odf, attributes); break;
	default: break;
	}
}

/* MathML: what is read of a formula is its letters and signs, not the source beside them. */
static bool is_math(const char *space)
{
	return strstr(space, "MathML") != NULL;
}

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct odf *odf = context;
	int role = office_role(roles, ARRAY_LEN(roles), name);

	if (odf->dropping || role == ROLE_DROP) {
		odf->dropping++;
		return;
	}
	if (is_math(space)) {
		odf->in_body = current(odf)->is_open = true;
		odf->dropping = !strcmp(name, "annotation");
		return;
	}
	if (role == ROLE_STYLES)
		odf->in_styles = true;
	if (odf->in_styles)
		odf_style_start(&odf->styles, &odf->style, name, attributes);
	if (role == ROLE_BODY)
		odf->in_body = !odf->in_edges;
	else if (role == ROLE_EDGE)
		begin_edge(odf, name);
	else if (odf->in_body && !(odf->lost_frames && role < ROLE_BOX))
		start_in_body(odf, role, name, attributes);
}

static void end_in_body(struct odf *odf, int role)
{
	bool is_cell = odf->in_sheet && !odf->frame;

	switch (role) {
	case ROLE_HEADING:
	case ROLE_PARAGRAPH: close_paragraph(odf); break;
	case ROLE_ITEM: current(odf)->is_item = false; break;
	case ROLE_TABLE:
		if (is_cell)
			odf_end_sheet(odf);
		else
			close_table(odf);
		break;
	case ROLE_HEADER_ROWS: odf->in_header_rows = false; break;
	case ROLE_ROW:
		if (is_cell)
			odf_end_sheet_row(odf);
		else
			flow_row_end(odf->flow);
		break;
	case ROLE_CELL:
	case ROLE_COVERED:
		if (is_cell)
			odf_end_sheet_cell(odf);
		break;
	case ROLE_BOX:
	case ROLE_NOTE:
	case ROLE_COMMENT:
	case ROLE_SPEAKER: pop_frame(odf); break;
	case ROLE_CREATOR: odf->in_creator = false; break;
	case ROLE_ALT_TEXT:
		if (odf->in_alt_text)
			flow_line(odf->flow);
		odf->in_alt_text = false;
		break;
	default: break;
	}
}

static void end(void *context, const char *name, const char *space)
{
	struct odf *odf = context;

	if (odf->dropping) {
		odf->dropping--;
		return;
	}
	if (is_math(space))
		return;
	int role = office_role(roles, ARRAY_LEN(roles), name);
	if (role == ROLE_STYLES)
		odf->in_styles = false;
	else if (role == ROLE_EDGE)
		end_edge(odf, name);
	else if (role == ROLE_BODY)
		odf->in_body = false;
	else if (odf->in_body && !(odf->lost_frames && role < ROLE_BOX))
		end_in_body(odf, role);
}

static void text(void *context, const char *utf8, size_t len)
{
	struct odf *odf = context;

	if (odf->dropping || !odf->in_body || odf->lost_frames)
		return;
	if (odf->in_creator)
		buf_add(&odf->creator, utf8, len);
	else if (odf->in_alt_text)
		office_words(odf->flow, utf8, len);
	else
		add_words(odf, utf8, len);
}

static int failed(void *context)
{
	struct odf *odf = context;

	return flow_failed(odf->flow);
}

static const struct xml_handler handler = {
	.start = start, .end = end, .text = text, .failed = failed};

/* Whatever a broken document left open is closed. */
static int settle(struct odf *odf, int rc)
{
	odf->dropping = odf->lost_frames = 0;
	while (odf->frame)
		pop_frame(odf);
	close_paragraph(odf);
	while (current(odf)->tables)
		close_table(odf);
	if (odf->in_sheet)
		odf_end_sheet(odf);
	return rc;
}

static int walk_part(struct odf *odf, const char *part, struct err *err)
{
	return settle(odf, xml_part(odf->package, part, &handler, odf, err));
}

static struct odf *odf_new(struct flow *flow, struct package *package)
{
	struct odf *odf = calloc(1, sizeof(*odf));

	if (!odf)
		return NULL;
	odf->flow = flow;
	odf->package = package;
	odf->folder = "";
	init_frame(&odf->frames[0]);
	buf_init(&odf->creator, 1024);
	buf_init(&odf->title, 4096);
	buf_init(&odf->cell, ODF_CELL_MAX);
	buf_init(&odf->after_sheet, OFFICE_TAPE_MAX);
	return odf;
}

static void odf_free(struct odf *odf)
{
	if (!odf)
		return;
	odf_styles_release(&odf->styles);
	free(odf->style);
	free(odf->name);
	release_frame(&odf->frames[0]);
	office_tapes_release(&odf->headers);
	office_tapes_release(&odf->footers);
	buf_release(&odf->creator);
	buf_release(&odf->title);
	buf_release(&odf->cell);
	buf_release(&odf->after_sheet);
	sheet_free(odf->sheet);
	free(odf);
}

/* Headers and footers of a text: styles.xml has them. */
static void read_edges(struct odf *odf)
{
	struct err ignored = ERR_NONE;

	odf->in_edges = true;
	walk_part(odf, "styles.xml", &ignored);
	if (odf->in_edge)
		flow_record(odf->flow, NULL);
	odf->in_edges = odf->in_edge = odf->in_body = odf->in_styles = false;
	office_edges_say(&odf->headers, odf->flow);
}

static int read_package(struct odf *odf, const struct source *source, struct err *err)
{
	static const char *const breaks[] = {"soft-page-break"};

	odf->has_pages = office_part_has(odf->package, "content.xml", breaks, 1);
	if (odf->has_pages)
		flow_page(odf->flow, odf->page = 1);
	if (strstr(source->type, ".text") || strstr(source->type, ".writer"))
		read_edges(odf);
	int rc = walk_part(odf, "content.xml", err);
	if (rc == -ENOENT)
		rc = err_set(
			err, -EBADMSG, "the document is broken: its text (content.xml) is missing");
	office_edges_say(&odf->footers, odf->flow);
	return rc;
}

static int read_into(
	const struct source *source, struct package *package, struct out *out, struct err *err)
{
	struct flow flow;
	struct odf *odf = odf_new(&flow, package);
	int rc;

	if (!odf)
		return err_set(err, -ENOMEM, "memory is short");
	flow_init(&flow, out);
	if (package)
		rc = read_package(odf, source, err);
	else
		rc = settle(odf, xml_source(source, &handler, odf, err));
	int failure = flow_finish(&flow);
	odf_metadata(package, source, out);
	if (odf->title.len)
		out_field(out, FIELD_TITLE, odf->title.data, odf->title.len);
	odf_free(odf);
	return office_result(out, failure ? failure : rc, 0, err);
}

int odf_read(const struct source *source, struct out *out, struct err *err)
{
	static const char *const encryption[] = {"encryption-data"};
	AUTO_PACKAGE struct package *package = NULL;
	int rc = package_open(&package, source, err);

	if (rc)
		return rc;
	if (office_part_has(package, "META-INF/manifest.xml", encryption, 1))
		return err_set(err, -EKEYREJECTED,
			"the document is encrypted: save it without a password and drop it again");
	return read_into(source, package, out, err);
}

int odf_flat_read(const struct source *source, struct out *out, struct err *err)
{
	return read_into(source, NULL, out, err);
}
