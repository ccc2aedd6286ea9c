/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of names that lead to documents: what by/ shows. Loop thread. */
#ifndef ASKFS_CORE_VIEW_H
#define ASKFS_CORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/library.h"

struct view;

/* A name in the tree: a folder, or a leaf that is a document. Read-only outside. */
struct view_node {
	struct view_node *parent, *children, *next, *before; /* children: in order of coming */
	struct view_node *next_hash, *next_document; /* in the tables' buckets */
	struct uuid document; /* nil: a folder */
	char name[];
};

/* Three trees over every document of the library, kept up to date as it changes: "status/<STATUS>
 * /<name>", "name/<path as dropped>", "type/<type>/<subtype>/<name>". A name that is taken
 * already gets " (2)", " (3)" … before its extension, and keeps it. 0 or -ENOMEM. */
int view_new(struct view **out, struct library *library);
void view_free(struct view *view);

struct view_node *view_root(struct view *view);

/* NULL: there is no such name. */
struct view_node *view_lookup(struct view *view, const struct view_node *folder, const char *name);

#endif
