/* SPDX-License-Identifier: Apache-2.0 */
/* WAV and AVI (RIFF), AIFF (the same in the other order of bytes): chunks with name and size. */
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/media.h"

#define CHUNKS_MAX 20000
#define LOADED_MAX ((uint64_t)8 << 20)

static const struct media_name names[] = {{"INAM", MEDIA_TITLE}, {"IART", MEDIA_ARTIST},
	{"IPRD", MEDIA_ALBUM}, {"IMUS", MEDIA_COMPOSER}, {"ICRD", MEDIA_DATE},
	{"IGNR", MEDIA_GENRE}, {"ISBJ", MEDIA_DESCRIPTION}, {"ICMT", MEDIA_COMMENT},
	{"NAME", MEDIA_TITLE}, {"AUTH", MEDIA_ARTIST}, {"ANNO", MEDIA_COMMENT}};

static void take_text(struct media *media, const char *name, const unsigned char *text, size_t len)
{
	AUTO_BUF struct buf decoded;

	buf_init(&decoded, LOADED_MAX);
	media_decode(&decoded, text, strnlen((const char *)text, len), MEDIA_LATIN1);
	if (decoded.len)
		media_set_named(media, names, ARRAY_LEN(names), name, 4, decoded.data, decoded.len);
}

static void take_list(struct media *media, struct media_bytes bytes)
{
	while (bytes.left >= 8) {
		const char *name = (const char *)bytes.at;
		size_t size = media_little(bytes.at + 4, 4);
		media_skip(&bytes, 8);
		size_t len = size < bytes.left ? size : bytes.left;
		take_text(media, name, bytes.at, len);
		media_skip(&bytes, len + (size & 1));
	}
}

static bool is_wanted(const char *name, const char *kind)
{
	return (!memcmp(name, "LIST", 4) && !memcmp(kind, "INFO", 4)) || !memcmp(name, "id3 ", 4) ||
		!memcmp(name, "ID3 ", 4) || !memcmp(name, "NAME", 4) || !memcmp(name, "AUTH", 4) ||
		!memcmp(name, "ANNO", 4);
}

static void take_chunk(struct media *media, const char *name, uint64_t offset, uint64_t size)
{
	struct media_bytes bytes;
	AUTO_FREE unsigned char *data =
		media_load(media, offset, size < LOADED_MAX ? size : LOADED_MAX, &bytes);

	if (!data)
		return;
	if (!memcmp(name, "LIST", 4)) {
		media_skip(&bytes, 4);
		take_list(media, bytes);
	} else if (!memcmp(name + 1, "d3 ", 3) || !memcmp(name + 1, "D3 ", 3)) {
		id3_tag(media, data, bytes.left);
	} else {
		take_text(media, name, data, bytes.left);
	}
}

/* A list other than INFO is stepped over, so INFO inside of one is not found: none is written
 * there. */
void riff_walk(struct media *media, bool is_big)
{
	unsigned char head[12];
	uint64_t at = 12;

	for (int i = 0; i < CHUNKS_MAX && media_at(media, at, head, 8); i++) {
		uint64_t size = is_big ? media_big(head + 4, 4) : media_little(head + 4, 4);
		if (!media_at(media, at + 8, head + 8, 4))
			memset(head + 8, 0, 4);
		if (is_wanted((const char *)head, (const char *)head + 8))
			take_chunk(media, (const char *)head, at + 8, size);
		at += 8 + size + (size & 1);
	}
}
