/* SPDX-License-Identifier: Apache-2.0 */
#include "core/document.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/hash.h"

static struct document sample(void)
{
	struct document document;

	document_init(&document);
	document.id = uuid_new();
	document.path = strdup("letters/report.txt");
	document.access.mode = 0640;
	document.access.owner = 1001;
	document.size = UINT64_C(9007199254740993); /* one that a double cannot hold */
	document.created_ns = INT64_C(1700000000123000000);
	return document;
}

static cJSON *to_json(const struct document *document, char **text)
{
	struct buf out;

	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(document_to_json(document, &out), 0);
	*text = buf_take(&out, NULL);
	cJSON *json = cJSON_Parse(*text);
	assert_non_null(json);
	return json;
}

static const char *text_of(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	assert_non_null(item);
	return cJSON_GetStringValue(item);
}

static void test_json_has_every_field(void **state)
{
	static const char *const names[] = {"id", "path", "parent", "title", "source", "status",
		"content_type", "size", "sha256", "chunk_count", "token_count", "created_at",
		"updated_at", "indexed_at", "s3_key", "owner", "group", "mode", "realm", "version",
		"embedding_model", "error", "extra_metadata"};
	struct document document = sample();
	char *text;
	cJSON *json = to_json(&document, &text);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_true(cJSON_HasObjectItem(json, names[i]));
	assert_string_equal(text_of(json, "status"), "PENDING");
	assert_string_equal(text_of(json, "mode"), "0640");
	assert_string_equal(text_of(json, "created_at"), "2023-11-14T22:13:20.123Z");
	assert_string_equal(text_of(json, "title"), "report.txt");
	assert_null(text_of(json, "sha256"));
	assert_false(cJSON_HasObjectItem(json, "path_base64"));
	assert_null(text_of(json, "indexed_at"));
	assert_non_null(strstr(text, "9007199254740993"));
	assert_int_equal(text[strlen(text) - 1], '\n');
	cJSON_Delete(json);
	free(text);
	document_release(&document);
}

static void test_json_of_bytes_that_are_not_utf8(void **state)
{
	struct document document = sample();
	char *text;

	(void)state;
	free(document.path);
	document.path = strdup("caf\xe9.txt");
	document.title = strdup("\xff");
	cJSON *json = to_json(&document, &text);
	assert_string_equal(text_of(json, "path"), "caf\xef\xbf\xbd.txt");
	assert_string_equal(text_of(json, "path_base64"), "Y2Fm6S50eHQ=");
	assert_string_equal(text_of(json, "title"), "\xef\xbf\xbd");
	cJSON_Delete(json);
	free(text);
	document_release(&document);
}

static void test_extra_metadata_is_always_an_object(void **state)
{
	static const char *const texts[] = {NULL, "", "[1]", "{broken", "{\"tags\":{\"a\":\"b\"}}"};
	static const int sizes[] = {0, 0, 0, 0, 1};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct document document = sample();
		char *text;

		document.extra_metadata = texts[i] ? strdup(texts[i]) : NULL;
		cJSON *json = to_json(&document, &text);
		const cJSON *extra = cJSON_GetObjectItem(json, "extra_metadata");
		assert_true(cJSON_IsObject(extra));
		assert_int_equal(cJSON_GetArraySize(extra), sizes[i]);
		cJSON_Delete(json);
		free(text);
		document_release(&document);
	}
}

static void test_copy_shares_nothing(void **state)
{
	struct document document = sample(), copy;
	struct doc_version *versions = calloc(2, sizeof(*versions));

	(void)state;
	assert_non_null(versions);
	versions[0] = (struct doc_version){.number = 1, .name = strdup("old.txt")};
	versions[1] = (struct doc_version){.number = 2};
	document.versions = versions;
	document.version_count = 2;
	document.error = strdup("why");
	assert_int_equal(document_copy(&copy, &document), 0);
	document_release(&document);
	assert_string_equal(copy.path, "letters/report.txt");
	assert_string_equal(copy.error, "why");
	assert_string_equal(copy.versions[0].name, "old.txt");
	assert_null(copy.versions[1].name);
	assert_null(document.path);
	document_release(&copy);
}

static void test_status_names(void **state)
{
	(void)state;
	for (int i = 0; i < DOC_STATUS_COUNT; i++)
		assert_int_equal(doc_status_parse(doc_status_name((enum doc_status)i)), i);
	assert_true(doc_status_parse("indexed") < 0);
}

static void test_file_name(void **state)
{
	struct document document;

	(void)state;
	document_init(&document);
	assert_string_equal(document_file_name(&document), "");
	document.path = strdup("a/b/c");
	assert_string_equal(document_file_name(&document), "c");
	document_release(&document);
}

static void test_sha256(void **state)
{
	uint8_t hash[HASH_SIZE];
	char text[HASH_TEXT];

	(void)state;
	assert_int_equal(hash_bytes("abc", 3, hash), 0);
	assert_string_equal(hash_format(hash, text),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_has_every_field),
		cmocka_unit_test(test_json_of_bytes_that_are_not_utf8),
		cmocka_unit_test(test_extra_metadata_is_always_an_object),
		cmocka_unit_test(test_copy_shares_nothing),
		cmocka_unit_test(test_status_names),
		cmocka_unit_test(test_file_name),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
