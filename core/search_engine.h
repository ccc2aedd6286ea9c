/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the searches share; nobody else includes it. */
#ifndef ASKFS_CORE_SEARCH_ENGINE_H
#define ASKFS_CORE_SEARCH_ENGINE_H

#include "core/pool.h"
#include "core/search.h"

/* Begins the name of a search's record. */
#define SEARCH_PREFIX "search/"

struct searches {
	struct searches_ports ports; /* constant */
	const struct config *config; /* constant */
	struct pool *workers; /* constant */
	struct search **items; /* loop thread: by path; references */
	size_t count, room; /* loop thread */
	uint64_t removals; /* loop thread: of documents, so far */
	bool is_stopping; /* loop thread */
};

/* search.c: find the search by its path no more. */
void search_forget(struct search *search);

/* search_work.c: do whatever is due now, unless a job is at it. */
void search_start(struct search *search);

#endif
