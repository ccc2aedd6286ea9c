/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of document records that never overtake each other. */
#ifndef ASKFS_CORE_RECORDS_H
#define ASKFS_CORE_RECORDS_H

#include "core/blobs.h"
#include "core/catalog.h"
#include "core/vectors.h"

/* One mutex over read-change-write of records, so that a chmod and the publication of a new
 * version are both kept, whichever comes first. The same lock orders publish and set_access
 * of the vectors, so that no older bits win. All entries may block: worker threads. */
struct records;

int records_new(struct records **out, struct catalog *catalog, struct blobs *blobs,
	struct vectors *vectors);
void records_free(struct records *records);

/* Take and give back the lock, for the pipeline's commit. */
void records_lock(struct records *records);
void records_unlock(struct records *records);

/* Let @change edit the record (not its id), write it, tell the vectors about other access
 * bits or another path, and hand a copy to *after (may be NULL; the caller releases it).
 * -ENOENT if there is no such document. @change returns 0 or -errno to leave all as it is. */
int records_change(struct records *records, const struct uuid *id,
	int (*change)(void *context, struct document *document), void *context,
	struct document *after, struct err *err);

/* Delete a document: no search that begins after the return finds it; its record, chunks and
 * blobs are gone. 0 also if there is none. */
int records_delete(struct records *records, const struct uuid *id, struct err *err);

#endif
