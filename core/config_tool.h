/* SPDX-License-Identifier: Apache-2.0 */
/* Tools of a user's own, in the file only: [tool "name"] command, schema, description, timeout,
 * safe. */
#ifndef ASKFS_CORE_CONFIG_TOOL_H
#define ASKFS_CORE_CONFIG_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

/* Strings owned, NULL where nothing was said. */
struct config_tool {
	struct config_tool *next; /* in the order of the file */
	char *name; /* small letters, digits and _ */
	char *command; /* an absolute path and its arguments, with blanks between */
	char *schema; /* a file: JSON Schema of the arguments */
	char *description;
	int64_t timeout_ns;
	bool is_safe; /* a model may call it when it has read documents */
};
void config_tools_release(struct config_tool **list);

/* Is the section one of a tool's? */
bool config_tool_is_section(const char *section);

/* Take "key = value" of such a section; @origin begins a message. 0, -EINVAL with *err set, or
 * -ENOMEM. */
int config_tool_set(struct config_tool **list, const char *section, const char *key,
	const char *value, const char *origin, struct err *err);

/* Each has what it needs. 0 or -EINVAL with *err set. */
int config_tools_check(const struct config_tool *list, struct err *err);

/* As an INI text. 0 or -errno. */
int config_tools_render(const struct config_tool *list, struct buf *out);

#endif
