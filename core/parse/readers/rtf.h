/* SPDX-License-Identifier: Apache-2.0 */
/* Rich Text Format (Microsoft's specification 1.9.1). For rtf*.c, and for mail that holds it. */
#ifndef ASKFS_CORE_PARSE_READERS_RTF_H
#define ASKFS_CORE_PARSE_READERS_RTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/parse/bytes.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/reader.h"

/* Write the text of @data. 0, -EBADMSG: it is no RTF, -ENOMEM, or what flow_failed says. */
int rtf_write(struct bytes data, struct flow *flow);

#define RTF_DEPTH_MAX	 2048 /* groups one inside the other; what is deeper shares the last one */
#define RTF_NUMBERS	 65536 /* of fonts, of styles */
#define RTF_WORD_MAX	 32 /* letters of a control word */
#define RTF_CHARS_SYMBOL 42 /* instead of a code page: pictures for letters */

/* Where text goes. */
enum rtf_destination {
	RTF_BODY,
	RTF_SKIP, /* with all groups inside */
	RTF_SHAPE, /* the text is left out, but groups inside say where theirs goes */
	RTF_ALTERNATIVE, /* the text is left out: a group inside has it in Unicode */
	RTF_FONTS,
	RTF_STYLES,
	RTF_FOOTNOTE,
	RTF_COMMENT,
	RTF_MARGIN, /* header or footer */
	RTF_TITLE,
	RTF_AUTHOR,
	RTF_SUBJECT,
	RTF_KEYWORDS,
	RTF_DESCRIPTION,
	RTF_CREATED,
	RTF_MODIFIED,
	RTF_DESTINATIONS
};

/* What a group inherits, and what its end restores. */
struct rtf_state {
	uint8_t destination;
	uint8_t fallback_len; /* characters that follow a \u for programs without Unicode */
	uint8_t outline; /* 1 to 9; 0: the style's */
	bool is_hidden, is_deleted, in_table;
	uint16_t font, style;
};

/* Bytes, from a document or from memory. */
struct rtf_input {
	const struct source *source; /* NULL: all is in @data */
	const unsigned char *data;
	size_t len, at;
	uint64_t offset; /* in @source, of what comes behind @data */
	unsigned char room[(size_t)32 << 10];
};

struct rtf {
	struct rtf_input input;
	struct flow *flow;
	struct rtf_state state;
	struct rtf_state stack[RTF_DEPTH_MAX];
	size_t depth, too_deep; /* groups; those beyond the stack */
	bool is_starred; /* the group may be left out by who does not know it */
	unsigned codepage; /* of the document */
	uint16_t default_font;
	uint16_t *font_codepages; /* RTF_NUMBERS of them, 0: the document's */
	uint8_t *style_levels; /* RTF_NUMBERS of them */
	uint16_t style_base;
	struct buf bytes; /* text in a code page, not yet written */
	unsigned bytes_codepage;
	unsigned skip; /* characters of a fallback that are still to come */
	uint32_t high; /* half of a pair, or 0 */
	struct buf texts[RTF_DESTINATIONS]; /* what is not the body's */
	struct buf margins; /* headers and footers so far, a line each */
	int time[5]; /* year, month, day, hour, minute of the group */
	char created[32], modified[32];
	uint32_t page; /* 0: pages are not counted */
	bool begins_page; /* the paragraph */
	bool in_heading, has_table, has_row, has_cell;
	bool is_row_defined, is_header_row;
};

/* rtf.c */
int rtf_byte(struct rtf *rtf); /* -1: the end */

/* rtf_word.c: obey a control word. */
void rtf_word(struct rtf *rtf, const char *word, bool has_number, long number);

/* rtf_text.c */
void rtf_add_byte(struct rtf *rtf, unsigned char byte); /* in the font's code page */
void rtf_add_unit(struct rtf *rtf, uint32_t unit); /* UTF-16 */
void rtf_flush(struct rtf *rtf); /* before the destination or the font changes */
void rtf_space(struct rtf *rtf);
void rtf_line(struct rtf *rtf);
void rtf_paragraph(struct rtf *rtf);
void rtf_page(struct rtf *rtf);
void rtf_cell(struct rtf *rtf); /* ends */
void rtf_row(struct rtf *rtf); /* ends */
void rtf_end_group(struct rtf *rtf); /* the state is still the group's */
void rtf_end(struct rtf *rtf);

#endif
