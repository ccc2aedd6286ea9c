/* SPDX-License-Identifier: Apache-2.0 */
/* The formats: which reader a type has, and what this build lacks for it. */
#ifndef ASKFS_CORE_PARSE_FORMAT_H
#define ASKFS_CORE_PARSE_FORMAT_H

#include "core/parse/reader.h"

struct format {
	const char *type; /* MIME type */
	reader_fn *read; /* NULL: not in this build, or of a kind that has no text */
	const char *needs; /* what would help where @read is NULL: a package's name; or NULL */
};

/* What this build reads, "text, web, PDF", and what it lacks, with the package that would help:
 * "mail (libgmime-3.0-dev)". Kinds of formats; what has no room is left out. Any length from 1. */
void format_list(char *reads, size_t reads_size, char *lacks, size_t lacks_size);

/* The format of that type; NULL: none that is known. */
const struct format *format_find(const char *type);

#endif
