/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sentence is worth what it holds of the question's words, each weighed by its idf: rare
 * words tell sentences apart, frequent ones do not. A word has several forms (stems in several
 * languages) of which one is enough; it weighs what its most frequent form does, because a
 * form that no document has is no word of their language. How sure an answer is: confidence.c.
 */
#include "core/local/evidence_inside.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/followup.h"
#include "core/text/sentence.h"
#include "core/text/tokenizer.h"
#include "core/text/utf8.h"

/* A pair of the question's words is together within so many words. */
#define NEAR 3
/* Two words are alike if they share so many bytes at their beginning, and three quarters of the
 * question's word. */
#define LIKE_BYTES 4
/* A sentence without a full stop and with fewer words is a label: its nearness counts less. */
#define LABEL_WORDS 6
#define LABEL_NEAR  .1

/* Made by `make eval-dev` and tests/eval/calibrate.py from the three development sets, and
 * rounded (by words with DECAY=.002, and a bias that refuses as rarely). With weights made without
 * a set its share of right first sentences falls by .01 at most. */
static const double by_words[EVIDENCE_FEATURES] = {
	[EVIDENCE_COVER] = 1,
	[EVIDENCE_AROUND] = .33,
	[EVIDENCE_REFERS] = .27,
	[EVIDENCE_LIKE] = .3,
	[EVIDENCE_PASSAGE] = .42,
	[EVIDENCE_FIT] = .23,
	[EVIDENCE_PAIRS] = .27,
	[EVIDENCE_LENGTH] = .03,
	[EVIDENCE_TOP] = .09,
};
static const double by_meaning[EVIDENCE_FEATURES] = {
	[EVIDENCE_COVER] = 1,
	[EVIDENCE_AROUND] = .6,
	[EVIDENCE_REFERS] = .4,
	[EVIDENCE_LIKE] = .3,
	[EVIDENCE_PASSAGE] = .5,
	[EVIDENCE_FIT] = .34,
	[EVIDENCE_PAIRS] = .32,
	[EVIDENCE_LENGTH] = .04,
	[EVIDENCE_TOP] = .1,
	[EVIDENCE_NEAR] = 1.5,
};

/* Which groups a text holds, and where the last one of each was. */
struct held {
	uint64_t groups;
	uint64_t likes; /* held by a word that begins like it */
	uint64_t pairs; /* bit g: group g and g + 1 were near each other */
	double fit;
	size_t words;
	bool is_referring; /* begins with a pronoun */
	size_t last[GROUPS_MAX]; /* word number + 1 */
};

/* One passage on its way: its sentences, and what each holds. */
struct scan {
	const struct question *question;
	const struct generator_request *request;
	const double *weights; /* of the features */
	struct evidence *out;
	size_t passage;
	size_t first; /* of its items */
	struct held *held;
	size_t held_count, held_cap; /* one an item of the passage */
	size_t at; /* the sentence that tokens fall into */
	uint64_t everywhere; /* groups that some passage holds */
};

static int mark_token(void *context, const struct token *token)
{
	struct question *question = context;

	for (size_t i = 0; i < question->term_count; i++)
		if (strncmp(question->terms[i].text, token->text, token->len) == 0 &&
			question->terms[i].text[token->len] == '\0')
			question->own |= UINT64_C(1) << question->group[i];
	return 0;
}

/* The words of a follow-up itself, beside those of what it leans on. */
static void mark_own(struct question *question, const struct generator_request *request)
{
	if (request->history_count)
		tokenizer_question(tokenizer_mine(), request->question, strlen(request->question),
			mark_token, question);
}

static int drop_token(void *context, const struct token *token)
{
	struct question *question = context;

	for (size_t i = 0; i < question->term_count; i++)
		if (strncmp(question->terms[i].text, token->text, token->len) == 0 &&
			question->terms[i].text[token->len] == '\0')
			question->weight[question->group[i]] = 0;
	return 0;
}

/* "Compare" and "list all" are no words of the matter. */
static bool drop_request(struct question *question, const char *text)
{
	size_t start, end;
	bool is_so = asks_for_several(text, strlen(text), &start, &end);

	if (is_so)
		tokenizer_question(
			tokenizer_mine(), text + start, end - start, drop_token, question);
	return is_so;
}

/* One that is not written out in words: with two digits or more. */
static bool is_number(const char *term)
{
	static const char digits[] = "0123456789";
	const char *first = strpbrk(term, digits);

	return first && strpbrk(first + 1, digits);
}

static void weigh_groups(struct question *question)
{
	for (size_t i = 0; i < question->term_count; i++) {
		uint32_t group = question->terms[i].group;
		double idf = question->terms[i].idf;

		if (i == 0 || group != question->terms[i - 1].group) {
			if (question->group_count == GROUPS_MAX) {
				question->term_count = i;
				break;
			}
			question->weight[question->group_count++] = idf;
		}
		size_t now = question->group_count - 1;
		if (is_number(question->terms[i].text))
			question->numbers |= UINT64_C(1) << now;
		question->group[i] = (uint8_t)now;
		if (idf < question->weight[now])
			question->weight[now] = idf;
	}
}

/* Weights become shares of the whole. */
static void share_weights(struct question *question)
{
	double mass = 0;

	for (size_t i = 0; i < question->group_count; i++)
		mass += question->weight[i];
	for (size_t i = 0; i < question->group_count; i++)
		question->weight[i] /= mass > 0 ? mass : 1;
}

/* The kind that is asked for; a follow-up asks for what the question before it did. */
static int find_kind(const struct generator_request *request, enum asks *asks)
{
	AUTO_BUF struct buf text;
	int r;

	buf_init(&text, BUF_MAX_DEFAULT);
	r = followup_resolve(request->question, request->history, request->history_count, &text);
	if (r == 0)
		*asks = asks_of(text.data, text.len);
	return r;
}

static int question_init(struct question *question, const struct generator_request *request)
{
	*question = (struct question){
		.terms = request->terms,
		.term_count = request->term_count,
	};
	if (question->term_count > ARRAY_LEN(question->group))
		question->term_count = ARRAY_LEN(question->group);
	weigh_groups(question);
	question->asks_for_several = drop_request(question, request->question);
	share_weights(question);
	mark_own(question, request);
	question->text = request->question;
	return find_kind(request, &question->asks);
}

double question_mass(const struct question *question, uint64_t groups)
{
	double mass = 0;

	for (; groups; groups &= groups - 1)
		mass += question->weight[__builtin_ctzll(groups)];
	return mass;
}

/* The group that a token belongs to; -1 if the question does not have it. */
static int find_group(const struct question *question, const struct token *token)
{
	for (size_t i = 0; i < question->term_count; i++) {
		const char *text = question->terms[i].text;

		if (text[0] == token->text[0] && strncmp(text, token->text, token->len) == 0 &&
			text[token->len] == '\0')
			return question->group[i];
	}
	return -1;
}

/* Do the words share their beginning ("decide", "decision"), or is one a part of the other
 * ("Parlament", "Regionalparlament")? */
static bool is_alike(const char *word, size_t word_len, const char *other, size_t other_len)
{
	size_t common = 0, shorter = word_len < other_len ? word_len : other_len;

	while (common < shorter && word[common] == other[common])
		common++;
	if (common >= LIKE_BYTES && common * 4 >= word_len * 3)
		return true;
	if (shorter <= LIKE_BYTES)
		return false;
	return word_len < other_len
		? memmem(other, other_len, word, word_len) != NULL
		: other_len * 2 >= word_len && memmem(word, word_len, other, other_len) != NULL;
}

static uint64_t find_likes(const struct question *question, const struct token *token)
{
	uint64_t likes = 0;

	if (token->len < LIKE_BYTES)
		return 0;
	for (size_t i = 0; i < question->term_count; i++) {
		const char *text = question->terms[i].text;

		if (is_alike(text, strlen(text), token->text, token->len))
			likes |= UINT64_C(1) << question->group[i];
	}
	return likes;
}

static void hold(struct held *held, int group)
{
	size_t before = (size_t)group - 1, after = (size_t)group + 1;

	held->groups |= UINT64_C(1) << group;
	held->last[group] = held->words;
	if (group > 0 && held->last[before] && held->words - held->last[before] <= NEAR)
		held->pairs |= UINT64_C(1) << before;
	if (after < GROUPS_MAX && held->last[after] && held->words - held->last[after] <= NEAR)
		held->pairs |= UINT64_C(1) << group;
}

static int add_sentence(void *context, size_t start, size_t end)
{
	struct scan *scan = context;
	const struct chunk *chunk = &scan->request->passages[scan->passage].hit->chunk;
	struct evidence *out = scan->out;

	struct evidence_item *items = reallocarray(out->items, out->count + 1, sizeof(*out->items));
	if (!items)
		return -ENOMEM;
	out->items = items;
	items[out->count++] = (struct evidence_item){
		.passage = scan->passage,
		.start = start,
		.end = end,
		.start_char = chunk->start_char + utf8_count(chunk->text, start),
		.end_char = chunk->start_char + utf8_count(chunk->text, end),
	};
	return 0;
}

static int take_token(void *context, const struct token *token)
{
	struct scan *scan = context;
	const struct evidence_item *items = scan->out->items + scan->first;
	const char *text = scan->request->passages[scan->passage].hit->chunk.text;
	size_t count = scan->out->count - scan->first;
	struct held *held;
	int group;

	while (scan->at < count && token->start >= items[scan->at].end)
		scan->at++;
	if (scan->at == count)
		return 0;
	held = &scan->held[scan->at];
	if (held->words++ == 0)
		held->is_referring =
			followup_is_pronoun(text + token->start, token->end - token->start);
	group = find_group(scan->question, token);
	if (group >= 0) {
		hold(held, group);
		return 0;
	}
	held->likes |= find_likes(scan->question, token);
	if (held->fit < 1)
		held->fit = fmax(held->fit,
			asks_fit(scan->question->asks, text + token->start,
				token->end - token->start, token->start == items[scan->at].start));
	return 0;
}

static int take_group(void *context, const struct token *token)
{
	struct scan *scan = context;
	int group = find_group(scan->question, token);

	if (group >= 0)
		scan->held[0].groups |= UINT64_C(1) << group;
	return 0;
}

/* The question's words that title and heading hold. */
static uint64_t hold_heading(const struct question *question, const struct passage *passage)
{
	struct held held = {0};
	struct scan scan = {.question = question, .held = &held};

	if (passage->title)
		tokenizer_run(tokenizer_mine(), passage->title, strlen(passage->title), take_group,
			&scan);
	if (passage->hit->chunk.heading)
		tokenizer_run(tokenizer_mine(), passage->hit->chunk.heading,
			strlen(passage->hit->chunk.heading), take_group, &scan);
	return held.groups;
}

static double share_of_pairs(const struct question *question, const struct held *held)
{
	if (question->group_count < 2)
		return 0;
	return (double)__builtin_popcountll(held->pairs) / (double)(question->group_count - 1);
}

/* The cosine of a sentence on a scale from what is unrelated (0) to the same (1). */
static double nearness_of(const struct generator_request *request, const struct evidence_item *item)
{
	const struct passage *passage = &request->passages[item->passage];

	for (size_t i = 0; i < passage->nearness_count; i++) {
		const struct nearness *near = &passage->nearness[i];

		if (near->span.start_char < item->end_char &&
			item->start_char < near->span.end_char)
			return fmax(
				0, (near->cosine - request->unrelated) / (1 - request->unrelated));
	}
	return 0;
}

static bool has_nearness(const struct generator_request *request)
{
	for (size_t i = 0; i < request->passage_count; i++)
		if (!request->passages[i].nearness_count)
			return false;
	return request->passage_count > 0 && request->unrelated < 1;
}

static bool is_label(const char *text, size_t len, size_t words)
{
	return len > 0 && words < LABEL_WORDS && isalnum((unsigned char)text[len - 1]);
}

static void set_features(const struct scan *scan, size_t i, uint64_t heading)
{
	const struct generator_request *request = scan->request;
	struct evidence_item *item = &scan->out->items[scan->first + i];
	const struct held *held = &scan->held[i];
	size_t count = scan->out->count - scan->first;
	double best = request->passages[0].score;
	uint64_t around = heading, likes;

	if (i > 0)
		around |= held[-1].groups;
	if (i + 1 < count)
		around |= held[1].groups;
	likes = held->likes & ~held->groups;
	item->groups = around | held->groups | held->likes;
	around &= ~(held->groups | likes);
	item->features[EVIDENCE_COVER] = question_mass(scan->question, held->groups);
	item->features[EVIDENCE_AROUND] = question_mass(scan->question, around);
	item->features[EVIDENCE_REFERS] = held->is_referring && i > 0
		? question_mass(scan->question, held[-1].groups & around)
		: 0;
	item->features[EVIDENCE_LIKE] = question_mass(scan->question, likes);
	item->features[EVIDENCE_PASSAGE] =
		best > 0 ? request->passages[scan->passage].score / best : 0;
	item->features[EVIDENCE_FIT] = held->fit;
	item->features[EVIDENCE_PAIRS] = share_of_pairs(scan->question, held);
	item->features[EVIDENCE_LENGTH] = fmin((double)held->words / 40, 1);
	item->features[EVIDENCE_TOP] = scan->passage == 0;
	item->is_label = is_label(request->passages[item->passage].hit->chunk.text + item->start,
		item->end - item->start, held->words);
	item->near = nearness_of(request, item) - (item->is_label ? LABEL_NEAR : 0);
	item->features[EVIDENCE_NEAR] = fmax(0, item->near);
	for (size_t f = 0; f < EVIDENCE_FEATURES; f++)
		item->score += scan->weights[f] * item->features[f];
}

static int scan_passage(struct scan *scan)
{
	const struct passage *passage = &scan->request->passages[scan->passage];
	const struct chunk *chunk = &passage->hit->chunk;
	uint64_t heading = hold_heading(scan->question, passage), all = heading, likes = 0;
	int r;

	scan->first = scan->out->count;
	r = sentence_each(chunk->text, chunk->text_len, add_sentence, scan);
	if (r < 0)
		return r;
	size_t count = scan->out->count - scan->first;
	AUTO_FREE struct held *held = calloc(count + 1, sizeof(*held));
	if (!held)
		return -ENOMEM;
	scan->held = held;
	scan->at = 0;
	tokenizer_run(tokenizer_mine(), chunk->text, chunk->text_len, take_token, scan);
	for (size_t i = 0; i < count; i++) {
		set_features(scan, i, heading);
		all |= held[i].groups;
		likes |= held[i].likes;
	}
	scan->everywhere |= all;
	double mass = question_mass(scan->question, all) +
		question_mass(scan->question, likes & ~all) / 2;
	if (mass > scan->out->signals[SIGNAL_PASSAGE])
		scan->out->signals[SIGNAL_PASSAGE] = mass;
	return 0;
}

/* The same sentence, whole or cut, in two chunks of a document that overlap. */
static bool is_shared(const struct generator_request *request, const struct evidence_item *a,
	const struct evidence_item *b)
{
	const struct hit *left = request->passages[a->passage].hit;
	const struct hit *right = request->passages[b->passage].hit;

	return uuid_equal(&left->document, &right->document) && a->start_char < b->end_char &&
		b->start_char < a->end_char;
}

static int by_score(const void *left, const void *right)
{
	const struct evidence_item *a = left, *b = right;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (a->passage != b->passage)
		return a->passage < b->passage ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

static void sort_items(const struct generator_request *request, struct evidence *out)
{
	size_t kept = 0;

	qsort(out->items, out->count, sizeof(*out->items), by_score);
	for (size_t i = 0; i < out->count; i++) {
		bool is_new = true;

		for (size_t j = 0; j < kept && is_new; j++)
			is_new = !is_shared(request, &out->items[j], &out->items[i]);
		if (is_new)
			out->items[kept++] = out->items[i];
	}
	out->count = kept;
}

void evidence_release(struct evidence *evidence)
{
	free(evidence->items);
	*evidence = (struct evidence){0};
}

int evidence_collect(const struct generator_request *request, struct evidence *out)
{
	struct question question;
	struct scan scan = {.question = &question, .request = request, .out = out};

	out->has_nearness = has_nearness(request);
	scan.weights = out->has_nearness ? by_meaning : by_words;
	int r = tokenizer_mine() ? 0 : -ENOMEM;

	if (r == 0)
		r = question_init(&question, request);
	for (; r == 0 && scan.passage < request->passage_count; scan.passage++)
		r = scan_passage(&scan);
	if (r < 0) {
		evidence_release(out);
		return r;
	}
	if (out->count == 0)
		return 0;
	out->asks_for_several = question.asks_for_several;
	sort_items(request, out);
	confidence_set(&question, request, scan.everywhere, out);
	return 0;
}
