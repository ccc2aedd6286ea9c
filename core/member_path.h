/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of documents inside documents: what an archive says, made fit for the tree. */
#ifndef ASKFS_CORE_MEMBER_PATH_H
#define ASKFS_CORE_MEMBER_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* The path of the member that its container calls @path (bytes, never trusted, no NUL), where the
 * container's is @container: "letters.zip!/2024/may.txt". Leading slashes, ".", ".." and empty
 * segments go; a segment is cut to 255 bytes, before its extension; folders deeper than 32, or
 * beyond 3 KiB, are left out; a path without any segment is
 * "unnamed". @copy: from 2 on "may (2).txt". The caller frees it; NULL: memory is short. */
char *member_path(const char *container, const char *path, size_t path_len, unsigned copy);

/* Would the inbox not ingest a file of that path: is a segment hidden, or the name one that
 * programs use for unfinished or private files? */
bool member_is_private(const char *path, size_t path_len);

#endif
