/* SPDX-License-Identifier: Apache-2.0 */
/* PresentationML: a page a slide, in the order of the presentation. A slide is a heap of shapes in
 * the order in which they were drawn: each is recorded, and they are said from top to bottom where
 * all of them tell their place (a placeholder may leave that to its layout). Text of layouts and
 * masters is the designer's, not the author's, and is not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/reader.h"
#include "core/parse/readers/ooxml.h"

#define SLIDES_MAX 16384
#define SHAPES_MAX 4096 /* of a slide; what is beyond comes in the order of the file */

enum {
	ROLE_SHAPE = 1, /* or a group of them, as one */
	ROLE_PLACEHOLDER,
	ROLE_PLACE,
	ROLE_SIZE,
	ROLE_ALT_TEXT,
	ROLE_BODY,
	ROLE_PARAGRAPH,
	ROLE_TEXT,
	ROLE_LINE,
	ROLE_TABLE,
	ROLE_TABLE_STYLE,
	ROLE_ROW,
	ROLE_CELL,
	ROLE_CHART,
	ROLE_DIAGRAM,
	ROLE_ALTERNATIVES,
	ROLE_BRANCH
};

static const struct office_role roles[] = {
	{"AlternateContent", ROLE_ALTERNATIVES},
	{"Choice", ROLE_BRANCH},
	{"Fallback", ROLE_BRANCH},
	{"br", ROLE_LINE},
	{"cNvPr", ROLE_ALT_TEXT},
	{"chart", ROLE_CHART},
	{"cxnSp", ROLE_SHAPE},
	{"ext", ROLE_SIZE},
	{"graphicFrame", ROLE_SHAPE},
	{"grpSp", ROLE_SHAPE},
	{"off", ROLE_PLACE},
	{"p", ROLE_PARAGRAPH},
	{"ph", ROLE_PLACEHOLDER},
	{"pic", ROLE_SHAPE},
	{"relIds", ROLE_DIAGRAM},
	{"sp", ROLE_SHAPE},
	{"t", ROLE_TEXT},
	{"tbl", ROLE_TABLE},
	{"tblPr", ROLE_TABLE_STYLE},
	{"tc", ROLE_CELL},
	{"tr", ROLE_ROW},
	{"txBody", ROLE_BODY},
};

struct shape {
	long x, y, height;
	bool has_place, has_size;
	bool is_title, is_notes, is_edge, is_number, has_paragraph;
	size_t order; /* in the file */
	struct buf tape;
};

struct pptx {
	struct flow flow;
	struct ooxml ooxml;
	struct office_tapes authors; /* of comments, by id: names */
	struct office_tapes edges; /* footers that were said */
	struct ooxml_rels rels; /* of the slide */
	struct shape *shapes;
	size_t count, cap;
	struct shape shape; /* that is open */
	unsigned shape_depth; /* shapes that are open, one in the other */
	unsigned dropping;
	struct ooxml_choice choice;
	uint64_t text;
	bool in_text, is_header_row;
	struct buf title; /* of the first slide that has one */
	bool has_title;
};

/* Shapes. */

static void begin_shape(struct pptx *pptx)
{
	if (pptx->shape_depth++)
		return;
	pptx->shape = (struct shape){.order = pptx->count};
	buf_init(&pptx->shape.tape, OFFICE_TAPE_MAX);
	flow_record(&pptx->flow, &pptx->shape.tape);
}

static bool make_room(struct pptx *pptx)
{
	if (pptx->count == SHAPES_MAX)
		return false;
	if (pptx->count < pptx->cap)
		return true;
	size_t cap = pptx->cap ? pptx->cap * 2 : 16;
	struct shape *shapes = realloc(pptx->shapes, cap * sizeof(*shapes));
	if (!shapes)
		return false;
	pptx->shapes = shapes;
	pptx->cap = cap;
	return true;
}

static void end_shape(struct pptx *pptx)
{
	if (!pptx->shape_depth || --pptx->shape_depth)
		return;
	flow_record(&pptx->flow, NULL);
	if (pptx->shape.tape.len && make_room(pptx)) {
		pptx->shapes[pptx->count++] = pptx->shape;
		return;
	}
	if (pptx->shape.tape.len)
		flow_play(&pptx->flow, &pptx->shape.tape);
	buf_release(&pptx->shape.tape);
}

static void set_placeholder(struct shape *shape, const struct xml_attributes *attributes)
{
	AUTO_FREE char *type = xml_attribute_copy(attributes, "type");

	if (!type)
		return;
	shape->is_title = !strcmp(type, "title") || !strcmp(type, "ctrTitle");
	shape->is_notes = !strcmp(type, "body");
	shape->is_edge = !strcmp(type, "ftr") || !strcmp(type, "hdr");
	shape->is_number = !strcmp(type, "sldNum") || !strcmp(type, "dt");
}

/* EMU, 914,400 an inch: so that differences are numbers, too. */
static long bounded(long length)
{
	const long most = 1L << 40;

	return length < -most ? -most : length > most ? most : length;
}

static void set_place(struct shape *shape, const struct xml_attributes *attributes)
{
	if (shape->has_place)
		return;
	shape->has_place = true;
	shape->x = bounded(xml_attribute_number(attributes, "x", 0));
	shape->y = bounded(xml_attribute_number(attributes, "y", 0));
}

/* The element "ext" is a size, and a place for extensions, too. */
static void set_size(struct shape *shape, const struct xml_attributes *attributes)
{
	long height = xml_attribute_number(attributes, "cy", -1);

	if (shape->has_size || height < 0)
		return;
	shape->has_size = true;
	shape->height = bounded(height);
}

/* The title first, then by the tops of the shapes; order_shapes mends the rows. */
static int compare_tops(const void *a, const void *b)
{
	const struct shape *one = a, *other = b;

	if (one->is_title != other->is_title)
		return one->is_title ? -1 : 1;
	if (one->y != other->y)
		return one->y < other->y ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

static int compare_orders(const void *a, const void *b)
{
	const struct shape *one = a, *other = b;

	if (one->is_title != other->is_title)
		return one->is_title ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

static int compare_lefts(const void *a, const void *b)
{
	const struct shape *one = a, *other = b;

	if (one->x != other->x)
		return one->x < other->x ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

/* Shapes whose tops lie within the upper half of the first one of a row stand beside it. */
static void order_shapes(struct pptx *pptx)
{
	struct shape *shapes = pptx->shapes;
	bool are_placed = true;

	for (size_t i = 0; i < pptx->count; i++)
		are_placed = are_placed && (shapes[i].has_place || shapes[i].is_title);
	if (pptx->count)
		qsort(shapes, pptx->count, sizeof(*shapes),
			are_placed ? compare_tops : compare_orders);
	for (size_t i = 0, end; are_placed && i < pptx->count; i = end) {
		for (end = i + 1; end < pptx->count && !shapes[i].is_title; end++)
			if (shapes[end].y - shapes[i].y > shapes[i].height / 2)
				break;
		qsort(shapes + i, end - i, sizeof(*shapes), compare_lefts);
	}
}

/* A footer stands on every slide: it is said once. */
static bool is_new_edge(struct pptx *pptx, const struct buf *tape)
{
	AUTO_BUF struct buf text;

	buf_init(&text, 4096);
	flow_tape_text(tape, &text);
	if (!text.len || office_tapes_find(&pptx->edges, text.data))
		return false;
	return office_tapes_add(&pptx->edges, text.data, text.len) != NULL;
}

static void keep_title(struct pptx *pptx, const struct buf *tape)
{
	if (!pptx->has_title)
		flow_tape_text(tape, &pptx->title);
	pptx->has_title = true;
}

static void say_shapes(struct pptx *pptx, bool is_notes)
{
	bool is_labelled = false;

	order_shapes(pptx);
	for (size_t i = 0; i < pptx->count; i++) {
		struct shape *shape = &pptx->shapes[i];
		bool is_said = is_notes	 ? shape->is_notes
			: shape->is_edge ? is_new_edge(pptx, &shape->tape)
					 : !shape->is_number;
		if (is_said && is_notes && !is_labelled && office_has_words(&shape->tape)) {
			flow_paragraph(&pptx->flow);
			flow_words(&pptx->flow, "Notes: ", 7);
			is_labelled = true;
		} else if (is_said) {
			flow_paragraph(&pptx->flow);
		}
		if (is_said && shape->is_title && !is_notes)
			keep_title(pptx, &shape->tape);
		if (is_said)
			flow_play(&pptx->flow, &shape->tape);
		buf_release(&shape->tape);
	}
	pptx->count = 0;
}

/* Text. */

static void begin_paragraph(struct pptx *pptx)
{
	bool is_label_before = pptx->shape.is_notes && !pptx->shape.has_paragraph;

	pptx->shape.has_paragraph = true;
	if (pptx->shape.is_title || is_label_before)
		flow_space(&pptx->flow);
	else
		flow_line(&pptx->flow);
}

static void begin_body(struct pptx *pptx)
{
	if (pptx->shape.is_title)
		flow_heading(&pptx->flow, 1);
	else if (!pptx->shape.is_notes)
		flow_paragraph(&pptx->flow);
}

static void end_body(struct pptx *pptx)
{
	if (pptx->shape.is_title)
		flow_heading_end(&pptx->flow);
}

/* What a cell covers to its right is in the file, too, as cells of their own; so is what it covers
 * below, where the column counts. */
static void begin_cell(struct pptx *pptx, const struct xml_attributes *attributes)
{
	long span = xml_attribute_number(attributes, "gridSpan", 1);

	if (ooxml_is_on(attributes, "hMerge", false)) {
		pptx->dropping = 1;
		return;
	}
	flow_cell(&pptx->flow, span >= 1 && span <= 1000 ? (unsigned)span : 1);
	if (ooxml_is_on(attributes, "vMerge", false))
		pptx->dropping = 1;
}

static void draw(struct pptx *pptx, const struct xml_attributes *attributes, const char *name)
{
	const char *part = ooxml_rel_of(&pptx->rels, attributes, name);

	if (!part)
		return;
	ooxml_drawing(pptx->ooxml.package, part, &pptx->flow);
	pptx->text++;
}

static void alt_text(struct pptx *pptx, const struct xml_attributes *attributes)
{
	if (!pptx->shape_depth || pptx->shape.is_title)
		return;
	if (office_attribute_words(&pptx->flow, attributes, "descr"))
		flow_paragraph(&pptx->flow);
}

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct pptx *pptx = context;

	(void)space;
	if (pptx->dropping) {
		pptx->dropping++;
		return;
	}
	switch (office_role(roles, ARRAY_LEN(roles), name)) {
	case ROLE_SHAPE: begin_shape(pptx); break;
	case ROLE_PLACEHOLDER: set_placeholder(&pptx->shape, attributes); break;
	case ROLE_PLACE: set_place(&pptx->shape, attributes); break;
	case ROLE_SIZE: set_size(&pptx->shape, attributes); break;
	case ROLE_ALT_TEXT: alt_text(pptx, attributes); break;
	case ROLE_BODY: begin_body(pptx); break;
	case ROLE_PARAGRAPH: begin_paragraph(pptx); break;
	case ROLE_TEXT: pptx->in_text = true; break;
	case ROLE_LINE: begin_paragraph(pptx); break;
	case ROLE_TABLE: flow_table(&pptx->flow); break;
	case ROLE_TABLE_STYLE:
		pptx->is_header_row = ooxml_is_on(attributes, "firstRow", false);
		break;
	case ROLE_ROW:
		flow_row(&pptx->flow, pptx->is_header_row);
		pptx->is_header_row = false;
		break;
	case ROLE_CELL: begin_cell(pptx, attributes); break;
	case ROLE_CHART: draw(pptx, attributes, "id"); break;
	case ROLE_DIAGRAM: draw(pptx, attributes, "dm"); break;
	case ROLE_ALTERNATIVES: ooxml_choice_begin(&pptx->choice); break;
	case ROLE_BRANCH: pptx->dropping = !ooxml_branch_begin(&pptx->choice, pptx->text); break;
	default: break;
	}
}

static void end(void *context, const char *name, const char *space)
{
	struct pptx *pptx = context;

	(void)space;
	if (pptx->dropping) {
		pptx->dropping--;
		return;
	}
	switch (office_role(roles, ARRAY_LEN(roles), name)) {
	case ROLE_SHAPE: end_shape(pptx); break;
	case ROLE_BODY: end_body(pptx); break;
	case ROLE_TEXT: pptx->in_text = false; break;
	case ROLE_TABLE: flow_table_end(&pptx->flow); break;
	case ROLE_ALTERNATIVES: ooxml_choice_end(&pptx->choice); break;
	case ROLE_BRANCH: ooxml_branch_end(&pptx->choice, pptx->text); break;
	default: break;
	}
}

static void text(void *context, const char *utf8, size_t len)
{
	struct pptx *pptx = context;

	if (!pptx->in_text || pptx->dropping)
		return;
	office_words(&pptx->flow, utf8, len);
	pptx->text += len;
}

static int failed(void *context)
{
	struct pptx *pptx = context;

	return flow_failed(&pptx->flow);
}

static int read_shapes(struct pptx *pptx, const char *part, bool is_notes, struct err *err)
{
	static const struct xml_handler handler = {
		.start = start, .end = end, .text = text, .failed = failed};

	pptx->dropping = pptx->choice.depth = 0;
	pptx->in_text = pptx->is_header_row = false;
	int rc = xml_part(pptx->ooxml.package, part, &handler, pptx, err);
	pptx->shape_depth = pptx->shape_depth > 0;
	end_shape(pptx);
	say_shapes(pptx, is_notes);
	return rc;
}

/* Comments, in either of their two forms. */

static void start_comment(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct pptx *pptx = context;

	(void)space;
	pptx->in_text = pptx->in_text || !strcmp(name, "t") || !strcmp(name, "text");
	if (!strcmp(name, "br") || !strcmp(name, "p"))
		flow_space(&pptx->flow);
	if (strcmp(name, "cm") && strcmp(name, "reply"))
		return;
	AUTO_FREE char *id = xml_attribute_copy(attributes, "authorId");
	const struct buf *author = id ? office_tapes_find(&pptx->authors, id) : NULL;
	flow_paragraph(&pptx->flow);
	flow_words(&pptx->flow, "Comment", 7);
	if (author && author->len) {
		flow_words(&pptx->flow, " by ", 4);
		flow_words(&pptx->flow, author->data, author->len);
	}
	flow_words(&pptx->flow, ": ", 2);
}

static void end_comment(void *context, const char *name, const char *space)
{
	struct pptx *pptx = context;

	(void)space;
	if (!strcmp(name, "t") || !strcmp(name, "text"))
		pptx->in_text = false;
}

static void read_comments(struct pptx *pptx, const char *part)
{
	static const struct xml_handler handler = {
		.start = start_comment, .end = end_comment, .text = text, .failed = failed};
	struct err ignored = ERR_NONE;

	pptx->dropping = 0;
	pptx->in_text = false;
	xml_part(pptx->ooxml.package, part, &handler, pptx, &ignored);
	flow_paragraph(&pptx->flow);
}

static void add_author(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct pptx *pptx = context;

	(void)space;
	if (strcmp(name, "cmAuthor") && strcmp(name, "author"))
		return;
	AUTO_FREE char *id = xml_attribute_copy(attributes, "id");
	AUTO_FREE char *author = xml_attribute_copy(attributes, "name");
	struct buf *entry = id && author ? office_tapes_add(&pptx->authors, id, strlen(id)) : NULL;
	if (entry)
		buf_adds(entry, author);
}

static void read_authors(struct pptx *pptx)
{
	static const struct xml_handler handler = {.start = add_author};
	static const char *const types[] = {"commentAuthors", "authors"};
	struct err ignored = ERR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *part = ooxml_rel_of_type(&pptx->ooxml.rels, types[i]);
		if (part)
			xml_part(pptx->ooxml.package, part, &handler, pptx, &ignored);
	}
}

/* Slides. */

static int read_slide(struct pptx *pptx, const char *part, uint32_t number, struct err *err)
{
	struct err ignored = ERR_NONE;

	flow_page(&pptx->flow, number);
	ooxml_rels_read(&pptx->rels, pptx->ooxml.package, part);
	int rc = office_part_result(read_shapes(pptx, part, false, err), part, err);
	const char *notes = ooxml_rel_of_type(&pptx->rels, "notesSlide");
	for (size_t i = 0; i < pptx->rels.count; i++)
		if (!strcmp(pptx->rels.at[i].type, "comments"))
			read_comments(pptx, pptx->rels.at[i].target);
	if (notes)
		read_shapes(pptx, notes, true, &ignored);
	ooxml_rels_release(&pptx->rels);
	return rc;
}

struct slides {
	const struct ooxml_rels *rels;
	const char *parts[SLIDES_MAX];
	size_t count;
};

static void add_slide(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct slides *slides = context;

	(void)space;
	if (strcmp(name, "sldId") || slides->count == SLIDES_MAX)
		return;
	const char *part = ooxml_rel_of(slides->rels, attributes, "id");
	if (part)
		slides->parts[slides->count++] = part;
}

static unsigned long slide_number(const char *part)
{
	const char *digits = strrchr(part, '/');

	digits = digits ? digits + strcspn(digits, "0123456789") : part;
	return strtoul(digits, NULL, 10);
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned long one = slide_number(*(const char *const *)a);
	unsigned long other = slide_number(*(const char *const *)b);

	return one < other ? -1 : one > other;
}

/* Where the presentation does not name its slides: those that are there. */
static void find_slides(struct pptx *pptx, struct slides *slides)
{
	static const char folder[] = "ppt/slides/slide";

	for (size_t i = 0; i < package_count(pptx->ooxml.package); i++) {
		const char *part = package_name(pptx->ooxml.package, i);
		if (!strncmp(part, folder, sizeof(folder) - 1) && slides->count < SLIDES_MAX)
			slides->parts[slides->count++] = part;
	}
	if (slides->count)
		qsort(slides->parts, slides->count, sizeof(*slides->parts), compare_numbers);
}

static int read_slides(struct pptx *pptx, struct err *err)
{
	static const struct xml_handler handler = {.start = add_slide};
	AUTO_FREE struct slides *slides = calloc(1, sizeof(*slides));

	if (!slides)
		return err_set(err, -ENOMEM, "memory is short");
	slides->rels = &pptx->ooxml.rels;
	int rc = office_part_result(
		xml_part(pptx->ooxml.package, pptx->ooxml.main, &handler, slides, err),
		pptx->ooxml.main, err);
	if (!slides->count)
		find_slides(pptx, slides);
	if (!slides->count && !rc)
		rc = err_set(
			err, -ENODATA, "no text can be extracted: the presentation has no slides");
	read_authors(pptx);
	for (size_t i = 0; i < slides->count && !flow_failed(&pptx->flow); i++) {
		int failure = read_slide(pptx, slides->parts[i], (uint32_t)i + 1, err);
		rc = rc ? rc : failure;
	}
	return rc;
}

static void release(struct pptx *pptx)
{
	office_tapes_release(&pptx->authors);
	office_tapes_release(&pptx->edges);
	free(pptx->shapes);
	buf_release(&pptx->title);
	ooxml_close(&pptx->ooxml);
}

int pptx_read(const struct source *source, struct out *out, struct err *err)
{
	struct pptx pptx = {.shape_depth = 0};

	buf_init(&pptx.title, 4096);
	int rc = ooxml_open(&pptx.ooxml, source, "presentation.xml", err);
	if (!rc) {
		flow_init(&pptx.flow, out);
		rc = read_slides(&pptx, err);
		int failure = flow_finish(&pptx.flow);
		ooxml_properties(&pptx.ooxml, "Slides", out);
		if (pptx.title.len)
			out_field(out, FIELD_TITLE, pptx.title.data, pptx.title.len);
		ooxml_embedded(&pptx.ooxml, out);
		rc = office_result(out, failure ? failure : rc, pptx.ooxml.members, err);
	}
	release(&pptx);
	return rc;
}
