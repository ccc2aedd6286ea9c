/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes below sessions/<session>/ share. */
#ifndef ASKFS_FS_NODE_SESSION_H
#define ASKFS_FS_NODE_SESSION_H

#include <sys/stat.h>

#include "core/session.h"
#include "fs/node.h"

/* A folder of a session, its sources/ or its options.json. */
struct session_node {
	struct node node;
	struct session *session; /* a reference */
};

/* The session of such a node. Borrowed. */
struct session *session_of(struct node *node);

/* Their forget. */
void session_node_forget(struct node *node);

/* options.json; fs/node_options.c. */
extern const struct node_ops session_options_ops;

#endif
