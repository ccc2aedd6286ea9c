/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confidence is the product of two probabilities: that the passages are about what is asked,
 * and that the best sentence then says it. One sum of all signals would not do: what a question
 * that only looks answerable shares with its sentence would outweigh what speaks against it.
 *
 * The weights are made by `make eval-dev` and tests/eval/calibrate.py, as those of evidence.c are.
 */
#include "core/local/evidence_inside.h"

#include <math.h>
#include <string.h>

#include "core/text/contrary.h"

/* Added to the logit of the confidence. */
#define OFF_THE_POINT (-6.)

struct weights {
	double signals[SIGNAL_COUNT]; /* that they are about it, by logistic regression */
	double bias;
	double doubts[SIGNAL_COUNT]; /* that it says it, likewise */
	double doubts_bias;
};
static const struct weights by_words = {
	.signals =
		{
			[SIGNAL_COVER] = 4.4,
			[SIGNAL_LIKE] = .4,
			[SIGNAL_PASSAGE] = 4.9,
			[SIGNAL_MISSING] = -.5,
			[SIGNAL_IDEOGRAM] = 1.6,
		},
	.bias = -4.1,
	.doubts =
		{
			[SIGNAL_DENIED] = -1.6,
			[SIGNAL_OPPOSED] = -1.2,
			[SIGNAL_UNFIT] = -.9,
			[SIGNAL_NUMBER] = -1.2,
		},
	.doubts_bias = .8,
};
static const struct weights by_meaning = {
	.signals =
		{
			[SIGNAL_COVER] = 2.6,
			[SIGNAL_LIKE] = -2.6,
			[SIGNAL_PASSAGE] = 4.5,
			[SIGNAL_MISSING] = -1.6,
			[SIGNAL_NEAR] = 16,
			[SIGNAL_MARGIN] = 6,
			[SIGNAL_IDEOGRAM] = -2.2,
		},
	.bias = -8.2,
	.doubts =
		{
			[SIGNAL_NEAR] = 4.5,
			[SIGNAL_DENIED] = -2.3,
			[SIGNAL_OPPOSED] = -2.2,
			[SIGNAL_UNFIT] = -1.7,
			[SIGNAL_NUMBER] = -2.1,
		},
	.doubts_bias = -1,
};

/* Passages that hold hardly a word of the question, which may be in another language: then only
 * the nearness says whether they answer it, and a cosine between languages is smaller. */
#define FEW_WORDS .2
/* Pairs of ideograms are shared less even by what belongs together. */
#define FEWER_IDEOGRAMS .8
/* The nearness that an answer has in the question's own language. */
#define COMMON_NEAR .46
static const double few_words_signals[SIGNAL_COUNT] = {
	[SIGNAL_PASSAGE] = -3,
	[SIGNAL_MARGIN] = 16,
};
static const double few_words_bias = -3.4;

/* Pairs of ideograms reach across words, so a good passage holds fewer of them. */
static double share_of_ideograms(const struct question *question)
{
	size_t count = 0;

	for (size_t i = 0; i < question->term_count; i++)
		count += (unsigned char)question->terms[i].text[0] >= 0xe3;
	return question->term_count ? (double)count / (double)question->term_count : 0;
}

/* "And on Mars?": the passages hold what it leans on, and nothing of what it asks. */
static bool is_off_the_point(const struct question *question, uint64_t everywhere)
{
	uint64_t all = UINT64_MAX >> (GROUPS_MAX - question->group_count);
	uint64_t earlier = all & ~question->own;

	return question->own && question->group_count && !(question->own & everywhere) &&
		question_mass(question, earlier & everywhere) >
		question_mass(question, earlier) / 2;
}

/* The nearest sentence, and what it has before the others. */
static void set_nearness(struct evidence *out)
{
	double best = out->items[0].near, sum = 0;

	for (size_t i = 0; i < out->count; i++) {
		best = fmax(best, out->items[i].near);
		sum += out->items[i].near;
	}
	out->signals[SIGNAL_NEAR] = fmax(0, best);
	out->signals[SIGNAL_MARGIN] = best - sum / (double)out->count;
}

static void set_doubts(const struct question *question, const struct generator_request *request,
	struct evidence *out)
{
	const struct evidence_item *best = &out->items[0];
	const char *text = request->passages[best->passage].hit->chunk.text + best->start;
	size_t len = best->end - best->start;
	double *signals = out->signals;
	struct contrary contrary = contrary_of(question->text, strlen(question->text), text, len);

	signals[SIGNAL_DENIED] = contrary.is_denied;
	signals[SIGNAL_OPPOSED] = contrary.is_opposed;
	signals[SIGNAL_UNFIT] =
		asks_shows(question->asks, text, len) ? 1 - best->features[EVIDENCE_FIT] : 0;
	signals[SIGNAL_NUMBER] = (question->numbers & ~best->groups) != 0;
}

static double add_up(const double *weights, double bias, const double *signals)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		bias += weights[i] * signals[i];
	return bias;
}

static double probability(double logit)
{
	return 1 / (1 + exp(-logit));
}

void confidence_set(const struct question *question, const struct generator_request *request,
	uint64_t everywhere, struct evidence *out)
{
	const struct weights *weights = out->has_nearness ? &by_meaning : &by_words;
	double *signals = out->signals;

	signals[SIGNAL_COVER] = out->items[0].features[EVIDENCE_COVER];
	signals[SIGNAL_LIKE] = out->items[0].features[EVIDENCE_LIKE];
	signals[SIGNAL_IDEOGRAM] = share_of_ideograms(question);
	set_nearness(out);
	set_doubts(question, request, out);
	for (size_t i = 0; i < question->group_count; i++)
		if (!(everywhere >> i & 1) && question->weight[i] > signals[SIGNAL_MISSING])
			signals[SIGNAL_MISSING] = question->weight[i];
	double few = FEW_WORDS * (1 - FEWER_IDEOGRAMS * signals[SIGNAL_IDEOGRAM]);
	out->has_few_words = out->has_nearness && signals[SIGNAL_PASSAGE] < few;
	double about = out->has_few_words ? add_up(few_words_signals, few_words_bias, signals)
					  : add_up(weights->signals, weights->bias, signals);
	if (is_off_the_point(question, everywhere))
		about += OFF_THE_POINT;
	double says = add_up(weights->doubts, weights->doubts_bias, signals);
	if (out->has_few_words)
		says += weights->doubts[SIGNAL_NEAR] * (COMMON_NEAR - signals[SIGNAL_NEAR]);
	out->confidence = probability(about) * probability(says);
}
