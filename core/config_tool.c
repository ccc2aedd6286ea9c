/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/config_value.h"

#define TIMEOUT_STANDARD (30 * NS_PER_SEC)
#define NAME_CHARS	 "abcdefghijklmnopqrstuvwxyz0123456789_"

static const char prefix[] = "tool \"";

static const struct {
	const char *key;
	struct value_rule rule;
	size_t offset;
} keys[] = {
	{"command", {VALUE_PATH, 0, 4095, NULL}, offsetof(struct config_tool, command)},
	{"schema", {VALUE_PATH, 0, 4095, NULL}, offsetof(struct config_tool, schema)},
	{"description", {VALUE_TEXT, 0, 1000, NULL}, offsetof(struct config_tool, description)},
	{"timeout", {VALUE_TIME, NS_PER_SEC, 3600 * NS_PER_SEC, NULL},
		offsetof(struct config_tool, timeout_ns)},
	{"safe", {VALUE_FLAG, 0, 1, NULL}, offsetof(struct config_tool, is_safe)},
};

void config_tools_release(struct config_tool **list)
{
	while (*list) {
		struct config_tool *tool = *list;
		*list = tool->next;
		free(tool->name);
		free(tool->command);
		free(tool->schema);
		free(tool->description);
		free(tool);
	}
}

bool config_tool_is_section(const char *section)
{
	return !strncmp(section, prefix, strlen(prefix));
}

/* The tool of that section, made where it is new. 0 or -errno. */
static int find(struct config_tool **list, const char *section, const char *origin,
	struct config_tool **out, struct err *err)
{
	const char *name = section + strlen(prefix);
	size_t len = strspn(name, NAME_CHARS);

	if (!len || strcmp(name + len, "\"") != 0)
		return err_set(err, -EINVAL,
			"%s: [%s]: expected [tool \"name\"], the name of small letters, digits and "
			"_",
			origin, section);
	while (*list && (strncmp((*list)->name, name, len) != 0 || (*list)->name[len]))
		list = &(*list)->next;
	if (!*list) {
		*list = calloc(1, sizeof(**list));
		if (!*list)
			return -ENOMEM;
		(*list)->timeout_ns = TIMEOUT_STANDARD;
		(*list)->name = strndup(name, len);
	}
	*out = *list;
	return (*list)->name ? 0 : -ENOMEM;
}

int config_tool_set(struct config_tool **list, const char *section, const char *key,
	const char *value, const char *origin, struct err *err)
{
	struct config_tool *tool = NULL;
	AUTO_BUF struct buf expected;
	int rc = find(list, section, origin, &tool, err);

	buf_init(&expected, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < ARRAY_LEN(keys) && !rc; i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		rc = value_parse(&keys[i].rule, value, (char *)tool + keys[i].offset);
		if (rc != -EINVAL)
			return rc;
		value_expected(&keys[i].rule, &expected);
		return err_set(err, rc, "%s: %s = %s: expected %s", origin, key, value,
			expected.data ? expected.data : "another value");
	}
	return rc ? rc
		  : err_set(err, -EINVAL,
			    "%s: unknown key %s in [%s]: expected one of: command schema "
			    "description timeout safe",
			    origin, key, section);
}

int config_tools_check(const struct config_tool *list, struct err *err)
{
	for (; list; list = list->next)
		if (!list->command || !list->command[0] || !list->schema || !list->schema[0])
			return err_set(err, -EINVAL,
				"[tool \"%s\"]: expected command = a program with its arguments, "
				"and schema = a file",
				list->name);
	return 0;
}

int config_tools_render(const struct config_tool *list, struct buf *out)
{
	for (; list; list = list->next) {
		buf_addf(out, "\n[tool \"%s\"]\n", list->name);
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			buf_addf(out, "%s = ", keys[i].key);
			const char *field = (const char *)list + keys[i].offset;
			bool is_empty = value_is_text(&keys[i].rule) &&
				!*(const char *const *)(const void *)field;
			if (!is_empty)
				value_render(&keys[i].rule, field, out);
			buf_addc(out, '\n');
		}
	}
	return out->failed;
}
