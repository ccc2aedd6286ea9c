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

/* The format of that type; NULL: none that is known. */
const struct format *format_find(const char *type);

#endif
