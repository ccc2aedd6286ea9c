/* SPDX-License-Identifier: Apache-2.0 */
/* A whole conversation as Markdown. */
#ifndef ASKFS_CORE_TRANSCRIPT_H
#define ASKFS_CORE_TRANSCRIPT_H

#include <stdint.h>

#include "core/buf.h"
#include "core/catalog.h"

struct transcript_request {
	struct catalog *catalog;
	const char *name; /* the session's */
	struct uuid conversation;
	uint32_t from_seq, end_seq; /* the first turn, and the one behind the last */
};

/* Append the transcript: each question as a quotation, each answer with its sources as links
 * relative to sessions/<session>/. What a person, a model or a document wrote is escaped, so
 * that it shows as it was written and is neither HTML nor an image. Sources that were deleted
 * say so. 0 or -errno with *err set. Worker thread. */
int transcript_render(const struct transcript_request *request, struct buf *out, struct err *err);

/* Append @text as Markdown that shows it literally; @prefix begins each line behind the first
 * ("> " in a quotation). 0 or -errno. */
int markdown_escape(const char *text, size_t len, const char *prefix, struct buf *out);

/* Append @name as part of a relative link: what is not unreserved is percent-encoded. */
int markdown_link_part(const char *name, struct buf *out);

#endif
