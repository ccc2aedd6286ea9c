/* SPDX-License-Identifier: Apache-2.0 */
/* The compression that Outlook keeps RTF in ([MS-OXRTFCP], "LZFu"). */
#ifndef ASKFS_CORE_PARSE_READERS_LZFU_H
#define ASKFS_CORE_PARSE_READERS_LZFU_H

#include "core/buf.h"
#include "core/parse/bytes.h"

/* Append what @data unpacks to, as far as it does: at most what its header says, and @out's own
 * ceiling. The checksum is not looked at. 0; -EBADMSG: it is something else; -EFBIG, -ENOMEM. */
int lzfu_unpack(struct bytes data, struct buf *out);

#endif
