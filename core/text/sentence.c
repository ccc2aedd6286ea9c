/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of UAX #29 need only the neighbourhood of a full stop, and so do their mends: the
 * word before it (an abbreviation, an initial, an ordinal number) and the word behind it (a
 * capitalised function word begins a sentence whatever stands before). So a break is decided
 * by looking at one place, forwards or backwards, and most of a text costs one look into a
 * table a byte. Lines are blanks as in a letter, but for those that stand for themselves:
 * before a blank line, list items, table rows, "key: value" lines, short lines above longer ones.
 */
#include "core/text/sentence.h"

#include <stdint.h>
#include <string.h>

#include <unicode/uchar.h>

#include "core/text/fold.h"
#include "core/text/language.h"
#include "core/text/utf8.h"

/* How far a rule looks for the beginning or the end of a line. */
#define LINE_REACH 400
/* How many bytes of full stops and closing signs belong to one end. */
#define CLOSERS_REACH 64

static bool is_blank(uint32_t c)
{
	return c < 0x80 ? c == ' ' || (c >= '\t' && c <= '\r')
			: c == 0xfeff || (c != UTF8_INVALID && u_isUWhiteSpace((UChar32)c));
}

/* A single byte: those of longer characters are none. */
static bool is_byte_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

size_t sentence_skip_blanks(const char *text, size_t len, size_t at)
{
	while (at < len) {
		size_t from = at;

		if (!is_blank(utf8_next(text, len, &at)))
			return from;
	}
	return len;
}

static size_t char_before(const char *text, size_t start, size_t at)
{
	do
		at--;
	while (at > start && (text[at] & 0xc0) == 0x80);
	return at;
}

size_t sentence_trim_blanks(const char *text, size_t start, size_t end)
{
	while (end > start) {
		size_t at = char_before(text, start, end), next = at;

		if (!is_blank(utf8_next(text, end, &next)))
			break;
		end = at;
	}
	return end;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_line_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t line_start(const char *text, size_t at)
{
	size_t least = at > LINE_REACH ? at - LINE_REACH : 0;

	while (at > least && text[at - 1] != '\n')
		at--;
	while (is_line_blank(text[at]))
		at++;
	return at;
}

static size_t line_end(const char *text, size_t len, size_t at)
{
	size_t reach = len - at < LINE_REACH ? len - at : LINE_REACH;
	const char *end = memchr(text + at, '\n', reach);

	return end ? (size_t)(end - text) : at + reach;
}

/* "- ", "* ", "12. ", "a) ", "(3) ", "# ", a bullet, a table row. */
static bool is_item(const char *text, size_t len)
{
	size_t at = 0;

	if (len < 2)
		return false;
	if (strchr("-*+", text[0]) && text[1] == ' ')
		return true;
	if (text[0] == '#' || text[0] == '|')
		return true;
	if (len > 3 && memcmp(text, "\xe2\x80\xa2", 3) == 0)
		return true;
	at += text[0] == '(';
	while (at < len && at < 4 && is_digit(text[at]))
		at++;
	if (at == (text[0] == '('))
		at++;
	return at + 1 < len && strchr(".)", text[at]) && text[at + 1] == ' ' &&
		(text[at] == ')' || is_digit(text[0]));
}

/* "Some name: value" */
static bool is_field(const char *text, size_t len)
{
	size_t limit = len < 40 ? len : 40;

	for (size_t i = 1; i + 1 < limit; i++) {
		if (text[i] == ':')
			return text[i + 1] == ' ';
		if (text[i] == '.' || text[i] == ',')
			return false;
	}
	return false;
}

/* A line above a longer one, at the beginning of a paragraph and without a full stop. */
static bool is_heading(const char *text, size_t start, size_t end, size_t next_len)
{
	size_t before = start;

	if ((end - start) * 5 > next_len * 3 || end - start > 100)
		return false;
	while (before > 0 && is_line_blank(text[before - 1]))
		before--;
	if (before == 0)
		return true;
	before = sentence_trim_blanks(text, before > LINE_REACH ? before - LINE_REACH : 0, before);
	return before == 0 || strchr(".!?:\n", text[before - 1]) || text[start - 1] != '\n' ||
		(start > 1 && text[start - 2] == '\n');
}

/* Does the line feed at @at end a sentence? */
static bool line_feed_ends(const char *text, size_t len, size_t at)
{
	size_t next = at + 1, start, next_len, bytes;

	while (next < len && is_line_blank(text[next]))
		next++;
	if (next >= len || text[next] == '\n' || text[next] == '\f')
		return true;
	next_len = line_end(text, len, next) - next;
	if (is_item(text + next, next_len) || is_field(text + next, next_len))
		return true;
	start = line_start(text, at);
	if (start < at && strchr("#|", text[start]))
		return true;
	return !u_islower((UChar32)utf8_decode(text + next, len - next, &bytes)) &&
		is_heading(text, start, at, next_len);
}

static bool is_terminator(uint32_t c)
{
	return c < 0x80 ? c == '.' || c == '!' || c == '?'
			: c == 0x2026 ||
			(c != UTF8_INVALID && u_hasBinaryProperty((UChar32)c, UCHAR_S_TERM));
}

/* Full width signs need no blank behind them. */
static bool is_wide_terminator(uint32_t c)
{
	return c == 0x3002 || c == 0xff01 || c == 0xff0e || c == 0xff1f || c == 0xff61;
}

static bool is_closer(uint32_t c)
{
	if (c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == '*')
		return true;
	if (c < 0x80 || c == UTF8_INVALID)
		return false;
	return c == 0x201c || (U_MASK(u_charType((UChar32)c)) & (U_GC_PE_MASK | U_GC_PF_MASK)) != 0;
}

/* Behind terminators, closing signs and references like "[12]". */
static size_t behind_closers(const char *text, size_t len, size_t at)
{
	len = len - at > CLOSERS_REACH ? at + CLOSERS_REACH : len;
	while (at < len) {
		size_t from = at;
		uint32_t c = utf8_next(text, len, &at);

		if (c == '[' && at < len && is_digit(text[at])) {
			while (at < len && is_digit(text[at]))
				at++;
			if (at < len && text[at] == ']')
				continue;
			return from;
		}
		if (!is_terminator(c) && !is_closer(c))
			return from;
	}
	return at;
}

static bool is_listed(const char *list, const char *word, size_t len)
{
	for (const char *at = list; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}

static bool is_function_word_at(const char *text, size_t len, size_t at)
{
	struct folded folded;
	size_t end = at;

	while (end < len && end - at < 24 &&
		((unsigned char)text[end] >= 0x80 ||
			((text[end] | 32) >= 'a' && (text[end] | 32) <= 'z')))
		end++;
	if (end - at < 2 || (end < len && text[end] == '.'))
		return false;
	fold_word(text + at, utf8_valid_prefix(text + at, end - at), &folded);
	fold_accents(&folded);
	return language_function_word(folded.text, folded.len) != 0;
}

/* Never the end of a sentence. */
static const char abbreviations[] =
	"dr mr mrs ms mme mlle prof st sra dra dott hr rev gen col sgt capt lt gov sen "
	"rep vgl bzw sog inkl evtl ggf bspw zzgl exkl ca cf vs approx dept eg ie al zb "
	"dh ua ao ing dipl hrsg geb gest jh urspr engl lat griech franz dt bijv ong env "
	"ej pag aprox resp mt ft";
/* The end unless a number follows. */
static const char before_numbers[] =
	"no nr num fig figs art abs abb tab vol bd p pp s ch sec sect eq kap ziff para "
	"pos par cap lib ver sept oct nov dec jan feb mar apr jun jul aug";

/* The "B." of "z. B.": a letter behind a small letter with its full stop. */
static bool is_second_letter(const char *text, size_t start, size_t at)
{
	return at - start == 1 && start >= 3 && text[start - 1] == ' ' && text[start - 2] == '.' &&
		text[start - 3] >= 'a' && text[start - 3] <= 'z' &&
		(start == 3 || is_byte_blank(text[start - 4]) || text[start - 4] == '(');
}

/* Is the full stop at @at part of an abbreviation, an initial or an ordinal number? @next is
 * where the next word begins. */
static bool is_abbreviation(const char *text, size_t len, size_t at, size_t next)
{
	size_t start = at, count = 0, digits = 0, line = line_start(text, at);
	char word[16];

	while (start > 0 && at - start < sizeof(word) && !is_byte_blank(text[start - 1]) &&
		!strchr("([\"'/-", text[start - 1]))
		start--;
	if (start == at || at - start >= sizeof(word))
		return false;
	for (size_t i = start; i < at; i++) {
		digits += is_digit(text[i]);
		if (text[i] != '.')
			word[count++] =
				(char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	}
	if (digits == at - start && digits <= 3 && start == line)
		return true; /* an item's number */
	if (digits == at - start && digits <= 2)
		return !is_function_word_at(text, len, next);
	if (is_digit(text[next]) && is_listed(before_numbers, word, count))
		return true;
	if (is_listed(abbreviations, word, count))
		return true;
	if (is_second_letter(text, start, at))
		return true;
	/* An initial, or the last letter of several ("U.S."). */
	const char *dot = memrchr(text + start, '.', at - start);
	size_t last = dot ? (size_t)(dot + 1 - text) : start;
	return utf8_count(text + last, at - last) == 1 && !is_function_word_at(text, len, next);
}

static bool has_blank_line(const char *text, size_t from, size_t to)
{
	const char *first = memchr(text + from, '\n', to - from);

	return first && memchr(first + 1, '\n', to - (size_t)(first + 1 - text));
}

size_t sentence_end_at(const char *text, size_t len, size_t at)
{
	size_t next = at, end;
	uint32_t c = utf8_next(text, len, &next);

	if (c == '\n')
		return line_feed_ends(text, len, at) ? at + 1 : 0;
	if (c == '\f' || c == 0x2029)
		return next;
	if (!is_terminator(c))
		return 0;
	end = behind_closers(text, len, next);
	if (end == len || is_wide_terminator(c))
		return end;
	size_t follows = end;
	if (!is_blank(utf8_next(text, len, &follows)))
		return 0;
	follows = sentence_skip_blanks(text, len, end);
	if (follows == len || has_blank_line(text, end, follows))
		return end;
	uint32_t first = utf8_decode(text + follows, len - follows, &next);
	if (u_islower((UChar32)first))
		return 0;
	if (c == '.' && end == at + 1 && is_abbreviation(text, len, at, follows))
		return 0;
	return end;
}

/* Thai and its like: blanks part phrases, so a piece is broken at the first one from here that
 * stands between letters (dates and abbreviations stay whole). */
#define UNSPACED_CHARS 110
/* Anything else without an end. */
#define SPACED_CHARS 1000

static bool is_unspaced(uint32_t c)
{
	return (c >= 0x0e00 && c <= 0x0e4f) || (c >= 0x0e80 && c <= 0x0ecf) ||
		(c >= 0x1000 && c <= 0x103f) || (c >= 0x1780 && c <= 0x17d3);
}

static bool begins_unspaced(const char *text, size_t len)
{
	size_t bytes;

	return is_unspaced(utf8_decode(text, len, &bytes));
}

/* May a piece of an unspaced script be broken at the blank at @at? */
static bool is_phrase_gap(const char *text, size_t len, size_t at)
{
	size_t next = sentence_skip_blanks(text, len, at), second;
	size_t before = char_before(text, 0, at);

	if (next == len || !begins_unspaced(text + before, at - before) ||
		!begins_unspaced(text + next, len - next))
		return false;
	second = next + utf8_offset(text + next, len - next, 1);
	return second == len || text[second] != '.';
}

/* Where a piece of at least @most code points that begins at @start is to end. */
static size_t piece_end(const char *text, size_t start, size_t end, size_t most, bool is_spaced)
{
	size_t cut = start + utf8_offset(text + start, end - start, most);
	size_t last = cut + utf8_offset(text + cut, end - cut, most);

	while (cut < last) {
		size_t next = cut;

		if (is_blank(utf8_next(text, end, &next)) &&
			(is_spaced || is_phrase_gap(text, end, cut)))
			break;
		cut = next;
	}
	return cut;
}

/* Hand out one sentence, in pieces where it is too long to be quoted. */
static int hand_out(const char *text, size_t start, size_t end, sentence_fn callback, void *context)
{
	int r = 0;

	end = sentence_trim_blanks(text, start, end);
	while (r == 0 && start < end) {
		bool is_spaced = !begins_unspaced(text + start, end - start);
		size_t cut = piece_end(
			text, start, end, is_spaced ? SPACED_CHARS : UNSPACED_CHARS, is_spaced);

		r = callback(context, start, cut);
		start = sentence_skip_blanks(text, end, cut);
	}
	return r;
}

int sentence_each(const char *text, size_t len, sentence_fn callback, void *context)
{
	size_t start = sentence_skip_blanks(text, len, 0), at = start;
	int r = 0;

	while (at < len && r == 0) {
		size_t end = sentence_may_end(text[at]) ? sentence_end_at(text, len, at) : 0;

		if (end == 0) {
			at++;
			while (at < len && (text[at] & 0xc0) == 0x80)
				at++;
			continue;
		}
		r = hand_out(text, start, end, callback, context);
		start = at = sentence_skip_blanks(text, len, end);
	}
	return r == 0 && start < len ? hand_out(text, start, len, callback, context) : r;
}
