/* SPDX-License-Identifier: Apache-2.0 */
/* Word's binary documents ([MS-DOC], and their ancestor of Word 6 and 95): where text lies, and
 * what is known of it. For word*.c. */
#ifndef ASKFS_CORE_PARSE_READERS_WORD_H
#define ASKFS_CORE_PARSE_READERS_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/parse/bytes.h"
#include "core/parse/flow.h"

/* Characters from number @begin on lie at @offset of the main stream. */
struct word_piece {
	uint32_t begin, end; /* numbers of characters */
	uint32_t offset;
	bool is_narrow; /* a byte each, else UTF-16 */
};

/* Paragraphs, by where they lie in the main stream. */
struct word_paragraph {
	uint32_t begin, end; /* offsets */
	uint16_t style;
	uint8_t level; /* of its outline, 1 to 9; 0: that of its style */
	bool is_body; /* it says that it is in no outline, whatever its style */
	bool is_list, is_in_table, is_row_end, is_header_row, begins_page;
	uint8_t depth; /* of tables */
};

/* Characters that are not shown: hidden, or deleted and the deletion not yet accepted. */
struct word_hidden {
	uint32_t begin, end; /* offsets */
};

/* Pieces, paragraphs and runs are in order, and do not overlap but in a broken file. */
struct word {
	struct bytes main, table; /* streams; of Word 6 and 95 the same */
	bool is_old; /* Word 6 or 95 */
	bool is_complex; /* of those: it has pieces at all */
	unsigned codepage;
	struct word_piece *pieces;
	size_t piece_count;
	struct word_paragraph *paragraphs;
	size_t paragraph_count;
	struct word_hidden *hidden;
	size_t hidden_count;
	uint8_t *style_levels; /* a heading's, by the style's number; 0: none */
	size_t style_count;
};

/* The tables that the document's header points at, in the order of Word 97. */
enum word_table {
	WORD_STYLES = 1,
	WORD_SECTIONS = 6,
	WORD_HEADERS = 11,
	WORD_RUNS = 12,
	WORD_PARAGRAPHS = 13,
	WORD_PIECES = 33
};

/* One of them; empty where there is none. */
struct bytes word_table(const struct word *word, enum word_table table);

/* Fill @word's lists. What is broken is left out. 0; -ENOMEM; word_load_pieces: -EBADMSG too. */
int word_load_pieces(struct word *word);
int word_load_format(struct word *word);

/* The paragraph whose mark lies at @offset; NULL: nothing is known of it. */
const struct word_paragraph *word_paragraph_at(const struct word *word, uint32_t offset);

/* Is the row of a table that @cell is a paragraph of a header? What a row is stands at its end. */
bool word_is_header_row(const struct word *word, const struct word_paragraph *cell);

/* Is the character at @offset not to be shown? *until: how far that holds. */
bool word_is_hidden(const struct word *word, uint32_t offset, uint32_t *until);

/* The level of the heading that a paragraph is, 1 to 9; 0: none. */
unsigned word_level(const struct word *word, const struct word_paragraph *paragraph);

/* Does a section begin at character @at that goes on where the one before it ended, on the same
 * page? */
bool word_section_is_continuous(const struct word *word, uint32_t at);

/* Write the characters from number @begin up to @end, a part of the document of its own. *page:
 * the number of the page, counted on at page breaks; NULL where they count for nothing. */
void word_write(
	const struct word *word, uint32_t begin, uint32_t end, uint32_t *page, struct flow *flow);

/* Does the text before character @end hold a page break? */
bool word_has_pages(const struct word *word, uint32_t end);

/* A number that tells short texts apart. */
uint64_t word_hash(const struct word *word, uint32_t begin, uint32_t end);

#endif
