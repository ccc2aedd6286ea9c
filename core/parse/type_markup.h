/* SPDX-License-Identifier: Apache-2.0 */
/* What an XML document is, by its first element. */
#ifndef ASKFS_CORE_PARSE_TYPE_MARKUP_H
#define ASKFS_CORE_PARSE_TYPE_MARKUP_H

#include "core/parse/reader.h"

/* The type of a text that begins as XML does ("application/rss+xml"): a constant. NULL: it has no
 * first element near its beginning, or one that says nothing. */
const char *type_of_markup(const struct source *source);

#endif
