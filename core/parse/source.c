/* SPDX-License-Identifier: Apache-2.0 */
/* Documents are read by position in windows, never mapped: a file that shrinks under us ends
 * early, where a mapping would raise SIGBUS. */
#include "core/parse/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/parse/charset.h"

#define WINDOW	       ((size_t)64 << 10)
#define CHAR_MAX_BYTES 4 /* of UTF-8 */

ssize_t source_read(const struct source *source, void *data, size_t len, uint64_t offset)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n =
			pread(source->fd, (char *)data + have, len - have, (off_t)(offset + have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* A piece at @at: of the head, which is in memory, or read into @room. The last bytes of a head
 * that is not all may begin a character: they are read again, with what follows. */
static ssize_t window(const struct source *source, uint64_t at, char room[WINDOW],
	const char **data, bool *is_last)
{
	if (at < source->head_len &&
		(source_is_all(source) || source->head_len - at >= CHAR_MAX_BYTES)) {
		size_t left = source->head_len - (size_t)at;
		*data = source->head + at;
		*is_last = source_is_all(source) && left <= WINDOW;
		return (ssize_t)(left < WINDOW ? left : WINDOW);
	}
	*data = room;
	*is_last = source_is_all(source);
	ssize_t n = *is_last ? 0 : source_read(source, room, WINDOW, at);
	*is_last = n < (ssize_t)WINDOW;
	return n;
}

/* Bytes at the end of @data that may be the beginning of a character. */
static size_t cut_tail(const char *data, size_t len)
{
	for (size_t back = 1; back <= 3 && back < len; back++) {
		unsigned char c = (unsigned char)data[len - back];
		if (c >= 0xc0)
			return back < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) ? back : 0;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

static int pass(const char *data, size_t len, bool is_last, struct charset_stream *stream,
	struct buf *room, source_fn *each, void *context)
{
	if (!stream)
		return each(context, data, len);
	buf_clear(room);
	int rc = charset_stream_add(stream, data, len, is_last, room);
	return rc ? rc : each(context, room->data ? room->data : "", room->len);
}

static int each_window(const struct source *source, struct charset_stream *stream, size_t skip,
	source_fn *each, void *context)
{
	char room[WINDOW];
	AUTO_BUF struct buf converted;
	bool is_last = false;
	int rc = 0;

	buf_init(&converted, WINDOW * 8);
	for (uint64_t at = skip; !rc && !is_last;) {
		const char *data;
		ssize_t n = window(source, at, room, &data, &is_last);
		if (n < 0)
			return (int)n;
		size_t len = (size_t)n;
		if (!stream && !is_last)
			len -= cut_tail(data, len);
		rc = pass(data, len, is_last, stream, &converted, each, context);
		at += len;
	}
	return rc;
}

int source_each(const struct source *source, const char *charset, size_t skip, source_fn *each,
	void *context, struct err *err)
{
	struct charset_stream *stream = NULL;
	int rc = 0;

	if (strcmp(charset, "UTF-8"))
		rc = charset_stream_new(&stream, charset);
	if (!rc)
		rc = each_window(source, stream, skip, each, context);
	charset_stream_free(stream);
	if (rc && !err->text[0])
		err_set(err, rc, "the document cannot be read as %s: %s", charset, strerror(-rc));
	return rc;
}

const char *source_charset(const struct source *source, struct out *out, size_t *skip)
{
	bool is_markup = source->head_len > 0 && *source->head == '<'; /* which may say it itself */
	const char *name = (is_markup ? charset_of_page : charset_of_text)(
		source->head, source->head_len, source_is_all(source), skip);

	out_field(out, FIELD_CHARSET, name, strlen(name));
	return name;
}
