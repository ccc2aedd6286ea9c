/* SPDX-License-Identifier: Apache-2.0 */
/* From characters to paragraphs. What a paragraph is stands at its mark, behind its text: so its
 * text is gathered first.
 *
 * A table has no marks of its own but for its cells' (0x07): a row is a row of cells, and one
 * mark more, whose paragraph says that it ends the row. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/word.h"
#include "core/text/utf8.h"

#define PARAGRAPH_MAX	((size_t)1 << 20) /* a longer one is written in parts */
#define FIELDS_MAX	64 /* one inside the other; what is deeper is shown whole */
#define INSTRUCTION_MAX 32768 /* a longer one is a field whose end is lost */
#define HEADING_MAX	400 /* bytes: a longer paragraph is text, whatever its style */

enum {
	MARK_CELL = 0x07,
	MARK_LINE = 0x0b,
	MARK_PAGE_BREAK = 0x0c,
	MARK_PARAGRAPH = 0x0d,
	MARK_COLUMN = 0x0e,
	FIELD_BEGIN = 0x13,
	FIELD_RESULT = 0x14,
	FIELD_END = 0x15,
	HYPHEN_HARD = 0x1e
};

struct text {
	const struct word *word;
	struct flow *flow;
	uint32_t *page;
	struct buf paragraph; /* UTF-8 */
	struct buf narrow; /* bytes in the document's code page, not yet in @paragraph */
	uint32_t high; /* half of a pair, or 0 */
	unsigned depth; /* of fields */
	uint64_t instructions; /* a bit a field: its result has not begun */
	size_t instruction_len;
	bool in_table, in_row, in_cell;
};

static void flush_narrow(struct text *text)
{
	unsigned codepage = text->word->codepage;

	if (text->narrow.len)
		codepage_text(codepage, bytes_of(&text->narrow), &text->paragraph);
	buf_clear(&text->narrow);
}

static void add_code_point(struct text *text, uint32_t c)
{
	char utf8[4];

	flush_narrow(text);
	buf_add(&text->paragraph, utf8, utf8_encode(c, utf8));
}

static void add_unit(struct text *text, uint32_t c)
{
	uint32_t high = text->high;

	text->high = 0;
	if (c >= 0xd800 && c < 0xdc00)
		text->high = c;
	else if (c >= 0xdc00 && c < 0xe000)
		add_code_point(
			text, high ? 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00) : 0xfffd);
	else if (c >= 0xf000 && c < 0xf100) /* a symbol font's: a bullet, as a rule */
		add_code_point(text, c == 0xf0b7 || c == 0xf0a7 ? 0x2022 : ' ');
	else
		add_code_point(text, c);
}

/* Lines that a paragraph's author has broken. */
static void write_lines(struct flow *flow, const struct buf *paragraph)
{
	const char *at = paragraph->data, *end = at + paragraph->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		flow_words(flow, at, (size_t)(stop - at));
		if (newline)
			flow_line(flow);
		at = stop + 1;
	}
}

static void close_table(struct text *text)
{
	if (text->in_table)
		flow_table_end(text->flow);
	text->in_table = text->in_row = text->in_cell = false;
}

static void open_cell(struct text *text, const struct word_paragraph *paragraph)
{
	if (!text->in_table)
		flow_table(text->flow);
	if (!text->in_row)
		flow_row(text->flow, word_is_header_row(text->word, paragraph));
	if (!text->in_cell)
		flow_cell(text->flow, 1);
	text->in_table = text->in_row = text->in_cell = true;
}

static void end_row(struct text *text)
{
	if (text->in_row)
		flow_row_end(text->flow);
	text->in_row = text->in_cell = false;
}

static void write_in_table(
	struct text *text, const struct word_paragraph *paragraph, bool is_cell_end)
{
	bool is_row_end = paragraph && paragraph->is_row_end && paragraph->depth < 2;

	if (is_row_end) {
		end_row(text);
		return;
	}
	open_cell(text, paragraph);
	write_lines(text->flow, &text->paragraph);
	if (!is_cell_end)
		flow_line(text->flow);
	else if (!paragraph || paragraph->depth < 2)
		text->in_cell = false;
}

static void write_paragraph(struct text *text, const struct word_paragraph *paragraph)
{
	unsigned level = word_level(text->word, paragraph);

	if (!text->paragraph.len)
		return;
	bool is_list = paragraph && paragraph->is_list;
	if (level && text->paragraph.len <= HEADING_MAX) {
		flow_heading(text->flow, level);
		flow_words(text->flow, text->paragraph.data, text->paragraph.len);
		flow_heading_end(text->flow);
		return;
	}
	write_lines(text->flow, &text->paragraph);
	(is_list ? flow_line : flow_paragraph)(text->flow);
}

static void end_paragraph(struct text *text, uint32_t offset, bool is_cell_end)
{
	const struct word_paragraph *paragraph = word_paragraph_at(text->word, offset);

	flush_narrow(text);
	if (is_cell_end || (paragraph && paragraph->is_in_table)) {
		write_in_table(text, paragraph, is_cell_end);
	} else {
		close_table(text);
		if (text->page && text->flow->has_text && paragraph && paragraph->begins_page)
			flow_page(text->flow, ++*text->page);
		write_paragraph(text, paragraph);
	}
	buf_clear(&text->paragraph);
}

static void break_page(struct text *text, uint32_t number, uint32_t offset)
{
	end_paragraph(text, offset, false);
	if (!text->page || text->in_table || word_section_is_continuous(text->word, number + 1))
		return;
	flow_page(text->flow, ++*text->page);
}

/* True: @c is part of a field's machinery, or of what is not shown of it. */
static bool take_field(struct text *text, uint32_t c)
{
	uint64_t bit =
		text->depth && text->depth <= FIELDS_MAX ? UINT64_C(1) << (text->depth - 1) : 0;

	switch (c) {
	case FIELD_BEGIN:
		if (text->depth < FIELDS_MAX)
			text->instructions |= UINT64_C(1) << text->depth;
		text->depth++;
		text->instruction_len = 0;
		return true;
	case FIELD_RESULT: text->instructions &= ~bit; return true;
	case FIELD_END:
		text->instructions &= ~bit;
		text->depth -= text->depth > 0;
		return true;
	default: break;
	}
	if (text->instructions && ++text->instruction_len > INSTRUCTION_MAX)
		text->instructions = text->depth = 0;
	return text->instructions != 0;
}

static void take_control(struct text *text, uint32_t c, uint32_t number, uint32_t offset)
{
	switch (c) {
	case MARK_CELL: end_paragraph(text, offset, true); break;
	case MARK_PARAGRAPH: end_paragraph(text, offset, false); break;
	case MARK_PAGE_BREAK: break_page(text, number, offset); break;
	case MARK_LINE:
	case MARK_COLUMN: add_code_point(text, '\n'); break;
	case '\t': add_code_point(text, '\t'); break;
	case HYPHEN_HARD: add_code_point(text, '-'); break;
	default: break; /* pictures, notes' references, soft hyphens */
	}
}

static void take(struct text *text, uint32_t c, uint32_t number, uint32_t offset, bool is_narrow)
{
	if (take_field(text, c))
		return;
	if (c < 0x20)
		take_control(text, c, number, offset);
	else if (is_narrow)
		buf_addc(&text->narrow, (char)c);
	else
		add_unit(text, c);
	if (text->paragraph.len + text->narrow.len > PARAGRAPH_MAX - 64) {
		flush_narrow(text);
		write_lines(text->flow, &text->paragraph);
		buf_clear(&text->paragraph);
	}
}

/* The characters of @piece from number @begin up to @end. */
static void take_piece(
	struct text *text, const struct word_piece *piece, uint32_t begin, uint32_t end)
{
	size_t width = piece->is_narrow ? 1 : 2;
	uint32_t until = 0;
	bool is_hidden = false;

	for (uint32_t i = begin; i < end; i++) {
		uint64_t offset = piece->offset + (uint64_t)(i - piece->begin) * width;
		if (offset + width > text->word->main.len || flow_failed(text->flow))
			return;
		if (i == begin || offset >= until)
			is_hidden = word_is_hidden(text->word, (uint32_t)offset, &until);
		uint32_t c = piece->is_narrow ? bytes_u8(text->word->main, (size_t)offset)
					      : bytes_u16(text->word->main, (size_t)offset);
		/* A paragraph's mark holds its properties, a cell's the table. */
		if (!is_hidden || c == MARK_CELL || (c >= FIELD_BEGIN && c <= FIELD_END))
			take(text, c, i, (uint32_t)offset, piece->is_narrow);
	}
}

/* Call @each with every character; it returns false to stop. */
static void each_unit(const struct word *word, uint32_t begin, uint32_t end,
	bool (*each)(void *context, uint32_t c), void *context)
{
	for (size_t i = 0; i < word->piece_count; i++) {
		const struct word_piece *piece = &word->pieces[i];
		size_t width = piece->is_narrow ? 1 : 2;
		uint32_t from = piece->begin > begin ? piece->begin : begin;
		uint32_t to = piece->end < end ? piece->end : end;
		for (uint32_t at = from; at < to; at++) {
			size_t offset = piece->offset + (size_t)(at - piece->begin) * width;
			if (offset >= word->main.len)
				break;
			uint32_t c = width == 1 ? bytes_u8(word->main, offset)
						: bytes_u16(word->main, offset);
			if (!each(context, c))
				return;
		}
	}
}

static bool look_for_page(void *context, uint32_t c)
{
	bool *is_found = context;

	*is_found = *is_found || c == MARK_PAGE_BREAK;
	return !*is_found;
}

bool word_has_pages(const struct word *word, uint32_t end)
{
	bool is_found = false;

	for (size_t i = 0; !is_found && i < word->paragraph_count; i++)
		is_found = word->paragraphs[i].begins_page;
	if (is_found)
		return true;

	each_unit(word, 0, end, look_for_page, &is_found);
	return is_found;
}

/* FNV-1a. */
static bool add_to_hash(void *context, uint32_t c)
{
	uint64_t *hash = context;

	*hash = (*hash ^ c) * UINT64_C(0x100000001b3);
	return true;
}

uint64_t word_hash(const struct word *word, uint32_t begin, uint32_t end)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	each_unit(word, begin, end, add_to_hash, &hash);
	return hash;
}

void word_write(
	const struct word *word, uint32_t begin, uint32_t end, uint32_t *page, struct flow *flow)
{
	struct text text = {.word = word, .flow = flow, .page = page};

	buf_init(&text.paragraph, PARAGRAPH_MAX);
	buf_init(&text.narrow, PARAGRAPH_MAX);
	for (size_t i = 0; i < word->piece_count; i++) {
		const struct word_piece *piece = &word->pieces[i];
		uint32_t from = piece->begin > begin ? piece->begin : begin;
		uint32_t to = piece->end < end ? piece->end : end;
		if (from < to)
			take_piece(&text, piece, from, to);
	}
	flush_narrow(&text);
	close_table(&text);
	write_paragraph(&text, NULL);
	flow_paragraph(flow);
	buf_release(&text.paragraph);
	buf_release(&text.narrow);
}
