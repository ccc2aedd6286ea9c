/* SPDX-License-Identifier: Apache-2.0 */
/* A real file a format: tests/formats/KIND/FILE, and beside it FILE.json, which says what must be
 * read in it. Through the real program and its confinement.
 *
 *   type      MIME type                      title     the document's own, null: none
 *   phrases   [text that must be there]      absent    [text that must not]
 *   pages     {phrase: page number}          headings  [text that a heading's mark covers]
 *   metadata  {name: value}                  members   {path: text that its bytes must hold}
 *   error     words of the failure that is expected instead
 *   needs     a library; where this build is without it the file is passed over */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/parser.h"
#include "tests/unit/parse_support.h"

#define FORMATS "tests/formats/*/*.json"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static struct parser *parser;

static const char *text_of(const cJSON *expect, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(expect, name));
}

static void check_phrases(const char *file, const struct parse_case *c, const cJSON *expect)
{
	const cJSON *phrase;

	cJSON_ArrayForEach(phrase, cJSON_GetObjectItemCaseSensitive(expect, "phrases"))
	{
		if (!strstr(case_text(c), phrase->valuestring))
			fail_msg("%s lacks \"%s\":\n%s", file, phrase->valuestring, case_text(c));
	}
	cJSON_ArrayForEach(phrase, cJSON_GetObjectItemCaseSensitive(expect, "absent"))
	{
		if (strstr(case_text(c), phrase->valuestring))
			fail_msg("%s has \"%s\"", file, phrase->valuestring);
	}
}

static void check_pages(const char *file, const struct parse_case *c, const cJSON *expect)
{
	const cJSON *phrase;

	cJSON_ArrayForEach(phrase, cJSON_GetObjectItemCaseSensitive(expect, "pages"))
	{
		uint32_t page = case_page(c, phrase->string);
		if (page != (uint32_t)phrase->valueint)
			fail_msg("%s: \"%s\" is on page %u, not %d", file, phrase->string, page,
				phrase->valueint);
	}
}

static bool has_heading(const struct parse_case *c, const char *text)
{
	for (size_t i = 0; i < c->mark_count; i++) {
		if (c->marks[i].kind != MARK_HEADING)
			continue;
		AUTO_FREE char *marked = case_marked(c, i);
		if (!strcmp(marked, text))
			return true;
	}
	return false;
}

static void check_headings(const char *file, const struct parse_case *c, const cJSON *expect)
{
	const cJSON *heading;

	cJSON_ArrayForEach(heading, cJSON_GetObjectItemCaseSensitive(expect, "headings"))
	{
		if (!has_heading(c, heading->valuestring))
			fail_msg("%s has no heading \"%s\":\n%s", file, heading->valuestring,
				case_text(c));
	}
}

static void check_metadata(const char *file, const struct parse_case *c, const cJSON *expect)
{
	AUTO(cJSON_Delete)
	cJSON *found =
		cJSON_Parse(c->item.parsed.extra_metadata ? c->item.parsed.extra_metadata : "{}");
	const cJSON *member;

	cJSON_ArrayForEach(member, cJSON_GetObjectItemCaseSensitive(expect, "metadata"))
	{
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(found, member->string);
		if (!cJSON_Compare(value, member, true))
			fail_msg("%s: %s is not as expected: %s", file, member->string,
				c->item.parsed.extra_metadata);
	}
}

static void check_members(const char *file, const struct parse_case *c, const cJSON *expect)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, cJSON_GetObjectItemCaseSensitive(expect, "members"))
	{
		const struct case_member *found = case_find_member(c, member->string);
		if (!found)
			fail_msg("%s has no member %s", file, member->string);
		else if (!memmem(found->data.data, found->data.len, member->valuestring,
				 strlen(member->valuestring)))
			fail_msg("%s: member %s lacks \"%s\"", file, member->string,
				member->valuestring);
	}
}

static void check_title(const char *file, const struct parse_case *c, const cJSON *expect)
{
	const cJSON *title = cJSON_GetObjectItemCaseSensitive(expect, "title");
	const char *found = c->item.parsed.title;

	if (cJSON_IsNull(title) && found)
		fail_msg("%s: the title is \"%s\", where none is expected", file, found);
	if (cJSON_IsString(title) && (!found || strcmp(found, title->valuestring)))
		fail_msg("%s: the title is \"%s\"", file, found ? found : "");
}

static void check(const char *file, struct parse_case *c, const cJSON *expect)
{
	const char *type = text_of(expect, "type"), *error = text_of(expect, "error");
	const char *needs = text_of(expect, "needs");

	case_run(parser, c);
	if (needs && strstr(c->item.err.text, "was built without")) {
		print_message("SKIP %s: %s\n", file, c->item.err.text);
		return;
	}
	if (error && (!c->item.result || !strstr(c->item.err.text, error)))
		fail_msg("%s: the error is \"%s\", not \"%s\"", file, c->item.err.text, error);
	if (!error && c->item.result)
		fail_msg("%s: %s", file, c->item.err.text);
	if (type && (!c->item.parsed.content_type || strcmp(c->item.parsed.content_type, type)))
		fail_msg("%s is %s", file, c->item.parsed.content_type);
	check_title(file, c, expect);
	check_phrases(file, c, expect);
	check_pages(file, c, expect);
	check_headings(file, c, expect);
	check_metadata(file, c, expect);
	check_members(file, c, expect);
}

static void run_one(const char *json)
{
	AUTO_FREE char *file = strndup(json, strlen(json) - strlen(".json"));
	AUTO_BUF struct buf text;
	struct parse_case c;

	buf_init(&text, BUF_MAX_DEFAULT);
	assert_int_equal(buf_add_file(&text, json), 0);
	AUTO(cJSON_Delete) cJSON *expect = cJSON_Parse(text.data);
	if (!expect)
		fail_msg("%s is no JSON", json);
	case_init_file(&c, file);
	check(file, &c, expect);
	case_release(&c);
}

/* The cases are named by their files: tests/formats/office/a.docx. */
static void file_is_read(void **state)
{
	run_one(*state);
}

int main(void)
{
	struct parser_limits limits = case_limits();
	AUTO_FREE char *program = case_program("");
	struct err err = ERR_NONE;
	glob_t found;

	if (glob(FORMATS, 0, NULL, &found) || parser_new(&parser, program, &limits, &err)) {
		print_error("%s\n", err.text[0] ? err.text : "no files");
		return 1;
	}
	struct CMUnitTest *tests = calloc(found.gl_pathc, sizeof(*tests));
	for (size_t i = 0; tests && i < found.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){.name = found.gl_pathv[i],
			.test_func = file_is_read,
			.initial_state = found.gl_pathv[i]};
	int failed =
		tests ? _cmocka_run_group_tests("formats", tests, found.gl_pathc, NULL, NULL) : 1;
	free(tests);
	globfree(&found);
	parser_free(parser);
	return failed;
}
