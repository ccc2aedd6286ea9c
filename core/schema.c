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

static const struct {
	const char *name, *words;
} types[] = {
	{"string", "a string"},
	{"integer", "a whole number"},
	{"number", "a number"},
	{"boolean", "true or false"},
	{"object", "an object"},
	{"array", "a list"},
	{"null", "null"},
};

static const char *words_of(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, type))
			return types[i].words;
	return NULL;
}

static bool is_whole(double value)
{
	return value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
		value == (double)(long long)value;
}

static bool is_of(const cJSON *value, const char *type)
{
	if (!strcmp(type, "string"))
		return cJSON_IsString(value);
	if (!strcmp(type, "integer"))
		return cJSON_IsNumber(value) && is_whole(value->valuedouble);
	if (!strcmp(type, "number"))
		return cJSON_IsNumber(value);
	if (!strcmp(type, "boolean"))
		return cJSON_IsBool(value);
	if (!strcmp(type, "object"))
		return cJSON_IsObject(value);
	if (!strcmp(type, "array"))
		return cJSON_IsArray(value);
	return cJSON_IsNull(value);
}

static int check_type(
	const cJSON *type, const cJSON *value, const struct place *place, struct err *err)
{
	char must[WHERE_MAX] = "";
	const cJSON *one;

	if (cJSON_IsString(type))
		return is_of(value, type->valuestring)
			? 0
			: wrong(place, err, words_of(type->valuestring));
	cJSON_ArrayForEach(one, type)
	{
		size_t len = strlen(must);
		if (is_of(value, one->valuestring))
			return 0;
		snprintf(must + len, sizeof(must) - len, "%s%s", len ? " or " : "",
			words_of(one->valuestring));
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

static bool is_type(const cJSON *value)
{
	const cJSON *one;

	if (cJSON_IsString(value))
		return words_of(value->valuestring);
	cJSON_ArrayForEach(one, value)
	{
		if (!words_of(cJSON_GetStringValue(one)))
			return false;
	}
	return cJSON_IsArray(value) && cJSON_GetArraySize(value) > 0;
}

static bool is_names(const cJSON *value)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, value)
	{
		if (!cJSON_IsString(one))
			return false;
	}
	return cJSON_IsArray(value);
}

static bool is_anything(const cJSON *value)
{
	return value;
}

static bool is_number(const cJSON *value)
{
	return cJSON_IsNumber(value);
}

static bool is_list(const cJSON *value)
{
	return cJSON_IsArray(value);
}

static bool is_flag(const cJSON *value)
{
	return cJSON_IsBool(value);
}

static bool is_object(const cJSON *value)
{
	return cJSON_IsObject(value);
}

static const struct {
	const char *name;
	bool (*fits)(const cJSON *value);
} keywords[] = {
	{"type", is_type},
	{"enum", is_list},
	{"const", is_anything},
	{"properties", is_object},
	{"required", is_names},
	{"additionalProperties", is_flag},
	{"items", is_object},
	{"minimum", is_number},
	{"maximum", is_number},
	{"minLength", is_number},
	{"maxLength", is_number},
	{"minItems", is_number},
	{"maxItems", is_number},
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
