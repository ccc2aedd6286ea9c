/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts are mails, and which only look like one; through the real program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/auto.h"
#include "core/parser.h"
#include "tests/unit/parse_support.h"

#define SENT                                       \
	"Received: from a by b; Tue, 4 Mar 2025\n" \
	"From: Jule Brandt <jule@example.org>\n"   \
	"Subject: Words\n\nBody words.\n"

static struct parser *parser;

static const struct {
	const char *name, *text, *type;
} cases[] = {
	{"a.eml", SENT, "message/rfc822"},
	{"1741168800.M1P2.host:2,S", SENT, "message/rfc822"},
	{"a.txt", SENT, "message/rfc822"},
	{"a.eml", "Subject: only that\n\nwords\n", "message/rfc822"},
	{"noname", "From: a@example.org\nSubject: two\n\nwords\n", "message/rfc822"},
	{"noname", "Subject: one header alone\n\nwords\n", "text/plain"},
	{"a.txt", "From: the desk of Ivo\nSubject: bolts\n\nwords\n", "text/plain"},
	{"a.txt", "Date: today\nTo: all\n\nwords\n", "text/plain"},
	{"a.md", SENT, "text/markdown"},
	{"a.py", SENT, "text/x-python"},
	{"a.txt", "He wrote:\n\n" SENT, "text/plain"},
	{"a.mbox", "From a@example.org Tue Mar  4 09:30:00 2025\n" SENT, "application/mbox"},
	{"a.txt", "From here on, at 9:30, all is well.\nWords of a story.\n", "text/plain"},
	{"a.mht", "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\nwords\n",
		"multipart/related"},
	{"a.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar"},
	{"a.txt", "\xef\xbb\xbf\nBEGIN:VCARD\r\nFN:Jule\r\nEND:VCARD\r\n", "text/vcard"},
};

static void each_text_is_what_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parse_case c;
		case_init_text(&c, cases[i].name, cases[i].text);
		case_run(parser, &c);
		const char *type = c.item.parsed.content_type;
		if (!type || strcmp(type, cases[i].type))
			fail_msg("case %zu, %s, is %s and not %s", i, cases[i].name,
				type ? type : "nothing", cases[i].type);
		case_release(&c);
	}
}

int main(void)
{
	struct parser_limits limits = case_limits();
	AUTO_FREE char *program = case_program("");
	struct err err = ERR_NONE;

	const struct CMUnitTest tests[] = {cmocka_unit_test(each_text_is_what_it_is)};
	if (parser_new(&parser, program, &limits, &err)) {
		print_error("%s\n", err.text);
		return 1;
	}
	int failed = cmocka_run_group_tests_name("text_kind", tests, NULL, NULL);
	parser_free(parser);
	return failed;
}
