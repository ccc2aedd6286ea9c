/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a word processor's document: styles, numbering, symbols. */
#ifndef ASKFS_CORE_PARSE_READERS_DOCX_H
#define ASKFS_CORE_PARSE_READERS_DOCX_H

#include "core/parse/readers/ooxml.h"

/* What a paragraph's style says of it, by itself or by what it is based on. */
struct docx_style {
	char *id, *based_on;
	int level; /* of a heading, from 1; 0: none; -1: not said */
	bool is_title;
	long number, number_level; /* of its list; -1: not said */
};

struct docx_styles {
	struct docx_style *at; /* sorted by id */
	size_t count, cap;
};

/* The styles of @part (NULL: there is none); broken ones as far as they go. Release them. */
void docx_styles_read(struct docx_styles *styles, struct package *package, const char *part);
void docx_styles_release(struct docx_styles *styles);

/* What holds for a paragraph of that style, all said or 0. Its strings are NULL. */
struct docx_style docx_style_find(const struct docx_styles *styles, const char *id);

/* The heading level of a style called "heading 1"; 0: none. */
int docx_heading_level(const char *name);

/* Lists: what stands before a paragraph. */
struct docx_numbers;

/* The numbering of @part; NULL: there is none, or memory is short. */
struct docx_numbers *docx_numbers_read(struct package *package, const char *part);
void docx_numbers_free(struct docx_numbers *numbers);

/* The next label of list @number at @level: "2.1", "b)", "-" for a bullet; "" for none. @label: at
 * least DOCX_LABEL_MAX bytes. */
#define DOCX_LABEL_MAX 128
void docx_number_next(struct docx_numbers *numbers, long number, long level, char *label);

/* Character @code of a symbol font, in UTF-8; its length, 0: it has no meaning as text. */
size_t docx_symbol(const char *font, unsigned long code, char utf8[4]);

#endif
