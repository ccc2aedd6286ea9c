/* SPDX-License-Identifier: Apache-2.0 */
/* Records are packed into 64 KiB packets, so that a batch of small files costs a few writes.
 * Cleaning is here, in one place, so that no reader can forget it; it runs over spans of clean
 * text and copies those whole. */
#include "core/parse/out.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/parse/text_run.h"
#include "core/text/utf8.h"

#define FIELD_MAX   ((size_t)4 << 10)
#define REPLACEMENT "\xef\xbf\xbd"

void out_init(struct out *out, int fd, uint64_t text_max)
{
	out->fd = fd;
	out->text_max = text_max;
	out->used = 0;
	out_begin(out, 0);
}

void out_begin(struct out *out, uint32_t item)
{
	out->item = item;
	out->text_len = 0;
	out->chars = 0;
	out->page_count = 0;
	out->mark_count = 0;
	out->failed = 0;
}

void out_flush(struct out *out)
{
	if (out->used && write(out->fd, out->packet, out->used) != (ssize_t)out->used)
		_exit(0); /* the daemon is gone, and nobody waits for a result */
	out->used = 0;
}

/* Begin a record of @len bytes; returns where its payload goes. */
static char *record(struct out *out, enum protocol_kind kind, size_t len)
{
	struct protocol_record header = {.kind = kind, .item = out->item, .len = (uint32_t)len};

	if (sizeof(header) + len > sizeof(out->packet) - out->used)
		out_flush(out);
	char *at = out->packet + out->used;
	memcpy(at, &header, sizeof(header));
	out->used += sizeof(header) + len;
	return at + sizeof(header);
}

int out_record(struct out *out, enum protocol_kind kind, const void *payload, size_t len)
{
	if (!out->failed)
		memcpy(record(out, kind, len), payload, len);
	return out->failed;
}

/* The length of the longest prefix of at most @max bytes that ends between characters. */
static size_t whole_chars(const char *utf8, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)utf8[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* Clean, valid text: into TEXT records, whole characters each. */
static void add(struct out *out, const char *utf8, size_t len)
{
	if (out->failed)
		return;
	if (len > out->text_max - out->text_len) {
		out->failed = -EFBIG;
		return;
	}
	out->text_len += len;
	out->chars += utf8_count(utf8, len);
	while (len) {
		size_t room = sizeof(out->packet) - out->used;
		if (room < sizeof(struct protocol_record) + 1024) {
			out_flush(out);
			room = sizeof(out->packet);
		}
		size_t part = whole_chars(utf8, len, room - sizeof(struct protocol_record));
		memcpy(record(out, RECORD_TEXT, part), utf8, part);
		utf8 += part;
		len -= part;
	}
}

static bool is_dropped(const unsigned char *at, size_t len)
{
	if (*at < 0x20)
		return *at != '\n' && *at != '\t' && *at != '\r' && *at != '\f';
	return *at == 0x7f || (*at == 0xc2 && len > 1 && at[1] < 0xa0);
}

/* Call @each with the spans of @utf8 that stay (and with what replaces an invalid part). */
static void clean(
	const char *utf8, size_t len, void (*each)(void *, const char *, size_t), void *context)
{
	size_t valid = 0, start = 0;

	for (size_t i = 0; i < len;) {
		if (i >= valid) {
			valid = i + utf8_valid_prefix(utf8 + i, len - i);
			if (valid == i) {
				each(context, utf8 + start, i - start);
				each(context, REPLACEMENT, 3);
				start = ++i;
				while (i < len && ((unsigned char)utf8[i] & 0xc0) == 0x80)
					start = ++i;
				continue;
			}
		}
		i += text_run(utf8 + i, valid - i);
		if (i == valid)
			continue;
		if (!is_dropped((const unsigned char *)utf8 + i, valid - i)) {
			i++;
			continue;
		}
		each(context, utf8 + start, i - start);
		i += (unsigned char)utf8[i] == 0xc2 ? 2 : 1;
		start = i;
	}
	each(context, utf8 + start, len - start);
}

static void add_span(void *context, const char *utf8, size_t len)
{
	if (len)
		add(context, utf8, len);
}

static void count_span(void *context, const char *utf8, size_t len)
{
	*(size_t *)context += utf8_count(utf8, len);
}

int out_text(struct out *out, const char *utf8, size_t len)
{
	clean(utf8, len, add_span, out);
	return out->failed;
}

size_t out_count(const char *utf8, size_t len)
{
	size_t count = 0;

	clean(utf8, len, count_span, &count);
	return count;
}

int out_mark(struct out *out, enum mark_kind kind, uint32_t value, uint64_t start, uint64_t end)
{
	struct protocol_mark mark = {
		.kind = kind, .value = value, .start_char = start, .end_char = end};

	if (!out->failed && out->mark_count < PROTOCOL_MARKS_MAX) {
		out->mark_count++;
		memcpy(record(out, RECORD_MARK, sizeof(mark)), &mark, sizeof(mark));
	}
	return out->failed;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A field holds no invalid part and no control character: what would be dropped ends it. */
static size_t field_prefix(const char *utf8, size_t len)
{
	len = utf8_valid_prefix(utf8, whole_chars(utf8, len, FIELD_MAX));
	for (size_t i = 0; i < len; i++)
		if (is_dropped((const unsigned char *)utf8 + i, len - i))
			return i;
	return len;
}

void out_field(struct out *out, enum protocol_field field, const char *utf8, size_t len)
{
	while (len && is_space(*utf8)) {
		utf8++;
		len--;
	}
	len = field_prefix(utf8, len);
	while (len && is_space(utf8[len - 1]))
		len--;
	if (!len)
		return;
	char *payload = record(out, RECORD_FIELD, len + 1);
	payload[0] = (char)field;
	memcpy(payload + 1, utf8, len);
}

void out_end(struct out *out, int result, const struct err *err)
{
	struct protocol_end end = {.result = result, .page_count = out->page_count};
	size_t len = result ? strlen(err->text) : 0;
	char *payload = record(out, RECORD_END, sizeof(end) + len);

	memcpy(payload, &end, sizeof(end));
	memcpy(payload + sizeof(end), err->text, len);
}
