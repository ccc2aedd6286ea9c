/* SPDX-License-Identifier: Apache-2.0 */
/* A tool: something that a model, or a user at tools/<name>/run, can have done. Whoever calls it
 * gets what he may read himself, and no more. */
#ifndef ASKFS_CORE_TOOL_H
#define ASKFS_CORE_TOOL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <cjson/cJSON.h>

#include "core/access.h"
#include "core/err.h"
#include "core/options.h"
#include "core/retrieval.h"

struct config_tool;
struct tools;
struct tool;

/* What a call can carry away: a model that has read a document may be doing what the document
 * told it. */
enum tool_reach {
	TOOL_READS, /* nothing: it reads what the caller may read */
	TOOL_FETCHES, /* its "url" argument is an address that is asked */
	TOOL_SENDS, /* its arguments leave this machine, or a program gets them */
};

struct tool_call {
	const struct tools *tools; /* what they work with */
	const struct tool *tool;
	const struct caller *caller;
	const cJSON *arguments; /* they fit the schema */
	const struct options *options; /* of the session that asks: its filter holds; may be NULL */
	const atomic_bool *cancelled; /* may be NULL */
};

/* Zero-initialise it; tool_output_release frees what is inside. */
struct tool_output {
	cJSON *data; /* of the ToolResult */
	struct retrieval found; /* passages in it, which an answer may cite */
	bool is_digest; /* the data says what they say: they need not be shown, too */
	char summary[128]; /* a few words without any text of a document, for the record */
};
void tool_output_release(struct tool_output *output);

struct tool {
	const char *name, *description;
	const char *parameters; /* JSON Schema of the arguments: an object */
	enum tool_reach reach;
	/* 0, or -errno with *err set, in words for whoever chose the arguments. Worker thread,
	 * several at once; may block. */
	int (*run)(const struct tool_call *call, struct tool_output *out, struct err *err);
	cJSON *schema; /* @parameters, parsed */
	const struct config_tool *own; /* what it runs; NULL: it is built in */
};

#endif
