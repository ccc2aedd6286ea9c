/* SPDX-License-Identifier: Apache-2.0 */
/* Styles and properties. Those of paragraphs and of runs lie in pages of 512 bytes ("FKP"), each
 * with offsets into the stream and, for each, a list of changes ("sprm"): a number that also
 * tells how long its operand is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/parse/readers/word.h"

#define PAGE_SIZE	   512
#define RUNS_MAX	   ((size_t)1 << 21)
#define STYLES_MAX	   4096
#define ROW_PARAGRAPHS_MAX 512
#define SECTIONS_MAX	   4096

/* Changes of Word 97; those of Word 6 are others. */
enum {
	CHANGE_HAS_LIST = 0x460b,
	CHANGE_IN_TABLE = 0x2416,
	CHANGE_ROW_END = 0x2417,
	CHANGE_BEGINS_PAGE = 0x2407,
	CHANGE_LEVEL = 0x2640,
	CHANGE_DEPTH = 0x6649,
	CHANGE_HEADER_ROW = 0x3404,
	CHANGE_IS_DELETED = 0x0800,
	CHANGE_IS_HIDDEN = 0x083c,
	CHANGE_SECTION_BREAK = 0x3009,
	CHANGE_TABLE_DEFINITION = 0xd608,
	CHANGE_TABS = 0xc615,
	OLD_IN_TABLE = 24,
	OLD_ROW_END = 25
};

enum { STYLE_TITLE = 62, STYLE_NONE = 0xfff, LEVEL_BODY = 9 };

typedef void change_fn(void *context, unsigned change, struct bytes operand);

/* How long the operand at @at is, its own count included. */
static size_t operand_len(struct bytes list, size_t at, unsigned change)
{
	static const uint8_t lens[] = {1, 1, 2, 4, 2, 2, 0, 3};
	unsigned kind = change >> 13;

	if (kind != 6)
		return lens[kind];
	if (change == CHANGE_TABLE_DEFINITION)
		return (size_t)bytes_u16(list, at) + 1;
	if (change == CHANGE_TABS && bytes_u8(list, at) == 255) {
		size_t cleared = bytes_u8(list, at + 1);
		return 3 + cleared * 4 + (size_t)bytes_u8(list, at + 2 + cleared * 4) * 3;
	}
	return (size_t)bytes_u8(list, at) + 1;
}

static void each_change(struct bytes list, change_fn *each, void *context)
{
	size_t at = 0;

	while (at + 3 <= list.len) {
		unsigned change = bytes_u16(list, at);
		size_t len = operand_len(list, at + 2, change);
		each(context, change, bytes_part(list, at + 2, len));
		at += 2 + len;
	}
}

/* Word 6: a byte, and an operand whose length only a table tells. They are sorted, so nothing
 * behind the last one that is looked for matters. */
static void each_old_change(struct bytes list, change_fn *each, void *context)
{
	static const uint8_t lens[26] = {
		0, 0, 2, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 2, 2, 2, 2, 4, 2, 2, 0, 1, 1};
	size_t at = 0;

	while (at + 2 <= list.len) {
		unsigned change = bytes_u8(list, at);
		if (change < 2 || change > OLD_ROW_END)
			break;
		size_t len = lens[change] ? lens[change] : (size_t)bytes_u8(list, at + 1) + 1;
		each(context, change, bytes_part(list, at + 1, len));
		at += 1 + len;
	}
}

static void change_paragraph(void *context, unsigned change, struct bytes operand)
{
	struct word_paragraph *paragraph = context;
	uint8_t value = bytes_u8(operand, 0);

	switch (change) {
	case CHANGE_HAS_LIST: paragraph->is_list = bytes_u16(operand, 0) != 0; break;
	case OLD_IN_TABLE:
	case CHANGE_IN_TABLE: paragraph->is_in_table = value; break;
	case OLD_ROW_END:
	case CHANGE_ROW_END: paragraph->is_row_end = value; break;
	case CHANGE_BEGINS_PAGE: paragraph->begins_page = value; break;
	case CHANGE_HEADER_ROW: paragraph->is_header_row = value; break;
	case CHANGE_DEPTH: paragraph->depth = value; break;
	case CHANGE_LEVEL:
		paragraph->level = value < LEVEL_BODY ? (uint8_t)(value + 1) : 0;
		paragraph->is_body = value == LEVEL_BODY;
		break;
	default: break;
	}
}

static void change_hidden(void *context, unsigned change, struct bytes operand)
{
	bool *is_hidden = context;

	if (change == CHANGE_IS_DELETED || change == CHANGE_IS_HIDDEN)
		*is_hidden = *is_hidden || (bytes_u8(operand, 0) & 1);
}

/* Styles. */

static void change_style(void *context, unsigned change, struct bytes operand)
{
	uint8_t *level = context, value = bytes_u8(operand, 0);

	if (change == CHANGE_LEVEL && value < LEVEL_BODY)
		*level = (uint8_t)(value + 1);
}

/* A style's own outline level, behind its name. */
static uint8_t style_outline(struct bytes style, size_t base_size)
{
	size_t name_end = base_size + 2 + ((size_t)bytes_u16(style, base_size) + 1) * 2;
	struct bytes changes = bytes_part(style, name_end + 4, (size_t)bytes_u16(style, name_end));
	uint8_t level = 0;

	if (changes.len >= 2)
		changes.len -= 2; /* the style's number, which came before them, counts */
	each_change(changes, change_style, &level);
	return level;
}

/* 1 to 9 are the headings, whatever their names are in a language. */
static uint8_t style_level(const struct word *word, struct bytes style, size_t base_size)
{
	unsigned builtin = bytes_u16(style, 0) & 0xfff;
	bool is_paragraph = (bytes_u16(style, 2) & 0xf) == 1;

	if (!is_paragraph)
		return 0;
	if (builtin >= 1 && builtin <= 9)
		return (uint8_t)builtin;
	if (builtin == STYLE_TITLE)
		return 1;
	return word->is_old ? 0 : style_outline(style, base_size);
}

static struct bytes style_at(struct bytes styles, size_t *at)
{
	size_t len = bytes_u16(styles, *at);
	struct bytes style = bytes_part(styles, *at + 2, len);

	*at += 2 + len;
	return style;
}

/* A style that is based on a heading is one, where it does not say itself. */
static void inherit_levels(struct word *word, const uint16_t *bases)
{
	for (size_t i = 0; i < word->style_count; i++) {
		size_t base = i;
		for (int depth = 0; depth < 10 && !word->style_levels[base]; depth++) {
			if (bases[base] >= word->style_count)
				break;
			base = bases[base];
		}
		word->style_levels[i] = word->style_levels[base];
	}
}

static int load_styles(struct word *word)
{
	struct bytes styles = word_table(word, WORD_STYLES);
	size_t at = 2 + (size_t)bytes_u16(styles, 0);
	size_t count = bytes_u16(styles, 2), base_size = bytes_u16(styles, 4);
	uint16_t bases[STYLES_MAX];

	count = count < STYLES_MAX ? count : STYLES_MAX;
	if (!(word->style_levels = calloc(count + 1, 1)))
		return -ENOMEM;
	for (; word->style_count < count && at + 2 <= styles.len; word->style_count++) {
		struct bytes style = style_at(styles, &at);
		uint16_t base = bytes_u16(style, 2) >> 4;
		bases[word->style_count] = style.len ? base : STYLE_NONE;
		word->style_levels[word->style_count] = style_level(word, style, base_size);
	}
	inherit_levels(word, bases);
	return 0;
}

/* Pages. */

/* One more of @size at the end of an array; NULL: memory is short, or there are too many. */
static void *grow(void **array, size_t *count, size_t size)
{
	if (*count >= RUNS_MAX)
		return NULL;
	if ((*count & (*count - 1)) == 0) { /* 0, or a power of two: it is full */
		void *larger = realloc(*array, (*count ? *count * 2 : 1) * size);
		if (!larger)
			return NULL;
		*array = larger;
	}
	void *one = (char *)*array + (*count)++ * size;
	memset(one, 0, size);
	return one;
}

/* A paragraph's properties at @at of a page: their length, then the style, then changes. */
static void parse_paragraph(
	const struct word *word, struct bytes page, size_t at, struct word_paragraph *paragraph)
{
	size_t len = (size_t)bytes_u8(page, at) * 2;

	if (!at)
		return; /* none: Normal */
	if (len && !word->is_old) {
		len--;
	} else if (!len) {
		len = (size_t)bytes_u8(page, ++at) * 2;
	}
	struct bytes properties = bytes_part(page, at + 1, len);
	paragraph->style = bytes_u16(properties, 0);
	(word->is_old ? each_old_change : each_change)(
		bytes_from(properties, 2), change_paragraph, paragraph);
	if (paragraph->depth)
		paragraph->is_in_table = true;
}

static int load_paragraph_page(struct word *word, struct bytes page)
{
	size_t count = bytes_u8(page, PAGE_SIZE - 1), entry = word->is_old ? 7 : 13;

	for (size_t i = 0; i < count; i++) {
		struct word_paragraph *paragraph = grow((void **)&word->paragraphs,
			&word->paragraph_count, sizeof(*word->paragraphs));
		if (!paragraph)
			return -ENOMEM;
		paragraph->begin = bytes_u32(page, i * 4);
		paragraph->end = bytes_u32(page, i * 4 + 4);
		size_t at = (size_t)bytes_u8(page, (count + 1) * 4 + i * entry) * 2;
		parse_paragraph(word, page, at, paragraph);
	}
	return 0;
}

static int load_run_page(struct word *word, struct bytes page)
{
	size_t count = bytes_u8(page, PAGE_SIZE - 1);

	for (size_t i = 0; i < count; i++) {
		size_t at = (size_t)bytes_u8(page, (count + 1) * 4 + i) * 2;
		bool is_hidden = false;
		if (at)
			each_change(bytes_part(page, at + 1, bytes_u8(page, at)), change_hidden,
				&is_hidden);
		if (!is_hidden)
			continue;
		struct word_hidden *hidden =
			grow((void **)&word->hidden, &word->hidden_count, sizeof(*word->hidden));
		if (!hidden)
			return -ENOMEM;
		hidden->begin = bytes_u32(page, i * 4);
		hidden->end = bytes_u32(page, i * 4 + 4);
	}
	return 0;
}

/* The list of pages: offsets, which the pages repeat, then numbers of pages. */
static int each_page(
	struct word *word, enum word_table table, int (*each)(struct word *word, struct bytes page))
{
	struct bytes list = word_table(word, table);
	size_t number = word->is_old ? 2 : 4;
	size_t count = list.len >= 4 ? (list.len - 4) / (4 + number) : 0;
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		size_t at = (count + 1) * 4 + i * number;
		size_t page = word->is_old ? bytes_u16(list, at) : bytes_u32(list, at) & 0x3fffff;
		struct bytes bytes = bytes_part(word->main, page * PAGE_SIZE, PAGE_SIZE);
		if (bytes.len == PAGE_SIZE)
			rc = each(word, bytes);
	}
	return rc;
}

static int by_begin(const void *a, const void *b)
{
	const struct word_paragraph *left = a, *right = b;

	return (left->begin > right->begin) - (left->begin < right->begin);
}

static int by_hidden_begin(const void *a, const void *b)
{
	const struct word_hidden *left = a, *right = b;

	return (left->begin > right->begin) - (left->begin < right->begin);
}

int word_load_format(struct word *word)
{
	int rc = load_styles(word);

	rc = rc ? rc : each_page(word, WORD_PARAGRAPHS, load_paragraph_page);
	if (!rc && !word->is_old)
		rc = each_page(word, WORD_RUNS, load_run_page);
	if (word->paragraph_count)
		qsort(word->paragraphs, word->paragraph_count, sizeof(*word->paragraphs), by_begin);
	if (word->hidden_count)
		qsort(word->hidden, word->hidden_count, sizeof(*word->hidden), by_hidden_begin);
	return rc;
}

const struct word_paragraph *word_paragraph_at(const struct word *word, uint32_t offset)
{
	size_t low = 0, high = word->paragraph_count;

	while (low < high) { /* the last that begins at @offset or before */
		size_t middle = (low + high) / 2;
		if (word->paragraphs[middle].begin <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low && offset < word->paragraphs[low - 1].end ? &word->paragraphs[low - 1] : NULL;
}

bool word_is_header_row(const struct word *word, const struct word_paragraph *cell)
{
	const struct word_paragraph *end = word->paragraphs + word->paragraph_count;

	for (int i = 0; cell && cell < end && i < ROW_PARAGRAPHS_MAX; i++, cell++)
		if (cell->is_row_end && cell->depth < 2)
			return cell->is_header_row;
	return false;
}

bool word_is_hidden(const struct word *word, uint32_t offset, uint32_t *until)
{
	size_t low = 0, high = word->hidden_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (word->hidden[middle].begin <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	*until = low < word->hidden_count ? word->hidden[low].begin : UINT32_MAX;
	if (!low || offset >= word->hidden[low - 1].end)
		return false;
	*until = word->hidden[low - 1].end;
	return true;
}

unsigned word_level(const struct word *word, const struct word_paragraph *paragraph)
{
	if (!paragraph || paragraph->is_body)
		return 0;
	if (paragraph->level)
		return paragraph->level;
	return paragraph->style < word->style_count ? word->style_levels[paragraph->style] : 0;
}

static void change_break(void *context, unsigned change, struct bytes operand)
{
	if (change == CHANGE_SECTION_BREAK)
		*(bool *)context = bytes_u8(operand, 0) == 0;
}

bool word_section_is_continuous(const struct word *word, uint32_t at)
{
	struct bytes list = word_table(word, WORD_SECTIONS);
	size_t count = list.len >= 4 ? (list.len - 4) / 16 : 0;
	bool is_continuous = false;

	for (size_t i = 0; i < count && i < SECTIONS_MAX && !word->is_old; i++) {
		if (bytes_u32(list, i * 4) != at)
			continue;
		uint32_t offset = bytes_u32(list, (count + 1) * 4 + i * 12 + 2);
		each_change(
			bytes_part(word->main, (size_t)offset + 2, bytes_u16(word->main, offset)),
			change_break, &is_continuous);
	}
	return is_continuous;
}
