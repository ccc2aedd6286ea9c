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

/* Who is told what becomes of members (documents inside another one), whose records are written
 * beside the change of what holds them: one is there for the first time, has changed, or has gone
 * (@document NULL). Any thread; it must not block, and not call back. Once, before anything
 * changes. */
enum member_news { MEMBER_CAME, MEMBER_CHANGED, MEMBER_GONE };
typedef void (*records_member_fn)(void *context, enum member_news news, const struct uuid *id,
	const struct document *document);
void records_watch_members(struct records *records, records_member_fn changed, void *context);
void records_tell_member(struct records *records, enum member_news news, const struct uuid *id,
	const struct document *document);

/* Under the lock: tell the vectors what @to has and @from has not of bits and path. 0 or -errno
 * with *err set. */
int records_tell_vectors(struct records *records, const struct document *from,
	const struct document *to, struct err *err);

/* Take and give back the lock, for the pipeline's commit. */
void records_lock(struct records *records);
void records_unlock(struct records *records);

/* Let @change edit the record (not its id), write it, tell the vectors about other access
 * bits or another path, and hand a copy to *after (may be NULL; the caller releases it).
 * The members of the document, all generations, get its new bits and the new beginning of
 * their path in the same transaction.
 * -ENOENT if there is no such document. @change returns 0 or -errno to leave all as it is. */
int records_change(struct records *records, const struct uuid *id,
	int (*change)(void *context, struct document *document), void *context,
	struct document *after, struct err *err);

/* Delete a document and its members: no search that begins after the return finds them; their
 * records, chunks and blobs are gone. 0 also if there is none. */
int records_delete(struct records *records, const struct uuid *id, struct err *err);

#endif
