/* SPDX-License-Identifier: Apache-2.0 */
/* ZIP files, tar files and PNG chunks, byte by byte, so that they can lie. */
#ifndef ASKFS_TESTS_MAKE_ZIP_H
#define ASKFS_TESTS_MAKE_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

/* A ZIP file in the making: entries into @out, the central directory into @directory. */
struct zip {
	struct buf *out, directory;
	size_t begin; /* of the file in @out */
	unsigned count;
};
void zip_begin(struct zip *zip, struct buf *out);

/* An entry of @data, repeated @times, deflated. Where it lies, for zip_point. */
uint32_t zip_add(struct zip *zip, const char *name, const void *data, size_t len, size_t times);

/* Another name of the entry at @offset, which is there once. */
void zip_point(struct zip *zip, const char *name, uint32_t offset);
void zip_end(struct zip *zip);

/* An entry of a tar file: @type '0' file, '1' hard link, '2' symbolic link to @target. */
void tar_add(struct buf *out, const char *name, char type, const char *target, const char *data);
void tar_end(struct buf *out);

/* A chunk of a PNG file, with its length and its checksum. */
void png_chunk(struct buf *out, const char type[4], const void *data, uint32_t len);

#endif
