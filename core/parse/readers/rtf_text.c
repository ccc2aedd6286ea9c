/* SPDX-License-Identifier: Apache-2.0 */
/* Where text goes. Bytes are gathered until the font changes, for a character may have two, and
 * may be written partly as digits. Notes stand inside a sentence in the file: they are written
 * behind the paragraph, headers and footers behind everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/rtf.h"
#include "core/text/utf8.h"

#define RUN_MAX ((size_t)32 << 10) /* bytes that are gathered: then the next space ends them */

static bool is_shown(const struct rtf *rtf)
{
	switch (rtf->state.destination) {
	case RTF_SKIP:
	case RTF_SHAPE:
	case RTF_ALTERNATIVE:
	case RTF_FONTS: return false;
	default: return !rtf->state.is_hidden && !rtf->state.is_deleted;
	}
}

static bool is_body(const struct rtf *rtf)
{
	return rtf->state.destination == RTF_BODY;
}

static void end_heading(struct rtf *rtf)
{
	if (rtf->in_heading)
		flow_heading_end(rtf->flow);
	rtf->in_heading = false;
}

static void end_table(struct rtf *rtf)
{
	if (rtf->has_table)
		flow_table_end(rtf->flow);
	rtf->has_table = rtf->has_row = rtf->has_cell = false;
}

static void begin_cell(struct rtf *rtf)
{
	end_heading(rtf);
	if (!rtf->has_table)
		flow_table(rtf->flow);
	if (!rtf->has_row)
		flow_row(rtf->flow, rtf->is_header_row);
	if (!rtf->has_cell)
		flow_cell(rtf->flow, 1);
	rtf->has_table = rtf->has_row = rtf->has_cell = true;
}

/* Before text of the body. */
static void begin_text(struct rtf *rtf)
{
	const struct rtf_state *state = &rtf->state;
	unsigned level = state->outline ? state->outline : rtf->style_levels[state->style];

	if (state->in_table || rtf->is_row_defined) {
		begin_cell(rtf);
		return;
	}
	end_table(rtf);
	if (rtf->begins_page && rtf->page && rtf->flow->has_text)
		flow_page(rtf->flow, ++rtf->page);
	rtf->begins_page = false;
	if (!level || rtf->in_heading)
		return;
	flow_heading(rtf->flow, level);
	rtf->in_heading = true;
}

static void put(struct rtf *rtf, const char *utf8, size_t len)
{
	if (!is_body(rtf)) {
		buf_add(&rtf->texts[rtf->state.destination], utf8, len);
		return;
	}
	begin_text(rtf);
	flow_words(rtf->flow, utf8, len);
}

static void put_code_point(struct rtf *rtf, uint32_t c)
{
	char utf8[4];

	put(rtf, utf8, utf8_encode(c, utf8));
}

/* Of a font of pictures only the bullets are known. */
static void put_symbols(struct rtf *rtf, const struct buf *bytes)
{
	for (size_t i = 0; i < bytes->len; i++) {
		unsigned char c = (unsigned char)bytes->data[i];
		if (c == 0xb7 || c == 0xa7)
			put_code_point(rtf, 0x2022);
		else if (c >= 0x20 && c < 0x7f)
			put_code_point(rtf, c);
	}
}

void rtf_flush(struct rtf *rtf)
{
	AUTO_BUF struct buf utf8;

	buf_init(&utf8, BUF_MAX_DEFAULT);
	if (!rtf->bytes.len)
		return;
	rtf->high = 0;
	if (rtf->bytes_codepage == RTF_CHARS_SYMBOL) {
		put_symbols(rtf, &rtf->bytes);
		buf_clear(&rtf->bytes);
		return;
	}
	codepage_text(rtf->bytes_codepage, bytes_of(&rtf->bytes), &utf8);
	buf_clear(&rtf->bytes);
	if (utf8.len)
		put(rtf, utf8.data, utf8.len);
}

void rtf_add_byte(struct rtf *rtf, unsigned char byte)
{
	unsigned codepage = rtf->font_codepages[rtf->state.font];

	if (!is_shown(rtf))
		return;
	if ((byte == ' ' && rtf->bytes.len > RUN_MAX) || rtf->bytes.len > RUN_MAX * 16)
		rtf_flush(rtf);
	rtf->bytes_codepage = codepage ? codepage : rtf->codepage;
	buf_addc(&rtf->bytes, (char)byte);
}

void rtf_add_unit(struct rtf *rtf, uint32_t unit)
{
	uint32_t high = rtf->high;

	rtf->high = 0;
	if (!is_shown(rtf))
		return;
	if (unit >= 0xd800 && unit < 0xdc00)
		rtf->high = unit;
	else if (unit >= 0xdc00 && unit < 0xe000)
		put_code_point(
			rtf, high ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : 0xfffd);
	else if (unit == 0xf0b7 || unit == 0xf0a7)
		put_code_point(rtf, 0x2022);
	else if (unit < 0xf000 || unit >= 0xf100) /* between them are a symbol font's */
		put_code_point(rtf, unit);
}

void rtf_space(struct rtf *rtf)
{
	if (!is_shown(rtf))
		return;
	if (is_body(rtf))
		flow_space(rtf->flow);
	else
		put(rtf, " ", 1);
}

void rtf_line(struct rtf *rtf)
{
	if (!is_shown(rtf))
		return;
	if (!is_body(rtf))
		put(rtf, "\n", 1);
	else if (rtf->in_heading)
		flow_space(rtf->flow);
	else
		flow_line(rtf->flow);
}

/* Lines of a text that was kept, each with @label before it. */
static void write_kept(struct rtf *rtf, struct buf *kept, const char *label)
{
	const char *at = kept->data, *end = at + kept->len;

	while (kept->len && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		if (strspn(at, " \t") < (size_t)(stop - at)) {
			flow_paragraph(rtf->flow);
			flow_words(rtf->flow, label, strlen(label));
			flow_words(rtf->flow, at, (size_t)(stop - at));
			flow_paragraph(rtf->flow);
		}
		at = stop + 1;
	}
	buf_clear(kept);
}

static void write_notes(struct rtf *rtf)
{
	write_kept(rtf, &rtf->texts[RTF_FOOTNOTE], "");
	write_kept(rtf, &rtf->texts[RTF_COMMENT], "Comment: ");
}

static void end_paragraph(struct rtf *rtf)
{
	end_heading(rtf);
	if (rtf->has_row) {
		flow_line(rtf->flow);
		return;
	}
	flow_paragraph(rtf->flow);
	if (!rtf->state.in_table)
		write_notes(rtf);
}

void rtf_paragraph(struct rtf *rtf)
{
	if (is_body(rtf))
		end_paragraph(rtf);
	else if (is_shown(rtf))
		put(rtf, "\n", 1);
}

void rtf_page(struct rtf *rtf)
{
	if (!is_body(rtf) || rtf->has_row)
		return;
	end_paragraph(rtf);
	end_table(rtf);
	if (rtf->page)
		flow_page(rtf->flow, ++rtf->page);
}

void rtf_cell(struct rtf *rtf)
{
	if (!is_body(rtf))
		return;
	begin_cell(rtf);
	rtf->has_cell = false;
}

void rtf_row(struct rtf *rtf)
{
	if (!is_body(rtf))
		return;
	if (rtf->has_row)
		flow_row_end(rtf->flow);
	rtf->has_row = rtf->has_cell = rtf->is_row_defined = false;
}

/* "heading 3": the names of the built-in styles are English in every language of Word. */
static unsigned level_of_name(const char *name)
{
	if (!strncasecmp(name, "heading ", 8) && name[8] >= '1' && name[8] <= '9')
		return (unsigned)(name[8] - '0');
	return strcasecmp(name, "title") ? 0 : 1;
}

static void end_style(struct rtf *rtf)
{
	struct buf *name = &rtf->texts[RTF_STYLES];
	char *end = name->len ? strchr(name->data, ';') : NULL;
	unsigned level = rtf->state.outline;

	if (end)
		*end = '\0';
	if (!level && name->len)
		level = level_of_name(name->data);
	if (!level)
		level = rtf->style_levels[rtf->style_base];
	rtf->style_levels[rtf->state.style] = (uint8_t)level;
	rtf->style_base = 0;
	buf_clear(name);
}

/* The same header stands in every section. */
static void end_margin(struct rtf *rtf)
{
	struct buf *text = &rtf->texts[RTF_MARGIN];

	buf_addc(text, '\n');
	if (!rtf->margins.len ||
		!memmem(rtf->margins.data, rtf->margins.len, text->data, text->len))
		buf_add(&rtf->margins, text->data, text->len);
	buf_clear(text);
}

static void end_time(const struct rtf *rtf, char *text, size_t size)
{
	const int *time = rtf->time;
	bool is_time = time[0] > 1600 && time[0] < 10000 && time[1] >= 1 && time[1] <= 12 &&
		time[2] >= 1 && time[2] <= 31 && time[3] >= 0 && time[3] < 24 && time[4] >= 0 &&
		time[4] < 60;

	if (is_time)
		snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:00", time[0], time[1], time[2],
			time[3], time[4]);
}

void rtf_end_group(struct rtf *rtf)
{
	uint8_t destination = rtf->state.destination;
	bool is_end = rtf->stack[rtf->depth - 1].destination != destination;

	if (destination == RTF_STYLES && !is_end)
		end_style(rtf);
	if (!is_end)
		return;
	switch (destination) {
	case RTF_FOOTNOTE:
	case RTF_COMMENT: buf_addc(&rtf->texts[destination], '\n'); break;
	case RTF_MARGIN: end_margin(rtf); break;
	case RTF_CREATED: end_time(rtf, rtf->created, sizeof(rtf->created)); break;
	case RTF_MODIFIED: end_time(rtf, rtf->modified, sizeof(rtf->modified)); break;
	default: break;
	}
}

void rtf_end(struct rtf *rtf)
{
	rtf_flush(rtf);
	rtf->state = (struct rtf_state){.destination = RTF_BODY};
	end_heading(rtf);
	end_table(rtf);
	flow_paragraph(rtf->flow);
	write_notes(rtf);
	write_kept(rtf, &rtf->margins, "");
}
