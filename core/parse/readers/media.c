/* SPDX-License-Identifier: Apache-2.0 */
/* Audio and video: titles, chapters and lyrics that the file carries. Nothing is decoded, so the
 * containers are walked by small readers of our own (id3.c, vorbis.c, mp4.c, matroska.c,
 * riff.c); a library for this would load decoders for everything. Sounds and pictures are
 * stepped over by their sizes. */
#include "core/parse/readers/media.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/text/utf8.h"

#define FIELD_MAX    ((size_t)64 << 10)
#define CHAPTERS_MAX ((size_t)1 << 20)
#define LYRICS_MAX   ((size_t)4 << 20)

static const char *const labels[MEDIA_FIELDS] = {
	"Title", "Artist", "Album", "Composer", "Date", "Genre", "Description", "Comment"};

bool media_at(const struct media *media, uint64_t offset, void *data, size_t len)
{
	return offset < media->source->size &&
		source_read(media->source, data, len, offset) == (ssize_t)len;
}

unsigned char *media_load(
	const struct media *media, uint64_t offset, uint64_t len, struct media_bytes *out)
{
	uint64_t size = media->source->size, left = offset < size ? size - offset : 0;
	size_t wanted = (size_t)(len < left ? len : left);
	unsigned char *data = wanted ? malloc(wanted) : NULL;
	ssize_t n = data ? source_read(media->source, data, wanted, offset) : 0;

	*out = (struct media_bytes){data, n > 0 ? (size_t)n : 0};
	return data;
}

static size_t trimmed(const char **utf8, size_t len)
{
	static const char spaces[] = " \t\r\n"; /* and NUL, its end */

	while (len && memchr(spaces, **utf8, sizeof(spaces))) {
		++*utf8;
		len--;
	}
	while (len && memchr(spaces, (*utf8)[len - 1], sizeof(spaces)))
		len--;
	return utf8_is_valid(*utf8, len) ? len : 0;
}

void media_set(struct media *media, enum media_field field, const char *utf8, size_t len)
{
	len = trimmed(&utf8, len);
	if (len && !media->fields[field].len)
		buf_add(&media->fields[field], utf8, len);
}

bool media_set_named(struct media *media, const struct media_name *names, size_t count,
	const char *name, size_t name_len, const char *utf8, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i].name) != name_len || strncasecmp(names[i].name, name, name_len))
			continue;
		media_set(media, names[i].field, utf8, len);
		return true;
	}
	return false;
}

void media_chapter(struct media *media, uint64_t ms, const char *utf8, size_t len)
{
	uint64_t s = ms / 1000;

	len = trimmed(&utf8, len);
	if (!len || len > FIELD_MAX || media->chapters.failed)
		return;
	buf_addf(&media->chapters, "%" PRIu64 ":%02u:%02u ", s / 3600, (unsigned)(s / 60 % 60),
		(unsigned)(s % 60));
	buf_add(&media->chapters, utf8, len);
	buf_addc(&media->chapters, '\n');
}

void media_lyrics(struct media *media, const char *utf8, size_t len)
{
	len = trimmed(&utf8, len);
	if (!len || media->lyrics.failed)
		return;
	if (media->lyrics.len)
		buf_adds(&media->lyrics, "\n\n");
	buf_add(&media->lyrics, utf8, len);
}

static void add_char(struct buf *out, uint32_t c)
{
	char bytes[4];

	buf_add(out, bytes, utf8_encode(c, bytes));
}

static void decode_utf16(struct buf *out, const unsigned char *text, size_t len, bool is_big)
{
	size_t i = 0;

	if (len >= 2 &&
		((text[0] == 0xff && text[1] == 0xfe) || (text[0] == 0xfe && text[1] == 0xff))) {
		is_big = text[0] == 0xfe;
		i = 2;
	}
	while (len - i >= 2) {
		uint32_t c = is_big ? media_big(text + i, 2) : media_little(text + i, 2);
		i += 2;
		if (c >= 0xd800 && c < 0xdc00 && len - i >= 2) {
			uint32_t low = is_big ? media_big(text + i, 2) : media_little(text + i, 2);
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		add_char(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	}
}

void media_decode(
	struct buf *out, const unsigned char *text, size_t len, enum media_charset charset)
{
	if (charset == MEDIA_UTF16 || charset == MEDIA_UTF16BE) {
		decode_utf16(out, text, len, charset == MEDIA_UTF16BE);
	} else if (charset == MEDIA_UTF8 || utf8_is_valid((const char *)text, len)) {
		utf8_sanitize((const char *)text, len, out);
	} else {
		for (size_t i = 0; i < len; i++)
			add_char(out, text[i]);
	}
}

/* By the bytes: what libmagic calls them is a matter of its version. */
static void walk(struct media *media)
{
	uint64_t begin = id3_size(media);
	unsigned char head[12] = {0};

	id3_walk(media, 0);
	if (!media_at(media, begin, head, sizeof(head)))
		return;
	if (!memcmp(head, "fLaC", 4))
		flac_walk(media, begin);
	else if (!memcmp(head, "OggS", 4))
		ogg_walk(media);
	else if (!memcmp(head, "RIFF", 4) || !memcmp(head, "RF64", 4))
		riff_walk(media, false);
	else if (!memcmp(head, "FORM", 4))
		riff_walk(media, true);
	else if (!memcmp(head, "\x1a\x45\xdf\xa3", 4))
		matroska_walk(media);
	else if (!memcmp(head + 4, "ftyp", 4) || !memcmp(head + 4, "moov", 4) ||
		!memcmp(head + 4, "wide", 4) || !memcmp(head + 4, "mdat", 4) ||
		!memcmp(head + 4, "free", 4))
		mp4_walk(media);
}

static void add_paragraphs(struct flow *flow, const struct buf *text)
{
	if (!text->len)
		return;
	flow_paragraph(flow);
	for (const char *at = text->data, *end = at + text->len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
		flow_words(flow, at, len);
		if (len)
			flow_line(flow);
		else
			flow_paragraph(flow);
		at += len + 1;
	}
	flow_paragraph(flow);
}

static void send(struct media *media, struct flow *flow, struct out *out)
{
	const struct buf *title = &media->fields[MEDIA_TITLE], *date = &media->fields[MEDIA_DATE];
	AUTO_META struct meta meta;

	meta_init(&meta);
	if (title->len)
		out_field(out, FIELD_TITLE, title->data, title->len);
	meta_add(&meta, "author", media->fields[MEDIA_ARTIST].data);
	if (date->len >= 4 && strspn(date->data, "0123456789") >= 4)
		meta_add(&meta, "created", date->data);
	meta_send(&meta, out);
	for (size_t i = 0; i < MEDIA_FIELDS; i++)
		flow_labelled(flow, labels[i], media->fields[i].data);
	add_paragraphs(flow, &media->chapters);
	add_paragraphs(flow, &media->lyrics);
}

int media_read(const struct source *source, struct out *out, struct err *err)
{
	struct media media = {.source = source};
	struct flow flow;

	flow_init(&flow, out);
	for (size_t i = 0; i < MEDIA_FIELDS; i++)
		buf_init(&media.fields[i], FIELD_MAX);
	buf_init(&media.chapters, CHAPTERS_MAX);
	buf_init(&media.lyrics, LYRICS_MAX);
	walk(&media);
	send(&media, &flow, out);
	for (size_t i = 0; i < MEDIA_FIELDS; i++)
		buf_release(&media.fields[i]);
	buf_release(&media.chapters);
	buf_release(&media.lyrics);
	int rc = flow_finish(&flow);
	if (rc || out->text_len)
		return rc;
	return err_set(err, -ENODATA,
		"no text can be extracted: %s holds no titles, chapters or lyrics", source->type);
}
