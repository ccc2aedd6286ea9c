/* SPDX-License-Identifier: Apache-2.0 */
/* An open-addressing table that keeps its memory from one chunk to the next: an ingest counts
 * the words of a hundred thousand chunks, and no chunk should cost an allocation. */
#include "core/local/lexical/bag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/tokenizer.h"

uint32_t word_hash(const char *word, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)word[i]) * 16777619u;
	return hash;
}

/* Cut a token at WORD_MAX, at the start of a character. */
static size_t word_len(const char *word, size_t len)
{
	if (len <= WORD_MAX)
		return len;
	len = WORD_MAX;
	while (len > 0 && ((uint8_t)word[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void bag_init(struct bag *bag)
{
	*bag = (struct bag){0};
	buf_init(&bag->text, UINT32_MAX);
}

void bag_release(struct bag *bag)
{
	buf_release(&bag->text);
	free(bag->words);
	free(bag->slots);
	bag_init(bag);
}

/* The slot that holds the word, or the empty one where it belongs. */
static uint32_t *find_slot(const struct bag *bag, const char *word, size_t len, uint32_t hash)
{
	size_t mask = bag->slot_count - 1, at = hash & mask;

	for (; bag->slots[at]; at = (at + 1) & mask) {
		const struct bag_word *have = &bag->words[bag->slots[at] - 1];
		if (have->hash == hash && have->len == len &&
			memcmp(bag_text(bag, have), word, len) == 0)
			break;
	}
	return &bag->slots[at];
}

static int grow_slots(struct bag *bag)
{
	size_t count = bag->slot_count ? bag->slot_count * 2 : 256;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(bag->slots);
	bag->slots = slots;
	bag->slot_count = count;
	for (size_t i = 0; i < bag->word_count; i++) {
		const struct bag_word *word = &bag->words[i];
		*find_slot(bag, bag_text(bag, word), word->len, word->hash) = (uint32_t)i + 1;
	}
	return 0;
}

static int reserve_word(struct bag *bag)
{
	if (bag->word_count < bag->word_cap)
		return 0;
	size_t cap = bag->word_cap ? bag->word_cap * 2 : 128;
	struct bag_word *words = reallocarray(bag->words, cap, sizeof(*words));
	if (!words)
		return -ENOMEM;
	bag->words = words;
	bag->word_cap = cap;
	return 0;
}

static int add_word(void *context, const struct token *token)
{
	struct bag *bag = context;
	size_t len = word_len(token->text, token->len);
	uint32_t hash = word_hash(token->text, len);

	if (len == 0)
		return 0;
	bag->length++;
	if ((bag->word_count + 1) * 2 > bag->slot_count && grow_slots(bag))
		return -ENOMEM;
	uint32_t *slot = find_slot(bag, token->text, len, hash);
	if (*slot) {
		bag->words[*slot - 1].count++;
		return 0;
	}
	uint32_t at = (uint32_t)bag->text.len;
	if (reserve_word(bag) || buf_add(&bag->text, token->text, len))
		return -ENOMEM;
	bag->words[bag->word_count] = (struct bag_word){at, (uint16_t)len, 1, hash};
	*slot = (uint32_t)++bag->word_count;
	return 0;
}

int bag_fill(struct bag *bag, const char *title, const struct chunk *chunk)
{
	AUTO_BUF struct buf joined;
	struct tokenizer *tokenizer = tokenizer_mine();

	buf_init(&joined, SIZE_MAX / 2);
	buf_clear(&bag->text);
	bag->word_count = 0;
	bag->length = 0;
	if (bag->slots)
		memset(bag->slots, 0, bag->slot_count * sizeof(*bag->slots));
	if (!tokenizer)
		return -ENOMEM;
	if (!title && !chunk->heading)
		return tokenizer_run(tokenizer, chunk->text, chunk->text_len, add_word, bag);
	if (title)
		buf_addf(&joined, "%s\n\n", title);
	if (chunk->heading)
		buf_addf(&joined, "%s\n\n", chunk->heading);
	if (buf_add(&joined, chunk->text, chunk->text_len))
		return -ENOMEM;
	return tokenizer_run(tokenizer, joined.data, joined.len, add_word, bag);
}

uint32_t bag_count(const struct bag *bag, const char *word, size_t len)
{
	if (!bag->slot_count)
		return 0;
	uint32_t slot = *find_slot(bag, word, len, word_hash(word, len));
	return slot ? bag->words[slot - 1].count : 0;
}

struct question {
	struct query_term *terms;
	size_t count;
	size_t start, end; /* of the word that the last token stood for */
	bool is_known; /* that word is there already, with all its forms */
};

static bool has_term(const struct question *question, const char *text, size_t len)
{
	for (size_t i = 0; i < question->count; i++)
		if (strlen(question->terms[i].text) == len &&
			memcmp(question->terms[i].text, text, len) == 0)
			return true;
	return false;
}

static int add_term(void *context, const struct token *token)
{
	struct question *question = context;
	size_t len = word_len(token->text, token->len), count = question->count;
	bool is_form = count && token->start == question->start && token->end == question->end;
	bool is_known = has_term(question, token->text, len);

	if (!is_form)
		question->is_known = is_known;
	question->start = token->start;
	question->end = token->end;
	if (count == QUESTION_WORDS_MAX || len == 0 || is_known || question->is_known)
		return 0;
	struct query_term *term = &question->terms[count];
	uint32_t group = count ? term[-1].group + !is_form : 0;
	*term = (struct query_term){.text = strndup(token->text, len), .group = group};
	if (!term->text)
		return -ENOMEM;
	question->count++;
	return 0;
}

int question_parse(const char *text, struct query_term **terms, size_t *count)
{
	struct tokenizer *tokenizer = tokenizer_mine();
	struct question question = {0};

	*count = 0;
	*terms = question.terms = calloc(QUESTION_WORDS_MAX, sizeof(*question.terms));
	if (!tokenizer || !question.terms)
		return -ENOMEM;
	int rc = tokenizer_question(tokenizer, text, strlen(text), add_term, &question);
	*count = question.count;
	return rc;
}
