/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/text/utf8.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static const char *const mode_words[] = {
	[AGENT_DEFAULT] = NULL,
	[AGENT_OFF] = "off",
	[AGENT_AUTO] = "auto",
	[AGENT_ALWAYS] = "always",
};

int agent_mode_parse(const char *word, enum agent_mode *out)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_words); i++)
		if (mode_words[i] && !strcmp(mode_words[i], word)) {
			*out = (enum agent_mode)i;
			return 0;
		}
	return -EINVAL;
}

void options_init(struct options *options)
{
	*options = (struct options){.threshold = -1};
}

void options_release(struct options *options)
{
	if (!options)
		return;
	free(options->type);
	free(options->path);
	free(options->name);
	free(options->tag);
	free(options->model);
	options_init(options);
}

static int copy_string(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

int options_copy(struct options *to, const struct options *from)
{
	*to = (struct options){
		.top_k = from->top_k, .threshold = from->threshold, .agent = from->agent};
	if (copy_string(&to->type, from->type) || copy_string(&to->path, from->path) ||
		copy_string(&to->name, from->name) || copy_string(&to->tag, from->tag) ||
		copy_string(&to->model, from->model)) {
		options_release(to);
		return -ENOMEM;
	}
	return 0;
}

static int wrong(struct err *err, const char *member, const char *expected)
{
	return err_set(
		err, -EINVAL, "\"%s\" must be %s, or null for the default", member, expected);
}

static int set_string(const cJSON *item, const char *member, char **slot, struct err *err)
{
	free(*slot);
	*slot = NULL;
	if (cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsString(item) || !item->valuestring[0])
		return wrong(err, member, "a string that is not empty");
	*slot = strdup(item->valuestring);
	return *slot ? 0 : -ENOMEM;
}

static int set_top_k(const cJSON *item, struct options *out, struct err *err)
{
	double value = cJSON_IsNumber(item) ? item->valuedouble : 0;

	out->top_k = 0;
	if (cJSON_IsNull(item))
		return 0;
	if (!(value >= 1 && value <= OPTIONS_MAX_TOP_K) || value != (double)(size_t)value)
		return wrong(err, "top_k", "a whole number from 1 to 100");
	out->top_k = (size_t)value;
	return 0;
}

static int set_threshold(const cJSON *item, struct options *out, struct err *err)
{
	out->threshold = -1;
	if (cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 1))
		return wrong(err, "similarity_threshold", "a number from 0 to 1");
	out->threshold = item->valuedouble;
	return 0;
}

static int set_filter(const cJSON *item, struct options *out, struct err *err)
{
	const cJSON *member;

	if (cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsObject(item))
		return wrong(
			err, "filter", "an object with \"type\", \"path\", \"name\" and \"tag\"");
	cJSON_ArrayForEach(member, item)
	{
		char **slot = !strcmp(member->string, "type") ? &out->type
			: !strcmp(member->string, "path")     ? &out->path
			: !strcmp(member->string, "name")     ? &out->name
			: !strcmp(member->string, "tag")      ? &out->tag
							      : NULL;
		if (!slot)
			return err_set(err, -EINVAL,
				"\"filter\" has \"type\", \"path\", \"name\" and \"tag\", not "
				"\"%s\"",
				member->string);
		int rc = set_string(member, member->string, slot, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int set_model(const cJSON *item, const char *model, struct options *out, struct err *err)
{
	int rc = set_string(item, "model", &out->model, err);

	if (!rc && model && out->model && strcmp(out->model, model) != 0)
		return err_set(err, -EINVAL, "the only model here is \"%s\"", model);
	return rc;
}

static int set_agent(const cJSON *item, struct options *out, struct err *err)
{
	const char *word = cJSON_GetStringValue(item);

	out->agent = AGENT_DEFAULT;
	if (cJSON_IsNull(item))
		return 0;
	if (!word || agent_mode_parse(word, &out->agent))
		return wrong(err, "agent", "\"off\", \"auto\" or \"always\"");
	return 0;
}

static int set_member(const cJSON *item, const char *model, struct options *out, struct err *err)
{
	if (!strcmp(item->string, "top_k"))
		return set_top_k(item, out, err);
	if (!strcmp(item->string, "similarity_threshold"))
		return set_threshold(item, out, err);
	if (!strcmp(item->string, "filter"))
		return set_filter(item, out, err);
	if (!strcmp(item->string, "model"))
		return set_model(item, model, out, err);
	if (!strcmp(item->string, "agent"))
		return set_agent(item, out, err);
	return err_set(err, -EINVAL,
		"unknown member \"%s\": there are top_k, similarity_threshold, filter, model, "
		"agent",
		item->string);
}

/* Valid UTF-8, one JSON value, nothing but white space behind it. */
static cJSON *parse_whole(const char *json, size_t len)
{
	const char *end = NULL;

	if (memchr(json, '\0', len) || !utf8_is_valid(json, len))
		return NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(json, len, &end, false);
	if (root && strspn(end, " \t\r\n") < len - (size_t)(end - json)) {
		cJSON_Delete(root);
		return NULL;
	}
	return root;
}

int options_parse(
	const char *json, size_t len, const char *model, struct options *out, struct err *err)
{
	AUTO_FREE char *text = strndup(json, len);
	const cJSON *item;

	options_init(out);
	if (!text)
		return -ENOMEM;
	if (strspn(text, " \t\r\n") == len)
		return 0;
	AUTO(cJSON_Delete) cJSON *root = strlen(text) == len ? parse_whole(text, len) : NULL;
	if (!cJSON_IsObject(root))
		return err_set(err, -EINVAL, "options.json must hold one JSON object");
	cJSON_ArrayForEach(item, root)
	{
		int rc = set_member(item, model, out, err);
		if (rc) {
			options_release(out);
			return rc;
		}
	}
	return 0;
}

static cJSON *string_or_null(const char *text)
{
	return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}

int options_render(const struct options *options, struct buf *out)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_CreateObject();
	cJSON *filter = cJSON_CreateObject();

	cJSON_AddItemToObject(root, "top_k",
		options->top_k ? cJSON_CreateNumber((double)options->top_k) : cJSON_CreateNull());
	cJSON_AddItemToObject(root, "similarity_threshold",
		options->threshold >= 0 ? cJSON_CreateNumber(options->threshold)
					: cJSON_CreateNull());
	cJSON_AddItemToObject(filter, "type", string_or_null(options->type));
	cJSON_AddItemToObject(filter, "path", string_or_null(options->path));
	cJSON_AddItemToObject(filter, "name", string_or_null(options->name));
	cJSON_AddItemToObject(filter, "tag", string_or_null(options->tag));
	cJSON_AddItemToObject(root, "filter", filter);
	cJSON_AddItemToObject(root, "model", string_or_null(options->model));
	cJSON_AddItemToObject(root, "agent", string_or_null(mode_words[options->agent]));

	AUTO_FREE char *text = cJSON_Print(root);
	if (!text)
		return -ENOMEM;
	buf_adds(out, text);
	return buf_addc(out, '\n');
}

bool options_are_default(const struct options *options)
{
	return !options->top_k && options->threshold < 0 && !options->type && !options->path &&
		!options->name && !options->tag && !options->model && !options->agent;
}
