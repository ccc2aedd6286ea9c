/* SPDX-License-Identifier: Apache-2.0 */
/* The reply to one request, read as hostile bytes: for core/parser.c alone. */
#ifndef ASKFS_CORE_PARSER_REPLY_H
#define ASKFS_CORE_PARSER_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/parse/protocol.h"
#include "core/parser.h"

/* One thread. Items come in their order; a batch's item reaches its sink when it is complete,
 * that of a single document piece by piece. */
struct reply {
	struct parse_item **items;
	size_t count;
	const struct parser_limits *limits;
	size_t current; /* the item that records are taken for */
	uint64_t text_len; /* of it: bytes and code points so far */
	uint64_t chars;
	uint32_t mark_count; /* of it */
	struct buf kept; /* batch: records of the current item until its END */
	struct parsed parsed; /* of it */
	int sink_result; /* what a sink said to stop */
	bool is_nonsense; /* something came that an honest parser does not send */
	bool is_member_open;
	bool has_spoken; /* a sink has been given something */
	bool has_ended; /* EXIT has come */
	struct protocol_exit exit;
	bool done[PROTOCOL_ITEMS_MAX];
};

void reply_init(struct reply *reply, struct parse_item **items, size_t count,
	const struct parser_limits *limits);
void reply_release(struct reply *reply);

/* Take a packet. 0, or non-zero to stop: a sink has had enough, or the packet is nonsense. */
int reply_take(struct reply *reply, const char *packet, size_t len);

/* True if item @i has its result. One that is to be parsed alone has not. */
bool reply_is_done(const struct reply *reply, size_t i);

/* The child of a single document has ended: if it has not said how that went, say it. */
void reply_settle(struct reply *reply);

#define AUTO_REPLY __attribute__((cleanup(reply_release)))

#endif
