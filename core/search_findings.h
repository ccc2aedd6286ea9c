/* SPDX-License-Identifier: Apache-2.0 */
/* What a search found: made from a retrieval, or read back. core/search.c uses it. */
#ifndef ASKFS_CORE_SEARCH_FINDINGS_H
#define ASKFS_CORE_SEARCH_FINDINGS_H

#include "core/search.h"

void search_findings_release(struct search_findings *findings);

/* From what was retrieved, at most @limit documents. 0 or -ENOMEM. */
int search_findings_build(
	const struct retrieval *retrieval, size_t limit, struct search_findings *out);

/* From a results.json as kept; documents that are gone are left out. -EBADMSG if it is no
 * list. Worker thread. */
int search_findings_load(const char *json, struct catalog *catalog, struct search_findings *out);

/* The same findings without one document. 0 or -ENOMEM. */
int search_findings_without(const struct search_findings *from, const struct uuid *document,
	struct search_findings *out);

#endif
