/* SPDX-License-Identifier: Apache-2.0 */
/* Every tool that there is; core/tools.c decides which are enabled. */
#ifndef ASKFS_CORE_TOOLS_TABLE_H
#define ASKFS_CORE_TOOLS_TABLE_H

#include "core/tools.h"

extern const struct tool tool_command; /* of the user's own: the rest is filled in */
extern const struct tool tool_fetch_url;
extern const struct tool tool_get_document;
extern const struct tool tool_list_documents;
extern const struct tool tool_summarize_document;
extern const struct tool tool_vector_search;
extern const struct tool tool_web_search;

/* What tools have in common (core/tools/arguments.c). */

/* A member of the arguments, or the default. */
const char *argument_text(const struct tool_call *call, const char *name);
double argument_number(const struct tool_call *call, const char *name, double standard);

/* What paths (or types) have to begin with: by the argument, and by the filter of the session. The
 * longer of the two, where one goes on the other; 0, or -ENOENT with *err set: none fits both. */
int argument_prefix(const struct tool_call *call, const char *name, const char *filter,
	const char **out, struct err *err);

/* May the session that asks use that document? */
bool fits_filter(const struct tool_call *call, const struct document *document);

/* The record of the document that "document_id" names, if the caller may read it and it was
 * indexed: 0, or -EINVAL, -ENOENT with *err set. The caller of this releases *out. */
int argument_document(const struct tool_call *call, struct document *out, struct err *err);

/* Text that may not be UTF-8 as a string; null where there is none. */
cJSON *text_or_null(const char *text);
void add_text_or_null(cJSON *object, const char *name, const char *text);

/* A record in brief; NULL when memory is short. */
cJSON *describe_document(const struct document *document);

/* Chunks of the document's version, @count from @first on, as passages. 0 or -errno. */
int read_chunks(const struct tool_call *call, const struct document *document, uint32_t first,
	uint32_t count, struct retrieval *out, struct err *err);

#endif
