/* SPDX-License-Identifier: Apache-2.0 */
/* Which documents a session may use: the filter of its options, applied to records. */
#ifndef ASKFS_CORE_FILTER_H
#define ASKFS_CORE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/catalog.h"
#include "core/options.h"

/* How content types and paths are compared: no text begins with nothing. Any thread. */
bool filter_begins(const char *text, const char *prefix);

/* Do type, path, name and tag of the document fit? Any thread. */
bool filter_fits(const struct options *options, const struct document *document);

/* Name and tag are not known to searches: list the documents that fit, readable or not. *out is
 * NULL where the filter has neither; else the caller frees it, also where none fits (*count 0). 0
 * or -errno with *err set. Worker thread. */
int filter_documents(struct catalog *catalog, const struct options *options, struct uuid **out,
	size_t *count, struct err *err);

#endif
