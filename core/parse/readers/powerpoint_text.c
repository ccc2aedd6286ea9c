/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a slide. They lie in the boxes of its drawing, or in the presentation's outline,
 * which a box then points into. Records are nested: the way down is a stack, and what is deeper
 * than it is left out. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/powerpoint.h"

#define DEPTH_MAX      64
#define REFERENCES_MAX 1024 /* of one slide */
#define TEXT_MAX       ((size_t)4 << 20) /* bytes of one text */

#define OPTION_WORD_ART 0xc0 /* an option of a shape: the text that it is drawn from */

/* What a text is, by its header. */
enum { TEXT_TITLE = 0, TEXT_BODY = 1, TEXT_NOTES = 2, TEXT_OTHER = 4, TEXT_CENTER_TITLE = 6 };
enum { STRING_COMMENT = 1, STRING_FOOTER = 2 };

/* Which of them are wanted. */
enum want { WANT_TITLES, WANT_REST, WANT_NOTES, WANT_OTHER_NOTES };

struct slide {
	struct flow *flow;
	struct bytes outline;
	enum want want;
	unsigned text_type; /* of the text that follows */
	unsigned references; /* of boxes into it */
	bool has_label; /* "Notes:" is written */
};

static bool is_wanted(const struct slide *slide)
{
	bool is_title = slide->text_type == TEXT_TITLE || slide->text_type == TEXT_CENTER_TITLE;

	if (slide->want >= WANT_NOTES)
		return slide->text_type == (slide->want == WANT_NOTES ? TEXT_NOTES : TEXT_OTHER);
	return is_title == (slide->want == WANT_TITLES);
}

static void write_lines(struct slide *slide, const struct buf *text)
{
	struct flow *flow = slide->flow;
	const char *at = text->data, *end = at + text->len;

	if (slide->want >= WANT_NOTES && !slide->has_label) {
		slide->has_label = true;
		flow_paragraph(flow);
		flow_words(flow, "Notes: ", 7);
	}
	while (at < end) {
		const char *stop = at;
		while (stop < end && *stop != '\r' && *stop != '\v' && *stop != '\n')
			stop++;
		flow_words(flow, at, (size_t)(stop - at));
		flow_line(flow);
		at = stop + 1;
	}
	flow_paragraph(flow);
}

/* A star alone stands where the number of the slide, or the date, is put in. */
static void write_text(struct slide *slide, struct bytes data, unsigned codepage)
{
	AUTO_BUF struct buf text;

	buf_init(&text, TEXT_MAX);
	codepage_text(codepage, data, &text);
	if (!text.len || (text.len == 1 && text.data[0] == '*'))
		return;
	if (slide->want != WANT_TITLES) {
		write_lines(slide, &text);
		return;
	}
	flow_heading(slide->flow, 1);
	flow_words(slide->flow, text.data, text.len);
	flow_heading_end(slide->flow);
}

static bool take_text(struct slide *slide, const struct ppt_record *record)
{
	switch (record->type) {
	case PPT_TEXT_HEADER: slide->text_type = bytes_u32(record->data, 0); return true;
	case PPT_TEXT_CHARS:
		if (is_wanted(slide))
			write_text(slide, record->data, CODEPAGE_UTF16);
		return true;
	case PPT_TEXT_BYTES:
		if (is_wanted(slide))
			write_text(slide, record->data, CODEPAGE_WESTERN);
		return true;
	default: return false;
	}
}

/* Text number @index of the outline; all of them for UINT32_MAX. */
static void write_outline(struct slide *slide, uint32_t index)
{
	struct ppt_record record;
	uint32_t number = UINT32_MAX;

	for (size_t at = 0; ppt_next(slide->outline, &at, &record);) {
		number += record.type == PPT_TEXT_HEADER;
		if (number == index || index == UINT32_MAX)
			take_text(slide, &record);
	}
}

/* Options are numbers of a fixed size; what is longer lies behind all of them. */
static void write_word_art(struct slide *slide, const struct ppt_record *record)
{
	size_t at = (size_t)record->instance * 6;

	for (unsigned i = 0; i < record->instance && slide->want == WANT_REST; i++) {
		unsigned id = bytes_u16(record->data, (size_t)i * 6);
		uint32_t len = bytes_u32(record->data, (size_t)i * 6 + 2);
		if (!(id & 0x8000))
			continue;
		if ((id & 0x3fff) == OPTION_WORD_ART && len >= 2)
			write_text(slide, bytes_part(record->data, at, len - 2), CODEPAGE_UTF16);
		at += len;
	}
}

/* @parent: the type of the record around it. */
static void take(struct slide *slide, const struct ppt_record *record, unsigned parent)
{
	bool is_rest = slide->want == WANT_REST;

	if (take_text(slide, record))
		return;
	switch (record->type) {
	case PPT_TEXT_BOX: slide->text_type = TEXT_OTHER; break;
	case PPT_OUTLINE_REFERENCE:
		if (slide->references++ < REFERENCES_MAX)
			write_outline(slide, bytes_u32(record->data, 0));
		break;
	case PPT_SHAPE_OPTIONS: write_word_art(slide, record); break;
	case PPT_STRING:
		if (is_rest && parent == PPT_COMMENT && record->instance == STRING_COMMENT) {
			flow_words(slide->flow, "Comment: ", 9);
			write_text(slide, record->data, CODEPAGE_UTF16);
		} else if (is_rest && parent == PPT_HEADERS_FOOTERS &&
			record->instance == STRING_FOOTER) {
			write_text(slide, record->data, CODEPAGE_UTF16);
		}
		break;
	default: break;
	}
}

static void walk(struct slide *slide, struct bytes records)
{
	struct {
		struct bytes records;
		size_t at;
		unsigned type;
	} stack[DEPTH_MAX] = {{.records = records}};
	size_t depth = 1;
	struct ppt_record record;

	while (depth && !flow_failed(slide->flow)) {
		if (!ppt_next(stack[depth - 1].records, &stack[depth - 1].at, &record)) {
			depth--;
			continue;
		}
		take(slide, &record, stack[depth - 1].type);
		bool has_records = record.is_container || record.type == PPT_BINARY_TAG_DATA;
		if (!has_records || depth == DEPTH_MAX)
			continue;
		stack[depth].records = record.data;
		stack[depth].at = 0;
		stack[depth++].type = record.type;
	}
}

void ppt_write_slide(struct bytes record, struct bytes outline, struct flow *flow)
{
	struct slide slide = {.flow = flow, .outline = outline};

	for (slide.want = WANT_TITLES; slide.want <= WANT_REST; slide.want++) {
		slide.references = 0;
		walk(&slide, record);
		if (!slide.references)
			write_outline(&slide, UINT32_MAX);
	}
}

/* Some programs write notes as any text. */
void ppt_write_notes(struct bytes record, struct flow *flow)
{
	struct slide slide = {.flow = flow, .want = WANT_NOTES};

	walk(&slide, record);
	slide.want = WANT_OTHER_NOTES;
	if (!slide.has_label)
		walk(&slide, record);
}
