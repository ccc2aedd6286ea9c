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

/* @folder: "" for the document's own, "chunks", "original", "versions", "versions/3". 0, -ENOMEM. */
int hiding_add(struct hiding *hiding, const struct uuid *document, const char *folder,
	const char *name);
bool hiding_has(const struct hiding *hiding, const struct uuid *document, const char *folder,
	const char *name);

/* Names of that folder that are hidden. */
size_t hiding_count(const struct hiding *hiding, const struct uuid *document, const char *folder);

void hiding_forget(struct hiding *hiding, const struct uuid *document);

#endif
