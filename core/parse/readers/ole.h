/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats in compound files share: which of them it is, properties, texts. */
#ifndef ASKFS_CORE_PARSE_READERS_OLE_H
#define ASKFS_CORE_PARSE_READERS_OLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/parse/bytes.h"
#include "core/parse/cfb.h"
#include "core/parse/meta.h"

/* A stream that is held in memory is at most as large. */
#define OLE_STREAM_MAX ((size_t)192 << 20)

/* Title, author, subject, keywords, description, created, modified: from the property set that
 * Office, Works and others write ([MS-OLEPS]). What is missing or broken is left out. */
void ole_summary(const struct cfb *cfb, struct meta *meta, struct out *out);

/* A FILETIME (100 ns since 1601, UTC) as ISO 8601. False where it is 0 or no date. */
#define OLE_TIME_MAX 40
bool ole_time(uint64_t filetime, char text[OLE_TIME_MAX]);

/* The sentence for a document that only its password opens. -EKEYREJECTED. */
int ole_encrypted(struct err *err);

/* Read a stream of the root; CFB_NONE for @entry is one that is not there. 0; -EBADMSG: it is
 * not there; -EFBIG: larger than OLE_STREAM_MAX; -ENOMEM; with *err set. Initialises @out. */
int ole_stream(const struct cfb *cfb, uint32_t entry, struct buf *out, struct err *err);

#endif
