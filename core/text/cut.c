/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking backwards from the last place that is allowed finds a cut after a few bytes. ICU is
 * asked only where there is no blank to cut at, and then about a few hundred bytes.
 */
#include "core/text/cut.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include "core/text/sentence.h"
#include "core/text/utf8.h"

/* What ICU sees around a place. */
#define REACH_BEFORE 256
#define REACH_BEHIND 128

struct cutter {
	UBreakIterator *words, *characters;
};

int cutter_new(struct cutter **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void cutter_free(struct cutter *cutter)
{
	if (!cutter)
		return;
	if (cutter->words)
		ubrk_close(cutter->words);
	if (cutter->characters)
		ubrk_close(cutter->characters);
	free(cutter);
}

static bool is_blank_line(const char *text, size_t len, size_t at)
{
	while (at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
		at++;
	return at < len && text[at] == '\n';
}

static size_t paragraph_end(const char *text, size_t len, size_t least, size_t most)
{
	size_t at = most + 1;

	while (at > least + 1) {
		const char *line = memrchr(text + least + 1, '\n', at - least - 1);

		if (!line)
			break;
		at = (size_t)(line - text);
		if (is_blank_line(text, len, at + 1))
			return at;
	}
	return 0;
}

static size_t sentence_end(const char *text, size_t len, size_t least, size_t most)
{
	for (size_t at = most; at-- > least;) {
		size_t end = sentence_may_end(text[at]) ? sentence_end_at(text, len, at) : 0;

		if (end > least && end <= most)
			return end;
	}
	return 0;
}

static bool is_word_gap(const char *text, size_t len, size_t at)
{
	return text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r' ||
		(len - at >= 3 && memcmp(text + at, "\xe3\x80\x80", 3) == 0);
}

static size_t word_end(const char *text, size_t len, size_t least, size_t most)
{
	for (size_t at = most; at > least; at--)
		if (is_word_gap(text, len, at))
			return at;
	return 0;
}

/* The iterator's boundary next to @at, before or behind it (or at it); SIZE_MAX if none is
 * near. */
static size_t icu_boundary(UBreakIterator **slot, UBreakIteratorType type, const char *text,
	size_t len, size_t at, bool is_behind)
{
	UErrorCode status = U_ZERO_ERROR;
	size_t from = at > REACH_BEFORE ? at - REACH_BEFORE : 0;
	size_t to = len - at > REACH_BEHIND ? at + REACH_BEHIND : len;
	size_t found = SIZE_MAX;

	while (from > 0 && (text[from] & 0xc0) == 0x80)
		from--;
	while (to < len && (text[to] & 0xc0) == 0x80)
		to++;
	if (!*slot)
		*slot = ubrk_open(type, "", NULL, 0, &status);
	UText *utext = utext_openUTF8(NULL, text + from, (int64_t)(to - from), &status);
	ubrk_setUText(*slot, utext, &status);
	if (U_SUCCESS(status)) {
		int32_t place = (int32_t)(at - from);
		int32_t edge = (int32_t)(to - from);
		int32_t it = ubrk_isBoundary(*slot, place) ? place
			: is_behind			   ? ubrk_following(*slot, place)
							   : ubrk_preceding(*slot, place);

		if (it != UBRK_DONE && it > 0 && it < edge)
			found = from + (size_t)it;
	}
	utext_close(utext);
	return found;
}

size_t cut_end(struct cutter *cutter, const char *text, size_t len, size_t least, size_t most)
{
	size_t end = paragraph_end(text, len, least, most);

	if (!end)
		end = sentence_end(text, len, least, most);
	if (!end)
		end = word_end(text, len, least, most);
	if (end)
		return end;
	end = icu_boundary(&cutter->words, UBRK_WORD, text, len, most, false);
	if (end == SIZE_MAX || end <= least)
		end = icu_boundary(&cutter->characters, UBRK_CHARACTER, text, len, most, false);
	return end == SIZE_MAX || end <= least ? most : end;
}

static size_t sentence_start(const char *text, size_t len, size_t least, size_t most)
{
	/* A full stop and its blank may stand before the first place that is allowed. */
	for (size_t at = least > 2 ? least - 2 : 0; at < most; at++) {
		size_t end = sentence_may_end(text[at]) ? sentence_end_at(text, len, at) : 0;

		if (!end)
			continue;
		end = sentence_skip_blanks(text, len, end);
		if (end >= least && end < most)
			return end;
	}
	return most;
}

static size_t word_start(const char *text, size_t len, size_t least, size_t most)
{
	for (size_t at = least > 0 ? least - 1 : 0; at < most; at++) {
		if (!is_word_gap(text, len, at))
			continue;
		at = sentence_skip_blanks(text, len, at);
		if (at >= least)
			return at < most ? at : most;
	}
	return most;
}

size_t cut_start(struct cutter *cutter, const char *text, size_t len, size_t least, size_t most)
{
	size_t start = sentence_start(text, len, least, most);

	if (start == most)
		start = word_start(text, len, least, most);
	if (start < most)
		return start;
	start = icu_boundary(&cutter->words, UBRK_WORD, text, len, least, true);
	if (start == SIZE_MAX || start > most)
		start = icu_boundary(&cutter->characters, UBRK_CHARACTER, text, len, least, true);
	return start == SIZE_MAX || start > most ? most : start;
}
