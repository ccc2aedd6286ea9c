/* SPDX-License-Identifier: Apache-2.0 */
/* Vorbis comments: "NAME=text", in FLAC, and in Ogg (Vorbis, Opus, Speex, Theora, FLAC), where
 * they are the second packet of a stream. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/readers/media.h"

#define COMMENTS_MAX   10000
#define BLOCK_MAX      ((uint64_t)1 << 20) /* of comments that are looked at: pictures are longer */
#define BLOCKS_MAX     256
#define OGG_STREAMS    4
#define OGG_PAGES_MAX  2048
#define OGG_PACKET_MAX ((size_t)1 << 20)

static const struct media_name names[] = {{"TITLE", MEDIA_TITLE}, {"ARTIST", MEDIA_ARTIST},
	{"ALBUM", MEDIA_ALBUM}, {"COMPOSER", MEDIA_COMPOSER}, {"DATE", MEDIA_DATE},
	{"YEAR", MEDIA_DATE}, {"GENRE", MEDIA_GENRE}, {"DESCRIPTION", MEDIA_DESCRIPTION},
	{"COMMENT", MEDIA_COMMENT}};

static bool is_name(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && !strncasecmp(text, name, len);
}

/* "00:12:30.500" in milliseconds. */
static uint64_t parse_time(const char *text, size_t len)
{
	uint64_t parts[3] = {0};
	size_t part = 0;

	for (size_t i = 0; i < len && text[i] != '.'; i++) {
		if (text[i] == ':' && part < 2)
			part++;
		else if (text[i] >= '0' && text[i] <= '9')
			parts[part] = (parts[part] * 10 + (uint64_t)(text[i] - '0')) % 1000000;
	}
	return ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000;
}

/* CHAPTER001=00:12:30.500, then CHAPTER001NAME=its title. */
static void take_chapter(struct media *media, uint64_t *begin_ms, const char *name, size_t name_len,
	const char *value, size_t len)
{
	if (name_len == 10)
		*begin_ms = parse_time(value, len);
	else if (name_len == 14 && !strncasecmp(name + 10, "NAME", 4))
		media_chapter(media, *begin_ms, value, len);
}

static void take_comment(
	struct media *media, uint64_t *begin_ms, const char *comment, size_t comment_len)
{
	const char *equals = memchr(comment, '=', comment_len);
	size_t name_len = equals ? (size_t)(equals - comment) : 0;

	if (!equals)
		return;
	const char *value = equals + 1;
	size_t len = comment_len - name_len - 1;
	if (is_name(comment, name_len, "LYRICS") || is_name(comment, name_len, "UNSYNCEDLYRICS"))
		media_lyrics(media, value, len);
	else if (name_len >= 10 && !strncasecmp(comment, "CHAPTER", 7))
		take_chapter(media, begin_ms, comment, name_len, value, len);
	else
		media_set_named(media, names, ARRAY_LEN(names), comment, name_len, value, len);
}

/* A length of four bytes before each: the encoder's name, then the comments. */
void vorbis_comment(struct media *media, const unsigned char *data, size_t len)
{
	struct media_bytes bytes = {data, len};
	uint64_t begin_ms = 0;

	if (bytes.left < 4)
		return;
	media_skip(&bytes, (size_t)media_little(bytes.at, 4) + 4);
	media_skip(&bytes, 4); /* how many there are: the bytes say it too */
	for (int i = 0; i < COMMENTS_MAX && bytes.left > 4; i++) {
		size_t size = media_little(bytes.at, 4);
		media_skip(&bytes, 4);
		if (size > bytes.left)
			return;
		take_comment(media, &begin_ms, (const char *)bytes.at, size);
		media_skip(&bytes, size);
	}
}

void flac_walk(struct media *media, uint64_t offset)
{
	unsigned char head[4];

	offset += 4;
	for (int i = 0; i < BLOCKS_MAX && media_at(media, offset, head, sizeof(head)); i++) {
		uint64_t size = media_big(head + 1, 3);
		if ((head[0] & 0x7f) == 4) {
			struct media_bytes block;
			AUTO_FREE unsigned char *data = media_load(
				media, offset + 4, size < BLOCK_MAX ? size : BLOCK_MAX, &block);
			if (data)
				vorbis_comment(media, data, block.left);
		}
		if (head[0] & 0x80)
			return;
		offset += 4 + size;
	}
}

/* One of the streams that are interleaved in an Ogg file. */
struct ogg_stream {
	uint32_t serial;
	unsigned packets; /* that are complete */
	struct buf packet; /* the second, as far as it has come */
};

struct ogg {
	struct media *media;
	struct ogg_stream streams[OGG_STREAMS];
	size_t count;
};

static struct ogg_stream *find_stream(struct ogg *ogg, uint32_t serial)
{
	for (size_t i = 0; i < ogg->count; i++)
		if (ogg->streams[i].serial == serial)
			return &ogg->streams[i];
	if (ogg->count == OGG_STREAMS)
		return NULL;
	struct ogg_stream *stream = &ogg->streams[ogg->count++];
	*stream = (struct ogg_stream){.serial = serial};
	buf_init(&stream->packet, OGG_PACKET_MAX);
	return stream;
}

static void take_packet(struct media *media, const struct buf *packet)
{
	static const struct {
		const char *mark;
		size_t len;
	} heads[] = {{"\x03vorbis", 7}, {"OpusTags", 8}, {"\x81theora", 7}};
	const unsigned char *data = (const unsigned char *)packet->data;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (packet->len > heads[i].len && !memcmp(data, heads[i].mark, heads[i].len)) {
			vorbis_comment(media, data + heads[i].len, packet->len - heads[i].len);
			return;
		}
	if (packet->len > 4) /* Speex has no mark; FLAC the head of its block */
		vorbis_comment(media, data + ((data[0] & 0x7f) == 4 ? 4 : 0),
			packet->len - ((data[0] & 0x7f) == 4 ? 4 : 0));
}

/* The segments of a page: one that is shorter than 255 bytes ends a packet. */
static void take_page(struct ogg *ogg, struct ogg_stream *stream, const unsigned char *lengths,
	unsigned count, const unsigned char *data)
{
	for (unsigned i = 0; i < count && stream->packets < 2; i++) {
		if (stream->packets == 1)
			buf_add(&stream->packet, data, lengths[i]);
		data += lengths[i];
		if (lengths[i] == 255)
			continue;
		if (++stream->packets == 2 && stream->packet.len)
			take_packet(ogg->media, &stream->packet);
	}
}

static bool is_complete(const struct ogg *ogg)
{
	for (size_t i = 0; i < ogg->count; i++)
		if (ogg->streams[i].packets < 2)
			return false;
	return ogg->count > 0;
}

void ogg_walk(struct media *media)
{
	struct ogg ogg = {.media = media};
	unsigned char head[27], lengths[255], body[255 * 255];
	uint64_t at = 0;

	for (int i = 0; i < OGG_PAGES_MAX && !is_complete(&ogg); i++) {
		if (!media_at(media, at, head, sizeof(head)) || memcmp(head, "OggS", 4) ||
			!media_at(media, at + sizeof(head), lengths, head[26]))
			break;
		size_t size = 0;
		for (unsigned k = 0; k < head[26]; k++)
			size += lengths[k];
		struct ogg_stream *stream = find_stream(&ogg, media_little(head + 14, 4));
		at += sizeof(head) + head[26];
		if (stream && (!size || media_at(media, at, body, size)))
			take_page(&ogg, stream, lengths, head[26], body);
		at += size;
	}
	for (size_t i = 0; i < ogg.count; i++)
		buf_release(&ogg.streams[i].packet);
}
