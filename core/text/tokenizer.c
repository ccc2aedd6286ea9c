/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text's words (word.c) become tokens by script:
 *
 * - spaced scripts: one stem a word. The stemmer is that of the script, and within the Latin
 *   script that of the language whose function words the text uses, English where it uses
 *   none (headings, tables). So a question's words are looked for under the stems of its
 *   likely languages and under the English one.
 * - Chinese, Japanese, Korean: pairs of neighbouring characters; they find more than a
 *   dictionary's words do, because both sides always agree on them.
 * - Thai, Lao, Khmer, Burmese: the words of ICU's dictionary.
 *
 * What is written with signs inside ("E-4711", "foo_bar", "v2.3.1") is a token as a whole and,
 * besides, its parts are. Plain words of ASCII never reach ICU.
 */
#include "core/text/tokenizer.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include "core/auto.h"
#include "core/text/fold.h"
#include "core/text/language.h"
#include "core/text/stem.h"
#include "core/text/utf8.h"
#include "core/text/word.h"

/* A document's language shows in its first words, and needs that many function words. */
#define VOTE_BYTES 2048
#define VOTE_LEAST 3

struct tokenizer {
	struct stemmer *stemmer;
	UBreakIterator *dictionary; /* made at first use */
};

/* One text on its way. */
struct run {
	struct tokenizer *tokenizer;
	const char *text;
	uint32_t latin; /* languages whose stems a Latin word may have, as LANG_BITs */
	uint32_t left_out; /* languages whose function words are passed over */
	token_fn callback;
	void *context;
	size_t tokens;
};

/* Languages that a question without any function word may be in. */
#define LANG_COMMON                                                                           \
	(LANG_BIT(LANG_ENGLISH) | LANG_BIT(LANG_GERMAN) | LANG_BIT(LANG_FRENCH) |             \
		LANG_BIT(LANG_SPANISH) | LANG_BIT(LANG_ITALIAN) | LANG_BIT(LANG_PORTUGUESE) | \
		LANG_BIT(LANG_DUTCH) | LANG_BIT(LANG_SWEDISH))

int tokenizer_new(struct tokenizer **out)
{
	struct tokenizer *tokenizer = calloc(1, sizeof(*tokenizer));

	*out = NULL;
	if (!tokenizer)
		return -ENOMEM;
	if (stemmer_new(&tokenizer->stemmer) < 0) {
		free(tokenizer);
		return -ENOMEM;
	}
	*out = tokenizer;
	return 0;
}

void tokenizer_free(struct tokenizer *tokenizer)
{
	if (!tokenizer)
		return;
	if (tokenizer->dictionary)
		ubrk_close(tokenizer->dictionary);
	stemmer_free(tokenizer->stemmer);
	free(tokenizer);
}

static pthread_key_t mine_key;
static pthread_once_t mine_once = PTHREAD_ONCE_INIT;

static void free_mine(void *tokenizer)
{
	tokenizer_free(tokenizer);
}

static void make_key(void)
{
	if (pthread_key_create(&mine_key, free_mine) != 0)
		abort();
}

struct tokenizer *tokenizer_mine(void)
{
	struct tokenizer *mine;

	pthread_once(&mine_once, make_key);
	mine = pthread_getspecific(mine_key);
	if (!mine && tokenizer_new(&mine) == 0 && pthread_setspecific(mine_key, mine) != 0) {
		tokenizer_free(mine);
		mine = NULL;
	}
	return mine;
}

static int emit(struct run *run, const char *text, size_t len, size_t start, size_t end)
{
	struct token token = {.text = text, .len = len, .start = start, .end = end};

	if (len == 0)
		return 0;
	run->tokens++;
	return run->callback(run->context, &token);
}

/* The token of a word that no stemmer may touch. */
static int emit_folded(struct run *run, size_t start, size_t end)
{
	struct folded folded;

	fold_word(run->text + start, end - start, &folded);
	fold_accents(&folded);
	return emit(run, folded.text, folded.len, start, end);
}

static bool is_left_out(const struct run *run, size_t start, size_t end)
{
	struct folded folded;

	if (!run->left_out)
		return false;
	fold_word(run->text + start, end - start, &folded);
	if (language_function_word(folded.text, folded.len) & run->left_out)
		return true;
	fold_accents(&folded);
	return (language_function_word(folded.text, folded.len) & run->left_out) != 0;
}

/* The distinct stems of one Latin word in every language of the run. */
static int emit_latin(struct run *run, size_t start, size_t end)
{
	struct folded stems[LANG_LATIN_COUNT];
	size_t count = 0;
	int r = 0;

	for (uint32_t left = run->latin; left && r == 0; left &= left - 1) {
		struct folded *stem = &stems[count];
		size_t i = 0;

		stemmer_run(run->tokenizer->stemmer, (enum language)__builtin_ctz(left),
			run->text + start, end - start, stem);
		while (i < count &&
			(stems[i].len != stem->len ||
				memcmp(stems[i].text, stem->text, stem->len) != 0))
			i++;
		if (i < count)
			continue;
		count++;
		r = emit(run, stem->text, stem->len, start, end);
	}
	return r;
}

/* A word without joiners. */
static int emit_word(struct run *run, size_t start, size_t end)
{
	struct folded stem;
	size_t bytes;
	uint32_t first = utf8_decode(run->text + start, end - start, &bytes);
	enum language language = language_of_script(first);

	if (is_left_out(run, start, end))
		return 0;
	if (language == LANG_ENGLISH)
		return emit_latin(run, start, end);
	stemmer_run(run->tokenizer->stemmer, language, run->text + start, end - start, &stem);
	return emit(run, stem.text, stem.len, start, end);
}

static bool is_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len > 0;
}

/* A word with digits: as it is, and a number at its head by itself ("10km", "19th"). */
static int emit_with_digits(struct run *run, size_t start, size_t end)
{
	size_t digits = start;
	int r = emit_folded(run, start, end);

	while (digits < end && run->text[digits] >= '0' && run->text[digits] <= '9')
		digits++;
	if (r == 0 && digits > start && digits < end)
		r = emit_folded(run, start, digits);
	return r;
}

static bool has_digit(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] >= '0' && text[i] <= '9')
			return true;
	return false;
}

/* A word between joiners, and the joiner before it. */
struct part {
	size_t start, end;
	uint32_t joiner; /* 0 before the first one */
};
#define PARTS_MAX 16

/* Split a compound; parts beyond the last one stay joined to it. */
static size_t split(const char *text, const struct word *word, struct part parts[PARTS_MAX])
{
	size_t count = 1;

	parts[0] = (struct part){.start = word->start, .end = word->end};
	for (size_t at = word->start; at < word->end && count < PARTS_MAX;) {
		size_t joiner = word_joiner(text + at, word->end - at), from = at;

		if (!joiner) {
			utf8_next(text, word->end, &at);
			continue;
		}
		at += joiner;
		parts[count - 1].end = from;
		parts[count] = (struct part){.start = at, .end = word->end};
		parts[count++].joiner = utf8_next(text, word->end, &from);
	}
	return count;
}

static bool is_apostrophe(uint32_t c)
{
	return c == '\'' || c == 0x2019;
}

/* "1,234.5": digits, points and commas alone. */
static bool is_number(const char *text, const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_digits(text + parts[i].start, parts[i].end - parts[i].start) ||
			(i > 0 && parts[i].joiner != '.' && parts[i].joiner != ','))
			return false;
	return true;
}

/* Groups of three behind one kind of sign part thousands: they go, so that "1,234" and "1234"
 * meet. Any other comma is a decimal point. */
static int emit_number(struct run *run, const struct part *parts, size_t count)
{
	struct folded out = {0};
	bool is_grouped = true;

	for (size_t i = 1; i < count; i++)
		is_grouped &=
			parts[i].end - parts[i].start == 3 && parts[i].joiner == parts[1].joiner;
	for (size_t i = 0; i < count; i++) {
		size_t len = parts[i].end - parts[i].start;

		if (out.len + len + 1 > FOLD_MAX)
			break;
		if (i > 0 && !is_grouped)
			out.text[out.len++] = '.';
		memcpy(out.text + out.len, run->text + parts[i].start, len);
		out.len += len;
	}
	return emit(run, out.text, out.len, parts[0].start, parts[count - 1].end);
}

/* What a compound is as a whole: nothing ("long-term"), its letters alone ("U.S.", "e-mail"),
 * or the whole with its signs ("foo_bar", "E-4711", "a@b.org"). */
enum whole { WHOLE_NONE, WHOLE_LETTERS, WHOLE_SIGNS };

static enum whole whole_of(const struct run *run, const struct part *parts, size_t count)
{
	size_t start = parts[0].start, end = parts[count - 1].end;
	bool is_initials = true, has_sign = false;

	for (size_t i = 0; i < count; i++) {
		is_initials &= parts[i].end - parts[i].start == 1;
		has_sign |= parts[i].joiner == '@' || parts[i].joiner == '_' ||
			parts[i].joiner == '.' || parts[i].joiner == '&';
		if (is_apostrophe(parts[i].joiner) || parts[i].joiner == ',')
			return WHOLE_NONE;
	}
	if (has_digit(run->text + start, end - start))
		return WHOLE_SIGNS;
	if (is_initials && parts[1].joiner == '.')
		return WHOLE_LETTERS;
	if (has_sign)
		return WHOLE_SIGNS;
	return count == 2 && parts[0].end - parts[0].start <= 2 ? WHOLE_LETTERS : WHOLE_NONE;
}

static int emit_whole(struct run *run, const struct part *parts, size_t count)
{
	size_t start = parts[0].start, end = parts[count - 1].end;
	struct folded folded, out = {0};

	switch (whole_of(run, parts, count)) {
	case WHOLE_NONE: return 0;
	case WHOLE_SIGNS: return emit_folded(run, start, end);
	case WHOLE_LETTERS: break;
	}
	for (size_t i = 0; i < count; i++) {
		fold_word(run->text + parts[i].start, parts[i].end - parts[i].start, &folded);
		if (out.len + folded.len > FOLD_MAX)
			break;
		memcpy(out.text + out.len, folded.text, folded.len);
		out.len += folded.len;
	}
	fold_accents(&out);
	return emit(run, out.text, out.len, start, end);
}

/* "'s", "n't", "'ll" say nothing. */
static bool is_clitic(const struct part *part)
{
	return is_apostrophe(part->joiner) && part->end - part->start <= 2;
}

static int emit_compound(struct run *run, const struct word *word)
{
	struct part parts[PARTS_MAX];
	size_t count = split(run->text, word, parts);
	int r;

	if (is_number(run->text, parts, count))
		return emit_number(run, parts, count);
	r = emit_whole(run, parts, count);
	if (whole_of(run, parts, count) == WHOLE_LETTERS && parts[1].joiner == '.')
		return r;
	for (size_t i = 0, n = 1; i < count && r == 0; i += n, n = 1) {
		const struct part *part = &parts[i];

		/* "2.3.1" stays together within "v4-2.3.1". */
		while (i + n < count && is_number(run->text, part, 1) &&
			is_number(run->text, part, n + 1))
			n++;
		if (n > 1)
			r = emit_number(run, part, n);
		else if (i > 0 && is_clitic(part))
			continue;
		else if (has_digit(run->text + part->start, part->end - part->start))
			r = emit_with_digits(run, part->start, part->end);
		else
			r = emit_word(run, part->start, part->end);
	}
	return r;
}

/* Letters that fold to themselves: unified Han, kana and hangul syllables. */
static bool is_plain_ideogram(uint32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3041 && c <= 0x3096) ||
		(c >= 0x30a1 && c <= 0x30fa) || (c >= 0xac00 && c <= 0xd7a3) ||
		(c >= 0x3400 && c <= 0x4dbf) || c == 0x30fc;
}

static int emit_pair(struct run *run, size_t start, size_t end, bool is_plain)
{
	if (is_left_out(run, start, end))
		return 0;
	return is_plain ? emit(run, run->text + start, end - start, start, end)
			: emit_folded(run, start, end);
}

/* Pairs of neighbours; a single character by itself. */
static int emit_ideograms(struct run *run, const struct word *word)
{
	size_t at = word->start, before = at;
	bool was_plain = is_plain_ideogram(utf8_next(run->text, word->end, &at));
	int r = 0;

	if (at == word->end)
		return emit_pair(run, before, at, was_plain);
	while (at < word->end && r == 0) {
		size_t middle = at;
		bool is_plain = is_plain_ideogram(utf8_next(run->text, word->end, &at));

		r = emit_pair(run, before, at, was_plain && is_plain);
		before = middle;
		was_plain = is_plain;
	}
	return r;
}

static int emit_segments(struct run *run, const struct word *word)
{
	UBreakIterator *breaks = run->tokenizer->dictionary;
	int32_t from = ubrk_first(breaks), to;
	int r = 0;

	while (r == 0 && (to = ubrk_next(breaks)) != UBRK_DONE) {
		size_t start = word->start + (size_t)from, end = word->start + (size_t)to;

		if (!is_left_out(run, start, end))
			r = emit_folded(run, start, end);
		from = to;
	}
	return r;
}

/* ICU counts in 32 bits; a run that long is cut, which may part one word. */
#define DICTIONARY_BYTES (1 << 20)

static int emit_unspaced(struct run *run, const struct word *word)
{
	UErrorCode status = U_ZERO_ERROR;
	size_t len = word->end - word->start;
	struct word rest = *word;
	UText *text;
	int r;

	if (!run->tokenizer->dictionary)
		run->tokenizer->dictionary = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
	len = len > DICTIONARY_BYTES ? utf8_valid_prefix(run->text + word->start, DICTIONARY_BYTES)
				     : len;
	text = utext_openUTF8(NULL, run->text + word->start, (int64_t)len, &status);
	ubrk_setUText(run->tokenizer->dictionary, text, &status);
	r = U_FAILURE(status) ? -ENOMEM : emit_segments(run, word);
	utext_close(text);
	rest.start += len;
	return r == 0 && rest.start < rest.end ? emit_unspaced(run, &rest) : r;
}

static int emit_all(struct run *run, size_t len)
{
	struct word word;
	size_t at = 0;
	int r = 0;

	while (r == 0 && word_next(run->text, len, &at, &word)) {
		if (word.kind == WORD_IDEOGRAM)
			r = emit_ideograms(run, &word);
		else if (word.kind == WORD_UNSPACED)
			r = emit_unspaced(run, &word);
		else if (word.has_joiner)
			r = emit_compound(run, &word);
		else if (word.has_digit)
			r = emit_with_digits(run, word.start, word.end);
		else
			r = emit_word(run, word.start, word.end);
	}
	return r;
}

/* The votes of the function words at the text's head. */
static void take_votes(const char *text, size_t len, struct language_vote *vote)
{
	struct folded folded;
	struct word word;
	size_t at = 0;

	len = len < VOTE_BYTES ? len : VOTE_BYTES;
	while (word_next(text, len, &at, &word)) {
		if (word.kind != WORD_SPACED || word.has_digit)
			continue;
		fold_word(text + word.start, word.end - word.start, &folded);
		if (!word.is_ascii)
			fold_accents(&folded);
		language_vote_add(vote, language_function_word(folded.text, folded.len));
	}
}

int tokenizer_run(
	struct tokenizer *tokenizer, const char *text, size_t len, token_fn callback, void *context)
{
	struct language_vote vote = {0};
	enum language language;

	take_votes(text, len, &vote);
	language = language_vote_best(&vote, VOTE_LEAST);
	struct run run = {
		.tokenizer = tokenizer,
		.text = text,
		.latin = LANG_BIT(language == LANG_NONE ? LANG_ENGLISH : language),
		.callback = callback,
		.context = context,
	};
	return emit_all(&run, len);
}

int tokenizer_question(
	struct tokenizer *tokenizer, const char *text, size_t len, token_fn callback, void *context)
{
	struct language_vote vote = {0};
	uint32_t likely;
	int r;

	take_votes(text, len, &vote);
	likely = language_vote_likely(&vote);
	struct run run = {
		.tokenizer = tokenizer,
		.text = text,
		.latin = likely ? likely | LANG_BIT(LANG_ENGLISH) : LANG_COMMON,
		.left_out = likely | ~LANG_LATIN_MASK,
		.callback = callback,
		.context = context,
	};
	r = emit_all(&run, len);
	if (r != 0 || run.tokens > 0)
		return r;
	run.left_out = 0;
	return emit_all(&run, len);
}

size_t tokenizer_count(struct tokenizer *tokenizer, const char *text, size_t len)
{
	struct word word;
	size_t at = 0, count = 0;

	(void)tokenizer;
	while (word_next(text, len, &at, &word)) {
		if (word.kind == WORD_SPACED)
			count++;
		else if (word.kind == WORD_IDEOGRAM)
			count += (utf8_count(text + word.start, word.end - word.start) + 1) / 2;
		else
			count += (utf8_count(text + word.start, word.end - word.start) + 3) / 4;
	}
	return count;
}
