/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"

static void prefix_ends_at_the_first_bad_byte(void **state)
{
	static const struct {
		const char *text;
		size_t len, valid;
	} cases[] = {
		{"", 0, 0},
		{"plain ascii that is longer than eight", 37, 37},
		{"gr\xc3\xbc\xc3\x9f", 6, 6},
		{"\xe2\x82\xac\xf0\x9f\x98\x80", 7, 7},
		{"ab\xc3", 3, 2}, /* cut */
		{"ab\xc0\x80", 4, 2}, /* overlong NUL */
		{"\xe0\x9f\xbf", 3, 0}, /* overlong */
		{"x\xed\xa0\x80", 4, 1}, /* surrogate */
		{"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
		{"\xf4\x8f\xbf\xbf", 4, 4}, /* U+10FFFF */
		{"12345678\xff", 9, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(utf8_valid_prefix(cases[i].text, cases[i].len), cases[i].valid);
}

static void counts_and_offsets_are_code_points(void **state)
{
	const char *text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z and a longer run of ascii";
	size_t len = strlen(text);

	(void)state;
	assert_int_equal(utf8_count(text, len), len - 6);
	assert_int_equal(utf8_offset(text, len, 0), 0);
	assert_int_equal(utf8_offset(text, len, 2), 3);
	assert_int_equal(utf8_offset(text, len, 3), 6);
	assert_int_equal(utf8_offset(text, len, 4), 10);
	assert_int_equal(utf8_offset(text, len, 15), 21);
	assert_int_equal(utf8_offset(text, len, 10000), len);
}

static void decode_gives_the_code_point(void **state)
{
	size_t bytes;

	(void)state;
	assert_int_equal(utf8_decode("A", 1, &bytes), 'A');
	assert_int_equal(bytes, 1);
	assert_int_equal(utf8_decode("\xc3\xbc", 2, &bytes), 0xfc);
	assert_int_equal(bytes, 2);
	assert_int_equal(utf8_decode("\xe2\x82\xac.", 4, &bytes), 0x20ac);
	assert_int_equal(bytes, 3);
	assert_int_equal(utf8_decode("\xf0\x9f\x98\x80", 4, &bytes), 0x1f600);
	assert_int_equal(bytes, 4);
}

static void sanitize_replaces_maximal_subparts(void **state)
{
	static const struct {
		const char *dirty, *clean;
	} cases[] = {
		{"all good", "all good"},
		{"a\xff"
		 "b",
			"a\xef\xbf\xbd"
			"b"},
		{"\xf0\x9f\x98", "\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe2\x82(", "\xef\xbf\xbd("},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF struct buf out;

		buf_init(&out, BUF_MAX_DEFAULT);
		assert_int_equal(utf8_sanitize(cases[i].dirty, strlen(cases[i].dirty), &out), 0);
		assert_string_equal(out.data, cases[i].clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_ends_at_the_first_bad_byte),
		cmocka_unit_test(counts_and_offsets_are_code_points),
		cmocka_unit_test(decode_gives_the_code_point),
		cmocka_unit_test(sanitize_replaces_maximal_subparts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
