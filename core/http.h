/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP: one thread with one curl multi handle, whose connections all calls share (HTTP/2 where
 * the server has it). A call is begun, and then read by the thread that wants it, as its bytes
 * come. */
#ifndef ASKFS_CORE_HTTP_H
#define ASKFS_CORE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"

struct http;
struct http_call;

/* Copied by http_begin but for @cancelled. Times of 0 are no limit. */
struct http_request {
	const char *url; /* http:// or https:// */
	const char *const *headers; /* "Name: value", NULL behind the last; may be NULL */
	const char *body; /* JSON to POST; NULL: GET */
	size_t body_len;
	int64_t connect_ns; /* until there is a connection */
	int64_t idle_ns; /* between two bytes of the reply, and before the first */
	int64_t total_ns;
	size_t reply_max; /* bytes of the reply's body */
	const atomic_bool *cancelled; /* set by another thread: give up soon; may be NULL */
	/* May that address be connected to? Asked by http's thread, right before it would be; no
	 * proxy is used then. NULL: any. -EACCES where none may. */
	bool (*allows)(const void *context, const struct sockaddr *address);
	const void *allows_context; /* outlives the call's thread */
};

/* Starts the thread at the first call. 0 or -errno. */
int http_new(struct http **out);

/* No call may be open any more: each was given to http_end. */
void http_free(struct http *http);

/* Begin. Any thread; never blocks. 0 or -ENOMEM with *err set. */
int http_begin(struct http *http, const struct http_request *request, struct http_call **out,
	struct err *err);

/* One thread at a time for each call; they wait. All fail alike once the call has failed:
 * -EAGAIN where trying again may help (no connection, broken off), -ETIMEDOUT, -ECANCELED,
 * -EFBIG, -EACCES, -EPROTO, with the reason in *err. */

/* The reply's status once its head is there (from 100), or -errno. */
int http_status(struct http_call *call, struct err *err);

/* A header of the reply, behind http_status, for the caller to free; NULL: it has none. @name in
 * small letters. */
char *http_header(struct http_call *call, const char *name);

/* The next bytes of the body: how many (@len at most), 0 at its end, or -errno. */
ssize_t http_read(struct http_call *call, char *to, size_t len, struct err *err);

/* The rest of the body, appended to @to. 0 or -errno. */
int http_read_all(struct http_call *call, struct buf *to, struct err *err);

/* Forget the call; one that is not complete is broken off. NULL is allowed. */
void http_end(struct http_call *call);

#endif
