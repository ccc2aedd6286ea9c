/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) as a stream of events, in memory that does not grow with the document. */
#ifndef ASKFS_CORE_PARSE_READERS_JSON_STREAM_H
#define ASKFS_CORE_PARSE_READERS_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

/* Deeper values are an error. */
#define JSON_DEPTH_MAX 1024
/* A longer name of a member is cut. */
#define JSON_NAME_MAX ((size_t)1 << 10)

/* Any entry may be NULL. Text comes in pieces of whole characters, escapes resolved (NUL is left
 * out); numbers, true, false and null as they are written. */
struct json_handler {
	void (*open)(void *context, bool is_object);
	void (*close)(void *context);
	void (*name)(void *context, const char *utf8, size_t len); /* of the member that comes */
	void (*text)(void *context, const char *utf8, size_t len); /* of a string or a literal */
	void (*value)(void *context); /* a string or literal is complete */
};

/* Embedded by value; a fresh one is zero but for @handler and @context, with json_init. */
struct json_stream {
	const struct json_handler *handler;
	void *context;
	struct buf name;
	uint8_t objects[JSON_DEPTH_MAX / 8]; /* bit: the value at that depth is an object */
	unsigned depth;
	unsigned state;
	bool is_name; /* the string that is open */
	unsigned digits; /* of an escape "\u", still to come */
	uint32_t unit, high; /* that escape; the first half of a pair, or 0 */
	char literal[64];
	size_t literal_len;
};

void json_init(struct json_stream *json, const struct json_handler *handler, void *context);
void json_release(struct json_stream *json);

/* Add text. Several values may follow one another, white space between them. 0; -EBADMSG: it is
 * not JSON, or nested too deep; -ENOMEM. */
int json_add(struct json_stream *json, const char *utf8, size_t len);

/* The text has ended. 0; -EBADMSG: within a value; -ENOMEM. */
int json_end(struct json_stream *json);

#endif
