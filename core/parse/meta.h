/* SPDX-License-Identifier: Apache-2.0 */
/* What a document says of itself: extra_metadata of its record. */
#ifndef ASKFS_CORE_PARSE_META_H
#define ASKFS_CORE_PARSE_META_H

#include "core/parse/out.h"

struct cJSON;

/* The names that every format uses where it has such a thing: "author", "created", "modified"
 * (ISO 8601), "language", "subject", "keywords", "description", "publisher"; and what is a
 * format's own ("from", "to"). The title is no metadata: out_field(FIELD_TITLE). The number of
 * pages neither: out->page_count. One thread. */
struct meta {
	struct cJSON *object;
};

void meta_init(struct meta *meta);
void meta_release(struct meta *meta);

/* Set @name, unless it is set already or @value is NULL, has no word, is not UTF-8 or longer than
 * 1 KiB. Control characters are dropped, or become spaces. */
void meta_add(struct meta *meta, const char *name, const char *value);

/* The same with @len bytes that need no NUL. */
void meta_add_text(struct meta *meta, const char *name, const char *value, size_t len);

/* The same with a date as people write it: nothing, unless it begins as ISO 8601 does ("2026",
 * "2026-03-01", "<2026-03-01 Sun>", "2026-03-01 10:15+0100"), of which the day and the time stay.
 */
void meta_add_date(struct meta *meta, const char *name, const char *value);

/* Into the output, if there is anything. Once a document. */
void meta_send(struct meta *meta, struct out *out);

#define AUTO_META __attribute__((cleanup(meta_release)))

#endif
