/* SPDX-License-Identifier: Apache-2.0 */
/* The mounted filesystem: what all nodes share. Owned by the daemon (fs/daemon.c). */
#ifndef ASKFS_FS_FS_H
#define ASKFS_FS_FS_H

#include <stdint.h>

#include "core/config.h"
#include "core/loop.h"
#include "core/pool.h"
#include "core/ports.h"

struct fuse_session;
struct node;
struct handle;

#define NODE_BUCKETS 16384

/* Threads that were told to look a name up again (fs/node_turn.c). */
struct turn_retry {
	uint64_t ino;
	pid_t thread;
};

struct fs {
	struct fuse_session *session;
	struct loop *loop;
	struct pool *io; /* rule: every read or write of the disk */
	struct notify *notify; /* tells the kernel what it may no longer believe */
	const struct config *config;
	struct ports *ports; /* the adapters that were chosen */
	struct library *library; /* every document, in memory; loop thread */
	struct spool *spool; /* what lies in the inbox; loop thread */
	struct inbox *inbox; /* when it is ingested, and what becomes of it; loop thread */
	struct catchup *catchup; /* NULL: no embedder; loop thread */
	struct ask *ask; /* sessions and turns; loop thread */
	struct searches *searches; /* loop thread */
	struct tools *tools; /* that are enabled */
	struct tool_jobs *tool_jobs; /* loop thread */
	struct hiding *hiding; /* names that rm -r has unlinked; loop thread */
	struct view *view; /* of by/; NULL until somebody looks; loop thread */
	struct node *root;
	struct turn_retry *retries; /* loop thread */
	size_t retry_count;
	struct node *buckets[NODE_BUCKETS]; /* loop thread */
	struct handle *handles; /* all that are open; loop thread */
	uid_t uid; /* of the daemon: owner of what nobody dropped */
	gid_t gid;
	int64_t started_ns; /* wall clock */
	int64_t made_ns; /* when the state folder was made: the same after a restart */
	char *mount_point; /* absolute */
	char *state_path; /* absolute */
};

/* The folders of the root, each made once (its node lives for ever). Loop thread. */
struct node *node_root_new(struct fs *fs);
struct node *node_inbox_new(struct fs *fs);
struct node *node_docs_new(struct fs *fs);
struct node *node_by_new(struct fs *fs);
struct node *node_ask_new(struct fs *fs);
struct node *node_sessions_new(struct fs *fs);
struct node *node_searches_new(struct fs *fs);
struct node *node_tools_new(struct fs *fs);
struct node *node_system_new(struct fs *fs);

#endif
