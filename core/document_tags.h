/* SPDX-License-Identifier: Apache-2.0 */
/* What a user may say about a document: "user.askfs.title", ".source" and ".tag.X". */
#ifndef ASKFS_CORE_DOCUMENT_TAGS_H
#define ASKFS_CORE_DOCUMENT_TAGS_H

#include <stdbool.h>

#include "core/document.h"

/* Is it one of the names that can be set? */
bool document_xattr_is_settable(const char *name);

/* May "user.askfs.…" be set to these bytes (NULL: be removed)? 0, -EPERM (askfs says it itself),
 * -EINVAL (not UTF-8, or with a NUL). */
int document_check_xattr(const char *name, const char *value, size_t size);

/* Set it in the record; NULL removes: then the title is again the one that the document itself
 * brought along, if it did. Tags are members of extra_metadata's "tags". 0, -ENODATA
 * (remove what is not there), -EINVAL (not UTF-8), -ENOMEM. */
int document_set_xattr(struct document *document, const char *name, const char *value);

/* Take over what @from has of it; the rest of the record stays. 0 or -ENOMEM. */
int document_take_said(struct document *document, const struct document *from);

/* Its value, appended. 0, -ENODATA, -ENOMEM. */
int document_get_xattr(const struct document *document, const char *name, struct buf *out);

/* The names that have a value, a NUL behind each, appended. 0 or -errno. */
int document_list_xattrs(const struct document *document, struct buf *out);

#endif
