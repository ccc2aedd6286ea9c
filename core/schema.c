/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/auto.h"
#include "core/text/utf8.h"

#define DEPTH_MAX 32
#define WHERE_MAX 256

/* Where in the value we are, for messages: "filter.type"; "" for the whole. */
struct place {
	char text[WHERE_MAX];
	int depth;
};

static struct place below(const struct place *place, const char *member)
{
	struct place inner = {.depth = place->depth + 1};

	snprintf(inner.text, sizeof(inner.text), "%.180s%s%.60s", place->text,
		place->text[0] ? "." : "", member);
	return inner;
}

static int wrong(const struct place *place, struct err *err, const char *must)
{
	if (!place->text[0])
		return err_set(err, -EINVAL, "the arguments must be %s", must);
	return err_set(err, -EINVAL, "\"%s\" must be %s", place->text, must);
}

/* --- types -------------------------------------------------------------------------- */

static cJSON_bool is_whole(const cJSON *value)
{
	double number = value->valuedouble;

	return cJSON_IsNumber(value) && number >= -9007199254740992.0 &&
		number <= 9007199254740992.0 && number == (double)(long long)number;
}

static const struct type {
	const char *name, *words;
	cJSON_bool (*fits)(const cJSON *value);
} types[] = {
	{"string", "a string", cJSON_IsString},
	{"integer", "a whole number", is_whole},
	{"number", "a number", cJSON_IsNumber},
	{"boolean", "true or false", cJSON_IsBool},
	{"object", "an object", cJSON_IsObject},
	{"array", "a list", cJSON_IsArray},
	{"null", "null", cJSON_IsNull},
};

/* NULL: there is none of that name. */
static const struct type *find_type(const cJSON *name)
{
	for (size_t i = 0; cJSON_IsString(name) && i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, name->valuestring))
			return &types[i];
	return NULL;
}

static int check_type(
	const cJSON *type, const cJSON *value, const struct place *place, struct err *err)
{
	char must[WHERE_MAX] = "";
	const cJSON *one;

	if (cJSON_IsString(type))
		return find_type(type)->fits(value) ? 0 : wrong(place, err, find_type(type)->words);
	cJSON_ArrayForEach(one, type)
	{
		size_t len = strlen(must);
		if (find_type(one)->fits(value))
			return 0;
		snprintf(must + len, sizeof(must) - len, "%s%s", len ? " or " : "",
			find_type(one)->words);
	}
	return type ? wrong(place, err, must) : 0;
}

/* --- values ------------------------------------------------------------------------- */

static int check_choice(
	const cJSON *choices, const cJSON *value, const struct place *place, struct err *err)
{
	char must[WHERE_MAX] = "one of";
	const cJSON *one;

	cJSON_ArrayForEach(one, choices)
	{
		AUTO_FREE char *text = cJSON_PrintUnformatted(one);
		size_t len = strlen(must);
		if (cJSON_Compare(one, value, true))
			return 0;
		snprintf(must + len, sizeof(must) - len, " %s", text ? text : "");
	}
	return choices ? wrong(place, err, must) : 0;
}

/* One bound of a number, a length or a count. */
static int check_bound(const cJSON *schema, const char *keyword, double value, const char *unit,
	const struct place *place, struct err *err)
{
	const cJSON *bound = cJSON_GetObjectItemCaseSensitive(schema, keyword);
	bool is_least = !strncmp(keyword, "min", 3);
	char must[WHERE_MAX];

	if (!bound || (is_least ? value >= bound->valuedouble : value <= bound->valuedouble))
		return 0;
	snprintf(must, sizeof(must), "%.15g%s at %s", bound->valuedouble, unit,
		is_least ? "least" : "most");
	return wrong(place, err, must);
}

static int check_bounds(
	const cJSON *schema, const cJSON *value, const struct place *place, struct err *err)
{
	const char *text = cJSON_GetStringValue(value);
	int rc = 0;

	if (cJSON_IsNumber(value)) {
		rc = check_bound(schema, "minimum", value->valuedouble, "", place, err);
		return rc ? rc : check_bound(schema, "maximum", value->valuedouble, "", place, err);
	}
	if (text) {
		double count = (double)utf8_count(text, strlen(text));
		rc = check_bound(schema, "minLength", count, " characters long", place, err);
		return rc ? rc
			  : check_bound(schema, "maxLength", count, " characters long", place, err);
	}
	if (cJSON_IsArray(value)) {
		double count = cJSON_GetArraySize(value);
		rc = check_bound(schema, "minItems", count, " items", place, err);
		return rc ? rc : check_bound(schema, "maxItems", count, " items", place, err);
	}
	return 0;
}

static int check(
	const cJSON *schema, const cJSON *value, const struct place *place, struct err *err);

static int check_members(
	const cJSON *schema, const cJSON *value, const struct place *place, struct err *err)
{
	const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
	const cJSON *more = cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties");
	const cJSON *member, *name;
	int rc = 0;

	cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(schema, "required"))
	{
		if (!cJSON_GetObjectItemCaseSensitive(value, name->valuestring))
			return err_set(err, -EINVAL, "\"%s\" is missing", name->valuestring);
	}
	cJSON_ArrayForEach(member, value)
	{
		const cJSON *inner = cJSON_GetObjectItemCaseSensitive(properties, member->string);
		struct place at = below(place, member->string);
		if (inner)
			rc = check(inner, member, &at, err);
		else if (cJSON_IsFalse(more))
			rc = err_set(err, -EINVAL, "there is no \"%s\"", at.text);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_items(
	const cJSON *schema, const cJSON *value, const struct place *place, struct err *err)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(schema, "items"), *item;
	int rc = 0;

	cJSON_ArrayForEach(item, value)
	{
		struct place at = below(place, "[]");
		if (items && !rc)
			rc = check(items, item, &at, err);
	}
	return rc;
}

static int check(
	const cJSON *schema, const cJSON *value, const struct place *place, struct err *err)
{
	const cJSON *constant = cJSON_GetObjectItemCaseSensitive(schema, "const");

	if (place->depth > DEPTH_MAX)
		return wrong(place, err, "nested less deeply");
	int rc = check_type(cJSON_GetObjectItemCaseSensitive(schema, "type"), value, place, err);
	if (!rc)
		rc = check_choice(
			cJSON_GetObjectItemCaseSensitive(schema, "enum"), value, place, err);
	if (!rc && constant && !cJSON_Compare(constant, value, true))
		rc = wrong(place, err, "what the schema fixes");
	if (!rc)
		rc = check_bounds(schema, value, place, err);
	if (!rc && cJSON_IsObject(value))
		rc = check_members(schema, value, place, err);
	if (!rc && cJSON_IsArray(value))
		rc = check_items(schema, value, place, err);
	return rc;
}

int schema_check(const cJSON *schema, const cJSON *value, struct err *err)
{
	return check(schema, value, &(struct place){.depth = 0}, err);
}

/* --- the schema itself -------------------------------------------------------------- */

static cJSON_bool is_type(const cJSON *value)
{
	const cJSON *one;

	if (cJSON_IsString(value))
		return find_type(value) != NULL;
	cJSON_ArrayForEach(one, value)
	{
		if (!find_type(one))
			return false;
	}
	return cJSON_IsArray(value) && cJSON_GetArraySize(value) > 0;
}

static cJSON_bool is_names(const cJSON *value)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, value)
	{
		if (!cJSON_IsString(one))
			return false;
	}
	return cJSON_IsArray(value);
}

static cJSON_bool is_anything(const cJSON *value)
{
	return value != NULL;
}

static const struct {
	const char *name;
	cJSON_bool (*fits)(const cJSON *value);
} keywords[] = {
	{"type", is_type},
	{"enum", cJSON_IsArray},
	{"const", is_anything},
	{"properties", cJSON_IsObject},
	{"required", is_names},
	{"additionalProperties", cJSON_IsBool},
	{"items", cJSON_IsObject},
	{"minimum", cJSON_IsNumber},
	{"maximum", cJSON_IsNumber},
	{"minLength", cJSON_IsNumber},
	{"maxLength", cJSON_IsNumber},
	{"minItems", cJSON_IsNumber},
	{"maxItems", cJSON_IsNumber},
	{"title", is_anything},
	{"description", is_anything},
	{"default", is_anything},
	{"examples", is_anything},
	{"format", is_anything},
	{"$schema", is_anything},
	{"$id", is_anything},
	{"$comment", is_anything},
};

static int know(const cJSON *schema, int depth, struct err *err);

static int know_keyword(const cJSON *member, int depth, struct err *err)
{
	const cJSON *inner;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (strcmp(keywords[i].name, member->string) != 0)
			continue;
		if (!keywords[i].fits(member))
			return err_set(
				err, -EINVAL, "the schema's \"%s\" is not valid", member->string);
		if (!strcmp(member->string, "items"))
			return know(member, depth + 1, err);
		if (strcmp(member->string, "properties") != 0)
			return 0;
		cJSON_ArrayForEach(inner, member)
		{
			rc = rc ? rc : know(inner, depth + 1, err);
		}
		return rc;
	}
	return err_set(err, -EINVAL, "the schema's \"%s\" is not known here", member->string);
}

static int know(const cJSON *schema, int depth, struct err *err)
{
	const cJSON *member;
	int rc = 0;

	if (!cJSON_IsObject(schema) || depth > DEPTH_MAX)
		return err_set(err, -EINVAL, "a schema must be an object, not nested too deeply");
	cJSON_ArrayForEach(member, schema)
	{
		rc = rc ? rc : know_keyword(member, depth, err);
	}
	return rc;
}

int schema_know(const cJSON *schema, struct err *err)
{
	return know(schema, 0, err);
}
