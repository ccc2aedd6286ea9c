/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text/contrary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct contrary compare(const char *question, const char *sentence)
{
	return contrary_of(question, strlen(question), sentence, strlen(sentence));
}

static void a_denied_question_is_found_out(void **state)
{
	(void)state;
	assert_true(compare("What wasn't paid in May?", "The rent was paid in May.").is_denied);
	assert_true(compare("What wasn’t paid in May?", "The rent was paid in May.").is_denied);
	assert_true(compare("Was wurde nicht bezahlt?", "Die Miete wurde bezahlt.").is_denied);
	assert_true(compare("Who had no power?", "The king had all power.").is_denied);

	assert_false(compare("What was paid?", "The rent was not paid.").is_denied);
	assert_false(compare("What was not paid?", "The rent was never paid.").is_denied);
	assert_false(compare("What was not paid?", "They failed to pay the rent.").is_denied);
	assert_false(compare("", "").is_denied);
}

static void opposites_are_found(void **state)
{
	(void)state;
	assert_true(compare("Which is the least costly?", "Gold is the most costly.").is_opposed);
	assert_true(compare("When did prices decrease?", "Prices increased in May.").is_opposed);
	assert_true(compare("What is dependent on it?", "It is independent.").is_opposed);
	assert_true(compare("Wer war reich?", "Er war arm.").is_opposed);
	assert_true(compare("What came before the war?", "It came after the war.").is_opposed);

	assert_false(compare("Which is the most costly?", "Gold is the most costly.").is_opposed);
	assert_false(compare("Most or least?", "The most and the least.").is_opposed);
	assert_false(compare("How old is the house?", "The new house is red.").is_opposed);
	assert_false(compare("What is under it?", "It is der rest.").is_opposed);
	assert_false(compare("", "The most and the least.").is_opposed);
}

/* Both are cut where they are too long, and any bytes will do. */
static void any_text_will_do(void **state)
{
	static char text[20000];

	(void)state;
	for (size_t i = 0; i + 5 < sizeof(text); i += 5)
		memcpy(text + i, "most ", 5);
	assert_true(compare("least", text).is_opposed);
	assert_false(compare(text, "\xff\xfe\x80").is_opposed);
	memset(text, 'x', sizeof(text) - 1);
	assert_false(compare(text, text).is_denied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denied_question_is_found_out),
		cmocka_unit_test(opposites_are_found),
		cmocka_unit_test(any_text_will_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
