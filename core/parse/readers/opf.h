/* SPDX-License-Identifier: Apache-2.0 */
/* A book's package document (EPUB 2 and 3): what it says of the book, and its chapters in order. */
#ifndef ASKFS_CORE_PARSE_READERS_OPF_H
#define ASKFS_CORE_PARSE_READERS_OPF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/parse/meta.h"
#include "core/parse/package.h"

/* A file of the book. */
struct opf_item {
	char *id, *path; /* in the package */
	bool is_text; /* XHTML, or of no other kind that is known */
	bool is_nav; /* the table of contents */
	bool is_taken; /* in @chapters already */
};

struct opf {
	struct opf_item *items; /* the manifest, sorted by id once it is complete */
	size_t count, cap;
	char **chapters; /* paths, those of @items, in reading order */
	size_t chapter_count;
};

/* Find and read it: the package's container says where it is. Its title goes to @out, the rest to
 * @meta. 0; -ENOENT: there is none, @opf is empty; -EBADMSG: it is broken, what came before
 * is in @opf; another -errno with *err set. Release @opf in any case. */
int opf_read(struct opf *opf, struct package *package, struct meta *meta, struct out *out,
	struct err *err);
void opf_release(struct opf *opf);

#endif
