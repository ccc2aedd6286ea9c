/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown that lies within something else: a cell of a notebook. */
#ifndef ASKFS_CORE_PARSE_READERS_MARKDOWN_H
#define ASKFS_CORE_PARSE_READERS_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/parse/reader.h"

/* Add the text as it is, with a mark for each heading. *has_title: the document has one (in and
 * out); a first heading of the first level becomes it. 0, or out->failed, or -ENOMEM. */
int markdown_text(struct out *out, const char *utf8, size_t len, bool *has_title);

#endif
