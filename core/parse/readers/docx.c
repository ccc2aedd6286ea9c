/* SPDX-License-Identifier: Apache-2.0 */
/* WordprocessingML: text in reading order, one walk over the main part. Headers, footers, notes
 * and comments are walked first, by the same walker, and recorded: what a paragraph cites is said
 * behind it.
 *
 * What a paragraph is (a heading, a list's item) is said inside of it, so it begins with its first
 * text. A text box lies within a paragraph, too, and is said behind it, so that no sentence is torn
 * apart: paragraphs nest, in frames. */
#include "core/parse/readers/docx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/reader.h"

#define FRAMES_MAX 24 /* text boxes within text boxes */
#define FIELDS_MAX 64 /* fields within fields */

enum {
	ROLE_DROP = 1, /* with all that is inside */
	ROLE_PARAGRAPH,
	ROLE_STYLE,
	ROLE_OUTLINE,
	ROLE_LIST,
	ROLE_LIST_LEVEL,
	ROLE_BREAK_BEFORE,
	ROLE_TEXT,
	ROLE_TAB,
	ROLE_BREAK,
	ROLE_LINE,
	ROLE_HYPHEN,
	ROLE_SYMBOL,
	ROLE_PAGE,
	ROLE_FIELD,
	ROLE_TABLE,
	ROLE_ROW,
	ROLE_HEADER_ROW,
	ROLE_GAP,
	ROLE_CELL,
	ROLE_SPAN,
	ROLE_MERGED,
	ROLE_BOX,
	ROLE_ALTERNATIVES,
	ROLE_BRANCH,
	ROLE_FOOTNOTE,
	ROLE_ENDNOTE,
	ROLE_COMMENT,
	ROLE_CITED, /* a note or a comment, in its own part */
	ROLE_ALT_TEXT,
	ROLE_ART, /* WordArt of old */
	ROLE_CHART,
	ROLE_DIAGRAM
};

static const struct office_role roles[] = {
	{"AlternateContent", ROLE_ALTERNATIVES},
	{"Choice", ROLE_BRANCH},
	{"Fallback", ROLE_BRANCH},
	{"br", ROLE_BREAK},
	{"chart", ROLE_CHART},
	{"comment", ROLE_CITED},
	{"commentReference", ROLE_COMMENT},
	{"cr", ROLE_LINE},
	{"del", ROLE_DROP},
	{"docPr", ROLE_ALT_TEXT},
	{"endnote", ROLE_CITED},
	{"endnoteReference", ROLE_ENDNOTE},
	{"fldChar", ROLE_FIELD},
	{"footnote", ROLE_CITED},
	{"footnoteReference", ROLE_FOOTNOTE},
	{"gridBefore", ROLE_GAP},
	{"gridSpan", ROLE_SPAN},
	{"hMerge", ROLE_MERGED},
	{"ilvl", ROLE_LIST_LEVEL},
	{"lastRenderedPageBreak", ROLE_PAGE},
	{"moveFrom", ROLE_DROP},
	{"noBreakHyphen", ROLE_HYPHEN},
	{"numId", ROLE_LIST},
	{"outlineLvl", ROLE_OUTLINE},
	{"p", ROLE_PARAGRAPH},
	{"pPrChange", ROLE_DROP},
	{"pStyle", ROLE_STYLE},
	{"pageBreakBefore", ROLE_BREAK_BEFORE},
	{"ptab", ROLE_TAB},
	{"rPrChange", ROLE_DROP},
	{"relIds", ROLE_DIAGRAM},
	{"rt", ROLE_DROP},
	{"sdtEndPr", ROLE_DROP},
	{"sdtPr", ROLE_DROP},
	{"sectPr", ROLE_DROP},
	{"sym", ROLE_SYMBOL},
	{"t", ROLE_TEXT},
	{"tab", ROLE_TAB},
	{"tabs", ROLE_DROP},
	{"tbl", ROLE_TABLE},
	{"tblHeader", ROLE_HEADER_ROW},
	{"tblPrChange", ROLE_DROP},
	{"tc", ROLE_CELL},
	{"tcPrChange", ROLE_DROP},
	{"textpath", ROLE_ART},
	{"tr", ROLE_ROW},
	{"trPrChange", ROLE_DROP},
	{"txbxContent", ROLE_BOX},
	{"vMerge", ROLE_MERGED},
};

/* A paragraph that is open, and the tables around it up to the text box it lies in. */
struct frame {
	bool is_open, is_begun;
	int level; /* of the heading it is, 0: none; -1: not said by itself */
	char *style;
	long number, number_level; /* of its list, -1: not said by itself */
	bool is_heading, is_title;
	struct buf after; /* what is said behind it */
	struct buf notes; /* what is said behind the table it lies in */
	unsigned tables; /* that are open */
	bool row_waits, is_header; /* the row has begun, its first cell has not */
	unsigned gap; /* columns before that cell */
	bool cell_waits, is_merged; /* the cell has begun, its text has not */
	unsigned span;
	struct buf *tape; /* where the text around this frame goes */
};

struct docx {
	struct flow flow;
	struct ooxml ooxml;
	const struct ooxml_rels *rels; /* of the part that is walked */
	struct docx_styles styles;
	struct docx_numbers *numbers;
	struct office_tapes footnotes, endnotes, comments;
	struct office_tapes *notes; /* those that are being read; or NULL */
	bool is_note_due; /* a note began, and no text of it came */
	struct office_tapes footers;
	struct frame frames[FRAMES_MAX];
	unsigned frame; /* the innermost one */
	unsigned lost_frames; /* beyond FRAMES_MAX */
	unsigned dropping; /* elements that are open, from the one that is dropped on */
	struct ooxml_choice choice;
	uint64_t text; /* bytes and pictures so far */
	unsigned fields; /* that are open */
	uint64_t results; /* a bit a field: what comes is its result */
	bool in_text;
	bool has_pages, is_page_due; /* a break was asked for, and no text came since */
	uint32_t page;
	struct buf title; /* the first paragraph that is styled as one */
	bool has_title;
};

static struct frame *current(struct docx *docx)
{
	return &docx->frames[docx->frame];
}

/* Tables: what a row or a cell is is said inside of it. */

static void begin_row(struct docx *docx)
{
	struct frame *frame = current(docx);

	if (!frame->row_waits)
		return;
	frame->row_waits = false;
	flow_row(&docx->flow, frame->is_header);
	if (frame->gap)
		flow_cell(&docx->flow, frame->gap);
}

static void begin_cell(struct docx *docx)
{
	struct frame *frame = current(docx);

	if (!frame->cell_waits)
		return;
	begin_row(docx);
	frame->cell_waits = false;
	flow_cell(&docx->flow, frame->span);
}

static unsigned columns(const struct xml_attributes *attributes)
{
	long count = xml_attribute_number(attributes, "val", 1);

	return count < 1 ? 1 : count > 1000 ? 1000 : (unsigned)count;
}

/* Paragraphs. */

static void open_paragraph(struct docx *docx)
{
	struct frame *frame = current(docx);

	begin_cell(docx);
	free(TAKE_PTR(frame->style));
	frame->is_open = true;
	frame->is_begun = frame->is_heading = frame->is_title = false;
	frame->level = -1;
	frame->number = frame->number_level = -1;
}

/* Of the paragraph by itself, else of its style. */
static struct docx_style settle_style(struct docx *docx, const struct frame *frame)
{
	struct docx_style style = docx_style_find(&docx->styles, frame->style ? frame->style : "");

	style.level = frame->level >= 0 ? frame->level : style.level;
	style.number = frame->number >= 0 ? frame->number : style.number;
	style.number_level = frame->number_level >= 0 ? frame->number_level : style.number_level;
	if (style.is_title && !style.level)
		style.level = 1;
	return style;
}

static void begin_paragraph(struct docx *docx)
{
	struct frame *frame = current(docx);
	char label[DOCX_LABEL_MAX] = "";

	if (frame->is_begun)
		return;
	frame->is_begun = true;
	struct docx_style style = settle_style(docx, frame);
	bool is_list = style.number > 0;
	frame->is_heading = style.level > 0 && !docx->notes;
	frame->is_title = style.is_title && !docx->has_title && !docx->notes;
	if (docx->is_note_due)
		docx->is_note_due = false; /* its label stands before it */
	else if (frame->is_heading)
		flow_heading(&docx->flow, (uint32_t)style.level);
	else if (is_list || frame->tables)
		flow_line(&docx->flow);
	else
		flow_paragraph(&docx->flow);
	if (is_list)
		docx_number_next(docx->numbers, style.number,
			style.number_level < 0 ? 0 : style.number_level, label);
	flow_words(&docx->flow, label, strlen(label));
	flow_space(&docx->flow);
}

/* The notes of a table's cells would be taken for the cells' text. */
static struct buf *place_of_notes(struct frame *frame)
{
	return frame->tables ? &frame->notes : &frame->after;
}

static void say(struct docx *docx, struct buf *tape)
{
	if (!tape->len)
		return;
	struct buf taken = *tape;
	buf_init(tape, OFFICE_TAPE_MAX);
	flow_play(&docx->flow, &taken);
	buf_release(&taken);
}

static void close_paragraph(struct docx *docx)
{
	struct frame *frame = current(docx);

	if (!frame->is_open)
		return;
	frame->is_open = false;
	if (frame->is_heading)
		flow_heading_end(&docx->flow);
	else
		flow_line(&docx->flow);
	docx->has_title = docx->has_title || docx->title.len;
	docx->results = UINT64_MAX; /* an instruction ends with its paragraph */
	say(docx, &frame->after);
}

static void add_words(struct docx *docx, const char *utf8, size_t len)
{
	uint64_t open = docx->fields >= FIELDS_MAX ? UINT64_MAX : (UINT64_C(1) << docx->fields) - 1;

	if (!current(docx)->is_open || current(docx)->is_merged || (docx->results & open) != open)
		return;
	begin_paragraph(docx);
	office_words(&docx->flow, utf8, len);
	if (current(docx)->is_title)
		buf_add(&docx->title, utf8, len);
	docx->text += len;
	docx->is_page_due = false;
}

/* Frames. */

static void push_frame(struct docx *docx)
{
	struct frame *outer = current(docx);

	if (docx->frame + 1 == FRAMES_MAX) {
		docx->lost_frames++;
		return;
	}
	struct buf *before = flow_record(&docx->flow, &outer->after);
	docx->frame++;
	struct frame *frame = current(docx);
	*frame = (struct frame){.tape = before, .is_merged = outer->is_merged};
	buf_init(&frame->after, OFFICE_TAPE_MAX);
	buf_init(&frame->notes, OFFICE_TAPE_MAX);
	flow_paragraph(&docx->flow);
}

static void release_frame(struct frame *frame)
{
	free(frame->style);
	buf_release(&frame->after);
	buf_release(&frame->notes);
}

static void pop_frame(struct docx *docx)
{
	if (docx->lost_frames) {
		docx->lost_frames--;
		return;
	}
	if (!docx->frame)
		return;
	struct frame *frame = current(docx);
	close_paragraph(docx);
	flow_paragraph(&docx->flow);
	flow_record(&docx->flow, frame->tape);
	release_frame(frame);
	docx->frame--;
}

/* What is inside a paragraph. */

static void field_char(struct docx *docx, const struct xml_attributes *attributes)
{
	uint64_t bit;

	if (xml_attribute_is(attributes, "fldCharType", "begin")) {
		if (docx->fields < FIELDS_MAX)
			docx->results &= ~(UINT64_C(1) << docx->fields);
		docx->fields++;
		return;
	}
	if (!docx->fields)
		return;
	bit = docx->fields <= FIELDS_MAX ? UINT64_C(1) << (docx->fields - 1) : 0;
	docx->results |= bit;
	if (xml_attribute_is(attributes, "fldCharType", "end"))
		docx->fields--;
}

static void symbol(struct docx *docx, const struct xml_attributes *attributes)
{
	AUTO_FREE char *font = xml_attribute_copy(attributes, "font");
	AUTO_FREE char *code = xml_attribute_copy(attributes, "char");
	char utf8[4];
	size_t len = code ? docx_symbol(font ? font : "", strtoul(code, NULL, 16), utf8) : 0;

	add_words(docx, utf8, len);
}

/* A page that was rendered after one was asked for is the same one. */
static void turn_page(struct docx *docx, bool is_asked)
{
	if (!docx->has_pages || docx->frame || docx->notes)
		return;
	if (is_asked || !docx->is_page_due)
		flow_page_break(&docx->flow, ++docx->page);
	docx->is_page_due = is_asked;
}

static void line_break(struct docx *docx, const struct xml_attributes *attributes)
{
	if (!current(docx)->is_open)
		return;
	if (!xml_attribute_is(attributes, "type", "page")) {
		if (current(docx)->is_heading || current(docx)->is_merged)
			flow_space(&docx->flow);
		else
			flow_line(&docx->flow);
		return;
	}
	if (!docx->frame)
		flow_line(&docx->flow);
	turn_page(docx, true);
}

static void cite(struct docx *docx, struct office_tapes *notes, const char *label,
	const struct xml_attributes *attributes)
{
	AUTO_FREE char *id = xml_attribute_copy(attributes, "id");
	struct buf *note = id ? office_tapes_find(notes, id) : NULL;

	if (!note || !note->len || docx->notes)
		return;
	struct buf *before = flow_record(&docx->flow, place_of_notes(current(docx)));
	flow_paragraph(&docx->flow);
	flow_words(&docx->flow, label, strlen(label));
	flow_play(&docx->flow, note);
	flow_paragraph(&docx->flow);
	flow_record(&docx->flow, before);
	docx->text++;
}

static void alt_text(struct docx *docx, const struct xml_attributes *attributes)
{
	static const char *const names[] = {"title", "descr"};
	struct buf *before = flow_record(&docx->flow, &current(docx)->after);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		flow_line(&docx->flow);
		office_attribute_words(&docx->flow, attributes, names[i]);
	}
	flow_line(&docx->flow);
	flow_record(&docx->flow, before);
}

static void drawing(struct docx *docx, const char *part)
{
	if (!part)
		return;
	struct buf *before = flow_record(&docx->flow, &current(docx)->after);
	ooxml_drawing(docx->ooxml.package, part, &docx->flow);
	flow_record(&docx->flow, before);
	docx->text++;
}

/* A note or a comment begins in its part: what follows goes onto its tape. */
static void begin_note(struct docx *docx, const struct xml_attributes *attributes)
{
	AUTO_FREE char *id = xml_attribute_copy(attributes, "id");
	AUTO_FREE char *author = xml_attribute_copy(attributes, "author");

	if (!docx->notes || !id)
		return;
	struct buf *tape = office_tapes_add(docx->notes, id, strlen(id));
	if (!tape)
		return;
	flow_record(&docx->flow, tape);
	docx->is_note_due = true;
	if (docx->notes != &docx->comments)
		return;
	flow_words(&docx->flow, "Comment", 7);
	if (author && *author) {
		flow_words(&docx->flow, " by ", 4);
		flow_words(&docx->flow, author, strlen(author));
	}
	flow_words(&docx->flow, ": ", 2);
}

static void end_note(struct docx *docx)
{
	if (!docx->notes)
		return;
	close_paragraph(docx);
	docx->is_note_due = false;
	flow_record(&docx->flow, NULL);
}

/* Elements. */

static void set_style(struct frame *frame, const struct xml_attributes *attributes)
{
	free(frame->style);
	frame->style = xml_attribute_copy(attributes, "val");
}

static void set_outline(struct frame *frame, const struct xml_attributes *attributes)
{
	long level = xml_attribute_number(attributes, "val", -1);

	if (level >= 0)
		frame->level = level < 9 ? (int)level + 1 : 0;
}

static void open_row(struct frame *frame)
{
	frame->row_waits = true;
	frame->is_header = false;
	frame->gap = 0;
}

static void open_cell(struct docx *docx)
{
	struct frame *frame = current(docx);

	begin_row(docx);
	frame->cell_waits = true;
	frame->is_merged = false;
	frame->span = 1;
}

static void open_table(struct docx *docx)
{
	struct frame *frame = current(docx);

	begin_cell(docx);
	close_paragraph(docx);
	frame->tables++;
	flow_table(&docx->flow);
}

static void close_table(struct docx *docx)
{
	struct frame *frame = current(docx);

	if (!frame->tables)
		return;
	frame->tables--;
	frame->is_merged = false;
	flow_table_end(&docx->flow);
	if (!frame->tables)
		say(docx, &frame->notes);
}

/* Roles that say something of the paragraph, the row or the cell that is open. */
static void property(struct docx *docx, int role, const struct xml_attributes *attributes)
{
	struct frame *frame = current(docx);

	switch (role) {
	case ROLE_STYLE: set_style(frame, attributes); break;
	case ROLE_OUTLINE: set_outline(frame, attributes); break;
	case ROLE_LIST: frame->number = xml_attribute_number(attributes, "val", -1); break;
	case ROLE_LIST_LEVEL:
		frame->number_level = xml_attribute_number(attributes, "val", -1);
		break;
	case ROLE_BREAK_BEFORE:
		if (ooxml_is_on(attributes, "val", true))
			turn_page(docx, true);
		break;
	case ROLE_HEADER_ROW: frame->is_header = ooxml_is_on(attributes, "val", true); break;
	case ROLE_GAP: frame->gap = columns(attributes); break;
	case ROLE_SPAN: frame->span = columns(attributes); break;
	case ROLE_MERGED: frame->is_merged = !xml_attribute_is(attributes, "val", "restart"); break;
	default: break;
	}
}

/* Roles that stand for text. */
static void content(struct docx *docx, int role, const struct xml_attributes *attributes)
{
	AUTO_FREE char *art = role == ROLE_ART ? xml_attribute_copy(attributes, "string") : NULL;

	switch (role) {
	case ROLE_TEXT: docx->in_text = true; break;
	case ROLE_TAB: flow_space(&docx->flow); break;
	case ROLE_BREAK: line_break(docx, attributes); break;
	case ROLE_LINE: flow_line(&docx->flow); break;
	case ROLE_HYPHEN: add_words(docx, "-", 1); break;
	case ROLE_SYMBOL: symbol(docx, attributes); break;
	case ROLE_PAGE: turn_page(docx, false); break;
	case ROLE_FIELD: field_char(docx, attributes); break;
	case ROLE_FOOTNOTE: cite(docx, &docx->footnotes, "Footnote: ", attributes); break;
	case ROLE_ENDNOTE: cite(docx, &docx->endnotes, "Endnote: ", attributes); break;
	case ROLE_COMMENT: cite(docx, &docx->comments, "", attributes); break;
	case ROLE_ALT_TEXT: alt_text(docx, attributes); break;
	case ROLE_ART: add_words(docx, art ? art : "", art ? strlen(art) : 0); break;
	case ROLE_CHART: drawing(docx, ooxml_rel_of(docx->rels, attributes, "id")); break;
	case ROLE_DIAGRAM: drawing(docx, ooxml_rel_of(docx->rels, attributes, "dm")); break;
	default: break;
	}
}

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct docx *docx = context;
	int role = office_role(roles, ARRAY_LEN(roles), name);

	(void)space;
	if (docx->dropping || role == ROLE_DROP) {
		docx->dropping++;
		return;
	}
	if (!role || docx->lost_frames)
		role = role == ROLE_BOX ? role : 0;
	switch (role) {
	case 0: break;
	case ROLE_PARAGRAPH: open_paragraph(docx); break;
	case ROLE_TABLE: open_table(docx); break;
	case ROLE_ROW: open_row(current(docx)); break;
	case ROLE_CELL: open_cell(docx); break;
	case ROLE_BOX: push_frame(docx); break;
	case ROLE_CITED: begin_note(docx, attributes); break;
	case ROLE_ALTERNATIVES: ooxml_choice_begin(&docx->choice); break;
	case ROLE_BRANCH: docx->dropping = !ooxml_branch_begin(&docx->choice, docx->text); break;
	default:
		if (role < ROLE_TEXT || role == ROLE_HEADER_ROW || role == ROLE_GAP ||
			role == ROLE_SPAN || role == ROLE_MERGED)
			property(docx, role, attributes);
		else
			content(docx, role, attributes);
	}
}

static void end(void *context, const char *name, const char *space)
{
	struct docx *docx = context;

	(void)space;
	if (docx->dropping) {
		docx->dropping--;
		return;
	}
	int role = office_role(roles, ARRAY_LEN(roles), name);
	if (docx->lost_frames && role != ROLE_BOX)
		return;
	switch (role) {
	case ROLE_PARAGRAPH: close_paragraph(docx); break;
	case ROLE_TEXT: docx->in_text = false; break;
	case ROLE_TABLE: close_table(docx); break;
	case ROLE_ROW: begin_row(docx); break;
	case ROLE_CELL: begin_cell(docx); break;
	case ROLE_BOX: pop_frame(docx); break;
	case ROLE_CITED: end_note(docx); break;
	case ROLE_ALTERNATIVES: ooxml_choice_end(&docx->choice); break;
	case ROLE_BRANCH: ooxml_branch_end(&docx->choice, docx->text); break;
	default: break;
	}
}

static void text(void *context, const char *utf8, size_t len)
{
	struct docx *docx = context;

	if (docx->in_text && !docx->dropping && !docx->lost_frames)
		add_words(docx, utf8, len);
}

static int failed(void *context)
{
	struct docx *docx = context;

	return flow_failed(&docx->flow);
}

static const struct xml_handler handler = {
	.start = start, .end = end, .text = text, .failed = failed};

/* Walk a part from a clean state, whatever the one before left open. */
static int walk(struct docx *docx, const char *part, const struct ooxml_rels *rels, struct err *err)
{
	docx->rels = rels;
	docx->dropping = docx->fields = docx->lost_frames = 0;
	docx->results = UINT64_MAX;
	docx->in_text = false;
	docx->choice.depth = 0;
	int rc = xml_part(docx->ooxml.package, part, &handler, docx, err);
	docx->dropping = docx->lost_frames = 0;
	while (docx->frame)
		pop_frame(docx);
	close_paragraph(docx);
	while (current(docx)->tables)
		close_table(docx);
	return rc;
}

/* The parts around the main one. */

static void read_notes(struct docx *docx, const char *type, struct office_tapes *notes)
{
	const char *part = ooxml_rel_of_type(&docx->ooxml.rels, type);
	struct err ignored = ERR_NONE;
	AUTO_BUF struct buf nowhere;

	buf_init(&nowhere, OFFICE_TAPE_MAX);
	if (!part)
		return;
	docx->notes = notes;
	flow_record(&docx->flow, &nowhere);
	walk(docx, part, &docx->ooxml.rels, &ignored);
	flow_record(&docx->flow, NULL);
	docx->notes = NULL;
}

/* Headers or footers, each once, though there are some for first and even pages and for sections
 * that say the same. */
static void read_edges(struct docx *docx, const char *type, struct office_tapes *edges)
{
	const struct ooxml_rels *rels = &docx->ooxml.rels;
	struct err ignored = ERR_NONE;

	docx->notes = edges;
	for (size_t i = 0; i < rels->count && edges->count < 256; i++) {
		if (strcmp(rels->at[i].type, type))
			continue;
		struct buf *tape = office_tapes_add(edges, "", 0);
		if (!tape)
			break;
		flow_record(&docx->flow, tape);
		walk(docx, rels->at[i].target, rels, &ignored);
		flow_record(&docx->flow, NULL);
		office_edges_settle(edges);
	}
	docx->notes = NULL;
}

static void read_around(struct docx *docx)
{
	const struct ooxml *ooxml = &docx->ooxml;
	struct office_tapes headers = {.at = NULL};

	docx_styles_read(&docx->styles, ooxml->package, ooxml_rel_of_type(&ooxml->rels, "styles"));
	docx->numbers =
		docx_numbers_read(ooxml->package, ooxml_rel_of_type(&ooxml->rels, "numbering"));
	read_notes(docx, "footnotes", &docx->footnotes);
	read_notes(docx, "endnotes", &docx->endnotes);
	read_notes(docx, "comments", &docx->comments);
	read_edges(docx, "header", &headers);
	read_edges(docx, "footer", &docx->footers);
	office_edges_say(&headers, &docx->flow);
	office_tapes_release(&headers);
}

static void release(struct docx *docx)
{
	office_tapes_release(&docx->footnotes);
	office_tapes_release(&docx->endnotes);
	office_tapes_release(&docx->comments);
	office_tapes_release(&docx->footers);
	docx_styles_release(&docx->styles);
	docx_numbers_free(docx->numbers);
	release_frame(&docx->frames[0]);
	buf_release(&docx->title);
	ooxml_close(&docx->ooxml);
	free(docx);
}

static int read_document(struct docx *docx, struct out *out, struct err *err)
{
	static const char *const breaks[] = {
		"lastRenderedPageBreak", "w:type=\"page\"", "pageBreakBefore"};

	docx->has_pages =
		office_part_has(docx->ooxml.package, docx->ooxml.main, breaks, ARRAY_LEN(breaks));
	flow_init(&docx->flow, out);
	if (docx->has_pages)
		flow_page(&docx->flow, docx->page = 1);
	read_around(docx);
	int rc = walk(docx, docx->ooxml.main, &docx->ooxml.rels, err);
	office_edges_say(&docx->footers, &docx->flow);
	int failure = flow_finish(&docx->flow);
	return failure ? failure : rc;
}

int docx_read(const struct source *source, struct out *out, struct err *err)
{
	struct docx *docx = calloc(1, sizeof(*docx));

	if (!docx)
		return err_set(err, -ENOMEM, "memory is short");
	buf_init(&docx->title, 4096);
	buf_init(&docx->frames[0].after, OFFICE_TAPE_MAX);
	buf_init(&docx->frames[0].notes, OFFICE_TAPE_MAX);
	int rc = ooxml_open(&docx->ooxml, source, "document.xml", err);
	if (!rc) {
		rc = read_document(docx, out, err);
		ooxml_properties(&docx->ooxml, "Pages", out);
		if (docx->title.len)
			out_field(out, FIELD_TITLE, docx->title.data, docx->title.len);
		ooxml_embedded(&docx->ooxml, out);
		rc = office_result(out, rc, docx->ooxml.members, err);
	}
	release(docx);
	return rc;
}
