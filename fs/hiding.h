/* SPDX-License-Identifier: Apache-2.0 */
/* What rm -r has unlinked of a document's folder on its way to the rmdir that deletes it: gone
 * from sight for a minute, and back if the rmdir never comes. Loop thread. */
#ifndef ASKFS_FS_HIDING_H
#define ASKFS_FS_HIDING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"
#include "core/uuid.h"

struct hiding;

int hiding_new(struct hiding **out, struct loop *loop);
void hiding_free(struct hiding *hiding);

/* What a document's folder held when its first name was unlinked. What came later, because its
 * ingestion went on, nobody who lists and unlinks can have seen. */
struct hiding_seen {
	bool has_failed, has_version;
	uint32_t chunk_count;
};

/* @folder: "" for the document's own, "chunks", "original", "versions", "versions/3". @now: what
 * the document shows now; kept if this is the first name. 0, -ENOMEM. */
int hiding_add(struct hiding *hiding, const struct uuid *document, const char *folder,
	const char *name, const struct hiding_seen *now);

/* What it held then, into *seen, which is left as it is if nothing of it is hidden. */
void hiding_seen(
	const struct hiding *hiding, const struct uuid *document, struct hiding_seen *seen);
bool hiding_has(const struct hiding *hiding, const struct uuid *document, const char *folder,
	const char *name);

/* Names of that folder that are hidden. */
size_t hiding_count(const struct hiding *hiding, const struct uuid *document, const char *folder);

void hiding_forget(struct hiding *hiding, const struct uuid *document);

#endif
