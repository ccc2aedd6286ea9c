/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, from bytes in any pieces. Source: WHATWG, HTML, section 9.2.6. */
#ifndef ASKFS_CORE_SSE_H
#define ASKFS_CORE_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"

/* Takes the data of one event, its lines joined by line feeds, NUL behind it. Non-zero ends the
 * feeding and is returned by it. */
typedef int (*sse_fn)(void *context, const char *data, size_t len);

/* Embedded by value; one thread at a time. */
struct sse {
	struct buf line, data;
	bool has_data; /* the event has a data field, which may be empty */
	bool ends_in_cr; /* a line feed that comes next belongs to it */
};

/* An event may take @max_bytes. */
void sse_init(struct sse *sse, size_t max_bytes);
void sse_release(struct sse *sse);

/* Names and ids of events are passed over; an event that no blank line ended is none. 0, -EFBIG,
 * -ENOMEM or what @each returned. */
int sse_feed(struct sse *sse, const char *bytes, size_t len, sse_fn each, void *context);

#endif
