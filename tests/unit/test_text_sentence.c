/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text/sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/buf.h"

struct found {
	const char *text;
	struct buf out;
	size_t count;
};

static int add(void *context, size_t start, size_t end)
{
	struct found *found = context;

	if (found->count++)
		buf_addc(&found->out, '|');
	return buf_add(&found->out, found->text + start, end - start);
}

static void assert_sentences(const char *text, const char *expected)
{
	struct found found = {.text = text};

	buf_init(&found.out, BUF_MAX_DEFAULT);
	assert_int_equal(sentence_each(text, strlen(text), add, &found), 0);
	assert_string_equal(found.out.data ? found.out.data : "", expected);
	buf_release(&found.out);
}

static void full_stops_part_sentences(void **state)
{
	(void)state;
	assert_sentences("One two.  Three four! Five? ", "One two.|Three four!|Five?");
	assert_sentences("He said \"Stop.\" Then he left.", "He said \"Stop.\"|Then he left.");
	assert_sentences("It began in 1990.[3] The end came soon.",
		"It began in 1990.[3]|The end came soon.");
	assert_sentences("See example.com for v2.3.1 and 3.5 more.",
		"See example.com for v2.3.1 and 3.5 more.");
	assert_sentences("What? he asked.", "What? he asked.");
	assert_sentences("", "");
	assert_sentences(" \n ", "");
}

static void abbreviations_do_not(void **state)
{
	static const char *const whole[] = {
		"We met Dr. Who and Mrs. Smith at No. 5 there.",
		"J. R. R. Tolkien wrote it.",
		"Das gilt z. B. F\xc3\xbcr alle, d. h. am 3. Oktober immer.",
		"The U.S. Senate voted.",
		"See Fig. 3 and pp. 12 of it.",
		"Im 19. Jahrhundert war das so.",
		"Smith et al. Found that out.",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		assert_sentences(whole[i], whole[i]);
	assert_sentences(
		"He lives in the U.S. The law says so.", "He lives in the U.S.|The law says so.");
	assert_sentences("Es war 1990. Dann kam er.", "Es war 1990.|Dann kam er.");
}

static void lines_that_stand_for_themselves_end(void **state)
{
	(void)state;
	assert_sentences("Refund policy\nGoods can be sent back within 14 days of their arrival.",
		"Refund policy|Goods can be sent back within 14 days of their arrival.");
	assert_sentences("A wrapped line goes\non here.\n\nNew paragraph\n\nEnd",
		"A wrapped line goes\non here.|New paragraph|End");
	assert_sentences("Bring:\n- a pen\n- some paper\n2. one more",
		"Bring:|- a pen|- some paper|2. one more");
	assert_sentences("Name: Jane Doe\nPhone: 555 0100\nCity: Rome",
		"Name: Jane Doe|Phone: 555 0100|City: Rome");
	assert_sentences("| a | b |\n| 1 | 2 |", "| a | b ||| 1 | 2 |");
}

static void other_scripts_have_their_own_signs(void **state)
{
	(void)state;
	assert_sentences("\xe4\xbb\x8a\xe5\xa4\xa9\xe3\x80\x82\xe6\x98\x8e\xe5\xa4\xa9\xef\xbc\x9f",
		"\xe4\xbb\x8a\xe5\xa4\xa9\xe3\x80\x82|\xe6\x98\x8e\xe5\xa4\xa9\xef\xbc\x9f");
	/* The danda of Hindi, the question mark of Arabic. */
	assert_sentences("\xe0\xa4\x95 \xe0\xa4\x96\xe0\xa5\xa4 \xe0\xa4\x97\xe0\xa5\xa4",
		"\xe0\xa4\x95 \xe0\xa4\x96\xe0\xa5\xa4|\xe0\xa4\x97\xe0\xa5\xa4");
	/* A byte of "meem" looks like a blank. */
	assert_sentences("\xd9\x86\xd8\xb3\xd9\x85\xd8\xa9. \xd9\x86\xd9\x87\xd8\xb1.",
		"\xd9\x86\xd8\xb3\xd9\x85\xd8\xa9.|\xd9\x86\xd9\x87\xd8\xb1.");
	assert_sentences("\xd9\x85\xd8\xa7\xd8\x9f \xd9\x86\xd8\xb9\xd9\x85.",
		"\xd9\x85\xd8\xa7\xd8\x9f|\xd9\x86\xd8\xb9\xd9\x85.");
}

static int take_longest(void *context, size_t start, size_t end)
{
	size_t *most = context;

	*most = end - start > *most ? end - start : *most;
	return 0;
}

static void what_never_ends_comes_in_pieces(void **state)
{
	size_t longest = 0;
	struct buf text;

	(void)state;
	buf_init(&text, BUF_MAX_DEFAULT);
	for (int i = 0; i < 60; i++)
		buf_adds(&text, "\xe0\xb8\xa0\xe0\xb8\xb2\xe0\xb8\xa9\xe0\xb8\xb2 ");
	sentence_each(text.data, text.len, take_longest, &longest);
	assert_in_range(longest, 200, 320);
	buf_clear(&text);
	for (int i = 0; i < 20000; i++)
		buf_addc(&text, 'x');
	longest = 0;
	sentence_each(text.data, text.len, take_longest, &longest);
	assert_in_range(longest, 1000, 2000);
	buf_release(&text);
}

static int stop_at_once(void *context, size_t start, size_t end)
{
	(void)start;
	(void)end;
	++*(int *)context;
	return 5;
}

static void a_callback_that_stops_is_obeyed(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(sentence_each("One. Two.", 9, stop_at_once, &calls), 5);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_stops_part_sentences),
		cmocka_unit_test(abbreviations_do_not),
		cmocka_unit_test(lines_that_stand_for_themselves_end),
		cmocka_unit_test(other_scripts_have_their_own_signs),
		cmocka_unit_test(what_never_ends_comes_in_pieces),
		cmocka_unit_test(a_callback_that_stops_is_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
