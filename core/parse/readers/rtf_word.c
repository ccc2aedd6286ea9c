/* SPDX-License-Identifier: Apache-2.0 */
/* The control words that mean something for text: a table, sorted for a search by halves. */
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/rtf.h"

enum action {
	ACT_DESTINATION, /* argument: where the group's text goes */
	ACT_INHERIT, /* a group that may be starred, and is known */
	ACT_UNICODE_GROUP,
	ACT_CHARACTER, /* argument: the code point */
	ACT_SPACE,
	ACT_LINE,
	ACT_PARAGRAPH,
	ACT_PAGE,
	ACT_PAGE_BEFORE,
	ACT_CELL,
	ACT_ROW,
	ACT_ROW_DEFINITION,
	ACT_ROW_HEADER,
	ACT_IN_TABLE,
	ACT_PARAGRAPH_DEFAULTS,
	ACT_CHARACTER_DEFAULTS,
	ACT_STYLE,
	ACT_STYLE_BASE,
	ACT_OUTLINE,
	ACT_FONT,
	ACT_FONT_CHARSET,
	ACT_FONT_CODEPAGE,
	ACT_DEFAULT_FONT,
	ACT_CODEPAGE, /* argument: the code page, or 0: the number is it */
	ACT_UNICODE,
	ACT_FALLBACK,
	ACT_HIDDEN,
	ACT_DELETED,
	ACT_BINARY,
	ACT_TIME /* argument: index in rtf->time */
};

static const struct word {
	const char *name;
	enum action action;
	unsigned argument;
} words[] = {
	{"annotation", ACT_DESTINATION, RTF_COMMENT},
	{"ansi", ACT_CODEPAGE, CODEPAGE_WESTERN},
	{"ansicpg", ACT_CODEPAGE, 0},
	{"atnauthor", ACT_DESTINATION, RTF_SKIP},
	{"atndate", ACT_DESTINATION, RTF_SKIP},
	{"atnicn", ACT_DESTINATION, RTF_SKIP},
	{"atnid", ACT_DESTINATION, RTF_SKIP},
	{"atnref", ACT_DESTINATION, RTF_SKIP},
	{"atntime", ACT_DESTINATION, RTF_SKIP},
	{"author", ACT_DESTINATION, RTF_AUTHOR},
	{"bin", ACT_BINARY, 0},
	{"bullet", ACT_CHARACTER, 0x2022},
	{"buptim", ACT_DESTINATION, RTF_SKIP},
	{"category", ACT_DESTINATION, RTF_SKIP},
	{"cell", ACT_CELL, 0},
	{"colortbl", ACT_DESTINATION, RTF_SKIP},
	{"column", ACT_LINE, 0},
	{"comment", ACT_DESTINATION, RTF_SKIP},
	{"company", ACT_DESTINATION, RTF_SKIP},
	{"cpg", ACT_FONT_CODEPAGE, 0},
	{"creatim", ACT_DESTINATION, RTF_CREATED},
	{"deff", ACT_DEFAULT_FONT, 0},
	{"deleted", ACT_DELETED, 0},
	{"do", ACT_DESTINATION, RTF_SHAPE},
	{"doccomm", ACT_DESTINATION, RTF_DESCRIPTION},
	{"dptxbxtext", ACT_DESTINATION, RTF_BODY},
	{"dy", ACT_TIME, 2},
	{"emdash", ACT_CHARACTER, 0x2014},
	{"emspace", ACT_SPACE, 0},
	{"endash", ACT_CHARACTER, 0x2013},
	{"enspace", ACT_SPACE, 0},
	{"f", ACT_FONT, 0},
	{"fcharset", ACT_FONT_CHARSET, 0},
	{"filetbl", ACT_DESTINATION, RTF_SKIP},
	{"fldinst", ACT_DESTINATION, RTF_SKIP},
	{"fonttbl", ACT_DESTINATION, RTF_FONTS},
	{"footer", ACT_DESTINATION, RTF_MARGIN},
	{"footerf", ACT_DESTINATION, RTF_MARGIN},
	{"footerl", ACT_DESTINATION, RTF_MARGIN},
	{"footerr", ACT_DESTINATION, RTF_MARGIN},
	{"footnote", ACT_DESTINATION, RTF_FOOTNOTE},
	{"header", ACT_DESTINATION, RTF_MARGIN},
	{"headerf", ACT_DESTINATION, RTF_MARGIN},
	{"headerl", ACT_DESTINATION, RTF_MARGIN},
	{"headerr", ACT_DESTINATION, RTF_MARGIN},
	{"hlinkbase", ACT_DESTINATION, RTF_SKIP},
	{"hr", ACT_TIME, 3},
	{"info", ACT_DESTINATION, RTF_SHAPE},
	{"intbl", ACT_IN_TABLE, 0},
	{"keywords", ACT_DESTINATION, RTF_KEYWORDS},
	{"lbr", ACT_LINE, 0},
	{"ldblquote", ACT_CHARACTER, 0x201c},
	{"line", ACT_LINE, 0},
	{"lquote", ACT_CHARACTER, 0x2018},
	{"mac", ACT_CODEPAGE, 10000},
	{"manager", ACT_DESTINATION, RTF_SKIP},
	{"min", ACT_TIME, 4},
	{"mmathPict", ACT_DESTINATION, RTF_SKIP},
	{"mo", ACT_TIME, 1},
	{"moMath", ACT_INHERIT, 0},
	{"moMathPara", ACT_INHERIT, 0},
	{"nestcell", ACT_SPACE, 0},
	{"nestrow", ACT_LINE, 0},
	{"nesttableprops", ACT_INHERIT, 0},
	{"nonesttables", ACT_DESTINATION, RTF_SKIP},
	{"nonshppict", ACT_DESTINATION, RTF_SKIP},
	{"objclass", ACT_DESTINATION, RTF_SKIP},
	{"objdata", ACT_DESTINATION, RTF_SKIP},
	{"objname", ACT_DESTINATION, RTF_SKIP},
	{"operator", ACT_DESTINATION, RTF_SKIP},
	{"outlinelevel", ACT_OUTLINE, 0},
	{"page", ACT_PAGE, 0},
	{"pagebb", ACT_PAGE_BEFORE, 0},
	{"par", ACT_PARAGRAPH, 0},
	{"pard", ACT_PARAGRAPH_DEFAULTS, 0},
	{"pc", ACT_CODEPAGE, 437},
	{"pca", ACT_CODEPAGE, 850},
	{"pict", ACT_DESTINATION, RTF_SKIP},
	{"plain", ACT_CHARACTER_DEFAULTS, 0},
	{"pntxta", ACT_DESTINATION, RTF_SKIP},
	{"pntxtb", ACT_DESTINATION, RTF_SKIP},
	{"printim", ACT_DESTINATION, RTF_SKIP},
	{"qmspace", ACT_SPACE, 0},
	{"rdblquote", ACT_CHARACTER, 0x201d},
	{"revtim", ACT_DESTINATION, RTF_MODIFIED},
	{"row", ACT_ROW, 0},
	{"rquote", ACT_CHARACTER, 0x2019},
	{"rxe", ACT_DESTINATION, RTF_SKIP},
	{"s", ACT_STYLE, 0},
	{"sbasedon", ACT_STYLE_BASE, 0},
	{"sect", ACT_PARAGRAPH, 0},
	{"shpinst", ACT_DESTINATION, RTF_SHAPE},
	{"shprslt", ACT_DESTINATION, RTF_SKIP},
	{"shptxt", ACT_DESTINATION, RTF_BODY},
	{"softline", ACT_LINE, 0},
	{"sp", ACT_DESTINATION, RTF_SKIP},
	{"stylesheet", ACT_DESTINATION, RTF_STYLES},
	{"subject", ACT_DESTINATION, RTF_SUBJECT},
	{"tab", ACT_SPACE, 0},
	{"tc", ACT_DESTINATION, RTF_SKIP},
	{"tcn", ACT_DESTINATION, RTF_SKIP},
	{"title", ACT_DESTINATION, RTF_TITLE},
	{"trhdr", ACT_ROW_HEADER, 0},
	{"trowd", ACT_ROW_DEFINITION, 0},
	{"txe", ACT_DESTINATION, RTF_SKIP},
	{"u", ACT_UNICODE, 0},
	{"uc", ACT_FALLBACK, 0},
	{"ud", ACT_UNICODE_GROUP, 0},
	{"upr", ACT_DESTINATION, RTF_ALTERNATIVE},
	{"v", ACT_HIDDEN, 0},
	{"xe", ACT_DESTINATION, RTF_SKIP},
	{"yr", ACT_TIME, 0},
};

/* A font's character set, as Windows numbers them. */
static const struct {
	uint16_t charset, codepage;
} charsets[] = {
	{0, 1252},
	{2, RTF_CHARS_SYMBOL},
	{77, 10000},
	{78, 10001},
	{79, 10003},
	{80, 10008},
	{81, 10002},
	{85, 10006},
	{86, 10081},
	{88, 10029},
	{89, 10007},
	{128, 932},
	{129, 949},
	{130, 1361},
	{134, 936},
	{136, 950},
	{161, 1253},
	{162, 1254},
	{163, 1258},
	{177, 1255},
	{178, 1256},
	{186, 1257},
	{204, 1251},
	{222, 874},
	{238, 1250},
	{254, 437},
	{255, 850},
};

static int by_name(const void *key, const void *word)
{
	return strcmp(key, ((const struct word *)word)->name);
}

static void set_destination(struct rtf *rtf, unsigned destination)
{
	bool is_shape = rtf->state.destination == RTF_SHAPE;

	/* a box in a header is a part of the header */
	if (destination == RTF_BODY && !is_shape)
		return;
	if (rtf->state.destination != RTF_SKIP && rtf->state.destination != RTF_ALTERNATIVE)
		rtf->state.destination = (uint8_t)destination;
	if (destination == RTF_CREATED || destination == RTF_MODIFIED)
		memset(rtf->time, 0, sizeof(rtf->time));
}

/* {\upr{in a code page}{\*\ud{in Unicode}}}: the text goes where that of the whole went. */
static void take_unicode_group(struct rtf *rtf)
{
	if (rtf->depth >= 2 && rtf->state.destination == RTF_ALTERNATIVE)
		rtf->state.destination = rtf->stack[rtf->depth - 2].destination;
}

static void set_charset(struct rtf *rtf, long charset)
{
	for (size_t i = 0; i < ARRAY_LEN(charsets); i++)
		if (charsets[i].charset == charset && rtf->state.destination == RTF_FONTS)
			rtf->font_codepages[rtf->state.font] = charsets[i].codepage;
}

/* A style is a group of the style sheet; its number comes first. */
static void set_style(struct rtf *rtf, long number)
{
	rtf->state.style = (uint16_t)number;
	if (rtf->state.destination == RTF_STYLES)
		rtf->style_base = 0;
}

static void set_paragraph_defaults(struct rtf *rtf)
{
	rtf->begins_page = false;
	rtf->state.in_table = false;
	rtf->state.outline = 0;
	rtf->state.style = 0;
}

static void set_character_defaults(struct rtf *rtf)
{
	rtf->state.is_hidden = rtf->state.is_deleted = false;
	rtf->state.font = rtf->default_font;
}

static void skip_binary(struct rtf *rtf, long len)
{
	while (len-- > 0 && rtf_byte(rtf) >= 0)
		;
}

static void take_unicode(struct rtf *rtf, long number)
{
	rtf_add_unit(rtf, (uint16_t)number);
	rtf->skip = rtf->state.fallback_len;
}

/* What formatting is, for text that follows. */
static void obey_format(struct rtf *rtf, const struct word *word, bool is_on, long number)
{
	struct rtf_state *state = &rtf->state;

	switch (word->action) {
	case ACT_ROW_DEFINITION:
		rtf->is_row_defined = state->destination == RTF_BODY;
		rtf->is_header_row = false;
		break;
	case ACT_ROW_HEADER: rtf->is_header_row = is_on; break;
	case ACT_PAGE_BEFORE: rtf->begins_page = is_on && state->destination == RTF_BODY; break;
	case ACT_IN_TABLE: state->in_table = is_on; break;
	case ACT_PARAGRAPH_DEFAULTS: set_paragraph_defaults(rtf); break;
	case ACT_CHARACTER_DEFAULTS: set_character_defaults(rtf); break;
	case ACT_STYLE: set_style(rtf, number); break;
	case ACT_STYLE_BASE: rtf->style_base = (uint16_t)number; break;
	case ACT_OUTLINE:
		state->outline = number >= 0 && number < 9 ? (uint8_t)(number + 1) : 0;
		break;
	case ACT_FONT: state->font = (uint16_t)number; break;
	case ACT_FONT_CHARSET: set_charset(rtf, number); break;
	case ACT_FONT_CODEPAGE:
		if (state->destination == RTF_FONTS)
			rtf->font_codepages[state->font] = (uint16_t)number;
		break;
	case ACT_DEFAULT_FONT: rtf->default_font = state->font = (uint16_t)number; break;
	case ACT_CODEPAGE:
		rtf->codepage = word->argument ? word->argument : (uint16_t)number;
		break;
	case ACT_FALLBACK:
		state->fallback_len = (uint8_t)(number < 0 ? 0 : number > 255 ? 255 : number);
		break;
	case ACT_HIDDEN: state->is_hidden = is_on; break;
	case ACT_DELETED: state->is_deleted = is_on; break;
	case ACT_TIME: rtf->time[word->argument] = (int)number; break;
	default: break;
	}
}

static void obey(struct rtf *rtf, const struct word *word, bool has_number, long number)
{
	switch (word->action) {
	case ACT_DESTINATION: set_destination(rtf, word->argument); break;
	case ACT_INHERIT: break;
	case ACT_UNICODE_GROUP: take_unicode_group(rtf); break;
	case ACT_CHARACTER: rtf_add_unit(rtf, word->argument); break;
	case ACT_SPACE: rtf_space(rtf); break;
	case ACT_LINE: rtf_line(rtf); break;
	case ACT_PARAGRAPH: rtf_paragraph(rtf); break;
	case ACT_PAGE: rtf_page(rtf); break;
	case ACT_CELL: rtf_cell(rtf); break;
	case ACT_ROW: rtf_row(rtf); break;
	case ACT_UNICODE: take_unicode(rtf, number); break;
	case ACT_BINARY: skip_binary(rtf, number); break;
	default: obey_format(rtf, word, !has_number || number, number); break;
	}
}

/* Properties of formulas: \mfPr, \mctrlPr … hold letters that are no text. */
static bool is_formula_property(const char *word)
{
	size_t len = strlen(word);

	return word[0] == 'm' && len > 3 && !strcmp(word + len - 2, "Pr");
}

void rtf_word(struct rtf *rtf, const char *name, bool has_number, long number)
{
	bool is_starred = rtf->is_starred;
	const struct word *word = bsearch(name, words, ARRAY_LEN(words), sizeof(*words), by_name);

	rtf->is_starred = false;
	rtf->skip = 0;
	if (rtf->state.destination == RTF_SKIP && !(word && word->action == ACT_BINARY))
		return;
	if (word)
		obey(rtf, word, has_number, number);
	else if (is_starred || is_formula_property(name))
		rtf->state.destination = RTF_SKIP;
}
