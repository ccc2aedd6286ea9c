/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a zip, in any order, also of one that was cut off. */
#ifndef ASKFS_CORE_PARSE_ZIP_H
#define ASKFS_CORE_PARSE_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/parse/reader.h"

struct zip;

struct zip_entry {
	char *name; /* as it is stored, NUL-terminated */
	uint64_t offset; /* of its local header */
	uint64_t packed; /* bytes; an upper bound where the zip was cut off */
	uint16_t method, flags;
};

/* List the files of @source, which outlives it, at most @entries_max. Where the directory at the
 * end is missing or broken, the file is searched for what is there. 0; -EBADMSG: nothing is
 * there; -EFBIG; -ENOMEM; with *err set. */
int zip_open(struct zip **out, const struct source *source, size_t entries_max, struct err *err);
void zip_close(struct zip *zip);

size_t zip_count(const struct zip *zip);
const struct zip_entry *zip_entry(const struct zip *zip, size_t index);

/* Unpack one in pieces of at most 64 KiB. 0, or what @each returned; -EKEYREJECTED: it is
 * encrypted; -EBADMSG: it is damaged or cut off (what could be unpacked was given) or packed in
 * an unknown way; -ENOMEM; with *err set. @each may unpack another one meanwhile. */
int zip_each(struct zip *zip, size_t index, source_fn *each, void *context, struct err *err);

#endif
