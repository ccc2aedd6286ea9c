/* SPDX-License-Identifier: Apache-2.0 */
/* A child of the server: parses the documents of one request and exits. */
#ifndef ASKFS_CORE_PARSE_CHILD_H
#define ASKFS_CORE_PARSE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/parse/out.h"
#include "core/parse/protocol.h"

/* A request as it was received, checked. */
struct request {
	struct protocol_request header;
	struct protocol_item items[PROTOCOL_ITEMS_MAX];
	char names[PROTOCOL_ITEMS_MAX][PROTOCOL_NAME_MAX + 1];
	int reply; /* descriptor, or -1 */
	int fds[PROTOCOL_ITEMS_MAX]; /* as many as header.count, or -1 */
};

/* Call once in the server: memory that every child uses. 0 or -ENOMEM. */
int child_prepare(void);

/* Never returns. In the forked child. */
void child_run(const struct request *request) __attribute__((noreturn));

#ifdef ASKFS_PARSE_TEST
/* Misbehave as the document asks ("!spin"), and tell how that went; false if it asks nothing. */
bool child_misbehave(struct out *out, const char *text, size_t len);
#endif

#endif
