/* SPDX-License-Identifier: Apache-2.0 */
/* HTML that lies within something else: a book's chapter, a mail's body, an item of a feed. */
#ifndef ASKFS_CORE_PARSE_READERS_HTML_H
#define ASKFS_CORE_PARSE_READERS_HTML_H

#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"

/* What is known of a page, and what is wanted from it. All may be NULL. */
struct html_page {
	const char *charset; /* its encoding as its container has it, a label ("latin1"); NULL or
			      * unknown: what the bytes and the page say */
	struct meta *meta; /* takes the page's author, language … */
	struct buf *title; /* takes the text of <title>; stays empty without one */
};

/* Add the text of the page (or of a piece of one, without <html> or <body>) to @flow: its
 * headings, tables, lines, beginning and ending at a paragraph's edge. What it leaves open is
 * closed. @page may be NULL. 0; the failure of @flow; -EBADMSG, -ENOMEM with *err set: what
 * came before was added. Bounded by the length of @data (at most 1 GiB, else -EFBIG), without
 * recursion. */
int html_flow(struct flow *flow, const char *data, size_t len, const struct html_page *page,
	struct err *err);

#endif
