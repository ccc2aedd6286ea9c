/* SPDX-License-Identifier: Apache-2.0 */
/* Events come out the same, however the bytes were cut. */
#include "core/sse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/auto.h"

static int note(void *context, const char *data, size_t len)
{
	buf_addc(context, '<');
	buf_add(context, data, len);
	return buf_addc(context, '>');
}

/* The events of @bytes, fed @step at a time. */
static void check(const char *bytes, const char *wanted)
{
	for (size_t step = 1; step <= strlen(bytes) + 1; step++) {
		AUTO_BUF struct buf events;
		struct sse sse;

		buf_init(&events, BUF_MAX_DEFAULT);
		sse_init(&sse, 1000);
		for (size_t at = 0; at < strlen(bytes); at += step) {
			size_t left = strlen(bytes) - at;
			assert_int_equal(sse_feed(&sse, bytes + at, left < step ? left : step, note,
						 &events),
				0);
		}
		assert_string_equal(events.data ? events.data : "", wanted);
		sse_release(&sse);
	}
}

static void lines_end_in_three_ways(void **state)
{
	(void)state;
	check("data: a\n\ndata: b\n\n", "<a><b>");
	check("data: a\r\n\r\ndata: b\r\n\r\n", "<a><b>");
	check("data: a\r\rdata: b\r\r", "<a><b>");
}

static void fields(void **state)
{
	(void)state;
	check("data:a\ndata:  b\ndata\n\n", "<a\n b\n>");
	check(": comment\nevent: x\nid: 7\ndata: y\nretry: 5\n\n\n\n", "<y>");
	check("database: no\n\ndata: yes\n\n", "<yes>");
	check("data: not ended\n", "");
	check("data: {\"a\": 1}\n\ndata: [DONE]\n\n", "<{\"a\": 1}><[DONE]>");
}

static void a_line_that_never_ends(void **state)
{
	struct sse sse;

	(void)state;
	sse_init(&sse, 8);
	assert_int_equal(sse_feed(&sse, "data: 123456789", 15, note, NULL), -EFBIG);
	sse_release(&sse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_in_three_ways),
		cmocka_unit_test(fields),
		cmocka_unit_test(a_line_that_never_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
