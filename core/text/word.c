/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICU's word breaks cost a microsecond a word and part what belongs together in technical
 * text ("foo-bar", "a@b.org"), so words are found by a scan of our own: a table for ASCII,
 * general categories for the rest (L*, N*, Co, and M* within a word, so that vowel signs stay
 * in their words).
 */
#include "core/text/word.h"

#include <stdint.h>
#include <string.h>

#include <unicode/uchar.h>

#include "core/auto.h"
#include "core/text/utf8.h"

enum sort {
	SORT_NONE,
	SORT_LETTER,
	SORT_DIGIT,
	SORT_MARK,
	SORT_JOINER,
	SORT_IDEOGRAM,
	SORT_UNSPACED
};

static enum sort sort_ascii(unsigned char c)
{
	if ((c | 32) >= 'a' && (c | 32) <= 'z')
		return SORT_LETTER;
	if (c >= '0' && c <= '9')
		return SORT_DIGIT;
	switch (c) {
	case '\'':
	case ',':
	case '-':
	case '.':
	case '@':
	case '_':
	case '&': return SORT_JOINER;
	default: return SORT_NONE;
	}
}

struct range {
	uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count && c >= ranges[i].first; i++)
		if (c <= ranges[i].last)
			return true;
	return false;
}

/* Han, kana, bopomofo, hangul; punctuation among them is left to the categories. */
static const struct range ideograms[] = {
	{0x1100, 0x11ff},
	{0x2e80, 0x2fdf},
	{0x3005, 0x3007},
	{0x3021, 0x3029},
	{0x3031, 0x3035},
	{0x3041, 0x309f},
	{0x30a1, 0x30fa},
	{0x30fc, 0x318f},
	{0x31a0, 0x31bf},
	{0x31f0, 0x31ff},
	{0x3400, 0x4dbf},
	{0x4e00, 0x9fff},
	{0xa960, 0xa97f},
	{0xac00, 0xd7ff},
	{0xf900, 0xfaff},
	{0xff66, 0xff9f},
	{0xffa0, 0xffdc},
	{0x1b000, 0x1b16f},
	{0x20000, 0x3ffff},
};

/* Letters and marks; their digits are ordinary numbers. */
static const struct range unspaced[] = {
	{0x0e01, 0x0e3a},
	{0x0e40, 0x0e4e},
	{0x0e81, 0x0ecf},
	{0x0edc, 0x0edf},
	{0x1000, 0x103f},
	{0x1050, 0x108f},
	{0x109a, 0x109f},
	{0x1780, 0x17d3},
	{0xa9e0, 0xa9ef},
	{0xaa60, 0xaa7f},
};

static enum sort sort_category(uint32_t c)
{
	switch (u_charType((UChar32)c)) {
	case U_UPPERCASE_LETTER:
	case U_LOWERCASE_LETTER:
	case U_TITLECASE_LETTER:
	case U_MODIFIER_LETTER:
	case U_OTHER_LETTER:
	case U_LETTER_NUMBER:
	case U_OTHER_NUMBER:
	case U_PRIVATE_USE_CHAR: return SORT_LETTER;
	case U_DECIMAL_DIGIT_NUMBER: return SORT_DIGIT;
	case U_NON_SPACING_MARK:
	case U_ENCLOSING_MARK:
	case U_COMBINING_SPACING_MARK: return SORT_MARK;
	default: return SORT_NONE;
	}
}

static enum sort sort_of(uint32_t c)
{
	if (c < 0x80)
		return sort_ascii((unsigned char)c);
	switch (c) {
	case 0x00ad:
	case 0x200c:
	case 0x200d: return SORT_MARK; /* seen by nobody */
	case 0x00b7:
	case 0x2010:
	case 0x2011:
	case 0x2019: return SORT_JOINER;
	case UTF8_INVALID: return SORT_NONE;
	default: break;
	}
	if (c >= 0x0e00 && is_in(unspaced, ARRAY_LEN(unspaced), c))
		return SORT_UNSPACED;
	if (c >= 0x1100 && is_in(ideograms, ARRAY_LEN(ideograms), c))
		return SORT_IDEOGRAM;
	return sort_category(c);
}

/* The sort of the character at *at, which is stepped over; no call where it is ASCII. */
static inline enum sort next_sort(const char *text, size_t len, size_t *at)
{
	unsigned char c = (unsigned char)text[*at];

	if (c >= 0x80)
		return sort_of(utf8_next(text, len, at));
	++*at;
	return sort_ascii(c);
}

size_t word_joiner(const char *text, size_t len)
{
	size_t at = 0;

	return next_sort(text, len, &at) == SORT_JOINER ? at : 0;
}

static bool is_wordly(enum sort sort)
{
	return sort == SORT_LETTER || sort == SORT_DIGIT;
}

/* The rest of a word of a spaced script that begins before @at. */
static size_t spaced_end(const char *text, size_t len, size_t at, struct word *word)
{
	size_t end = at;

	while (at < len) {
		enum sort sort = next_sort(text, len, &at);

		if (sort == SORT_JOINER && at < len) {
			sort = next_sort(text, len, &at);
			if (!is_wordly(sort))
				break;
			word->has_joiner = true;
		} else if (!is_wordly(sort) && sort != SORT_MARK) {
			break;
		}
		word->has_digit |= sort == SORT_DIGIT;
		end = at;
	}
	return end;
}

static size_t run_end(const char *text, size_t len, size_t at, enum sort sort)
{
	size_t end = at;

	while (at < len) {
		enum sort next = next_sort(text, len, &at);

		if (next != sort && next != SORT_MARK)
			break;
		end = at;
	}
	return end;
}

static bool is_ascii(const char *text, size_t len)
{
	unsigned char high = 0;

	for (size_t i = 0; i < len; i++)
		high |= (unsigned char)text[i];
	return high < 0x80;
}

bool word_next(const char *text, size_t len, size_t *at, struct word *word)
{
	enum sort sort = SORT_NONE;

	for (;;) {
		if (*at >= len)
			return false;
		word->start = *at;
		sort = next_sort(text, len, at);
		if (is_wordly(sort) || sort >= SORT_IDEOGRAM)
			break;
	}
	word->has_joiner = false;
	word->has_digit = sort == SORT_DIGIT;
	if (is_wordly(sort)) {
		word->kind = WORD_SPACED;
		*at = spaced_end(text, len, *at, word);
		word->is_ascii = is_ascii(text + word->start, *at - word->start);
	} else {
		word->kind = sort == SORT_IDEOGRAM ? WORD_IDEOGRAM : WORD_UNSPACED;
		*at = run_end(text, len, *at, sort);
		word->is_ascii = false;
	}
	word->end = *at;
	return true;
}
