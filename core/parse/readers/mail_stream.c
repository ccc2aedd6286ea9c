/* SPDX-License-Identifier: Apache-2.0 */
/* A document as a GMimeStream. GMime's own stream over a descriptor moves its offset, which is
 * shared with the daemon; this one reads by position. GMime keeps no part in memory: it notes
 * where each lies, and asks for a substream. */
#include "core/parse/readers/mail.h"

#include <errno.h>

#include <gmime/gmime.h>

typedef struct {
	GMimeStream parent;
	const struct source *source;
} MailStream;

typedef struct {
	GMimeStreamClass parent_class;
} MailStreamClass;

static GType mail_stream_get_type(void);
G_DEFINE_TYPE(MailStream, mail_stream, GMIME_TYPE_STREAM)

static gint64 end_of(GMimeStream *stream)
{
	return stream->bound_end >= 0 ? stream->bound_end
				      : (gint64)((MailStream *)stream)->source->size;
}

static ssize_t stream_read(GMimeStream *stream, char *data, size_t len)
{
	gint64 left = end_of(stream) - stream->position;

	if (left <= 0)
		return 0;
	if ((guint64)left < len)
		len = (size_t)left;
	ssize_t n =
		source_read(((MailStream *)stream)->source, data, len, (uint64_t)stream->position);
	if (n < 0) {
		errno = (int)-n;
		return -1;
	}
	stream->position += n;
	return n;
}

static ssize_t stream_write(GMimeStream *stream, const char *data, size_t len)
{
	(void)stream, (void)data, (void)len;
	errno = EROFS;
	return -1;
}

static int stream_nothing(GMimeStream *stream)
{
	(void)stream;
	return 0;
}

static gboolean stream_eos(GMimeStream *stream)
{
	return stream->position >= end_of(stream);
}

static int stream_reset(GMimeStream *stream)
{
	stream->position = stream->bound_start;
	return 0;
}

static gint64 stream_seek(GMimeStream *stream, gint64 offset, GMimeSeekWhence whence)
{
	gint64 base = whence == GMIME_STREAM_SEEK_SET ? 0
		: whence == GMIME_STREAM_SEEK_CUR     ? stream->position
						      : end_of(stream);

	if (base + offset < stream->bound_start || base + offset > end_of(stream)) {
		errno = EINVAL;
		return -1;
	}
	stream->position = base + offset;
	return stream->position;
}

static gint64 stream_tell(GMimeStream *stream)
{
	return stream->position;
}

static gint64 stream_length(GMimeStream *stream)
{
	return end_of(stream) - stream->bound_start;
}

static GMimeStream *stream_substream(GMimeStream *stream, gint64 start, gint64 end)
{
	MailStream *part = g_object_new(mail_stream_get_type(), NULL);

	part->source = ((MailStream *)stream)->source;
	g_mime_stream_construct(&part->parent, start, end);
	return &part->parent;
}

static void mail_stream_class_init(MailStreamClass *class)
{
	GMimeStreamClass *stream = &class->parent_class;

	stream->read = stream_read;
	stream->write = stream_write;
	stream->flush = stream_nothing;
	stream->close = stream_nothing;
	stream->eos = stream_eos;
	stream->reset = stream_reset;
	stream->seek = stream_seek;
	stream->tell = stream_tell;
	stream->length = stream_length;
	stream->substream = stream_substream;
}

static void mail_stream_init(MailStream *stream)
{
	(void)stream;
}

GMimeStream *mail_stream_new(const struct source *source, uint64_t start, uint64_t end)
{
	MailStream *stream = g_object_new(mail_stream_get_type(), NULL);

	stream->source = source;
	g_mime_stream_construct(&stream->parent, (gint64)start, (gint64)end);
	return &stream->parent;
}

GMimeMessage *mail_parse(const struct source *source, uint64_t start, uint64_t end)
{
	GMimeStream *stream = mail_stream_new(source, start, end);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);

	g_mime_parser_set_persist_stream(parser, TRUE);
	g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

/* Types are registered at first use; the parser's are, too. */
void mail_prepare(void)
{
	static const char warm_up[] = "From: a <a@example.org>\n\na\n";

	g_mime_init();
	g_type_class_ref(mail_stream_get_type());
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(warm_up, sizeof(warm_up) - 1);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}
