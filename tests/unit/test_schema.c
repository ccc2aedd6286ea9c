/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments fit a schema, or the message names what does not. */
#include "core/schema.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/auto.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static void check(const char *schema, const char *value, const char *says)
{
	AUTO(cJSON_Delete) cJSON *s = cJSON_Parse(schema), *v = cJSON_Parse(value);
	struct err err = ERR_NONE;

	assert_non_null(s);
	assert_non_null(v);
	assert_int_equal(schema_know(s, &err), 0);
	int rc = schema_check(s, v, &err);
	if (!says) {
		if (rc)
			fail_msg("%s does not fit %s: %s", value, schema, err.text);
		return;
	}
	assert_int_equal(rc, -EINVAL);
	assert_string_equal(err.text, says);
}

static void test_types(void **state)
{
	(void)state;
	check("{\"type\":\"string\"}", "\"x\"", NULL);
	check("{\"type\":\"string\"}", "1", "the arguments must be a string");
	check("{\"type\":\"integer\"}", "3", NULL);
	check("{\"type\":\"integer\"}", "3.5", "the arguments must be a whole number");
	check("{\"type\":\"integer\"}", "1e300", "the arguments must be a whole number");
	check("{\"type\":\"number\"}", "3.5", NULL);
	check("{\"type\":\"boolean\"}", "null", "the arguments must be true or false");
	check("{\"type\":[\"string\",\"null\"]}", "null", NULL);
	check("{\"type\":[\"string\",\"null\"]}", "[]", "the arguments must be a string or null");
	check("{}", "[1, {}]", NULL);
}

static void test_members(void **state)
{
	static const char schema[] =
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"properties\":"
		"{\"b\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9}},"
		"\"additionalProperties\":false},\"c\":{\"type\":\"array\",\"items\":{\"type\":"
		"\"string\",\"minLength\":2,\"maxLength\":3},\"minItems\":1,\"maxItems\":2}},"
		"\"required\":[\"a\"],\"additionalProperties\":false}";

	(void)state;
	check(schema, "{\"a\":{\"b\":1}}", NULL);
	check(schema, "{}", "\"a\" is missing");
	check(schema, "{\"a\":{},\"x\":1}", "there is no \"x\"");
	check(schema, "{\"a\":{\"x\":1}}", "there is no \"a.x\"");
	check(schema, "{\"a\":{\"b\":0}}", "\"a.b\" must be 1 at least");
	check(schema, "{\"a\":{\"b\":10}}", "\"a.b\" must be 9 at most");
	check(schema, "{\"a\":{},\"c\":[]}", "\"c\" must be 1 items at least");
	check(schema, "{\"a\":{},\"c\":[\"ab\",\"ab\",\"ab\"]}", "\"c\" must be 2 items at most");
	check(schema, "{\"a\":{},\"c\":[\"äöü\"]}", NULL); /* characters, not bytes */
	check(schema, "{\"a\":{},\"c\":[\"a\"]}", "\"c.[]\" must be 2 characters long at least");
	check("{\"enum\":[\"x\",2]}", "2", NULL);
	check("{\"enum\":[\"x\",2]}", "\"y\"", "the arguments must be one of \"x\" 2");
	check("{\"const\":{\"a\":1}}", "{\"a\":1}", NULL);
}

static void test_schemas_that_are_not_known(void **state)
{
	static const char *const wrong[] = {"1", "[]", "{\"type\":\"text\"}", "{\"type\":[]}",
		"{\"pattern\":\"a\"}", "{\"properties\":{\"a\":{\"oneOf\":[]}}}",
		"{\"items\":{\"$ref\":\"#\"}}", "{\"required\":\"a\"}", "{\"minimum\":\"1\"}",
		"{\"additionalProperties\":{}}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(cJSON_Delete) cJSON *schema = cJSON_Parse(wrong[i]);
		struct err err = ERR_NONE;
		assert_non_null(schema);
		assert_int_equal(schema_know(schema, &err), -EINVAL);
		assert_true(err.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_schemas_that_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
