/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the readers of audio and video: what such a file says in words. */
#ifndef ASKFS_CORE_PARSE_READERS_MEDIA_H
#define ASKFS_CORE_PARSE_READERS_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/parse/reader.h"

enum media_field {
	MEDIA_TITLE,
	MEDIA_ARTIST,
	MEDIA_ALBUM,
	MEDIA_COMPOSER,
	MEDIA_DATE,
	MEDIA_GENRE,
	MEDIA_DESCRIPTION,
	MEDIA_COMMENT,
	MEDIA_FIELDS
};

/* What was found so far. The bufs have ceilings: a file that repeats itself fills no memory. */
struct media {
	const struct source *source;
	struct buf fields[MEDIA_FIELDS];
	struct buf chapters; /* a line each */
	struct buf lyrics;
};

/* A name that a format has for a field. */
struct media_name {
	const char *name;
	enum media_field field;
};

/* Bytes in memory that are walked. */
struct media_bytes {
	const unsigned char *at;
	size_t left;
};

static inline uint32_t media_big(const unsigned char *p, size_t bytes)
{
	uint32_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static inline uint32_t media_little(const unsigned char *p, size_t bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

static inline void media_skip(struct media_bytes *bytes, size_t len)
{
	len = len < bytes->left ? len : bytes->left;
	bytes->at += len;
	bytes->left -= len;
}

/* Exactly @len bytes at @offset. False: the file has not so many. */
bool media_at(const struct media *media, uint64_t offset, void *data, size_t len);

/* At most @len bytes at @offset into memory that the caller frees; *out tells how many. NULL: none,
 * or memory is short. */
unsigned char *media_load(
	const struct media *media, uint64_t offset, uint64_t len, struct media_bytes *out);

/* The first value of a field that has words counts. UTF-8; what is not valid is left out. */
void media_set(struct media *media, enum media_field field, const char *utf8, size_t len);

/* The same by the name that it has in @names (upper and lower case are one). False: it has none. */
bool media_set_named(struct media *media, const struct media_name *names, size_t count,
	const char *name, size_t name_len, const char *utf8, size_t len);

/* @ms: its beginning. */
void media_chapter(struct media *media, uint64_t ms, const char *utf8, size_t len);

void media_lyrics(struct media *media, const char *utf8, size_t len);

/* Append @text as UTF-8. ISO 8859-1 that is valid UTF-8 is taken for that. */
enum media_charset { MEDIA_LATIN1, MEDIA_UTF16, MEDIA_UTF16BE, MEDIA_UTF8 };
void media_decode(struct buf *out, const unsigned char *text, size_t len, enum media_charset);

/* The formats. What is broken ends the walk: what came before counts. */
void id3_walk(struct media *media, uint64_t offset); /* where a tag begins; and at the file's end */
void id3_tag(struct media *media, const unsigned char *data, size_t len); /* one in memory */
uint64_t id3_size(const struct media *media); /* of the tag that the file begins with, or 0 */
void vorbis_comment(struct media *media, const unsigned char *data, size_t len);
void flac_walk(struct media *media, uint64_t offset);
void ogg_walk(struct media *media);
void mp4_walk(struct media *media);
void matroska_walk(struct media *media);
void riff_walk(struct media *media, bool is_big); /* @is_big: AIFF's order of bytes */

#endif
