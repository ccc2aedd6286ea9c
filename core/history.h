/* SPDX-License-Identifier: Apache-2.0 */
/* The earlier turns of a conversation, as far as the caller may still know them. */
#ifndef ASKFS_CORE_HISTORY_H
#define ASKFS_CORE_HISTORY_H

#include "core/catalog.h"
#include "core/generator.h"

struct history_request {
	struct catalog *catalog;
	struct uuid conversation;
	uint32_t from_seq, end_seq; /* the first that counts, and the one behind the last */
	const struct caller *caller;
	size_t turns; /* the latest so many */
};

/* Oldest first, owned. Zero-initialise it. */
struct history {
	struct exchange *exchanges;
	size_t count;
};
void history_release(struct history *history);

/* Read it. Turns that failed drop out, and turns that cite a document which was deleted or which
 * @caller may no longer read; what a language model wrote, also if it was only shown one. 0 or
 * -errno with *err set. Worker thread. */
int history_read(const struct history_request *request, struct history *out, struct err *err);

#endif
