/* SPDX-License-Identifier: Apache-2.0 */
/* MP4, M4A, QuickTime (ISO/IEC 14496-12): boxes in boxes. The words are in moov/udta: either items
 * of iTunes (meta/ilst), or texts by themselves, or numbered items whose names stand in
 * meta/keys; and a list of chapters (chpl). */
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/media.h"

#define BOXES_MAX  20000 /* of the file: a recording in fragments has many */
#define LOADED_MAX ((uint64_t)16 << 20) /* of udta or meta: a cover may be in it */
#define KEYS_MAX   256

static const struct media_name names[] = {{"\xa9nam", MEDIA_TITLE},
	{"\xa9"
	 "ART",
		MEDIA_ARTIST},
	{"aART", MEDIA_ARTIST},
	{"\xa9"
	 "alb",
		MEDIA_ALBUM},
	{"\xa9wrt", MEDIA_COMPOSER},
	{"\xa9"
	 "day",
		MEDIA_DATE},
	{"\xa9gen", MEDIA_GENRE}, {"desc", MEDIA_DESCRIPTION}, {"ldes", MEDIA_DESCRIPTION},
	{"\xa9"
	 "des",
		MEDIA_DESCRIPTION},
	{"\xa9"
	 "cmt",
		MEDIA_COMMENT},
	{"\xa9inf", MEDIA_COMMENT}};

static const struct media_name keys[] = {{"title", MEDIA_TITLE}, {"artist", MEDIA_ARTIST},
	{"author", MEDIA_ARTIST}, {"album", MEDIA_ALBUM}, {"creationdate", MEDIA_DATE},
	{"date", MEDIA_DATE}, {"genre", MEDIA_GENRE}, {"description", MEDIA_DESCRIPTION},
	{"comment", MEDIA_COMMENT}};

/* The next box of @bytes: its name, its content in *body; false at the end. */
static bool next_box(struct media_bytes *bytes, char name[4], struct media_bytes *body)
{
	if (bytes->left < 8)
		return false;
	size_t size = media_big(bytes->at, 4);
	memcpy(name, bytes->at + 4, 4);
	size = size == 0 || size > bytes->left ? bytes->left : size;
	if (size < 8)
		return false;
	*body = (struct media_bytes){bytes->at + 8, size - 8};
	media_skip(bytes, size);
	return true;
}

static void take_value(
	struct media *media, const char *name, const char *key, const char *text, size_t len)
{
	const char *dot = key ? strrchr(key, '.') : NULL;

	if (!memcmp(name, "\xa9lyr", 4))
		media_lyrics(media, text, len);
	else if (key)
		media_set_named(media, keys, ARRAY_LEN(keys), dot ? dot + 1 : key,
			strlen(dot ? dot + 1 : key), text, len);
	else
		media_set_named(media, names, ARRAY_LEN(names), name, 4, text, len);
}

/* The names of meta/keys, counted from 1. Owned. */
struct key_list {
	char *at[KEYS_MAX];
	size_t count;
};

static void take_keys(struct key_list *list, struct media_bytes bytes)
{
	struct media_bytes body;
	char name[4];

	media_skip(&bytes, 8);
	while (list->count < KEYS_MAX && next_box(&bytes, name, &body))
		list->at[list->count++] = strndup((const char *)body.at, body.left);
}

static void take_items(struct media *media, struct media_bytes bytes, const struct key_list *list)
{
	struct media_bytes item, data;
	char name[4], kind[4];

	while (next_box(&bytes, name, &item)) {
		uint32_t index = media_big((const unsigned char *)name, 4);
		const char *key = index && index <= list->count ? list->at[index - 1] : NULL;
		while (next_box(&item, kind, &data)) {
			/* type 1 is UTF-8 */
			if (memcmp(kind, "data", 4) || data.left <= 8 || media_big(data.at, 4) != 1)
				continue;
			take_value(media, name, key, (const char *)data.at + 8, data.left - 8);
		}
	}
}

/* Of MP4 it has a version before its boxes, of QuickTime none. */
static void take_meta(struct media *media, struct media_bytes bytes)
{
	struct media_bytes body;
	struct key_list list = {.count = 0};
	char name[4];

	if (bytes.left >= 8 && memcmp(bytes.at + 4, "hdlr", 4))
		media_skip(&bytes, 4);
	while (next_box(&bytes, name, &body)) {
		if (!memcmp(name, "keys", 4))
			take_keys(&list, body);
		else if (!memcmp(name, "ilst", 4))
			take_items(media, body, &list);
	}
	for (size_t i = 0; i < list.count; i++)
		free(list.at[i]);
}

/* Each: its beginning in units of 100 ns, the length of its title, the title. */
static void take_chapters(struct media *media, struct media_bytes bytes)
{
	bool is_new = bytes.left > 9 && bytes.at[0] == 1;

	media_skip(&bytes, is_new ? 9 : 5);
	while (bytes.left >= 9) {
		uint64_t begin =
			(uint64_t)media_big(bytes.at, 4) << 32 | media_big(bytes.at + 4, 4);
		size_t len = bytes.at[8];
		media_skip(&bytes, 9);
		len = len < bytes.left ? len : bytes.left;
		media_chapter(media, begin / 10000, (const char *)bytes.at, len);
		media_skip(&bytes, len);
	}
}

/* A text of QuickTime: its length, its language, the text. */
static void take_quicktime(struct media *media, const char *name, struct media_bytes body)
{
	AUTO_BUF struct buf text;
	size_t len = body.left > 4 ? media_big(body.at, 2) : 0;

	buf_init(&text, LOADED_MAX);
	if (!len || len > body.left - 4)
		return;
	media_decode(&text, body.at + 4, len, MEDIA_LATIN1);
	if (text.len)
		take_value(media, name, NULL, text.data, text.len);
}

static void take_user_data(struct media *media, struct media_bytes bytes)
{
	struct media_bytes body;
	char name[4];

	while (next_box(&bytes, name, &body)) {
		if (!memcmp(name, "meta", 4))
			take_meta(media, body);
		else if (!memcmp(name, "chpl", 4))
			take_chapters(media, body);
		else if (name[0] == '\xa9')
			take_quicktime(media, name, body);
	}
}

/* What is in the file at @at: a box's name, where its content begins and where it ends. */
struct place {
	char name[4];
	uint64_t content, end;
};

static bool find_box(const struct media *media, uint64_t at, uint64_t end, struct place *place)
{
	unsigned char head[16];

	if (at > end || end - at < 8 || !media_at(media, at, head, 8))
		return false;
	uint64_t size = media_big(head, 4), used = 8;
	memcpy(place->name, head + 4, 4);
	if (size == 1) {
		if (!media_at(media, at + 8, head + 8, 8))
			return false;
		size = (uint64_t)media_big(head + 8, 4) << 32 | media_big(head + 12, 4);
		used = 16;
	}
	size = size == 0 || size > end - at ? end - at : size;
	place->content = at + used;
	place->end = at + size;
	return size >= used;
}

static void take_movie(struct media *media, const struct place *movie)
{
	struct place part;

	uint64_t at = movie->content;
	for (int i = 0; i < BOXES_MAX && find_box(media, at, movie->end, &part); i++) {
		bool is_user_data = !memcmp(part.name, "udta", 4);
		at = part.end;
		if (!is_user_data && memcmp(part.name, "meta", 4))
			continue;
		uint64_t size = part.end - part.content;
		struct media_bytes bytes;
		AUTO_FREE unsigned char *data = media_load(
			media, part.content, size < LOADED_MAX ? size : LOADED_MAX, &bytes);
		if (data)
			(is_user_data ? take_user_data : take_meta)(media, bytes);
	}
}

void mp4_walk(struct media *media)
{
	uint64_t at = 0, end = media->source->size;
	struct place box;

	for (int i = 0; i < BOXES_MAX && find_box(media, at, end, &box); i++) {
		if (!memcmp(box.name, "moov", 4)) {
			take_movie(media, &box);
			return;
		}
		at = box.end;
	}
}
