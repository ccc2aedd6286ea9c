/* SPDX-License-Identifier: Apache-2.0 */
/* The readers, through the real program and its confinement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/parser.h"
#include "core/text/utf8.h"
#include "tests/unit/parse_support.h"
#include "tests/unit/scratch.h"

#define FIXTURES "tests/fixtures/parse/"

static struct parser *parser;

static int start(void **state)
{
	struct parser_limits limits = case_limits();
	AUTO_FREE char *program = case_program("");
	struct err err = ERR_NONE;

	(void)state;
	int rc = parser_new(&parser, program, &limits, &err);
	if (rc)
		print_error("%s\n", err.text);
	return rc;
}

static int stop(void **state)
{
	(void)state;
	parser_free(parser);
	return 0;
}

/* Parse @data and expect success with @text. */
static void gives_bytes(
	const char *name, const void *data, size_t len, const char *type, const char *text)
{
	struct parse_case c;

	case_init(&c, name, data, len);
	case_run(parser, &c);
	assert_string_equal(c.item.err.text, "");
	assert_int_equal(c.item.result, 0);
	assert_string_equal(case_text(&c), text);
	assert_string_equal(c.item.parsed.content_type, type);
	case_release(&c);
}

static void gives_text(const char *name, const char *data, const char *type, const char *text)
{
	gives_bytes(name, data, strlen(data), type, text);
}

static void fails(struct parse_case *c, int result, const char *words)
{
	case_run(parser, c);
	assert_int_equal(c->item.result, result);
	if (!strstr(c->item.err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", c->item.err.text, words);
}

static void plain_text_is_kept_as_it_is(void **state)
{
	(void)state;
	gives_text("a.txt", "Hello world.\n", "text/plain", "Hello world.\n");
	gives_text("README", "No extension.\r\nTwo\tlines.", "text/plain",
		"No extension.\r\nTwo\tlines.");
	gives_text("a.txt", "  \n\t \n", "text/plain", "  \n\t \n");
	gives_text("a.txt", "", "text/plain", "");
	gives_text("emoji.txt", "\xf0\x9f\x98\x80 \xe2\x82\xac", "text/plain",
		"\xf0\x9f\x98\x80 \xe2\x82\xac");
}

static void control_characters_are_dropped(void **state)
{
	(void)state;
	gives_bytes("a.txt",
		"a\0b\x01"
		"c\x7f"
		"d\xc2\x85"
		"e\fz\n",
		13, "text/plain", "abcde\fz\n");
	gives_text("ansi.txt", "\x1b[31mred\x1b[0m words\n", "text/plain", "[31mred[0m words\n");
}

static void invalid_bytes_become_replacement_characters(void **state)
{
	enum { LEN = 3 << 20 };
	AUTO_FREE char *data = malloc(LEN);
	struct parse_case c;

	(void)state;
	/* valid in the first MiB, where the encoding is looked for, and not after */
	memset(data, 'x', LEN);
	memcpy(data + LEN - 8, "\xc3\xa9 \xff \xe2\x82", 7);
	case_init(&c, "long.txt", data, LEN);
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	assert_true(utf8_is_valid(c.text.data, c.text.len));
	assert_string_equal(c.text.data + LEN - 8, "\xc3\xa9 \xef\xbf\xbd \xef\xbf\xbdx");
	case_release(&c);
}

/* Wherever the edges of the windows, and of the head, fall in a character. */
static void characters_cut_by_a_window_stay_whole(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 7; shift++) {
		AUTO_BUF struct buf text;
		struct parse_case c;
		buf_init(&text, BUF_MAX_DEFAULT);
		for (size_t i = 0; i <= shift; i++)
			buf_addc(&text, 'x');
		while (text.len < (size_t)3 << 20)
			buf_adds(&text, "\xe2\x82\xac\xf0\x9f\x98\x80");
		case_init(&c, "long.txt", text.data, text.len);
		case_run(parser, &c);
		assert_int_equal(c.item.result, 0);
		assert_int_equal(c.text.len, text.len);
		assert_memory_equal(c.text.data, text.data, text.len);
		case_release(&c);
	}
}

/* Behind what is looked at for its encoding, a text may hold anything. */
static void a_long_word_that_is_no_utf8_ends(void **state)
{
	static const char *const names[] = {"long.rst", "long.csv", "long.org"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_BUF struct buf text;
		struct parse_case c;
		buf_init(&text, BUF_MAX_DEFAULT);
		while (text.len < (size_t)1 << 20)
			buf_adds(&text, "a line of words\n");
		for (size_t n = 0; n < 200000; n++)
			buf_addc(&text, '\x80');
		buf_adds(&text, "\n\nthe end\n");
		case_init(&c, names[i], text.data, text.len);
		case_run(parser, &c);
		assert_int_equal(c.item.result, 0);
		assert_non_null(strstr(case_text(&c), "the end"));
		case_release(&c);
	}
}

static const char german[] =
	"Die Rückzahlung erfolgt binnen 14 Tagen nach Eingang der Rücksendung. "
	"Größere Beträge werden geprüft, übrige Fälle nicht.\n";
static const char polish[] =
	"Zwrot pieniędzy następuje w ciągu czternastu dni od otrzymania przesyłki. "
	"Żaden klient nie może zażądać więcej, niż zapłacił. Źródło: regulamin.\n";
static const char russian[] =
	"Возврат денег производится в течение четырнадцати дней после получения "
	"товара. Для возврата нужен чек, иначе деньги не вернут.\n";
static const char greek[] =
	"Η επιστροφή χρημάτων γίνεται εντός δεκατεσσάρων ημερών από την παραλαβή. "
	"Απαιτείται η απόδειξη αγοράς.\n";
static const char japanese[] = "返金は商品の返品を受け取ってから十四日以内に支払われます。"
			       "レシートが必要です。アプリケーションから申し込んでください。\n";
static const char chinese[] = "退款将在收到退货后的十四天内支付。客户需要提供收据，否则无法退款。"
			      "请通过应用程序提交申请，我们会尽快处理。\n";
static const char taiwanese[] = "退款將在收到退貨後的十四天內支付。客戶需要提供收據，否則無法退款。"
				"請通過應用程式提交申請，我們會儘快處理。\n";
static const char korean[] = "환불은 반품을 받은 후 십사일 이내에 지급됩니다. 영수증이 필요합니다. "
			     "애플리케이션에서 신청해 주십시오.\n";

static const struct {
	const char *charset, *text;
} encodings[] = {
	{"ISO-8859-1", german},
	{"WINDOWS-1252", german},
	{"UTF-16", german}, /* with a byte order mark */
	{"UTF-16LE", german},
	{"UTF-16BE", german},
	{"UTF-16LE", japanese},
	{"UTF-16BE", chinese},
	{"UTF-32", german},
	{"UTF-32LE", russian},
	{"UTF-32BE", german},
	{"WINDOWS-1250", polish},
	{"ISO-8859-2", polish},
	{"KOI8-R", russian},
	{"WINDOWS-1251", russian},
	{"WINDOWS-1253", greek},
	{"SHIFT_JIS", japanese},
	{"EUC-JP", japanese},
	{"ISO-2022-JP", japanese},
	{"GB18030", chinese},
	{"GBK", chinese},
	{"BIG5", taiwanese},
	{"EUC-KR", korean},
	{"ISO-2022-KR", korean},
};

static void each_encoding_is_recognised(void **state)
{
	char encoded[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		iconv_t converter = iconv_open(encodings[i].charset, "UTF-8");
		char *from = (char *)(uintptr_t)encodings[i].text, *to = encoded;
		size_t from_len = strlen(from), to_len = sizeof(encoded);
		struct parse_case c;

		assert_ptr_not_equal(converter, (iconv_t)-1);
		assert_int_equal(iconv(converter, &from, &from_len, &to, &to_len), 0);
		assert_int_equal(iconv(converter, NULL, NULL, &to, &to_len), 0);
		iconv_close(converter);
		case_init(&c, "text.txt", encoded, sizeof(encoded) - to_len);
		case_run(parser, &c);
		if (c.item.result || strcmp(case_text(&c), encodings[i].text))
			fail_msg("%s taken for %s: %s%s", encodings[i].charset,
				c.item.parsed.charset, case_text(&c), c.item.err.text);
		assert_string_equal(c.item.parsed.content_type, "text/plain");
		case_release(&c);
	}
}

static void short_western_texts_are_western(void **state)
{
	(void)state;
	gives_text("a.csv", "name;price\nCaf\xe9 \x93Zo\xeb\x94;5 \x80\n", "text/csv",
		"name | price\nname: Café “Zoë” | price: 5 €");
	gives_text("a.txt", "na\xefve", "text/plain", "naïve");
}

static void byte_order_marks_are_no_text(void **state)
{
	(void)state;
	gives_text("a.txt", "\xef\xbb\xbfHello", "text/plain", "Hello");
	gives_bytes("a.txt", "\xff\xfeH\0i\0", 6, "text/plain", "Hi");
}

static void extensions_tell_texts_apart(void **state)
{
	(void)state;
	gives_text("a.csv", "a,b\n1,2\n", "text/csv", "a | b\na: 1 | b: 2");
	gives_text("a.json", "{\"a\": [1]}", "application/json", "a: 1");
	gives_text("a.xml", "<?xml version=\"1.0\"?><a>b</a>", "text/xml", "b");
	gives_text(
		"a.xml", "<?xml version=\"1.0\"?><a>b", "text/xml", "<?xml version=\"1.0\"?><a>b");
	gives_text("a.sh", "#!/bin/sh\necho hi\n", "text/x-shellscript", "#!/bin/sh\necho hi\n");
	gives_text("a.py", "import os\n", "text/x-python", "import os\n");
	gives_text("ps.txt", "%!PS is how PostScript begins", "text/plain",
		"%!PS is how PostScript begins");
	gives_text("UPPER.TXT", "upper words", "text/plain", "upper words");
}

static void what_is_no_text_is_refused_by_its_type(void **state)
{
	static const unsigned char png[] =
		"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0";
	unsigned char noise[4096];
	struct parse_case c;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (unsigned char)((i * 2654435761u) >> 13 ^ i * 40503u >> 5);
	noise[0] = 0xfc;
	case_init(&c, "a.bin", noise, sizeof(noise));
	fails(&c, -ENODATA, "no text can be extracted from application/octet-stream");
	assert_string_equal(c.item.parsed.content_type, "application/octet-stream");
	case_release(&c);
	case_init(&c, "a.txt", png, sizeof(png) - 1);
	case_run(parser, &c);
	assert_true(c.item.result < 0); /* broken, or without OCR: as this was built */
	assert_string_equal(c.item.parsed.content_type, "image/png");
	assert_int_equal(c.text.len, 0);
	case_release(&c);
}

static void assert_heading(const struct parse_case *c, size_t i, uint32_t level, const char *text)
{
	AUTO_FREE char *marked = case_marked(c, i);

	assert_int_equal(c->marks[i].kind, MARK_HEADING);
	assert_int_equal(c->marks[i].value, level);
	assert_string_equal(marked, text);
}

static void markdown_headings_are_marked(void **state)
{
	static const char text[] =
		"---\ntitle: front matter\n---\nIntro é\n\n# Über *uns* #\n\ntext\n"
		"Refund policy\n===\n```sh\n# no heading\n```\n    # code\n"
		"#hashtag\n\n- list\n---\n\n### Third\nSub\n---\nlast";
	struct parse_case c;

	(void)state;
	case_init_text(&c, "a.md", text);
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	assert_string_equal(case_text(&c), text);
	assert_string_equal(c.item.parsed.content_type, "text/markdown");
	assert_string_equal(c.item.parsed.title, "Über *uns*");
	assert_int_equal(c.mark_count, 4);
	assert_heading(&c, 0, 1, "Über *uns*");
	assert_heading(&c, 1, 1, "Refund policy");
	assert_heading(&c, 2, 3, "Third");
	assert_heading(&c, 3, 2, "Sub");
	case_release(&c);
}

static const char page[] =
	"<!DOCTYPE html><html lang=en><head><title> Refund\n policy </title>"
	"<meta name=author content='Jane Roe'><style>p { color: red }</style></head><body>"
	"<h1>Refunds &amp; <em>returns</em></h1><div><p>Paid   within\n14 days.</p></div>"
	"<script>var hidden = '<p>hidden</p>';</script><noscript>hidden</noscript>"
	"<template><p>hidden</p></template><!-- hidden -->"
	"<ul><li>one</li><li>two<br>three</li></ul>"
	"<table><tr><th>Country<th>Days</tr><tr><td><p>DE</p></td><td><p>14</p></td></tr></table>"
	"<pre>a\n  b</pre><h2>End</h2>caf&eacute; &#x1F600;</body></html>";

static void html_becomes_lines(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_text(&c, "a.html", page);
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	assert_string_equal(case_text(&c),
		"Refunds & returns\n\nPaid within 14 days.\n\none\ntwo\nthree\n\n"
		"Country | Days\nCountry: DE | Days: 14\n\na\n  b\n\nEnd\n\ncafé 😀");
	assert_string_equal(c.item.parsed.title, "Refund\n policy");
	assert_string_equal(
		c.item.parsed.extra_metadata, "{\"language\":\"en\",\"author\":\"Jane Roe\"}");
	assert_int_equal(c.mark_count, 2);
	assert_heading(&c, 0, 1, "Refunds & returns");
	assert_heading(&c, 1, 2, "End");
	case_release(&c);
}

static void html_with_nul_goes_on(void **state)
{
	static const char text[] = "<html><p>one\0 two</p>\0<p>three</p></html>";

	(void)state;
	gives_bytes("a.html", text, sizeof(text) - 1, "text/html", "one two\n\nthree");
}

static void html_is_recognised_under_any_name(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_text(&c, "page.txt", page);
	case_run(parser, &c);
	assert_string_equal(c.item.parsed.content_type, "text/html");
	assert_null(strstr(case_text(&c), "<"));
	case_release(&c);
	/* markup in a file that is meant as source stays */
	gives_text("a.md", "<!DOCTYPE html><html><p>kept</p></html>", "text/markdown",
		"<!DOCTYPE html><html><p>kept</p></html>");
	gives_text("about.txt", "How to begin: <!DOCTYPE html><html><body>", "text/plain",
		"How to begin: <!DOCTYPE html><html><body>");
	gives_text("fragment.html", "just <b>a</b> fragment", "text/html", "just a fragment");
}

static void html_charset_is_what_the_page_says(void **state)
{
	(void)state;
	gives_text("a.html", "<html><meta charset=\"iso-8859-2\"><p>\xbf\xf3\xb3ty</p></html>",
		"text/html", "żółty");
	gives_text("a.html",
		"<html><meta http-equiv=Content-Type content='text/html; charset=Shift_JIS'>"
		"<p>\x93\xfa\x96\x7b</p></html>",
		"text/html", "日本");
}

static void xml_charset_is_what_it_declares(void **state)
{
	(void)state;
	gives_text("a.xml", "<?xml version=\"1.0\" encoding=\"iso-8859-2\"?><a>\xbf\xf3\xb3ty</a>",
		"text/xml", "żółty");
}

static void control_characters_leave_metadata_whole(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_text(&c, "a.html",
		"<html lang='e\x7fn'><meta name=author "
		"content='J\xc2\x95o\ne'><p>words</p></html>");
	case_run(parser, &c);
	assert_string_equal(c.item.err.text, "");
	assert_string_equal(
		c.item.parsed.extra_metadata, "{\"language\":\"en\",\"author\":\"Jo e\"}");
	case_release(&c);
}

static void html_of_any_depth_ends(void **state)
{
	AUTO_BUF struct buf deep;
	struct parse_case c;

	(void)state;
	buf_init(&deep, BUF_MAX_DEFAULT);
	buf_adds(&deep, "<html><body>");
	for (int i = 0; i < 100000; i++)
		buf_adds(&deep, "<div>");
	buf_adds(&deep, "deep words");
	case_init(&c, "deep.html", deep.data, deep.len);
	case_run(parser, &c);
	if (!c.item.result)
		assert_string_equal(case_text(&c), "deep words");
	else
		assert_string_not_equal(c.item.err.text, "");
	case_release(&c);
}

static void pdf_pages_are_marked(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_file(&c, FIXTURES "three-pages.pdf");
	case_run(parser, &c);
	assert_string_equal(c.item.err.text, "");
	assert_string_equal(case_text(&c),
		"Refunds are paid within 14 days.\n\fReturns need a receipt.\n\f"
		"Grüße from the last page.");
	assert_int_equal(c.item.parsed.page_count, 3);
	assert_string_equal(c.item.parsed.content_type, "application/pdf");
	assert_string_equal(c.item.parsed.title, "The refund handbook");
	assert_string_equal(c.item.parsed.extra_metadata,
		"{\"author\":\"Jane Roe\",\"created\":\"2024-02-29T12:00:00Z\"}");
	assert_int_equal(c.mark_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(c.marks[i].kind, MARK_PAGE);
		assert_int_equal(c.marks[i].value, i + 1);
	}
	assert_int_equal(c.marks[1].start_char, strlen("Refunds are paid within 14 days.\n\f"));
	case_release(&c);
}

static void pdf_in_shift_jis_is_read(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_file(&c, FIXTURES "shift-jis.pdf");
	c.item.name = "wrongly-named.txt";
	lseek(c.item.fd, 0, SEEK_END); /* it is read from its beginning nonetheless */
	case_run(parser, &c);
	assert_string_equal(c.item.err.text, "");
	assert_string_equal(case_text(&c), "返金は十四日以内に支払われます");
	case_release(&c);
}

static void pdf_that_cannot_be_read_says_why(void **state)
{
	static const struct {
		const char *file;
		int result;
		const char *words;
	} broken[] = {
		{FIXTURES "encrypted.pdf", -EKEYREJECTED, "the PDF is encrypted"},
		{FIXTURES "cut.pdf", -EBADMSG, "the PDF is broken"},
		{FIXTURES "page-loop.pdf", -EBADMSG, "the PDF is broken"},
		{FIXTURES "image-only.pdf", -ENODATA,
			"no text can be extracted: the PDF holds only images"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct parse_case c;
		case_init_file(&c, broken[i].file);
		fails(&c, broken[i].result, broken[i].words);
		assert_string_equal(c.item.parsed.content_type, "application/pdf");
		case_release(&c);
	}
}

enum { BATCH = 150 };

static void run_batch(void)
{
	static struct parse_case cases[BATCH];
	struct parse_item items[BATCH];
	char text[64];

	for (int i = 0; i < BATCH; i++) {
		snprintf(text, sizeof(text),
			i % 10 == 7 ? "<html><p>file %d</p></html>" : "file %d", i);
		case_init_text(&cases[i], "file.txt", text);
		items[i] = cases[i].item;
	}
	parser_run(parser, items, BATCH);
	for (int i = 0; i < BATCH; i++) {
		cases[i].item = items[i];
		snprintf(text, sizeof(text), "file %d", i);
		assert_int_equal(items[i].result, 0);
		assert_string_equal(case_text(&cases[i]), text);
		case_release(&cases[i]);
	}
}

static void a_batch_gives_each_file_its_own_text(void **state)
{
	(void)state;
	run_batch();
}

static void *parse_again_and_again(void *argument)
{
	uintptr_t seed = (uintptr_t)argument, wrong = 0;

	for (int i = 0; i < 20; i++) {
		char text[64];
		struct parse_case c;
		snprintf(text, sizeof(text), "thread %d, round %d", (int)seed, i);
		case_init_text(&c, "a.txt", text);
		case_run(parser, &c);
		wrong += c.item.result || strcmp(case_text(&c), text) != 0;
		case_release(&c);
	}
	return (void *)wrong;
}

static void ten_threads_do_not_mix(void **state)
{
	pthread_t threads[10];
	void *wrong;

	(void)state;
	for (uintptr_t i = 0; i < 10; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, parse_again_and_again, (void *)i), 0);
	for (size_t i = 0; i < 10; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
}

static int refuse(void *context, const char *utf8, size_t len)
{
	(void)context, (void)utf8, (void)len;
	return -ECANCELED;
}

static void what_the_sink_says_is_the_result(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_text(&c, "a.txt", "text");
	c.item.sink.text = refuse;
	case_run(parser, &c);
	assert_int_equal(c.item.result, -ECANCELED);
	case_release(&c);
}

static void the_server_tells_what_it_reads(void **state)
{
	struct parser_about about;

	(void)state;
	parser_about(parser, &about);
	assert_int_equal(strncmp(about.reads, "text, web, PDF", strlen("text, web, PDF")), 0);
	assert_null(strchr(about.lacks, '/')); /* kinds and packages, no MIME types */
}

static void a_program_that_is_not_there_is_told(void **state)
{
	struct parser_limits limits = case_limits();
	struct err err = ERR_NONE;
	struct parser *none = NULL;

	(void)state;
	assert_true(parser_new(&none, "/nonexistent/askfs-parse", &limits, &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent/askfs-parse"));
	assert_true(parser_new(&none, "/bin/true", &limits, &err) < 0);
	assert_null(none);
}

/* A page that is an image costs the other pages nothing where nobody can read images: here
 * askfs-parse-ocr is not beside the program. */
static void a_pdf_keeps_its_text_without_ocr(void **state)
{
	AUTO_FREE char *program = case_program("");
	char path[PATH_MAX], here[PATH_MAX];
	struct parser_limits limits = case_limits();
	struct parser *alone = NULL;
	struct err err = ERR_NONE;
	char *folder = scratch_new();
	struct parse_case c;

	(void)state;
	snprintf(path, sizeof(path), "%s/askfs-parse", folder);
	assert_non_null(realpath(program, here));
	assert_int_equal(symlink(here, path), 0);
	assert_int_equal(parser_new(&alone, path, &limits, &err), 0);
	case_init_file(&c, "tests/formats/pdf/mixed.pdf");
	case_run(alone, &c);
	assert_int_equal(c.item.result, 0);
	assert_non_null(strstr(case_text(&c), "The pump is tested each Monday."));
	assert_int_equal(c.item.parsed.page_count, 2);
	case_release(&c);
	case_init_file(&c, "tests/formats/pdf/scan.pdf");
	case_run(alone, &c);
	assert_int_equal(c.item.result, -ENODATA);
	assert_non_null(strstr(c.item.err.text, "the PDF holds only images"));
	case_release(&c);
	parser_free(alone);
	scratch_free(folder);
}

static void a_page_that_is_an_image_is_read_among_others(void **state)
{
	AUTO_FREE char *ocr = case_program("-ocr");
	struct parse_case c;

	(void)state;
	if (access(ocr, X_OK))
		skip(); /* this was built without OCR */
	case_init_file(&c, "tests/formats/pdf/mixed.pdf");
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	assert_int_equal(case_page(&c, "The pump is tested each Monday."), 1);
	assert_int_equal(case_page(&c, "Signed by the well keeper"), 2);
	case_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_is_an_image_is_read_among_others),
		cmocka_unit_test(a_pdf_keeps_its_text_without_ocr),
		cmocka_unit_test(plain_text_is_kept_as_it_is),
		cmocka_unit_test(control_characters_are_dropped),
		cmocka_unit_test(invalid_bytes_become_replacement_characters),
		cmocka_unit_test(characters_cut_by_a_window_stay_whole),
		cmocka_unit_test(a_long_word_that_is_no_utf8_ends),
		cmocka_unit_test(each_encoding_is_recognised),
		cmocka_unit_test(short_western_texts_are_western),
		cmocka_unit_test(byte_order_marks_are_no_text),
		cmocka_unit_test(extensions_tell_texts_apart),
		cmocka_unit_test(what_is_no_text_is_refused_by_its_type),
		cmocka_unit_test(markdown_headings_are_marked),
		cmocka_unit_test(html_becomes_lines),
		cmocka_unit_test(html_with_nul_goes_on),
		cmocka_unit_test(html_is_recognised_under_any_name),
		cmocka_unit_test(html_charset_is_what_the_page_says),
		cmocka_unit_test(xml_charset_is_what_it_declares),
		cmocka_unit_test(control_characters_leave_metadata_whole),
		cmocka_unit_test(html_of_any_depth_ends),
		cmocka_unit_test(pdf_pages_are_marked),
		cmocka_unit_test(pdf_in_shift_jis_is_read),
		cmocka_unit_test(pdf_that_cannot_be_read_says_why),
		cmocka_unit_test(a_batch_gives_each_file_its_own_text),
		cmocka_unit_test(ten_threads_do_not_mix),
		cmocka_unit_test(what_the_sink_says_is_the_result),
		cmocka_unit_test(the_server_tells_what_it_reads),
		cmocka_unit_test(a_program_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
