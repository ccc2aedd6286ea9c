/* SPDX-License-Identifier: Apache-2.0 */
/* What `askfs extract` prints: a document's text, and that of the documents in it. */
#ifndef ASKFS_FS_EXTRACT_H
#define ASKFS_FS_EXTRACT_H

#include <stdint.h>

#include "core/archive_limits.h"
#include "core/err.h"
#include "core/parser.h"

/* Parse the @size bytes of @fd, which is called @name, and print its text to standard output;
 * then the text of each document in it (an archive's file, a mail's attachment) behind a line
 * "== path", within @limits. A document inside that fails prints "== path: reason" to
 * standard error. 0 if there was anything to print; else why not, with *err set: the document's
 * own failure, or the first one inside. Blocks. */
int extract_print(struct parser *parser, const struct archive_limits *limits, int fd, uint64_t size,
	const char *name, struct err *err);

#endif
