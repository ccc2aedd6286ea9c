/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a document and is one itself: an archive's file, a mail's attachment. */
#ifndef ASKFS_CORE_PARSE_MEMBER_H
#define ASKFS_CORE_PARSE_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/parse/out.h"

/* Members are sent one after the other, each between member_begin and member_end, after all of the
 * container's own text or between parts of it. Their bytes are not parsed here: each is a
 * document that the daemon asks for again, in a child of its own. The daemon enforces its
 * limits ([archive] in askfs.conf(5)) and stops this process when one is exceeded.
 *
 * @path: where it lies in the container, "folder/file.txt", bytes, at most 4 KiB. It is cleaned:
 * leading slashes, "." and empty segments go, ".." makes the member fail by itself. @mtime_s:
 * seconds since 1970, 0: unknown. 0, or out->failed. */
int member_begin(struct out *out, const char *path, size_t path_len, int64_t mtime_s);

/* Bytes of the member that is open. 0, or out->failed. */
int member_data(struct out *out, const void *data, size_t len);

/* It is complete (@result 0), or it can't be: it is a FAILED document with the sentence of @err
 * (-EKEYREJECTED: encrypted; -EBADMSG: damaged). 0, or out->failed. */
int member_end(struct out *out, int result, const struct err *err);

#endif
