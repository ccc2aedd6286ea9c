/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a RAR 5 archive are encrypted: libarchive knows it of the whole archive alone, and
 * gives out what is encrypted as if it were text. Format: RAR 5.0 archive format (rarlab.com). */
#ifndef ASKFS_CORE_PARSE_READERS_RAR5_H
#define ASKFS_CORE_PARSE_READERS_RAR5_H

#include <stdbool.h>
#include <stdint.h>

#include "core/parse/reader.h"

struct rar5 {
	const struct source *source;
	uint64_t at; /* of the next header; 0: there is none */
};

/* Start before the first file. @source may be of any type and outlives @rar. */
void rar5_begin(struct rar5 *rar, const struct source *source);

/* Pass over one more file or folder, in the archive's order: is it encrypted? False too where there
 * is none, or where it can't be seen. */
bool rar5_next_is_encrypted(struct rar5 *rar);

#endif
