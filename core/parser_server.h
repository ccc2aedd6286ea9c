/* SPDX-License-Identifier: Apache-2.0 */
/* The server process of askfs-parse, kept alive: for core/parser.c alone. */
#ifndef ASKFS_CORE_PARSER_SERVER_H
#define ASKFS_CORE_PARSER_SERVER_H

#include <stddef.h>

#include "core/err.h"

struct parser_about;
struct parser_server;

/* Start the program (NULL: where it is installed) and wait until it is ready. 0 or -errno
 * with *err set. */
int parser_server_new(struct parser_server **out, const char *program, struct err *err);

/* Send a packet with descriptors (they stay the caller's); starts the server again if it has
 * died. *generation names the server that got it. 0, or -EIO with *err set: it can't be
 * started, or it rests: after three deaths within a minute for five seconds, and twice as long
 * after each one more, up to five minutes. One that lives for a minute is as good as new. Any
 * thread. */
int parser_server_send(struct parser_server *server, const void *data, size_t len, const int *fds,
	size_t fd_count, unsigned *generation, struct err *err);

/* That server has died or is stuck: end it. Nothing happens if another one has its place
 * already. Any thread. */
void parser_server_died(struct parser_server *server, unsigned generation);

/* What the server said when it started last. Any thread. */
void parser_server_about(struct parser_server *server, struct parser_about *out);

void parser_server_free(struct parser_server *server);

#endif
