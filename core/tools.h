/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that are enabled. */
#ifndef ASKFS_CORE_TOOLS_H
#define ASKFS_CORE_TOOLS_H

#include "core/config.h"
#include "core/fetch.h"
#include "core/ports.h"
#include "core/retrieve.h"
#include "core/tool.h"

/* What tools work with; it outlives them. */
struct tools_parts {
	const struct config *config;
	struct retriever retriever;
	struct generator *generator;
	struct parser *parser;
	struct fetcher *fetcher; /* NULL: the network is not allowed */
	struct http *http; /* for the search engine; NULL likewise */
};

/* Immutable once made: any thread. 0, or -ENOMEM, -EINVAL with *err set. */
int tools_new(struct tools **out, const struct tools_parts *parts, struct err *err);
void tools_free(struct tools *tools);

const struct tools_parts *tools_parts(const struct tools *tools);

/* In the order of their names. */
size_t tools_count(const struct tools *tools);
const struct tool *tools_at(const struct tools *tools, size_t index);
const struct tool *tools_find(const struct tools *tools, const char *name); /* or NULL */

/* The function schema of a tool, {name, description, parameters}, a newline at its end; the caller
 * frees it. NULL: no memory. */
char *tool_schema_text(const struct tool *tool);

/* Parse the arguments, see whether they fit, and call: of @call, tools, tool and arguments are
 * filled in. 0, or -errno with *err set: -EINVAL for arguments that don't fit. Worker thread. */
int tool_run(const struct tools *tools, const struct tool *tool, const char *arguments,
	struct tool_call call, struct tool_output *out, struct err *err);

/* The ToolResult {success, data, error} of what tool_run said, a newline at its end; output->data
 * is taken. The caller frees it; NULL: no memory. */
char *tool_result_text(int rc, struct tool_output *output, const struct err *err);

#endif
