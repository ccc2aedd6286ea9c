/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text/tokenizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/buf.h"

static int join(void *context, const struct token *token)
{
	struct buf *out = context;

	if (out->len)
		buf_addc(out, ' ');
	return buf_add(out, token->text, token->len);
}

typedef int (*run_fn)(struct tokenizer *, const char *, size_t, token_fn, void *);

static void assert_tokens(run_fn run, const char *text, const char *expected)
{
	AUTO_BUF struct buf out;

	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(run(tokenizer_mine(), text, strlen(text), join, &out), 0);
	assert_string_equal(out.data ? out.data : "", expected);
}

static void words_are_folded_and_stemmed(void **state)
{
	(void)state;
	assert_tokens(tokenizer_run, "The Refunds were PAID, in the country.",
		"the refund were paid in the countri");
	assert_tokens(tokenizer_run,
		"Der H\xc3\xb6"
		"fe und die Stra\xc3\x9f"
		"en in den St\xc3\xa4"
		"dten",
		"der hof und die strass in den stadt");
	assert_tokens(
		tokenizer_run, "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3 \xef\xac\x81sh", "abc fish");
	assert_tokens(tokenizer_run, "\xd0\xa0\xd1\x83\xd1\x81\xd1\x81\xd0\xba\xd0\xb8\xd0\xb9",
		"\xd1\x80\xd1\x83\xd1\x81\xd1\x81\xd0\xba");
}

static void numbers_and_names_with_signs_are_found_whole_and_in_parts(void **state)
{
	(void)state;
	assert_tokens(
		tokenizer_run, "51.6% 51,6 1,234 1234 1.234.567", "51.6 51.6 1234 1234 1234567");
	assert_tokens(tokenizer_run, "E-4711", "e-4711 e 4711");
	assert_tokens(tokenizer_run, "foo_bar", "foo_bar foo bar");
	assert_tokens(
		tokenizer_run, "jane.doe@example.org", "jane.doe@example.org jane doe exampl org");
	assert_tokens(tokenizer_run, "U.S. e-mail", "us email e mail");
	assert_tokens(tokenizer_run,
		"don't O'Brien Smith's l\xe2\x80\x99"
		"avion",
		"don o brien smith l avion");
	assert_tokens(tokenizer_run, "10km", "10km 10");
	assert_tokens(tokenizer_run, "\xd9\xa1\xd9\xa9\xd9\xa9\xd9\xa0", "1990");
}

static void ideograms_become_pairs(void **state)
{
	(void)state;
	assert_tokens(tokenizer_run, "\xe5\x8c\x97\xe4\xba\xac\xe5\xb8\x82\xe3\x80\x82\xe7\x8c\xab",
		"\xe5\x8c\x97\xe4\xba\xac \xe4\xba\xac\xe5\xb8\x82 \xe7\x8c\xab");
	/* Half-width and full-width kana are the same. */
	assert_tokens(tokenizer_run, "\xef\xbd\xb1\xef\xbd\xb2", "\xe3\x82\xa2\xe3\x82\xa4");
}

static void vowel_signs_stay_in_their_words(void **state)
{
	(void)state;
	assert_tokens(tokenizer_run, "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6",
		"\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6");
}

static void thai_is_segmented_by_dictionary(void **state)
{
	/* "Thai language": two words without a blank. */
	const char *thai = "\xe0\xb8\xa0\xe0\xb8\xb2\xe0\xb8\xa9\xe0\xb8\xb2"
			   "\xe0\xb9\x84\xe0\xb8\x97\xe0\xb8\xa2";

	(void)state;
	assert_tokens(tokenizer_run, thai,
		"\xe0\xb8\xa0\xe0\xb8\xb2\xe0\xb8\xa9\xe0\xb8\xb2 "
		"\xe0\xb9\x84\xe0\xb8\x97\xe0\xb8\xa2");
}

static void arabic_loses_its_points(void **state)
{
	AUTO_BUF struct buf plain;

	(void)state;
	buf_init(&plain, BUF_MAX_DEFAULT);
	tokenizer_run(tokenizer_mine(), "\xd9\x83\xd8\xaa\xd8\xa7\xd8\xa8", 8, join, &plain);
	assert_non_null(plain.data);
	assert_tokens(
		tokenizer_run, "\xd9\x83\xd9\x90\xd8\xaa\xd9\x8e\xd8\xa7\xd8\xa8", plain.data);
}

static void questions_lose_their_function_words(void **state)
{
	(void)state;
	assert_tokens(tokenizer_question, "When are the refunds paid?", "refund paid");
	assert_tokens(tokenizer_question, "Who is who?", "who is who");
	assert_tokens(tokenizer_question,
		"Wann werden R\xc3\xbc"
		"ckerstattungen bezahlt?",
		"ruckerstattungen ruckerstatt bezahlt");
	assert_tokens(tokenizer_question,
		"\xd0\xba\xd0\xbe\xd0\xb3\xd0\xb4\xd0\xb0 \xd0\xbe\xd0\xbd",
		"\xd0\xba\xd0\xbe\xd0\xb3\xd0\xb4 \xd0\xbe\xd0\xbd");
}

/* Every word of a question is found in a document of its language, and in one that shows none. */
struct search {
	const char *wanted;
	size_t len;
};

static int is_wanted(void *context, const struct token *token)
{
	const struct search *search = context;

	return token->len == search->len && memcmp(token->text, search->wanted, token->len) == 0;
}

struct meeting {
	const char *document;
	size_t met_start; /* of the last word that was found */
	size_t words, met;
};

static int meet(void *context, const struct token *token)
{
	struct meeting *meeting = context;
	struct search search = {token->text, token->len};

	meeting->words += token->start != meeting->met_start || meeting->words == 0;
	if (tokenizer_run(tokenizer_mine(), meeting->document, strlen(meeting->document), is_wanted,
		    &search))
		meeting->met++;
	meeting->met_start = token->start;
	return 0;
}

static void questions_meet_documents_whatever_language_is_seen(void **state)
{
	static const struct {
		const char *question, *document;
	} cases[] = {
		{"R\xc3\xbc"
		 "ckerstattungen",
			"R\xc3\xbc"
			"ckerstattungen"},
		{"Wann werden R\xc3\xbc"
		 "ckerstattungen bezahlt?",
			"Die R\xc3\xbc"
			"ckerstattungen werden von der Kasse an den Kunden bezahlt."},
		{"Wann werden R\xc3\xbc"
		 "ckerstattungen bezahlt?",
			"R\xc3\xbc"
			"ckerstattungen: bezahlt"},
		{"r\xc3\xa9unions",
			"Les r\xc3\xa9unions de la direction sont dans le b\xc3\xa2timent."},
		{"Quand sont les r\xc3\xa9unions ?", "r\xc3\xa9unions"},
		{"habitaciones disponibles",
			"El hotel de la ciudad tiene las habitaciones disponibles."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct meeting meeting = {.document = cases[i].document, .met_start = SIZE_MAX};

		tokenizer_question(tokenizer_mine(), cases[i].question, strlen(cases[i].question),
			meet, &meeting);
		assert_true(meeting.words > 0);
		assert_int_equal(meeting.met, meeting.words);
	}
}

static int check_span(void *context, const struct token *token)
{
	const char *text = context;

	assert_true(token->start < token->end && token->end <= strlen(text));
	assert_true(token->len > 0);
	return 0;
}

static void spans_lie_in_the_text_and_bad_bytes_are_passed_over(void **state)
{
	const char *text = "ab\xff"
			   "cd \xe4\xb8\xad\xe6\x96 x_y \xc0\x80 end\xf0\x9f";

	(void)state;
	tokenizer_run(tokenizer_mine(), text, strlen(text), check_span, (void *)(uintptr_t)text);
	assert_tokens(tokenizer_run,
		"ab\xff"
		"cd \xf0\x9f end",
		"ab cd end");
}

static int stop_at_once(void *context, const struct token *token)
{
	(void)token;
	++*(int *)context;
	return 42;
}

static void a_callback_that_stops_is_obeyed(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(tokenizer_run(tokenizer_mine(), "one two", 7, stop_at_once, &calls), 42);
	assert_int_equal(calls, 1);
	assert_int_equal(
		tokenizer_question(tokenizer_mine(), "one two", 7, stop_at_once, &calls), 42);
	assert_int_equal(calls, 2);
}

static void counting_counts_words(void **state)
{
	(void)state;
	assert_int_equal(tokenizer_count(tokenizer_mine(), "", 0), 0);
	assert_int_equal(tokenizer_count(tokenizer_mine(), "One two, E-4711 fo\xc3\xb6!", 20), 4);
}

static void *take_mine(void *out)
{
	*(struct tokenizer **)out = tokenizer_mine();
	assert_ptr_equal(*(struct tokenizer **)out, tokenizer_mine());
	assert_tokens(tokenizer_run, "refunds", "refund");
	return NULL;
}

static void each_thread_has_its_own(void **state)
{
	struct tokenizer *other = NULL;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, take_mine, &other), 0);
	pthread_join(thread, NULL);
	assert_non_null(other);
	assert_ptr_not_equal(other, tokenizer_mine());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_folded_and_stemmed),
		cmocka_unit_test(numbers_and_names_with_signs_are_found_whole_and_in_parts),
		cmocka_unit_test(ideograms_become_pairs),
		cmocka_unit_test(vowel_signs_stay_in_their_words),
		cmocka_unit_test(thai_is_segmented_by_dictionary),
		cmocka_unit_test(arabic_loses_its_points),
		cmocka_unit_test(questions_lose_their_function_words),
		cmocka_unit_test(questions_meet_documents_whatever_language_is_seen),
		cmocka_unit_test(spans_lie_in_the_text_and_bad_bytes_are_passed_over),
		cmocka_unit_test(a_callback_that_stops_is_obeyed),
		cmocka_unit_test(counting_counts_words),
		cmocka_unit_test(each_thread_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
