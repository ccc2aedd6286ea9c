/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks and embeddings in SQLite; beside it, files that can be made again from it: the
 * words' index and the vectors laid out for a scan. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_SQLITE_H
#define ASKFS_CORE_LOCAL_VECTORS_SQLITE_H

#include "core/vectors.h"

struct vectors_sqlite_options {
	/* Bytes of the words' index in memory before it is written out; 0: 8 MiB. */
	size_t memory_max;
	/* It is written out, too, when nothing was added for so long; 0: 5 s. */
	unsigned int idle_ms;
};

/* Open or make the store in @folder (which exists): vectors.db, words/, dense. Returns at
 * once also after a crash: what the words' index lacks is read by a thread of the store, and
 * searches by words wait for it. @options may be NULL. One store a folder at a time. 0 or
 * -errno. */
int vectors_sqlite_new(struct vectors **out, const char *folder,
	const struct vectors_sqlite_options *options, struct err *err);

#endif
