/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/answer.h"
#include "core/auto.h"
#include "core/citations.h"
#include "core/options.h"
#include "core/transcript.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* What the generator says, what comes out of three passages, and how many are cited. */
static const struct {
	const char *in, *out;
	size_t count;
} citation_cases[] = {
	{"Paid in 14 days. [1]", "Paid in 14 days. [1]", 1},
	{"B first [3], then A [1], B again [3].", "B first [1], then A [2], B again [1].", 2},
	{"Invented [9].", "Invented.", 0},
	{"Both [2, 3].", "Both [1, 2].", 2},
	{"Half [2,7].", "Half [1].", 1},
	{"[0] nothing", "nothing", 0},
	{"An array a[i] and [x].", "An array a[i] and [x].", 0},
	{"Literal \\[3] stays.", "Literal [3] stays.", 0},
	{"A path C:\\temp\\[1].", "A path C:\\temp[1].", 0},
	{"A path C:\\\\[1].", "A path C:\\[1].", 0},
	{"Two \\\\ strokes \\", "Two \\\\ strokes \\", 0},
	{"Open at the end [12", "Open at the end [12", 0},
	{"Nested [[2]]", "Nested [[1]]", 1},
	{"  trimmed [1] \n\n", "trimmed [1]", 1},
	{"Two\n\nparagraphs [2]\n", "Two\n\nparagraphs [1]", 1},
	{"[99999999999999999999999]x", "x", 0},
	{"[1][1][2]", "[1][1][2]", 2},
	{"\xc3\xa4 [2] \xe2\x82\xac", "\xc3\xa4 [1] \xe2\x82\xac", 1},
	{"", "", 0},
};

static void feed_in_pieces(const char *in, size_t piece, struct buf *out, size_t *count)
{
	struct citations citations;
	size_t len = strlen(in);

	assert_int_equal(citations_init(&citations, 3), 0);
	for (size_t i = 0; i < len; i += piece)
		assert_int_equal(
			citations_feed(&citations, in + i, len - i < piece ? len - i : piece, out),
			0);
	assert_int_equal(citations_finish(&citations, out), 0);
	*count = citations.count;
	citations_release(&citations);
}

static void citations_are_checked_and_renumbered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(citation_cases); i++) {
		for (size_t piece = 1; piece < 8; piece++) {
			AUTO_BUF struct buf out;
			size_t count;
			buf_init(&out, 4096);
			feed_in_pieces(citation_cases[i].in, piece, &out, &count);
			assert_string_equal(out.data ? out.data : "", citation_cases[i].out);
			assert_int_equal(count, citation_cases[i].count);
		}
	}
}

/* What comes out may be longer than what went in. */
static void a_citation_grows(void **state)
{
	struct citations citations;
	AUTO_BUF struct buf out, expected;

	(void)state;
	buf_init(&out, 1 << 20);
	buf_init(&expected, 1 << 20);
	assert_int_equal(citations_init(&citations, 3), 0);
	assert_int_equal(citations_grow(&citations, 2000), 0);
	for (int i = 2000; i > 1; i--) {
		char one[16];
		int len = snprintf(one, sizeof(one), "[%d]", i);
		assert_int_equal(citations_feed(&citations, one, (size_t)len, &out), 0);
	}
	buf_clear(&out);
	static const char many[] = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]";
	assert_int_equal(citations_feed(&citations, many, strlen(many), &out), 0);
	assert_int_equal(citations_finish(&citations, &out), 0);
	for (int i = 0; i < 30; i++)
		buf_adds(&expected, i ? ", 2000" : "[2000");
	buf_addc(&expected, ']');
	assert_string_equal(out.data, expected.data);

	citations_restart(&citations);
	buf_clear(&out);
	assert_int_equal(citations_feed(&citations, " x [1999]", 9, &out), 0);
	assert_int_equal(citations_finish(&citations, &out), 0);
	assert_string_equal(out.data, "x [1]");
	citations_release(&citations);
}

/* Two passages of one document, cited in the other order. */
struct sample {
	struct hit hits[2];
	struct passage passages[2];
	struct document documents[2];
	struct retrieval retrieval;
	struct generation generation;
	struct citations citations;
	struct uuid conversation;
	struct answer_parts parts;
};

static void sample_init(struct sample *sample, const char *path)
{
	static char first[] = "Refunds are paid within 14 days.", second[] = "Nothing else.";
	struct uuid document = uuid_new();

	*sample = (struct sample){.conversation = uuid_new()};
	for (int i = 0; i < 2; i++) {
		const char *text = i ? second : first;
		sample->hits[i] = (struct hit){.document = document,
			.version = 1,
			.chunk = {.index = 2,
				.start_char = 10,
				.end_char = 42,
				.text = text,
				.text_len = strlen(text),
				.page = i ? 0 : 2}};
		sample->passages[i] = (struct passage){
			.hit = &sample->hits[i], .title = "Policy", .score = 0.75, .dense = -1};
		document_init(&sample->documents[i]);
		sample->documents[i].id = document;
		sample->documents[i].path = (char *)path;
	}
	sample->retrieval = (struct retrieval){
		.passages = sample->passages, .passage_count = 2, .documents = sample->documents};
	generation_init(&sample->generation);
	sample->generation.confidence = 0.9;
	assert_int_equal(citations_init(&sample->citations, 2), 0);
	sample->parts = (struct answer_parts){.question = "When?",
		.model = "m",
		.conversation = &sample->conversation,
		.latency_ns = 1500000,
		.retrieval = &sample->retrieval,
		.generation = &sample->generation,
		.citations = &sample->citations};
}

static void sample_release(struct sample *sample)
{
	citations_release(&sample->citations);
	generation_release(&sample->generation);
}

static void build(struct sample *sample, const char *said, struct answer *answer)
{
	AUTO_BUF struct buf body;

	buf_init(&body, 4096);
	assert_int_equal(citations_feed(&sample->citations, said, strlen(said), &body), 0);
	assert_int_equal(citations_finish(&sample->citations, &body), 0);
	sample->parts.body = body.data;
	assert_int_equal(answer_build(&sample->parts, answer), 0);
}

static void text_is_as_cat_prints_it(void **state)
{
	struct sample sample;
	struct answer answer;
	char id[UUID_TEXT], expected[256];

	(void)state;
	sample_init(&sample, "hr/refund-policy.pdf");
	build(&sample, "Within 14 days. [1]", &answer);
	snprintf(expected, sizeof(expected),
		"Within 14 days. [1]\n\nSources:\n"
		"[1] refund-policy.pdf, page 2 (docs/%s/chunks/0003.txt)\n",
		uuid_format(&sample.hits[0].document, id));
	assert_string_equal(answer.text, expected);
	assert_int_equal(answer.text_len, strlen(expected));
	assert_int_equal(answer.source_count, 1);
	assert_string_equal(answer.sources[0].file_name, "refund-policy.pdf");
	answer_release(&answer);
	sample_release(&sample);
}

/* The chunk holds three pages; its middle is on the second. */
static void a_source_is_on_the_page_of_what_is_quoted(void **state)
{
	static const struct {
		uint64_t start_char;
		const char *shown;
	} cases[] = {{10, "page 1 "}, {17, "page 2 "}, {30, "page 3 "}, {9, "page 2 "}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample sample;
		struct answer answer;
		sample_init(&sample, "a.pdf");
		sample.hits[0].chunk.text = "\xc3\x9c one.\fTwo is here.\fThree is the end.";
		sample.hits[0].chunk.text_len = strlen(sample.hits[0].chunk.text);
		sample.hits[0].chunk.end_char = 10 + sample.hits[0].chunk.text_len - 1;
		sample.generation.quotes = calloc(1, sizeof(struct quote));
		sample.generation.quote_count = 1;
		sample.generation.quotes[0] = (struct quote){
			.start_char = cases[i].start_char, .text = strdup("It is so.")};
		build(&sample, "It is so. [1]", &answer);
		assert_non_null(strstr(answer.text, cases[i].shown));
		answer_release(&answer);
		sample_release(&sample);
	}
}

static void json_has_every_member(void **state)
{
	static const char *const members[] = {"query", "answer", "sources", "model_id",
		"latency_ms", "token_usage", "conversation_id", "grounded", "refused", "confidence",
		"retrieved", "quotes", "steps", "error"};
	static const char *const source_members[] = {"n", "document_id", "chunk_id", "chunk_index",
		"title", "source", "page", "start_char", "end_char", "score", "excerpt", "path"};
	struct sample sample;
	struct answer answer;

	(void)state;
	sample_init(&sample, "a.txt");
	build(&sample, "Yes. [2]", &answer);
	AUTO(cJSON_Delete) cJSON *root = cJSON_Parse(answer.json);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		assert_true(cJSON_HasObjectItem(root, members[i]));
	const cJSON *source = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "sources"), 0);
	for (size_t i = 0; i < ARRAY_LEN(source_members); i++)
		assert_true(cJSON_HasObjectItem(source, source_members[i]));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(source, "page")));
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(root, "grounded")));
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "retrieved")), 2);
	assert_int_equal(answer.json[answer.json_len - 1], '\n');
	answer_release(&answer);
	sample_release(&sample);
}

static void an_uncited_answer_is_not_grounded(void **state)
{
	struct sample sample;
	struct answer answer;

	(void)state;
	sample_init(&sample, "a.txt");
	sample.generation.refused = true;
	build(&sample, "The documents do not say.", &answer);
	assert_string_equal(answer.text, "The documents do not say.\n");
	AUTO(cJSON_Delete) cJSON *root = cJSON_Parse(answer.json);
	assert_true(cJSON_IsFalse(cJSON_GetObjectItem(root, "grounded")));
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(root, "refused")));
	answer_release(&answer);
	sample_release(&sample);
}

static void a_file_name_stays_in_one_line_of_utf8(void **state)
{
	struct sample sample;
	struct answer answer;

	(void)state;
	sample_init(&sample, "x/a\nSources:\x1b[2J\xff.txt");
	build(&sample, "Yes. [1]", &answer);
	assert_non_null(strstr(answer.text, "[1] a?Sources:?[2J\xef\xbf\xbd.txt, page 2"));
	assert_string_equal(answer.sources[0].file_name, "a\nSources:\x1b[2J\xff.txt");
	answer_release(&answer);
	sample_release(&sample);
}

static int look_up(void *context, const struct uuid *document, char **name)
{
	(void)document;
	if (!context)
		return -ENOENT;
	*name = strdup(context);
	return *name ? 0 : -ENOMEM;
}

static void a_loaded_answer_is_the_same(void **state)
{
	struct sample sample;
	struct answer answer, loaded;
	char name[] = "a.txt";

	(void)state;
	sample_init(&sample, "a.txt");
	build(&sample, "Yes. [1]", &answer);
	assert_int_equal(answer_load(answer.json, look_up, name, &loaded), 0);
	assert_string_equal(loaded.text, answer.text);
	assert_string_equal(loaded.json, answer.json);
	assert_int_equal(loaded.source_count, 1);
	assert_false(loaded.sources[0].is_deleted);
	answer_release(&loaded);
	answer_release(&answer);
	sample_release(&sample);
}

static void a_deleted_source_says_so_and_quotes_nothing(void **state)
{
	struct sample sample;
	struct answer answer, loaded;

	(void)state;
	sample_init(&sample, "a.txt");
	build(&sample, "Yes. [1]", &answer);
	assert_non_null(strstr(answer.json, "Refunds are paid"));
	assert_int_equal(answer_load(answer.json, look_up, NULL, &loaded), 0);
	assert_string_equal(loaded.text, "Yes. [1]\n\nSources:\n[1] a.txt, page 2 (deleted)\n");
	assert_null(strstr(loaded.json, "Refunds are paid"));
	assert_null(strstr(loaded.json, "Nothing else."));
	assert_true(loaded.sources[0].is_deleted);
	assert_int_equal(loaded.text_len, strlen(loaded.text));
	answer_release(&loaded);
	answer_release(&answer);
	sample_release(&sample);
	assert_int_equal(answer_load("[]", look_up, NULL, &loaded), -EBADMSG);
}

static void a_failure_reads_as_an_error(void **state)
{
	struct uuid conversation = uuid_new();
	struct answer_parts parts = {.question = "Why?",
		.conversation = &conversation,
		.model = "m",
		.failure = -ECONNREFUSED,
		.failure_text = "no server at port 1."};
	struct answer answer;

	(void)state;
	assert_int_equal(answer_build(&parts, &answer), 0);
	assert_string_equal(answer.text,
		"error: no server at port 1. Ask again later; "
		"system/health says what is out of order.\n");
	AUTO(cJSON_Delete) cJSON *root = cJSON_Parse(answer.json);
	const cJSON *error = cJSON_GetObjectItem(root, "error");
	assert_string_equal(
		cJSON_GetStringValue(cJSON_GetObjectItem(error, "code")), "ECONNREFUSED");
	answer_release(&answer);
}

static const struct {
	const char *json;
	int rc;
} option_cases[] = {
	{"", 0},
	{" \n", 0},
	{"{}", 0},
	{"{\"top_k\": 3, \"similarity_threshold\": 0.5}\n", 0},
	{"{\"filter\": {\"type\": \"text/\", \"path\": \"hr/\"}, \"agent\": \"off\"}", 0},
	{"{\"top_k\": null, \"filter\": null, \"model\": null, \"agent\": null}", 0},
	{"{\"model\": \"m\"}", 0},
	{"{\"model\": \"another\"}", -EINVAL},
	{"{\"top_k\": 0}", -EINVAL},
	{"{\"top_k\": 2.5}", -EINVAL},
	{"{\"top_k\": 1e300}", -EINVAL},
	{"{\"top_k\": \"3\"}", -EINVAL},
	{"{\"similarity_threshold\": 1.1}", -EINVAL},
	{"{\"similarity_threshold\": -0.1}", -EINVAL},
	{"{\"filter\": {\"owner\": \"x\"}}", -EINVAL},
	{"{\"filter\": {\"type\": \"\"}}", -EINVAL},
	{"{\"agent\": \"yes\"}", -EINVAL},
	{"{\"temperature\": 1}", -EINVAL},
	{"{\"top_k\": 3} x", -EINVAL},
	{"{\"top_k\": 3", -EINVAL},
	{"[]", -EINVAL},
	{"null", -EINVAL},
};

static void options_are_validated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(option_cases); i++) {
		const char *json = option_cases[i].json;
		struct options options;
		struct err err = ERR_NONE;
		assert_int_equal(
			options_parse(json, strlen(json), "m", &options, &err), option_cases[i].rc);
		assert_int_equal(err.text[0] != '\0', option_cases[i].rc != 0);
		options_release(&options);
	}
}

static void options_are_read_back_as_written(void **state)
{
	static const char json[] =
		"{\"top_k\": 7, \"similarity_threshold\": 0.25, \"filter\": "
		"{\"type\": \"text/\", \"path\": \"hr/\"}, \"agent\": \"always\"}";
	struct options first, second;
	struct err err = ERR_NONE;
	AUTO_BUF struct buf text;

	(void)state;
	buf_init(&text, 4096);
	assert_int_equal(options_parse(json, strlen(json), "m", &first, &err), 0);
	assert_int_equal(options_render(&first, &text), 0);
	assert_int_equal(options_parse(text.data, text.len, "m", &second, &err), 0);
	assert_int_equal(second.top_k, 7);
	assert_true(second.threshold > 0.249 && second.threshold < 0.251);
	assert_string_equal(second.type, "text/");
	assert_string_equal(second.path, "hr/");
	assert_null(second.model);
	assert_int_equal(second.agent, AGENT_ALWAYS);
	options_release(&first);
	options_release(&second);
}

static const struct {
	const char *in, *out;
} markdown_cases[] = {
	{"plain words, 3.5 and a-b", "plain words, 3.5 and a-b"},
	{"<img src=x>", "&lt;img src=x&gt;"},
	{"![x](http://evil/)", "\\!\\[x\\]\\(http\\://evil/\\)"},
	{"a & b", "a &amp; b"},
	{"# head", "\\# head"},
	{"1. list", "1\\. list"},
	{"2 000 euros, 14 days\n  7 8", "2 000 euros, 14 days  \n> 7 8"},
	{"- list\n    code", "\\- list  \n> code"},
	{"`x` *y* _z_ ~w~ |v|", "\\`x\\` \\*y\\* \\_z\\_ \\~w\\~ \\|v\\|"},
	{"me@example.org", "me\\@example.org"},
};

static void what_others_wrote_is_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(markdown_cases); i++) {
		AUTO_BUF struct buf out;
		buf_init(&out, 4096);
		assert_int_equal(markdown_escape(markdown_cases[i].in, strlen(markdown_cases[i].in),
					 "> ", &out),
			0);
		assert_string_equal(out.data, markdown_cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(citations_are_checked_and_renumbered),
		cmocka_unit_test(a_citation_grows),
		cmocka_unit_test(text_is_as_cat_prints_it),
		cmocka_unit_test(a_source_is_on_the_page_of_what_is_quoted),
		cmocka_unit_test(json_has_every_member),
		cmocka_unit_test(an_uncited_answer_is_not_grounded),
		cmocka_unit_test(a_file_name_stays_in_one_line_of_utf8),
		cmocka_unit_test(a_loaded_answer_is_the_same),
		cmocka_unit_test(a_deleted_source_says_so_and_quotes_nothing),
		cmocka_unit_test(a_failure_reads_as_an_error),
		cmocka_unit_test(options_are_validated),
		cmocka_unit_test(options_are_read_back_as_written),
		cmocka_unit_test(what_others_wrote_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
