/* SPDX-License-Identifier: Apache-2.0 */
/* Matroska and WebM (RFC 9559, over EBML, RFC 8794): elements in elements. The segment's title, its
 * chapters and its tags; clusters, which hold sound and pictures, are stepped over. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/media.h"

#define ELEMENTS_MAX 200000 /* of a segment: a long film has a cluster for every few seconds */
#define LOADED_MAX   ((uint64_t)4 << 20)
#define DEPTH_MAX    8

enum {
	ID_SEGMENT = 0x18538067,
	ID_INFO = 0x1549a966,
	ID_TITLE = 0x7ba9,
	ID_CHAPTERS = 0x1043a770,
	ID_EDITION = 0x45b9,
	ID_CHAPTER = 0xb6,
	ID_CHAPTER_BEGIN = 0x91,
	ID_DISPLAY = 0x80,
	ID_CHAPTER_TITLE = 0x85,
	ID_TAGS = 0x1254c367,
	ID_TAG = 0x7373,
	ID_SIMPLE_TAG = 0x67c8,
	ID_TAG_NAME = 0x45a3,
	ID_TAG_STRING = 0x4487
};

static const struct media_name names[] = {{"TITLE", MEDIA_TITLE}, {"ARTIST", MEDIA_ARTIST},
	{"ALBUM", MEDIA_ALBUM}, {"COMPOSER", MEDIA_COMPOSER}, {"DATE_RELEASED", MEDIA_DATE},
	{"DATE_RECORDED", MEDIA_DATE}, {"DATE", MEDIA_DATE}, {"GENRE", MEDIA_GENRE},
	{"DESCRIPTION", MEDIA_DESCRIPTION}, {"SUMMARY", MEDIA_DESCRIPTION},
	{"SYNOPSIS", MEDIA_DESCRIPTION}, {"COMMENT", MEDIA_COMMENT}};

/* A number of 1 to 8 bytes; the zeros before the first one bit say how many. @keeps: an ID, which
 * keeps that bit. 0: it is broken, or cut. */
static size_t take_number(const unsigned char *at, size_t left, bool keeps, uint64_t *value)
{
	size_t len = 1;

	while (len <= 8 && left && !(at[0] & (0x80 >> (len - 1))))
		len++;
	if (!left || len > 8 || len > left)
		return 0;
	*value = keeps ? at[0] : at[0] & (0xffU >> len);
	for (size_t i = 1; i < len; i++)
		*value = *value << 8 | at[i];
	return len;
}

/* A size of all ones: nobody knew it when it was written. */
static bool is_unknown(uint64_t size, size_t len)
{
	return size == (UINT64_C(1) << (7 * len)) - 1;
}

/* An element's head: *id, *size; how long the head is, 0 at the end. */
static size_t take_head(const unsigned char *at, size_t left, uint64_t *id, uint64_t *size)
{
	size_t id_len = take_number(at, left, true, id);
	size_t size_len = id_len ? take_number(at + id_len, left - id_len, false, size) : 0;

	if (!size_len)
		return 0;
	if (is_unknown(*size, size_len))
		*size = UINT64_MAX;
	return id_len + size_len;
}

static bool next_element(struct media_bytes *bytes, uint64_t *id, struct media_bytes *body)
{
	uint64_t size;
	size_t head = take_head(bytes->at, bytes->left, id, &size);

	if (!head)
		return false;
	media_skip(bytes, head);
	*body = (struct media_bytes){bytes->at, size < bytes->left ? (size_t)size : bytes->left};
	media_skip(bytes, body->left);
	return true;
}

/* What a chapter or a tag has told so far. */
struct element {
	uint64_t begin_ns;
	struct media_bytes name, text;
};

static void take_tag(struct media *media, const struct element *tag)
{
	const char *name = (const char *)tag->name.at, *text = (const char *)tag->text.at;

	if (!tag->name.left || !tag->text.left)
		return;
	if (tag->name.left == 6 && !memcmp(name, "LYRICS", 6))
		media_lyrics(media, text, tag->text.left);
	else
		media_set_named(
			media, names, ARRAY_LEN(names), name, tag->name.left, text, tag->text.left);
}

static bool is_nest(uint64_t id)
{
	return id == ID_EDITION || id == ID_CHAPTER || id == ID_DISPLAY || id == ID_TAG ||
		id == ID_SIMPLE_TAG;
}

/* Chapters and tags, which may hold each other. */
static void walk(struct media *media, struct media_bytes bytes, struct element *outer, int depth)
{
	struct element inner = {.begin_ns = outer->begin_ns};
	struct media_bytes body;
	uint64_t id;

	while (next_element(&bytes, &id, &body)) {
		struct element *mine = outer;
		if (id == ID_CHAPTER || id == ID_SIMPLE_TAG) {
			inner = (struct element){0};
			mine = &inner;
		}
		if (is_nest(id) && depth < DEPTH_MAX)
			walk(media, body, mine, depth + 1);
		if (id == ID_SIMPLE_TAG)
			take_tag(media, &inner);
		else if (id == ID_TAG_NAME)
			outer->name = body;
		else if (id == ID_TAG_STRING)
			outer->text = body;
		else if (id == ID_CHAPTER_BEGIN && body.left <= 8)
			outer->begin_ns = body.left <= 4
				? media_big(body.at, body.left)
				: (uint64_t)media_big(body.at, body.left - 4) << 32 |
					media_big(body.at + body.left - 4, 4);
		else if (id == ID_CHAPTER_TITLE)
			media_chapter(
				media, outer->begin_ns / 1000000, (const char *)body.at, body.left);
		else if (id == ID_TITLE)
			media_set(media, MEDIA_TITLE, (const char *)body.at, body.left);
	}
}

static void take_element(struct media *media, uint64_t at, uint64_t size)
{
	struct element none = {0};
	struct media_bytes bytes;
	AUTO_FREE unsigned char *data =
		media_load(media, at, size < LOADED_MAX ? size : LOADED_MAX, &bytes);

	if (data)
		walk(media, bytes, &none, 0);
}

/* A cluster of unknown size ends where the next one begins, which only its content tells: a
 * recording that was streamed has no tags behind them. */
void matroska_walk(struct media *media)
{
	unsigned char head[12] = {0};
	uint64_t at = 0, id, size, end = media->source->size;

	for (int i = 0; i < ELEMENTS_MAX && at < end; i++) {
		ssize_t n = source_read(media->source, head, sizeof(head), at);
		size_t used = n > 0 ? take_head(head, (size_t)n, &id, &size) : 0;
		if (!used)
			return;
		at += used;
		if (id == ID_SEGMENT)
			continue; /* what it holds comes next */
		if (id == ID_INFO || id == ID_CHAPTERS || id == ID_TAGS)
			take_element(media, at, size);
		if (size > end - at)
			return;
		at += size;
	}
}
