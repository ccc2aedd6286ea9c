/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No grammar, but a look at a question's words: how it begins, whether a pronoun stands for
 * what was spoken of, and how many words of its own it has. A question that is taken for
 * elliptic by mistake only brings the words of another one along; its own still count.
 */
#include "core/followup.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/text/fold.h"
#include "core/text/tokenizer.h"
#include "core/text/word.h"

/* A question with more words of its own than this stands alone, whatever its pronouns. */
#define PRONOUN_WORDS 4

static const char beginnings[] =
	" and but or also und oder aber auch et ou mais aussi y e o pero tambien ed ma anche "
	"mas tambem maar ook och men eller og ja tai mutta ve veya sau vagy и а но или και "
	"αλλα و ou और या ";

/* No word that is an article or a preposition in some other language. */
static const char pronouns[] =
	" it its he him his she her hers they them their theirs er sie ihn ihm ihnen ihr ihre "
	"ihren ihrem dort davon dafur damit dessen deren il elle ils elles lui leur leurs ella "
	"ellos ellas alli ello lei loro ele ela eles elas hij zij hun haar han hon они он она "
	"оно его ее их ему им там هو هي هم هناك वह वे उसका उसके उसकी उनका वहां वहाँ ";

/* What the words of a question show. */
struct shape {
	size_t words; /* all of them */
	size_t own; /* those that are no function words */
	bool is_joined; /* begins with "and" */
	bool has_pronoun;
	bool is_about; /* "what about", "was ist mit" */
};

static bool is_listed(const char *list, const struct folded *word)
{
	char padded[FOLD_MAX + 3];

	if (word->len == 0)
		return false;
	padded[0] = padded[word->len + 1] = ' ';
	memcpy(padded + 1, word->text, word->len);
	padded[word->len + 2] = '\0';
	return strstr(list, padded) != NULL;
}

struct own_words {
	size_t end, count;
};

static int count_own(void *context, const struct token *token)
{
	struct own_words *own = context;

	/* Further stems of a word, and parts of what was counted whole, are no further words. */
	if (own->count == 0 || token->start >= own->end)
		own->count++;
	own->end = token->end > own->end ? token->end : own->end;
	return 0;
}

static int take_shape(const char *question, struct shape *shape)
{
	struct own_words own = {0};
	struct tokenizer *tokenizer = tokenizer_mine();
	size_t len = strlen(question), at = 0;
	struct word word;

	*shape = (struct shape){0};
	if (!tokenizer)
		return -ENOMEM;
	while (word_next(question, len, &at, &word)) {
		struct folded folded;

		fold_word(question + word.start, word.end - word.start, &folded);
		fold_accents(&folded);
		shape->is_joined |= shape->words == 0 && is_listed(beginnings, &folded);
		shape->has_pronoun |= is_listed(pronouns, &folded);
		shape->is_about |= (shape->words == 1 && is_listed(" about ", &folded)) ||
			(shape->words == 2 && is_listed(" mit ", &folded));
		shape->words++;
	}
	tokenizer_question(tokenizer, question, len, count_own, &own);
	shape->own = own.count;
	return 0;
}

/* A word or two and a question mark ("In Germany?") ask for more of the same; a word without
 * one is a search of its own. Chinese asks "X ne?" */
static bool is_elliptic(const char *question, const struct shape *shape)
{
	bool is_asked = strchr(question, '?') || strstr(question, "\xef\xbc\x9f");

	if (shape->is_joined || strstr(question, "\xe5\x91\xa2"))
		return true;
	if (shape->has_pronoun)
		return shape->own <= PRONOUN_WORDS;
	return shape->own <= 1 && (shape->is_about || (is_asked && shape->words <= 2));
}

bool followup_is_pronoun(const char *word, size_t len)
{
	struct folded folded;

	fold_word(word, len, &folded);
	fold_accents(&folded);
	return is_listed(pronouns, &folded);
}

/* Words of a question that are looked at for what it puts in another's place. */
#define WORDS_MAX 48

static size_t split(const char *question, struct word words[WORDS_MAX])
{
	size_t len = strlen(question), at = 0, count = 0;

	while (count < WORDS_MAX && word_next(question, len, &at, &words[count]))
		count++;
	return count;
}

static bool is_same_word(const char *a, const struct word *x, const char *b, const struct word *y)
{
	struct folded left, right;

	fold_word(a + x->start, x->end - x->start, &left);
	fold_word(b + y->start, y->end - y->start, &right);
	return left.len == right.len && memcmp(left.text, right.text, left.len) == 0;
}

/* The word of @earlier whose place the question takes: "and in Germany?" after "… in France?"
 * leaves France out. It stands behind the last occurrence of the word that stands before one of
 * the question's. False: there is none. */
static bool find_replaced(const char *question, const char *earlier, struct word *out)
{
	struct word mine[WORDS_MAX], theirs[WORDS_MAX];
	size_t count = split(question, mine), earlier_count = split(earlier, theirs);

	/* Not its first word: that one only joins it on. */
	for (size_t i = 1; i + 1 < count; i++)
		for (size_t j = earlier_count; j-- > 1;)
			if (is_same_word(question, &mine[i], earlier, &theirs[j - 1])) {
				*out = theirs[j];
				return true;
			}
	return false;
}

static int add_earlier(const char *question, bool replaces, const char *earlier, struct buf *out)
{
	struct word gone;

	buf_addc(out, '\n');
	if (!replaces || !find_replaced(question, earlier, &gone))
		return buf_adds(out, earlier);
	buf_add(out, earlier, gone.start);
	return buf_adds(out, earlier + gone.end);
}

int followup_resolve(
	const char *question, const struct exchange *history, size_t count, struct buf *out)
{
	struct shape shape;
	int r = buf_adds(out, question);

	if (r == 0 && count > 0)
		r = take_shape(question, &shape);
	if (r < 0 || count == 0 || !is_elliptic(question, &shape))
		return r;
	bool replaces = shape.is_joined || shape.is_about;
	for (size_t i = count; i-- > 0;) {
		r = take_shape(history[i].question, &shape);
		if (r < 0)
			return r;
		if (i > 0 && is_elliptic(history[i].question, &shape))
			continue;
		return add_earlier(question, replaces, history[i].question, out);
	}
	return 0;
}
