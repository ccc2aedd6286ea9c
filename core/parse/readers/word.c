/* SPDX-License-Identifier: Apache-2.0 */
/* Word 97 to 2003, and Word 6 and 95. In reading order: word_piece.c (where the text lies),
 * word_format.c (what its paragraphs are), word_text.c (writes them), and here the parts of a
 * document, which lie behind each other: text, footnotes, headers, comments, endnotes, text
 * boxes. Left out: pictures, drawings, embedded objects. */
#include "core/parse/readers/word.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/office.h"
#include "core/parse/readers/ole.h"

#define STORIES_MAX	 4096 /* headers and footers: six a section */
#define STORIES_OF_NOTES 6 /* the first ones separate footnotes from text */

enum { MAGIC_97 = 0xa5ec, MAGIC_6 = 0xa5dc };
enum { FLAG_ENCRYPTED = 0x0100, FLAG_COMPLEX = 0x0004, FLAG_TABLE_1 = 0x0200 };

/* In the order in which they lie. */
enum part {
	PART_TEXT,
	PART_FOOTNOTES,
	PART_HEADERS,
	PART_MACROS,
	PART_COMMENTS,
	PART_ENDNOTES,
	PART_BOXES,
	PART_HEADER_BOXES,
	PART_COUNT
};

/* In the order in which they are read. */
static const struct {
	enum part part;
	const char *label;
} order[] = {
	{PART_TEXT, NULL},
	{PART_BOXES, NULL},
	{PART_FOOTNOTES, NULL},
	{PART_ENDNOTES, NULL},
	{PART_COMMENTS, "Comments:"},
	{PART_HEADERS, NULL},
};

struct word_file {
	struct word word;
	struct buf main, table;
};

struct bytes word_table(const struct word *word, enum word_table table)
{
	static const struct {
		uint8_t table;
		uint16_t at;
	} old[] = {{WORD_STYLES, 0x60}, {WORD_HEADERS, 0xb0}, {WORD_PARAGRAPHS, 0xc0},
		{WORD_PIECES, 0x160}};
	size_t at = 0x9a + (size_t)table * 8;

	for (size_t i = 0; word->is_old && i < ARRAY_LEN(old); i++)
		if (old[i].table == table)
			at = old[i].at;
	return bytes_part(word->table, bytes_u32(word->main, at), bytes_u32(word->main, at + 4));
}

/* How many characters a part has. */
static uint32_t part_len(const struct word *word, enum part part)
{
	uint32_t len = bytes_u32(word->main, (word->is_old ? 0x34u : 0x4cu) + (size_t)part * 4);

	return len < INT32_MAX ? len : 0;
}

static int load_streams(struct word_file *file, const struct cfb *cfb, struct err *err)
{
	struct word *word = &file->word;
	int rc = ole_stream(cfb, cfb_find(cfb, CFB_ROOT, "WordDocument"), &file->main, err);

	if (rc)
		return rc;
	word->main = word->table = bytes_of(&file->main);
	uint16_t magic = bytes_u16(word->main, 0), flags = bytes_u16(word->main, 0x0a);
	if (magic != MAGIC_97 && magic != MAGIC_6)
		return err_set(err, -EBADMSG, "the document is damaged: its beginning is missing");
	if (flags & FLAG_ENCRYPTED)
		return ole_encrypted(err);
	word->is_old = magic == MAGIC_6 || bytes_u16(word->main, 2) < 106;
	word->is_complex = flags & FLAG_COMPLEX;
	word->codepage = CODEPAGE_WESTERN;
	if (word->is_old) {
		word->codepage = codepage_of_language(bytes_u16(word->main, 6));
		return 0;
	}
	buf_release(&file->table);
	const char *name = flags & FLAG_TABLE_1 ? "1Table" : "0Table";
	rc = ole_stream(cfb, cfb_find(cfb, CFB_ROOT, name), &file->table, NULL);
	word->table = bytes_of(&file->table);
	return rc == -EBADMSG ? 0 : rc; /* without it there may be text in one piece */
}

/* Headers and footers repeat from section to section: each text once. */
static void write_stories(const struct word *word, uint32_t begin, uint32_t end, struct flow *flow)
{
	struct bytes list = word_table(word, WORD_HEADERS);
	size_t count = list.len / 4, seen_count = 0;
	uint64_t seen[64];

	for (size_t i = STORIES_OF_NOTES; i + 1 < count && i < STORIES_MAX; i++) {
		uint32_t from = begin + bytes_u32(list, i * 4);
		uint32_t to = begin + bytes_u32(list, i * 4 + 4);
		bool is_new = from < to && to <= end;
		uint64_t hash = is_new ? word_hash(word, from, to) : 0;
		for (size_t j = 0; is_new && j < seen_count; j++)
			is_new = seen[j] != hash;
		if (!is_new)
			continue;
		if (seen_count < ARRAY_LEN(seen))
			seen[seen_count++] = hash;
		word_write(word, from, to, NULL, flow);
	}
}

static void write_parts(const struct word *word, struct flow *flow)
{
	uint32_t begin[PART_COUNT + 1] = {0}, page = 1;

	for (int part = 0; part < PART_COUNT; part++) {
		uint32_t len = part_len(word, (enum part)part);
		begin[part + 1] = begin[part] > INT32_MAX - len ? begin[part] : begin[part] + len;
	}
	if (!begin[PART_TEXT + 1]) /* a header that counts nothing: all there is */
		begin[PART_TEXT + 1] = word->pieces[word->piece_count - 1].end;
	bool has_pages = word_has_pages(word, begin[PART_TEXT + 1]);
	if (has_pages)
		flow_page(flow, page);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		enum part part = order[i].part;
		uint32_t from = begin[part], to = begin[part + 1];
		if (from >= to || flow_failed(flow))
			continue;
		if (order[i].label)
			flow_words(flow, order[i].label, strlen(order[i].label));
		if (order[i].label)
			flow_line(flow);
		if (part == PART_HEADERS)
			write_stories(word, from, to, flow);
		else
			word_write(word, from, to, part == PART_TEXT && has_pages ? &page : NULL,
				flow);
	}
}

static int read_file(
	struct word_file *file, const struct cfb *cfb, struct out *out, struct err *err)
{
	struct flow flow;
	int rc = load_streams(file, cfb, err);

	rc = rc ? rc : word_load_pieces(&file->word);
	rc = rc ? rc : word_load_format(&file->word);
	if (rc == -EBADMSG && !err->text[0])
		err_set(err, rc, "the document is damaged: where its text lies cannot be read");
	if (rc)
		return rc;
	flow_init(&flow, out);
	write_parts(&file->word, &flow);
	return flow_finish(&flow);
}

int word_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_CFB struct cfb *cfb = NULL;
	AUTO_META struct meta meta;
	struct word_file file = {0};
	int rc = cfb_open(&cfb, source, err);

	meta_init(&meta);
	if (rc)
		return rc;
	rc = read_file(&file, cfb, out, err);
	if (rc != -EKEYREJECTED)
		ole_summary(cfb, &meta, out);
	meta_send(&meta, out);
	free(file.word.pieces);
	free(file.word.paragraphs);
	free(file.word.hidden);
	free(file.word.style_levels);
	buf_release(&file.main);
	buf_release(&file.table);
	return office_result(out, rc, 0, err);
}
