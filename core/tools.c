/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/schema.h"
#include "core/text/utf8.h"
#include "core/tools/table.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static bool always(const struct tools_parts *parts)
{
	(void)parts;
	return true;
}

static bool has_network(const struct tools_parts *parts)
{
	return parts->fetcher;
}

static bool has_search_engine(const struct tools_parts *parts)
{
	return parts->http && parts->config->net_search_url[0];
}

static const struct {
	const struct tool *tool;
	bool (*is_enabled)(const struct tools_parts *parts);
} builtin[] = {
	{&tool_fetch_url, has_network},
	{&tool_get_document, always},
	{&tool_list_documents, always},
	{&tool_summarize_document, always},
	{&tool_vector_search, always},
	{&tool_web_search, has_search_engine},
};

struct tools {
	struct tools_parts parts;
	struct tool *items; /* by name */
	size_t count;
};

/* Larger than any schema that a person writes. */
#define SCHEMA_MAX ((size_t)256 << 10)

void tool_output_release(struct tool_output *output)
{
	cJSON_Delete(output->data);
	retrieval_release(&output->found);
	*output = (struct tool_output){0};
}

/* It is one of them then, also after a failure: tools_free frees what it has. */
static int add(struct tools *tools, const struct tool *tool, struct err *err)
{
	struct tool *item = &tools->items[tools->count];

	*item = *tool;
	tools->count++;
	item->schema = cJSON_Parse(item->parameters);
	if (!item->schema)
		return err_set(err, -EINVAL, "the tool %s: its schema is not JSON", item->name);
	int rc = schema_know(item->schema, err);
	return rc ? err_prefix(err, rc, item->name) : 0;
}

/* --- those of the user's own ------------------------------------------------------ */

/* The schema's file. What is said there of a whole function is taken apart: its parameters. */
static char *read_schema(const struct config_tool *own, struct err *err)
{
	AUTO_BUF struct buf text;

	buf_init(&text, SCHEMA_MAX);
	int rc = buf_add_file(&text, own->schema);
	if (rc) {
		err_set(err, rc, "[tool \"%s\"] schema = %s: %s", own->name, own->schema,
			strerror(-rc));
		return NULL;
	}
	AUTO(cJSON_Delete) cJSON *json = cJSON_Parse(text.data ? text.data : "");
	const cJSON *inner = cJSON_GetObjectItemCaseSensitive(json, "parameters");
	char *parameters = json ? cJSON_PrintUnformatted(inner ? inner : json) : NULL;
	if (!parameters)
		err_set(err, -EINVAL, "[tool \"%s\"] schema = %s: it is not JSON", own->name,
			own->schema);
	return parameters;
}

static int check_program(const struct config_tool *own, struct err *err)
{
	AUTO_FREE char *program = strndup(own->command, strcspn(own->command, " \t"));

	if (!program)
		return err_set(err, -ENOMEM, "out of memory");
	return access(program, X_OK) ? err_set(err, -EINVAL, "[tool \"%s\"] command = %s: %s",
					       own->name, program, strerror(errno))
				     : 0;
}

static int add_own(struct tools *tools, const struct config_tool *own, struct err *err)
{
	struct tool tool = tool_command;
	int rc = check_program(own, err);

	if (!rc && tools_find(tools, own->name))
		rc = err_set(err, -EINVAL, "[tool \"%s\"]: there is a tool of that name already",
			own->name);
	if (rc)
		return rc;
	tool.own = own;
	tool.name = own->name;
	tool.description = own->description ? own->description : "A program of the user's own.";
	tool.reach = own->is_safe ? TOOL_READS : TOOL_SENDS;
	tool.parameters = read_schema(own, err);
	if (!tool.parameters)
		return -EINVAL;
	return add(tools, &tool, err);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct tool *)left)->name, ((const struct tool *)right)->name);
}

static size_t count_own(const struct config *config)
{
	size_t count = 0;

	for (const struct config_tool *own = config->own_tools; own; own = own->next)
		count++;
	return count;
}

int tools_new(struct tools **out, const struct tools_parts *parts, struct err *err)
{
	struct tools *tools = calloc(1, sizeof(*tools));
	int rc = 0;

	if (tools)
		tools->items = calloc(
			ARRAY_LEN(builtin) + count_own(parts->config), sizeof(*tools->items));
	if (!tools || !tools->items) {
		free(tools);
		return err_set(err, -ENOMEM, "out of memory");
	}
	tools->parts = *parts;
	for (size_t i = 0; i < ARRAY_LEN(builtin) && !rc; i++)
		rc = builtin[i].is_enabled(parts) ? add(tools, builtin[i].tool, err) : 0;
	for (const struct config_tool *own = parts->config->own_tools; own && !rc; own = own->next)
		rc = add_own(tools, own, err);
	qsort(tools->items, tools->count, sizeof(*tools->items), by_name);
	if (rc)
		tools_free(tools);
	else
		*out = tools;
	return rc;
}

void tools_free(struct tools *tools)
{
	if (!tools)
		return;
	for (size_t i = 0; i < tools->count; i++) {
		cJSON_Delete(tools->items[i].schema);
		if (tools->items[i].own)
			free((char *)tools->items[i].parameters);
	}
	free(tools->items);
	free(tools);
}

const struct tools_parts *tools_parts(const struct tools *tools)
{
	return &tools->parts;
}

size_t tools_count(const struct tools *tools)
{
	return tools->count;
}

const struct tool *tools_at(const struct tools *tools, size_t index)
{
	return &tools->items[index];
}

const struct tool *tools_find(const struct tools *tools, const char *name)
{
	for (size_t i = 0; i < tools->count; i++)
		if (!strcmp(tools->items[i].name, name))
			return &tools->items[i];
	return NULL;
}

/* JSON in lines, a newline at its end. */
static char *print(const cJSON *json)
{
	AUTO_FREE char *text = cJSON_Print(json);
	char *line = NULL;

	if (!text || asprintf(&line, "%s\n", text) < 0)
		return NULL;
	return line;
}

char *tool_schema_text(const struct tool *tool)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_CreateObject();

	cJSON_AddStringToObject(root, "name", tool->name);
	cJSON_AddStringToObject(root, "description", tool->description);
	cJSON_AddItemToObject(root, "parameters", cJSON_Duplicate(tool->schema, true));
	return print(root);
}

int tool_run(const struct tools *tools, const struct tool *tool, const char *arguments,
	struct tool_call call, struct tool_output *out, struct err *err)
{
	bool is_blank = !arguments[strspn(arguments, " \t\r\n")];
	AUTO(cJSON_Delete) cJSON *json = cJSON_ParseWithOpts(is_blank ? "{}" : arguments, NULL, 1);
	int64_t begun_ns = clock_mono_ns();

	*out = (struct tool_output){0};
	if (!utf8_is_valid(arguments, strlen(arguments)) || strstr(arguments, "\\u0000"))
		return err_set(err, -EINVAL, "the arguments must be UTF-8, without NUL characters");
	if (!cJSON_IsObject(json))
		return err_set(err, -EINVAL, "the arguments must be one JSON object");
	int rc = schema_check(tool->schema, json, err);
	if (rc)
		return rc;
	call.tools = tools;
	call.tool = tool;
	call.arguments = json;
	rc = tool->run(&call, out, err);
	metric_add(METRIC_TOOL_CALLS, 1);
	metric_observe(HISTOGRAM_TOOL, clock_mono_ns() - begun_ns);
	return rc;
}

char *tool_result_text(int rc, struct tool_output *output, const struct err *err)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_CreateObject();

	cJSON_AddBoolToObject(root, "success", rc == 0);
	cJSON_AddItemToObject(root, "data", rc ? cJSON_CreateNull() : TAKE_PTR(output->data));
	add_text_or_null(root, "error", !rc ? NULL : err->text[0] ? err->text : strerror(-rc));
	return print(root);
}
