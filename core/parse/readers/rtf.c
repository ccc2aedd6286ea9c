/* SPDX-License-Identifier: Apache-2.0 */
/* RTF. In reading order: here groups and control words are told from text, rtf_word.c (what the
 * words mean), rtf_text.c (where text goes, and in which encoding it is). It is read once, from
 * its beginning to its end: memory is that of a paragraph, and of a stack of fixed size. Left
 * out: pictures, embedded objects, what is hidden or deleted. */
#include "core/parse/readers/rtf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/office.h"

#define TEXT_MAX ((size_t)1 << 20) /* of a footnote, a title, all headers */

static bool refill(struct rtf_input *input)
{
	if (!input->source)
		return false;
	ssize_t n = source_read(input->source, input->room, sizeof(input->room), input->offset);
	if (n <= 0)
		return false;
	input->data = input->room;
	input->len = (size_t)n;
	input->at = 0;
	input->offset += (uint64_t)n;
	return true;
}

int rtf_byte(struct rtf *rtf)
{
	struct rtf_input *input = &rtf->input;

	if (input->at == input->len && !refill(input))
		return -1;
	return input->data[input->at++];
}

static void unread(struct rtf *rtf)
{
	rtf->input.at--; /* what was read last is still in the buffer */
}

static void begin_group(struct rtf *rtf)
{
	rtf_flush(rtf);
	rtf->skip = 0;
	rtf->is_starred = false;
	if (rtf->depth == RTF_DEPTH_MAX) {
		rtf->too_deep++;
		return;
	}
	rtf->stack[rtf->depth++] = rtf->state;
}

static void end_group(struct rtf *rtf)
{
	rtf_flush(rtf);
	rtf->skip = 0;
	rtf->is_starred = false;
	if (rtf->too_deep) {
		rtf->too_deep--;
	} else if (rtf->depth) {
		rtf_end_group(rtf);
		rtf->state = rtf->stack[--rtf->depth];
	}
}

static int hex_digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* A character as two hexadecimal digits. */
static void take_hex(struct rtf *rtf)
{
	int high = hex_digit(rtf_byte(rtf)), low = -1;

	if (high >= 0)
		low = hex_digit(rtf_byte(rtf));
	if (low < 0)
		return;
	if (rtf->skip)
		rtf->skip--;
	else
		rtf_add_byte(rtf, (unsigned char)(high * 16 + low));
}

static void take_symbol(struct rtf *rtf, int c)
{
	switch (c) {
	case '\'': take_hex(rtf); return;
	case '*': rtf->is_starred = true; return;
	case '~': rtf_flush(rtf), rtf_space(rtf); return;
	case '_': rtf_add_byte(rtf, '-'); return;
	case '\r':
	case '\n': rtf_word(rtf, "par", false, 0); return;
	case '\t': rtf_word(rtf, "tab", false, 0); return;
	case '{':
	case '}':
	case '\\':
		if (rtf->skip)
			rtf->skip--;
		else
			rtf_add_byte(rtf, (unsigned char)c);
		return;
	default: return; /* a soft hyphen, an index entry's part */
	}
}

/* Digits of a number, which may be too large to mean anything. */
static long take_number(struct rtf *rtf, int *c)
{
	bool is_negative = *c == '-';
	long number = 0;

	if (is_negative)
		*c = rtf_byte(rtf);
	for (; *c >= '0' && *c <= '9'; *c = rtf_byte(rtf))
		number = number < 100000000 ? number * 10 + (*c - '0') : number;
	return is_negative ? -number : number;
}

static void take_control(struct rtf *rtf)
{
	char word[RTF_WORD_MAX + 1];
	size_t len = 0;
	long number = 0;
	int c = rtf_byte(rtf);

	if (c < 0)
		return;
	if (!isalpha(c)) {
		take_symbol(rtf, c);
		return;
	}
	for (; isalpha(c); c = rtf_byte(rtf))
		if (len < RTF_WORD_MAX)
			word[len++] = (char)c;
	word[len] = '\0';
	bool has_number = c == '-' || isdigit(c);
	if (has_number)
		number = take_number(rtf, &c);
	if (c >= 0 && c != ' ')
		unread(rtf);
	rtf_flush(rtf);
	rtf_word(rtf, word, has_number, number);
}

static void take_text(struct rtf *rtf, int c)
{
	if (c == '\r' || c == '\n' || c == 0)
		return;
	if (rtf->skip)
		rtf->skip--;
	else if (c == '\t')
		rtf_word(rtf, "tab", false, 0);
	else
		rtf_add_byte(rtf, (unsigned char)c);
}

static void take_all(struct rtf *rtf)
{
	for (int c; (c = rtf_byte(rtf)) >= 0;) {
		switch (c) {
		case '{': begin_group(rtf); break;
		case '}': end_group(rtf); break;
		case '\\': take_control(rtf); break;
		default: take_text(rtf, c); break;
		}
		if (!rtf->depth || flow_failed(rtf->flow))
			return; /* the outermost group has ended */
	}
}

static void release(struct rtf *rtf)
{
	for (size_t i = 0; i < RTF_DESTINATIONS; i++)
		buf_release(&rtf->texts[i]);
	buf_release(&rtf->bytes);
	buf_release(&rtf->margins);
	free(rtf->font_codepages);
	free(rtf->style_levels);
	free(rtf);
}

static int begin(struct rtf **out, struct flow *flow)
{
	struct rtf *rtf = calloc(1, sizeof(*rtf));

	if (!rtf)
		return -ENOMEM;
	rtf->flow = flow;
	rtf->codepage = CODEPAGE_WESTERN;
	rtf->state.fallback_len = 1;
	rtf->font_codepages = calloc(RTF_NUMBERS, sizeof(*rtf->font_codepages));
	rtf->style_levels = calloc(RTF_NUMBERS, sizeof(*rtf->style_levels));
	for (size_t i = 0; i < RTF_DESTINATIONS; i++)
		buf_init(&rtf->texts[i], TEXT_MAX);
	buf_init(&rtf->bytes, TEXT_MAX);
	buf_init(&rtf->margins, TEXT_MAX);
	if (!rtf->font_codepages || !rtf->style_levels) {
		release(rtf);
		return -ENOMEM;
	}
	*out = rtf;
	return 0;
}

int rtf_write(struct bytes data, struct flow *flow)
{
	struct rtf *rtf;

	if (data.len < 5 || memcmp(data.data, "{\\rtf", 5))
		return -EBADMSG;
	int rc = begin(&rtf, flow);
	if (rc)
		return rc;
	rtf->input.data = data.data;
	rtf->input.len = data.len;
	take_all(rtf);
	rtf_end(rtf);
	release(rtf);
	return flow_failed(flow);
}

static void add_meta(struct rtf *rtf, struct out *out)
{
	static const struct {
		enum rtf_destination destination;
		const char *name;
	} names[] = {{RTF_AUTHOR, "author"}, {RTF_SUBJECT, "subject"}, {RTF_KEYWORDS, "keywords"},
		{RTF_DESCRIPTION, "description"}};
	AUTO_META struct meta meta;

	meta_init(&meta);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct buf *text = &rtf->texts[names[i].destination];
		if (text->len)
			meta_add_text(&meta, names[i].name, text->data, text->len);
	}
	meta_add(&meta, "created", rtf->created);
	meta_add(&meta, "modified", rtf->modified);
	meta_send(&meta, out);
	const struct buf *title = &rtf->texts[RTF_TITLE];
	if (title->len)
		out_field(out, FIELD_TITLE, title->data, title->len);
}

/* Pages count where a document breaks one itself, at least near its beginning. */
static bool has_pages(const struct source *source)
{
	return memmem(source->head, source->head_len, "\\page", 5) != NULL;
}

int rtf_read(const struct source *source, struct out *out, struct err *err)
{
	struct flow flow;
	struct rtf *rtf;

	flow_init(&flow, out);
	int rc = begin(&rtf, &flow);
	if (rc) {
		flow_finish(&flow);
		return err_set(err, rc, "memory is short");
	}
	rtf->input.source = source;
	for (int c = rtf_byte(rtf); c >= 0 && c != '{';)
		c = rtf_byte(rtf); /* a byte order mark, empty lines */
	if (rtf->input.len)
		unread(rtf);
	rtf->page = has_pages(source);
	if (rtf->page)
		flow_page(&flow, rtf->page);
	take_all(rtf);
	rtf_end(rtf);
	add_meta(rtf, out);
	release(rtf);
	return office_result(out, flow_finish(&flow), 0, err);
}
