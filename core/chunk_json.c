/* SPDX-License-Identifier: Apache-2.0 */
/* Written by hand, since the size of every chunk's line is counted when it is ingested: a file
 * says how large it is before anybody reads it. Strings are escaped as RFC 8259 asks: quotation
 * marks, backslashes and control characters; everything else stays UTF-8. */
#include "core/chunk_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

/* The letter behind the backslash of a short escape; 0: it has none. */
static char short_escape(unsigned char c)
{
	switch (c) {
	case '"': return '"';
	case '\\': return '\\';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	case '\f': return 'f';
	case '\b': return 'b';
	default: return 0;
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void add_escaped(struct buf *out, unsigned char c)
{
	char letter = short_escape(c);
	char escape[] = {'\\', letter, '0', '0', digits[c >> 4], digits[c & 15]};

	if (letter) {
		buf_add(out, escape, 2);
		return;
	}
	escape[1] = 'u';
	buf_add(out, escape, sizeof(escape));
}

static void add_string(struct buf *out, const char *text, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t run = i;
		while (run < len && is_plain((unsigned char)text[run]))
			run++;
		buf_add(out, text + i, run - i);
		if (run < len)
			add_escaped(out, (unsigned char)text[run++]);
		i = run;
	}
	buf_addc(out, '"');
}

static size_t string_size(const char *text, size_t len)
{
	size_t size = len + 2;

	for (size_t i = 0; i < len; i++)
		if (!is_plain((unsigned char)text[i]))
			size += short_escape((unsigned char)text[i]) ? 1 : 5;
	return size;
}

/* Everything before the heading. */
static int format_head(char *out, size_t size, const struct uuid *document, uint32_t version,
	const struct chunk *chunk)
{
	struct uuid id = chunk_id(document, version, chunk->index);
	char id_text[UUID_TEXT], document_text[UUID_TEXT], page[16] = "null";

	if (chunk->page)
		snprintf(page, sizeof(page), "%" PRIu32, chunk->page);
	return snprintf(out, size,
		"{\"id\":\"%s\",\"document_id\":\"%s\",\"index\":%" PRIu32
		",\"start_char\":%" PRIu64 ",\"end_char\":%" PRIu64
		",\"page\":%s,\"token_count\":%" PRIu32 ",\"heading\":",
		uuid_format(&id, id_text), uuid_format(document, document_text), chunk->index,
		chunk->start_char, chunk->end_char, page, chunk->token_count);
}

static const char text_member[] = ",\"text\":";

int chunk_to_json(
	const struct uuid *document, uint32_t version, const struct chunk *chunk, struct buf *out)
{
	char head[320];

	format_head(head, sizeof(head), document, version, chunk);
	buf_adds(out, head);
	if (chunk->heading)
		add_string(out, chunk->heading, strlen(chunk->heading));
	else
		buf_adds(out, "null");
	buf_adds(out, text_member);
	add_string(out, chunk->text, chunk->text_len);
	return buf_adds(out, "}\n");
}

size_t chunk_json_size(const struct uuid *document, uint32_t version, const struct chunk *chunk)
{
	char head[320];
	size_t size = (size_t)format_head(head, sizeof(head), document, version, chunk);

	size += chunk->heading ? string_size(chunk->heading, strlen(chunk->heading))
			       : strlen("null");
	return size + strlen(text_member) + string_size(chunk->text, chunk->text_len) +
		strlen("}\n");
}
