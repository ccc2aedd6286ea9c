/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.c says which sentences support an answer and how sure that is; here they become
 * text. A quotation is a slice of text.txt; in the answer its line breaks and runs of blanks
 * become one blank each, and its brackets are escaped so that "[3]" of an encyclopedia is not
 * taken for a citation of ours.
 */
#include "core/local/generator_extractive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/evidence.h"
#include "core/text/tokenizer.h"

#define QUOTES_MAX 3
/* A further sentence is quoted if its score is at least this share of the best one's. */
#define QUOTE_SHARE .75
/* And where nothing else counts its nearness, at least this share. */
#define NEAR_SHARE .85
/* A question about several documents is answered by a sentence each of so many, from this share
 * of the best one's score on. */
#define DOCUMENTS_MAX  5
#define DOCUMENT_SHARE .5
/* Sentences of other documents that hold at least this share of what the best one holds of the
 * question say the same or the contrary: they come before further ones of its own document. */
#define OTHER_SHARE .9
/* Below this confidence the answer is a refusal. On the development sets, with the model, that
 * refuses 1 % of the questions that have an answer and 74 % of those whose article was taken out;
 * a weak quotation does less harm than a good one that was held back. */
#define REFUSE_BELOW .08

static const char *extractive_model(struct generator *generator)
{
	(void)generator;
	return "extractive";
}

/* Append the quotation to the answer's text. 0 or -errno. */
static int write_quote(struct buf *out, const char *text, size_t len, size_t number)
{
	bool is_blank = false;

	if (out->len)
		buf_addc(out, ' ');
	for (size_t i = 0; i < len; i++) {
		if (strchr(" \t\n\r\f\v", text[i]) && text[i]) {
			is_blank = true;
			continue;
		}
		if (is_blank)
			buf_addc(out, ' ');
		is_blank = false;
		if (text[i] == '[')
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
	return buf_addf(out, " [%zu]", number);
}

static int add_quote(const struct generator_request *request, const struct evidence_item *item,
	struct generation *out)
{
	const struct chunk *chunk = &request->passages[item->passage].hit->chunk;
	const char *text = chunk->text + item->start;
	size_t len = item->end - item->start;
	struct quote *quotes = reallocarray(out->quotes, out->quote_count + 1, sizeof(*quotes));
	char *copy = quotes ? strndup(text, len) : NULL;

	if (quotes)
		out->quotes = quotes;
	if (!copy)
		return -ENOMEM;
	quotes[out->quote_count++] = (struct quote){
		.passage = item->passage,
		.start_char = item->start_char,
		.end_char = item->end_char,
		.text = copy,
	};
	return write_quote(&out->text, text, len, item->passage + 1);
}

/* The same words from a copy of the document say nothing new. */
static bool is_said(const struct generation *said, const char *text, size_t len)
{
	for (size_t i = 0; i < said->quote_count; i++)
		if (strlen(said->quotes[i].text) == len &&
			memcmp(said->quotes[i].text, text, len) == 0)
			return true;
	return false;
}

static const struct uuid *document_of(
	const struct generator_request *request, const struct evidence_item *item)
{
	return &request->passages[item->passage].hit->document;
}

static int quote(const struct generator_request *request, const struct evidence_item *item,
	struct generation *out)
{
	const char *text = request->passages[item->passage].hit->chunk.text + item->start;
	size_t len = item->end - item->start;

	if ((out->quote_count > 0 && item->is_label) || is_said(out, text, len))
		return 0;
	return add_quote(request, item, out);
}

static bool is_quoted(const struct generator_request *request, const struct uuid *document,
	const struct generation *out)
{
	for (size_t i = 0; i < out->quote_count; i++)
		if (uuid_equal(&request->passages[out->quotes[i].passage].hit->document, document))
			return true;
	return false;
}

/* A sentence each of the documents that have something to say. */
static int quote_documents(const struct generator_request *request, const struct evidence *evidence,
	struct generation *out)
{
	double least = evidence->items[0].score * DOCUMENT_SHARE;
	int r = 0;

	for (size_t i = 0; i < evidence->count && out->quote_count < DOCUMENTS_MAX && r == 0; i++) {
		const struct evidence_item *item = &evidence->items[i];

		if (item->score < least)
			break;
		if (!is_quoted(request, document_of(request, item), out))
			r = quote(request, item, out);
	}
	return r;
}

/* The best sentence, what other documents say to the same, and what belongs to it. */
static int quote_best(const struct generator_request *request, const struct evidence *evidence,
	struct generation *out)
{
	const struct evidence_item *best = &evidence->items[0];
	double cover = best->features[EVIDENCE_COVER] * OTHER_SHARE;
	int r = quote(request, best, out);

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 1; i < evidence->count && out->quote_count < QUOTES_MAX && r == 0;
			i++) {
			const struct evidence_item *item = &evidence->items[i];
			bool is_other = item->features[EVIDENCE_COVER] >= cover &&
				!is_quoted(request, document_of(request, item), out);

			if (item->score < best->score * QUOTE_SHARE)
				break;
			if (evidence->has_few_words && item->near < best->near * NEAR_SHARE)
				continue;
			if (is_other || pass == 1)
				r = quote(request, item, out);
		}
	return r;
}

static int answer(const struct generator_request *request, const struct evidence *evidence,
	struct generation *out)
{
	out->confidence = evidence->confidence;
	if (evidence->count == 0 || evidence->confidence < REFUSE_BELOW) {
		out->refused = true;
		return buf_adds(&out->text, GENERATOR_REFUSAL);
	}
	if (evidence->asks_for_several)
		return quote_documents(request, evidence, out);
	return quote_best(request, evidence, out);
}

/* Token counts as a model's are: of what was read and of what was said. */
static void count_tokens(const struct generator_request *request, struct generation *out)
{
	struct tokenizer *tokenizer = tokenizer_mine();

	out->input_tokens =
		tokenizer_count(tokenizer, request->question, strlen(request->question));
	for (size_t i = 0; i < request->passage_count; i++)
		out->input_tokens += request->passages[i].hit->chunk.token_count;
	out->output_tokens = tokenizer_count(tokenizer, out->text.data, out->text.len);
}

static int extractive_generate(struct generator *generator, const struct generator_request *request,
	generator_sink sink, void *context, struct generation *out, struct err *err)
{
	struct evidence evidence = {0};
	int r = evidence_collect(request, &evidence);

	(void)generator;
	if (r == 0)
		r = answer(request, &evidence, out);
	evidence_release(&evidence);
	if (r < 0)
		return err_set(err, r, "out of memory");
	count_tokens(request, out);
	if ((request->cancelled && atomic_load(request->cancelled)) ||
		sink(context, out->text.data, out->text.len) != 0)
		return err_set(err, -ECANCELED, "cancelled");
	return 0;
}

static void extractive_free(struct generator *generator)
{
	free(generator);
}

static const struct generator_ops extractive_ops = {
	.name = "extractive",
	.model = extractive_model,
	.generate = extractive_generate,
	.free = extractive_free,
};

int generator_extractive_new(struct generator **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->ops = &extractive_ops;
	return 0;
}
