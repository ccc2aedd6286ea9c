/* SPDX-License-Identifier: Apache-2.0 */
/* ID3, the tags of MP3: version 2 (2.2, 2.3 and 2.4; id3.org) at the beginning, version 1 in the
 * last 128 bytes. Frames that are compressed or encrypted are left out: nobody writes them. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/media.h"

#define TAG_MAX	   ((uint64_t)8 << 20) /* what is looked at: pictures come last as a rule */
#define FRAMES_MAX 4096

/* The frames with one text. Version 2.2 has names of three letters. */
static const struct media_name names[] = {{"TIT2", MEDIA_TITLE}, {"TT2", MEDIA_TITLE},
	{"TPE1", MEDIA_ARTIST}, {"TP1", MEDIA_ARTIST}, {"TALB", MEDIA_ALBUM}, {"TAL", MEDIA_ALBUM},
	{"TCOM", MEDIA_COMPOSER}, {"TCM", MEDIA_COMPOSER}, {"TDRC", MEDIA_DATE},
	{"TYER", MEDIA_DATE}, {"TYE", MEDIA_DATE}, {"TDES", MEDIA_DESCRIPTION},
	{"TIT3", MEDIA_DESCRIPTION}};

static uint32_t syncsafe(const unsigned char *p)
{
	return (uint32_t)(p[0] & 0x7f) << 21 | (uint32_t)(p[1] & 0x7f) << 14 |
		(uint32_t)(p[2] & 0x7f) << 7 | (p[3] & 0x7f);
}

/* 0xff 0x00 stands for 0xff. */
static size_t undo_unsync(unsigned char *data, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		data[to++] = data[i];
		if (data[i] == 0xff && i + 1 < len && data[i + 1] == 0)
			i++;
	}
	return to;
}

/* The text at @bytes up to its NUL, decoded; steps behind it. */
static void take_string(struct media_bytes *bytes, unsigned char charset, struct buf *out)
{
	size_t unit = charset == MEDIA_UTF16 || charset == MEDIA_UTF16BE ? 2 : 1, len = 0;

	while (bytes->left - len >= unit &&
		!(bytes->at[len] == 0 && bytes->at[len + unit - 1] == 0))
		len += unit;
	media_decode(out, bytes->at, len, charset <= MEDIA_UTF8 ? charset : MEDIA_LATIN1);
	media_skip(bytes, len + unit);
}

static void take_text(struct media *media, const char *id, size_t id_len, struct media_bytes body)
{
	AUTO_BUF struct buf text;
	unsigned char charset = body.at[0];

	buf_init(&text, TAG_MAX);
	media_skip(&body, 1);
	take_string(&body, charset, &text);
	if (text.len)
		media_set_named(media, names, ARRAY_LEN(names), id, id_len, text.data, text.len);
}

/* COMM and USLT: a language of three letters, what it is about, the text. */
static void take_long_text(struct media *media, bool is_lyrics, struct media_bytes body)
{
	AUTO_BUF struct buf about, text;
	unsigned char charset = body.at[0];

	buf_init(&about, TAG_MAX);
	buf_init(&text, TAG_MAX);
	media_skip(&body, 4);
	take_string(&body, charset, &about);
	take_string(&body, charset, &text);
	if (!text.len)
		return;
	if (is_lyrics)
		media_lyrics(media, text.data, text.len);
	else if (!about.len || strncmp(about.data, "iTun", 4)) /* figures of a player */
		media_set(media, MEDIA_COMMENT, text.data, text.len);
}

/* SYLT: lyrics in pieces, each with its time. A piece that begins a line says so. */
static void take_timed_lyrics(struct media *media, struct media_bytes body)
{
	AUTO_BUF struct buf text;
	unsigned char charset = body.at[0];

	buf_init(&text, TAG_MAX);
	if (body.left < 6 || media->lyrics.len)
		return;
	media_skip(&body, 6);
	take_string(&body, charset, &text); /* what it is about */
	buf_clear(&text);
	while (body.left > 4) {
		size_t before = text.len;
		take_string(&body, charset, &text);
		media_skip(&body, 4);
		if (text.len > before && text.data[text.len - 1] != '\n')
			buf_addc(&text, '\n');
	}
	if (text.len)
		media_lyrics(media, text.data, text.len);
}

static void take_chapter(struct media *media, struct media_bytes body, unsigned version);

static void take_frame(struct media *media, const char *id, size_t id_len, struct media_bytes body,
	unsigned version)
{
	static const char *const lyrics[] = {"USLT", "ULT"}, *const comments[] = {"COMM", "COM"};
	size_t kind = id_len == 3;

	if (body.left < 2)
		return;
	if (!memcmp(id, lyrics[kind], id_len))
		take_long_text(media, true, body);
	else if (!memcmp(id, comments[kind], id_len))
		take_long_text(media, false, body);
	else if (!memcmp(id, kind ? "SLT" : "SYLT", id_len))
		take_timed_lyrics(media, body);
	else if (!kind && !memcmp(id, "CHAP", 4))
		take_chapter(media, body, version);
	else if (id[0] == 'T')
		take_text(media, id, id_len, body);
}

/* The next frame's body in *body, and its name in @id; false at the end. */
static bool next_frame(
	struct media_bytes *bytes, unsigned version, char id[4], struct media_bytes *body)
{
	size_t head = version == 2 ? 6 : 10;

	if (bytes->left < head || !bytes->at[0])
		return false;
	memcpy(id, bytes->at, 4);
	size_t size = version == 2 ? media_big(bytes->at + 3, 3)
		: version == 3	   ? media_big(bytes->at + 4, 4)
				   : syncsafe(bytes->at + 4);
	unsigned char flags = version == 2 ? 0 : bytes->at[9];
	media_skip(bytes, head);
	if (size > bytes->left)
		return false;
	*body = (struct media_bytes){bytes->at, size};
	media_skip(bytes, size);
	bool is_packed = flags & (version == 3 ? 0xc0 : 0x0c);
	if (is_packed)
		body->left = 0;
	else if (version == 4 && (flags & 1))
		media_skip(body, 4); /* its length before it was unsynchronised */
	return true;
}

/* A name, four times (two in milliseconds, two in bytes), frames that tell of it. */
static void take_chapter(struct media *media, struct media_bytes body, unsigned version)
{
	AUTO_BUF struct buf name, title;
	struct media_bytes frame;
	char id[4];

	buf_init(&name, TAG_MAX);
	buf_init(&title, TAG_MAX);
	take_string(&body, MEDIA_LATIN1, &name);
	if (body.left < 16)
		return;
	uint32_t begin_ms = media_big(body.at, 4);
	media_skip(&body, 16);
	for (int i = 0; i < 16 && next_frame(&body, version, id, &frame); i++) {
		if (memcmp(id, "TIT2", 4) || frame.left < 2)
			continue;
		unsigned char charset = frame.at[0];
		media_skip(&frame, 1);
		take_string(&frame, charset, &title);
		break;
	}
	if (title.len)
		media_chapter(media, begin_ms, title.data, title.len);
}

void id3_tag(struct media *media, const unsigned char *data, size_t len)
{
	unsigned version = len > 10 ? data[3] : 0;
	struct media_bytes bytes = {data, len}, body;
	char id[4];

	if (version < 2 || version > 4 || memcmp(data, "ID3", 3))
		return;
	AUTO_FREE unsigned char *copy = malloc(len);
	if (!copy)
		return;
	memcpy(copy, data, len);
	bool has_unsync = data[5] & 0x80, has_more = version > 2 && (data[5] & 0x40);
	bytes = (struct media_bytes){copy + 10, len - 10};
	if (has_unsync)
		bytes.left = undo_unsync(copy + 10, len - 10);
	if (has_more && bytes.left >= 4)
		media_skip(&bytes,
			version == 3 ? (size_t)media_big(bytes.at, 4) + 4 : syncsafe(bytes.at));
	for (int i = 0; i < FRAMES_MAX && next_frame(&bytes, version, id, &body); i++)
		take_frame(media, id, version == 2 ? 3 : 4, body, version);
}

uint64_t id3_size(const struct media *media)
{
	unsigned char head[10];

	if (!media_at(media, 0, head, sizeof(head)) || memcmp(head, "ID3", 3))
		return 0;
	return (uint64_t)syncsafe(head + 6) + 10;
}

static void take_latin1(
	struct media *media, enum media_field field, const unsigned char *text, size_t len)
{
	AUTO_BUF struct buf decoded;

	buf_init(&decoded, TAG_MAX);
	media_decode(&decoded, text, strnlen((const char *)text, len), MEDIA_LATIN1);
	if (decoded.len)
		media_set(media, field, decoded.data, decoded.len);
}

/* Version 1: fields of fixed width. */
static void take_old_tag(struct media *media)
{
	uint64_t size = media->source->size;
	unsigned char tag[128];

	if (size < sizeof(tag) || !media_at(media, size - sizeof(tag), tag, sizeof(tag)) ||
		memcmp(tag, "TAG", 3))
		return;
	take_latin1(media, MEDIA_TITLE, tag + 3, 30);
	take_latin1(media, MEDIA_ARTIST, tag + 33, 30);
	take_latin1(media, MEDIA_ALBUM, tag + 63, 30);
	take_latin1(media, MEDIA_DATE, tag + 93, 4);
	take_latin1(media, MEDIA_COMMENT, tag + 97, 28);
}

void id3_walk(struct media *media, uint64_t offset)
{
	struct media_bytes tag;
	uint64_t size = id3_size(media);
	AUTO_FREE unsigned char *data =
		size ? media_load(media, offset, size < TAG_MAX ? size : TAG_MAX, &tag) : NULL;

	if (data)
		id3_tag(media, data, tag.left);
	take_old_tag(media);
}
