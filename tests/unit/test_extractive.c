/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/generator_extractive.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/local/generator_test.h"
#include "core/local/lexical/bag.h"
#include "core/text/asks.h"
#include "core/text/utf8.h"

#define PASSAGES_MAX 6

/* A question over passages that are all the documents there are. */
struct world {
	struct generator *generator;
	struct hit hits[PASSAGES_MAX];
	struct passage passages[PASSAGES_MAX];
	struct generator_request request;
	struct query_term *terms;
	struct generation said;
	char streamed[8192];
	size_t streamed_len;
	size_t stop_after; /* the sink stops after so many calls */
	size_t sink_calls;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(generator_extractive_new(&world->generator), 0);
	world->stop_after = SIZE_MAX;
	*state = world;
	return 0;
}

static void forget(struct world *world)
{
	for (size_t i = 0; i < world->request.term_count; i++)
		free(world->terms[i].text);
	free(world->terms);
	world->terms = NULL;
	world->request = (struct generator_request){0};
	generation_release(&world->said);
	world->streamed_len = world->sink_calls = 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	forget(world);
	generator_free(world->generator);
	free(world);
	return 0;
}

static int take(void *context, const char *text, size_t len)
{
	struct world *world = context;

	assert_true(utf8_is_valid(text, len));
	assert_true(world->streamed_len + len < sizeof(world->streamed));
	memcpy(world->streamed + world->streamed_len, text, len);
	world->streamed_len += len;
	return ++world->sink_calls > world->stop_after;
}

/* How many passages hold the word. */
static size_t count_passages(const struct world *world, const char *word)
{
	size_t df = 0;

	for (size_t i = 0; i < world->request.passage_count; i++) {
		struct bag bag;

		bag_init(&bag);
		assert_int_equal(bag_fill(&bag, NULL, &world->hits[i].chunk), 0);
		df += bag_count(&bag, word, strlen(word)) > 0;
		bag_release(&bag);
	}
	return df;
}

/* Ask over the texts, best first. */
static int ask(struct world *world, const char *question, const char *const *texts)
{
	struct err err = ERR_NONE;

	forget(world);
	world->request.question = question;
	world->request.passages = world->passages;
	for (; texts && texts[world->request.passage_count]; world->request.passage_count++) {
		size_t i = world->request.passage_count;

		world->hits[i] = (struct hit){.document.bytes[0] = (uint8_t)(i + 1),
			.chunk = {
				.start_char = 100, .text = texts[i], .text_len = strlen(texts[i])}};
		world->passages[i] = (struct passage){.hit = &world->hits[i],
			.title = "file.txt",
			.score = 1 - .1 * (double)i,
			.dense = -1};
	}
	assert_int_equal(question_parse(question, &world->terms, &world->request.term_count), 0);
	for (size_t i = 0; i < world->request.term_count; i++) {
		double df = (double)count_passages(world, world->terms[i].text);
		world->terms[i].idf = log(1 + (20 - df + .5) / (df + .5));
	}
	world->request.terms = world->terms;
	generation_init(&world->said);
	return generator_generate(
		world->generator, &world->request, take, world, &world->said, &err);
}

/* What holds for every answer. */
static void check_answer(const struct world *world)
{
	const struct generation *said = &world->said;

	assert_int_equal(said->text.len, world->streamed_len);
	assert_memory_equal(said->text.data, world->streamed, world->streamed_len);
	assert_true(said->refused == (said->quote_count == 0));
	assert_true(said->quote_count <= 5);
	for (size_t i = 0; i < said->quote_count; i++) {
		const struct quote *quote = &said->quotes[i];
		const struct chunk *chunk = &world->hits[quote->passage].chunk;
		size_t start = utf8_offset(
			chunk->text, chunk->text_len, quote->start_char - chunk->start_char);
		size_t end = utf8_offset(
			chunk->text, chunk->text_len, quote->end_char - chunk->start_char);

		assert_int_equal(strlen(quote->text), end - start);
		assert_memory_equal(quote->text, chunk->text + start, end - start);
	}
}

static const char *const library[] = {
	"Refund policy\n\nThank you for your order. Refunds are paid within 14 days of the "
	"return being received. Shipping is not refunded.",
	"Cats sleep for most of the day. The caf\xc3\xa9 opens in 1997, they say.",
	NULL,
};

static void the_best_sentence_is_quoted_verbatim(void **state)
{
	struct world *world = *state;

	assert_int_equal(ask(world, "When are refunds paid?", library), 0);
	check_answer(world);
	assert_false(world->said.refused);
	assert_string_equal(world->said.quotes[0].text,
		"Refunds are paid within 14 days of the return being received.");
	assert_memory_equal(world->said.text.data, world->said.quotes[0].text,
		strlen(world->said.quotes[0].text));
	assert_memory_equal(world->said.text.data + strlen(world->said.quotes[0].text), " [1]", 4);
	assert_true(world->said.confidence > .5);
	assert_true(world->said.output_tokens > 0);
}

static void what_the_documents_do_not_hold_is_refused(void **state)
{
	struct world *world = *state;

	assert_int_equal(ask(world, "Which king of Norway invaded Orkney?", library), 0);
	check_answer(world);
	assert_true(world->said.refused);
	assert_string_equal(world->said.text.data, "The documents do not say.");
	assert_true(world->said.confidence < .2);
	assert_int_equal(ask(world, "When are refunds paid?", NULL), 0);
	check_answer(world);
	assert_true(world->said.refused);
	assert_string_equal(world->said.text.data, "The documents do not say.");
}

static void positions_count_code_points(void **state)
{
	static const char *const texts[] = {"\xc3\x9c"
					    "ber M\xc3\xbc"
					    "nchen. Die R\xc3\xbc"
					    "ckerstattung kostet f\xc3\xbc"
					    "nf Euro. Ende.",
		NULL};
	struct world *world = *state;

	assert_int_equal(ask(world,
				 "Was kostet die R\xc3\xbc"
				 "ckerstattung?",
				 texts),
		0);
	check_answer(world);
	assert_int_equal(world->said.quotes[0].start_char, 100 + 14);
	assert_string_equal(world->said.quotes[0].text,
		"Die R\xc3\xbc"
		"ckerstattung kostet f\xc3\xbc"
		"nf Euro.");
}

static void lines_are_joined_and_brackets_escaped(void **state)
{
	static const char *const texts[] = {
		"The first paper mill[3] stood\n  near Fabriano in those days of old.", NULL};
	struct world *world = *state;

	assert_int_equal(ask(world, "Where stood the first paper mill?", texts), 0);
	check_answer(world);
	assert_string_equal(world->said.text.data,
		"The first paper mill\\[3] stood near Fabriano in those days of old. [1]");
	assert_string_equal(world->said.quotes[0].text, texts[0]);
}

static void a_sentence_in_two_passages_is_quoted_once(void **state)
{
	static const char *const copies[] = {
		"Refunds are paid within 14 days.", "Refunds are paid within 14 days.", NULL};
	static const char *const chunks[] = {"Here refunds are paid within 14 days of it.",
		"refunds are paid within 14 days of it.", NULL};
	struct world *world = *state;
	struct err err = ERR_NONE;

	assert_int_equal(ask(world, "When are refunds paid?", copies), 0);
	assert_int_equal(world->said.quote_count, 1);
	assert_int_equal(world->said.quotes[0].passage, 0);
	/* Two chunks of one document that overlap, the second one cut. */
	assert_int_equal(ask(world, "When are refunds paid?", chunks), 0);
	assert_int_equal(world->said.quote_count, 2);
	world->hits[1].document = world->hits[0].document;
	world->hits[1].chunk.start_char += 5;
	generation_release(&world->said);
	generation_init(&world->said);
	assert_int_equal(generator_generate(world->generator, &world->request, take, world,
				 &world->said, &err),
		0);
	assert_int_equal(world->said.quote_count, 1);
}

static void a_sentence_with_what_is_asked_for_comes_first(void **state)
{
	static const char *const texts[] = {
		"The mill was built by monks, as people say. The mill was built in 1276 there.",
		NULL};
	struct world *world = *state;

	assert_int_equal(ask(world, "When was the mill built?", texts), 0);
	check_answer(world);
	assert_string_equal(world->said.quotes[0].text, "The mill was built in 1276 there.");
}

static void a_pronoun_stands_for_the_sentence_before(void **state)
{
	static const char *const texts[] = {
		"Rollo led the Normans. He was baptised in 911. A monk was baptised in 950.", NULL};
	struct world *world = *state;

	assert_int_equal(ask(world, "When was Rollo baptised?", texts), 0);
	check_answer(world);
	assert_string_equal(world->said.quotes[0].text, "He was baptised in 911.");
}

static void a_follow_up_asks_for_the_same_kind(void **state)
{
	static const struct exchange history[] = {{"When was the mill built?", "In 1276."}};
	static const char *const texts[] = {
		"The tower was known to all men then. The tower was finished in 1301 there.", NULL};
	struct world *world = *state;
	struct err err = ERR_NONE;

	assert_int_equal(ask(world, "And the tower?", texts), 0);
	world->request.history = history;
	world->request.history_count = 1;
	generation_release(&world->said);
	generation_init(&world->said);
	assert_int_equal(generator_generate(world->generator, &world->request, take, world,
				 &world->said, &err),
		0);
	assert_string_equal(world->said.quotes[0].text, "The tower was finished in 1301 there.");
}

/* Answer the same request again, after a change to it. */
static void ask_again(struct world *world)
{
	struct err err = ERR_NONE;

	generation_release(&world->said);
	generation_init(&world->said);
	world->streamed_len = 0;
	assert_int_equal(generator_generate(world->generator, &world->request, take, world,
				 &world->said, &err),
		0);
	check_answer(world);
}

/* What it leans on is there, what it asks is not. */
static void a_follow_up_about_something_else_is_refused(void **state)
{
	static const struct exchange history[] = {{"When are refunds paid?", "Within 14 days."}};
	static const char *const texts[] = {
		"Refunds are paid within 14 days of the return being received.",
		"In Germany refunds are paid within 30 days.", NULL};
	struct world *world = *state;

	assert_int_equal(ask(world, "When are refunds paid? And in Germany?", texts), 0);
	world->request.question = "And in Germany?";
	world->request.history = history;
	world->request.history_count = 1;
	ask_again(world);
	assert_false(world->said.refused);
	assert_string_equal(
		world->said.quotes[0].text, "In Germany refunds are paid within 30 days.");
	assert_int_equal(ask(world, "When are refunds paid? And on Mars?", texts), 0);
	world->request.question = "And on Mars?";
	world->request.history = history;
	world->request.history_count = 1;
	ask_again(world);
	assert_true(world->said.refused);
}

static void documents_that_contradict_are_both_quoted(void **state)
{
	static const char *const texts[] = {
		"Refunds are paid within 14 days. Refunds are paid by transfer. Refunds are paid "
		"in euros. Refunds are paid to the buyer.",
		"Refunds are paid within 30 days.", NULL};
	struct world *world = *state;

	assert_int_equal(ask(world, "When are refunds paid?", texts), 0);
	check_answer(world);
	assert_string_equal(world->said.quotes[0].text, "Refunds are paid within 14 days.");
	assert_int_equal(world->said.quotes[1].passage, 1);
	assert_string_equal(world->said.quotes[1].text, "Refunds are paid within 30 days.");
}

static void a_question_about_several_documents_quotes_one_sentence_of_each(void **state)
{
	static const char *const texts[] = {
		"The rent in Bonn is 900 euros. The rent in Bonn is due on Monday.",
		"The rent in Kiel is 700 euros. The rent in Kiel is due on Friday.",
		"The rent in Jena is 500 euros.",
		"The rent in Ulm is 600 euros.",
		"The rent in Trier is 650 euros.",
		"Cats sleep for most of the day.",
		NULL,
	};
	struct world *world = *state;
	unsigned quoted = 0;

	assert_int_equal(ask(world, "Compare the rent", texts), 0);
	check_answer(world);
	assert_int_equal(world->said.quote_count, 5);
	for (size_t i = 0; i < 5; i++)
		quoted |= 1U << world->said.quotes[i].passage;
	assert_int_equal(quoted, 0x1f);
	assert_int_equal(ask(world, "What is the rent in Bonn?", texts), 0);
	check_answer(world);
	assert_true(world->said.quote_count <= 3);
}

/* A question without a word of the documents is answered by meaning, or not at all. */
static void nearness_finds_what_words_do_not(void **state)
{
	static const char *const texts[] = {
		"The canteen opens at noon. Money is returned within two weeks.", NULL};
	struct nearness nearness[] = {{{100, 126}, .72}, {{127, 162}, .91}};
	struct world *world = *state;

	assert_int_equal(ask(world, "When are refunds paid?", texts), 0);
	assert_true(world->said.refused);
	world->passages[0].nearness = nearness;
	world->passages[0].nearness_count = 2;
	world->request.unrelated = .78;
	ask_again(world);
	assert_false(world->said.refused);
	assert_string_equal(world->said.quotes[0].text, "Money is returned within two weeks.");
	nearness[1].cosine = .8;
	ask_again(world);
	assert_true(world->said.refused);
}

static void kinds_of_questions_are_told_apart(void **state)
{
	static const struct {
		const char *question;
		enum asks asks;
	} cases[] = {
		{"When did it end?", ASKS_TIME},
		{"In what year did it end?", ASKS_TIME},
		{"How many people came?", ASKS_NUMBER},
		{"Wie viele Leute kamen?", ASKS_NUMBER},
		{"Who came?", ASKS_PERSON},
		{"\xe8\xb0\x81\xe6\x9d\xa5\xe4\xba\x86\xef\xbc\x9f", ASKS_PERSON},
		{"O\xc3\xb9 est la gare ?", ASKS_PLACE},
		{"Why did it end?", ASKS_ANYTHING},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			asks_of(cases[i].question, strlen(cases[i].question)), cases[i].asks);
	assert_true(asks_fit(ASKS_TIME, "1990", 4, false) > asks_fit(ASKS_TIME, "14", 2, false));
	assert_true(asks_fit(ASKS_NUMBER, "three", 5, false) > 0);
	assert_true(asks_fit(ASKS_PERSON, "Rollo", 5, false) > 0);
	assert_true(asks_fit(ASKS_PERSON, "The", 3, true) == 0);
	assert_true(asks_fit(ASKS_PERSON, "dukes", 5, false) == 0);
}

static void a_sink_that_stops_and_a_cancelled_request_end_it(void **state)
{
	struct world *world = *state;
	atomic_bool cancelled = true;
	struct err err = ERR_NONE;

	world->stop_after = 0;
	assert_int_equal(ask(world, "When are refunds paid?", library), -ECANCELED);
	world->stop_after = SIZE_MAX;
	assert_int_equal(ask(world, "When are refunds paid?", library), 0);
	world->request.cancelled = &cancelled;
	generation_release(&world->said);
	generation_init(&world->said);
	assert_int_equal(generator_generate(world->generator, &world->request, take, world,
				 &world->said, &err),
		-ECANCELED);
}

static void the_test_generator_says_its_script_word_by_word(void **state)
{
	struct world *world = *state;
	uint64_t calls = generator_calls();

	generator_free(world->generator);
	assert_int_equal(generator_test_new(&world->generator, "One two. [1]", 1), 0);
	assert_int_equal(ask(world, "anything", library), 0);
	assert_int_equal(world->sink_calls, 3);
	assert_string_equal(world->said.text.data, "One two. [1]");
	assert_int_equal(generator_calls(), calls + 1);
	generator_free(world->generator);
	assert_int_equal(generator_test_new(&world->generator, "error:no model", 0), 0);
	assert_int_equal(ask(world, "anything", library), -EIO);
}

/* Near to what a sentence says, and yet not what it answers. */
static void what_the_sentence_does_not_say_is_doubted(void **state)
{
	static const char *const texts[] = {"The Rhine bridge was opened by Anna Weber in 1979.",
		"The old town has a tower.", NULL};
	static const char *const doubtful[] = {"Who opened the Rhine bridge in 1973?",
		"Who closed the Rhine bridge in 1979?",
		"By whom was the Rhine bridge never opened in 1979?",
		"How much did the Rhine bridge of 1979 cost when it opened?"};
	struct world *world = *state;

	assert_int_equal(ask(world, "Who opened the Rhine bridge in 1979?", texts), 0);
	double sure = world->said.confidence;
	for (size_t i = 0; i < ARRAY_LEN(doubtful); i++) {
		assert_int_equal(ask(world, doubtful[i], texts), 0);
		assert_true(world->said.confidence < sure * .8);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_best_sentence_is_quoted_verbatim),
		TEST(what_the_documents_do_not_hold_is_refused),
		TEST(positions_count_code_points),
		TEST(lines_are_joined_and_brackets_escaped),
		TEST(a_sentence_in_two_passages_is_quoted_once),
		TEST(a_sentence_with_what_is_asked_for_comes_first),
		TEST(a_pronoun_stands_for_the_sentence_before),
		TEST(a_follow_up_asks_for_the_same_kind),
		TEST(a_follow_up_about_something_else_is_refused),
		TEST(documents_that_contradict_are_both_quoted),
		TEST(a_question_about_several_documents_quotes_one_sentence_of_each),
		TEST(nearness_finds_what_words_do_not),
		TEST(what_the_sentence_does_not_say_is_doubted),
		cmocka_unit_test(kinds_of_questions_are_told_apart),
		TEST(a_sink_that_stops_and_a_cancelled_request_end_it),
		TEST(the_test_generator_says_its_script_word_by_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
