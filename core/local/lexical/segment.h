/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the words' index in a file that never changes: mapped, and read in place. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_SEGMENT_H
#define ASKFS_CORE_LOCAL_LEXICAL_SEGMENT_H

#include "core/buf.h"
#include "core/err.h"
#include "core/local/lexical/part.h"

/* Open the segment @path. No chunk of it is live yet. -EBADMSG if it is not whole (another
 * format, cut, overwritten): it may be deleted, it can be made again. */
int segment_open(struct part **out, const char *path, struct err *err);

/* Compare the checksum over all of the file. 0, -EBADMSG. */
int segment_verify(const struct part *part);

/* Where the segment of these ids lies; false if @name is no segment's. */
int segment_path(struct buf *out, const char *folder, uint64_t first, uint64_t last);
bool segment_parse_name(const char *name, uint64_t *first, uint64_t *last);

/* Which chunks go into a new segment. */
typedef bool (*segment_keep_fn)(void *context, const struct part *part, uint32_t ordinal);

/* Write @parts, which follow each other by their ids, as one segment into @folder: complete,
 * synced and under its name, or not at all. @keep may run on many chunks; it and the parts
 * must give the same answers until the return. 0 or -errno. */
int segment_write(const char *folder, const struct part *const *parts, size_t count,
	segment_keep_fn keep, void *context, struct err *err);

#endif
