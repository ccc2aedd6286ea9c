/* SPDX-License-Identifier: Apache-2.0 */
/* A body of plain text: its lines as they are, for quotes, lists and signatures are made of
 * lines; but where the sender says that its lines were only broken for transport
 * (format=flowed), they are joined again. */
#include "core/parse/readers/mail.h"

#include <string.h>

#include "core/auto.h"
#include "core/parse/charset.h"

struct body {
	const struct mail_text *how;
	struct buf *out;
	size_t depth; /* quote signs of the line before */
	bool goes_on; /* it ended in a space */
};

static size_t quote_depth(const char *line, size_t len)
{
	size_t depth = 0;

	while (depth < len && line[depth] == '>')
		depth++;
	return depth;
}

static void add_flowed(struct body *body, const char *line, size_t len)
{
	size_t depth = quote_depth(line, len), at = depth;
	at += at < len && line[at] == ' '; /* stuffed, or behind the quote signs */
	bool is_signature = len - at == 3 && !memcmp(line + at, "-- ", 3);
	bool joins = body->goes_on && depth == body->depth && !is_signature;
	if (!joins && body->out->len)
		buf_addc(body->out, '\n');
	if (!joins && depth) {
		buf_add(body->out, line, depth);
		buf_addc(body->out, ' ');
	}
	body->depth = depth;
	body->goes_on = len > at && line[len - 1] == ' ' && !is_signature;
	if (body->goes_on && body->how->deletes_space)
		len--;
	buf_add(body->out, line + at, len - at);
}

static void add_line(struct body *body, const char *line, size_t len)
{
	while (len && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	if (body->how->is_mbox) {
		size_t depth = quote_depth(line, len);
		bool is_quoted = depth && len - depth >= 5 && !memcmp(line + depth, "From ", 5);
		line += is_quoted;
		len -= is_quoted;
	}
	if (body->how->is_flowed) {
		add_flowed(body, line, len);
		return;
	}
	if (body->out->len)
		buf_addc(body->out, '\n');
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	buf_add(body->out, line, len);
}

void mail_text_flow(struct flow *flow, const char *data, size_t len, const struct mail_text *how)
{
	AUTO_BUF struct buf utf8, text;
	struct body body = {.how = how, .out = &text};

	buf_init(&utf8, MAIL_TEXT_MAX * 2);
	buf_init(&text, MAIL_TEXT_MAX * 2);
	charset_convert_labelled(how->charset, data, len, &utf8);
	for (size_t at = 0; at < utf8.len;) {
		const char *newline = memchr(utf8.data + at, '\n', utf8.len - at);
		size_t line = newline ? (size_t)(newline - utf8.data) - at : utf8.len - at;
		add_line(&body, utf8.data + at, line);
		at += line + 1;
	}
	while (text.len && strchr(" \n\t\r", text.data[text.len - 1]))
		text.len--;
	flow_paragraph(flow);
	if (text.len)
		flow_preformatted(flow, text.data, text.len);
	flow_paragraph(flow);
}
