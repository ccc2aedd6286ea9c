/* SPDX-License-Identifier: Apache-2.0 */
/* Compound files ([MS-CFB], "OLE2"): a file system of streams in a file. */
#ifndef ASKFS_CORE_PARSE_CFB_H
#define ASKFS_CORE_PARSE_CFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/parse/reader.h"

struct cfb;

/* Entries are numbers. The root is a storage; there is no entry CFB_NONE. */
#define CFB_ROOT 0
#define CFB_NONE UINT32_MAX

/* Does a document begin as a compound file does? */
bool cfb_is_one(const char *head, size_t len);

/* Read the tables of @source, which outlives it. 0; -EBADMSG: none, or broken beyond use;
 * -EFBIG, -ENOMEM, -EIO; with *err set. Tables that are damaged in part are used as far as they go;
 * chains that run in circles end. */
int cfb_open(struct cfb **out, const struct source *source, struct err *err);
void cfb_close(struct cfb *cfb);

/* The entries of a storage, in the order of its names: each once. CFB_NONE at the end. */
uint32_t cfb_first(const struct cfb *cfb, uint32_t storage);
uint32_t cfb_next(const struct cfb *cfb, uint32_t entry);

/* The entry of that name (upper and lower case are one) in @storage, or CFB_NONE. */
uint32_t cfb_find(const struct cfb *cfb, uint32_t storage, const char *name);

/* ASCII, at most 31 characters; others than ASCII are '?', control characters stay. */
const char *cfb_name(const struct cfb *cfb, uint32_t entry);
bool cfb_is_storage(const struct cfb *cfb, uint32_t entry);
uint64_t cfb_size(const struct cfb *cfb, uint32_t entry); /* bytes it claims to have */

/* The 16 bytes of a storage's class, as they lie in the file. */
const unsigned char *cfb_class(const struct cfb *cfb, uint32_t entry);

/* Give the bytes of a stream piece by piece. 0, what @each returned, or -errno of reading. A
 * chain that breaks ends the stream there: a caller who minds compares with cfb_size. */
int cfb_each(const struct cfb *cfb, uint32_t entry, source_fn *each, void *context);

/* Append a stream to @out, which has its own ceiling. CFB_NONE is an empty stream. 0 or -errno. */
int cfb_read(const struct cfb *cfb, uint32_t entry, struct buf *out);

static inline void auto_cfb(struct cfb **cfb)
{
	cfb_close(*cfb);
}
#define AUTO_CFB __attribute__((cleanup(auto_cfb)))

#endif
