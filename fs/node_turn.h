/* SPDX-License-Identifier: Apache-2.0 */
/* The files that show one answer: ask/<session>, answer.json, transcript.md and stream. Each
 * answer is a node of its own, so that a reader who is slow never gets parts of two. */
#ifndef ASKFS_FS_NODE_TURN_H
#define ASKFS_FS_NODE_TURN_H

#include "core/ask.h"
#include "fs/node.h"
#include "fs/req.h"

enum turn_file { TURN_TEXT, TURN_JSON, TURN_TRANSCRIPT, TURN_STREAM };

/* Answer a LOOKUP with the file as it is now; the session is loaded, and a transcript
 * rendered, first. */
void turn_node_lookup(struct req *req, struct session *session, enum turn_file file);

/* The node of that file as it is now, for @thread of who asks (0: whoever); the session must be
 * loaded. NULL: no memory. */
struct node *turn_node_now(
	struct fs *fs, struct session *session, enum turn_file file, pid_t thread);

/* ask/<session> was opened for writing by that node. */
void turn_node_written(struct node *node, const struct req *req);

/* Its inode number, the same for every answer. */
uint64_t turn_node_ino(const struct session *session, enum turn_file file);

/* ask/<session> was opened for writing, @flags as of open(2): a handle that makes a question,
 * in *out. 0 or -errno. fs/node_ask.c implements it. */
int ask_handle_new(struct handle **out, struct req *req, struct session *session, int flags);

/* ftruncate of such a handle. 0 or -errno; -EINVAL if it is another kind of handle. */
int ask_handle_truncate(struct handle *handle, uint64_t size);

/* Open stream on @turn (NULL: there is nothing to read). fs/node_stream.c implements it. */
void turn_stream_open(struct req *req, struct turn *turn);

/* Park @req until @waiter wakes it; an interrupt takes it off its list. May be called again
 * for the next wait of the same request. req->data must be the waiter. */
void req_park_waiter(struct req *req);

#endif
