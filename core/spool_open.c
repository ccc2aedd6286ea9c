/* SPDX-License-Identifier: Apache-2.0 */
/* After a restart: the tree from the journal, sizes and times from the backing files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/spool_private.h"

#define FIRST_INO 16

/* After the replay: sizes and times that only the backing files know. */
static void read_sizes(struct spool *spool)
{
	for (size_t i = 0; i < spool->tree.inode_cap; i++)
		for (struct spool_inode *inode = spool->tree.inodes[i]; inode;
			inode = inode->next) {
			struct stat attr;
			char name[24];
			if (inode->kind != SPOOL_FILE ||
				fstatat(spool->dir_fd, spool_file(inode->ino, name), &attr, 0))
				continue;
			inode->size = (uint64_t)attr.st_size;
			if (!inode->has_own_mtime)
				inode->mtime_ns = (int64_t)attr.st_mtim.tv_sec * NS_PER_SEC +
					attr.st_mtim.tv_nsec;
		}
}

/* Inodes without a name were open when the process died. */
static void drop_nameless(struct spool *spool)
{
	for (size_t i = 0; i < spool->tree.inode_cap; i++) {
		struct spool_inode *inode = spool->tree.inodes[i], *next;
		for (; inode; inode = next) {
			next = inode->next;
			if (!inode->name && inode != spool->tree.root)
				spool_tree_free(&spool->tree, inode);
		}
	}
}

/* Names whose backing file is gone: they were unlinked, and a loss of power kept the one and not
 * the other (a file is there before its name is written). */
static void drop_bodiless(struct spool *spool)
{
	struct spool_tree *tree = &spool->tree;

	for (size_t i = 0; i < tree->entry_cap; i++) {
		struct spool_entry *entry = tree->entries[i], *next;
		for (; entry; entry = next) {
			char name[24];
			next = entry->next_hash;
			if (entry->inode->kind == SPOOL_FILE &&
				faccessat(spool->dir_fd, spool_file(entry->inode->ino, name), F_OK,
					0))
				spool_tree_remove(tree, entry);
		}
	}
}

/* Remove backing files that belong to nothing. */
static int sweep(struct spool *spool)
{
	int fd = dup(spool->dir_fd);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		int rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	rewinddir(dir);
	while ((d = readdir(dir))) {
		char *end;
		uint64_t ino = strtoull(d->d_name, &end, 10);
		if (d->d_name[0] < '0' || d->d_name[0] > '9' || *end)
			continue;
		if (!spool_tree_inode(&spool->tree, ino))
			unlinkat(spool->dir_fd, d->d_name, 0);
		if (ino > spool->tree.last_ino)
			spool->tree.last_ino = ino;
	}
	closedir(dir);
	return 0;
}

static int make_root(struct spool *spool, uid_t uid, gid_t gid)
{
	struct spool_inode *root = spool_tree_inode(&spool->tree, SPOOL_ROOT_INO);

	if (!root) {
		root = spool_tree_new(&spool->tree, SPOOL_ROOT_INO, SPOOL_FOLDER);
		if (!root)
			return -ENOMEM;
		root->atime_ns = root->mtime_ns = root->ctime_ns = clock_wall_ns();
	}
	root->mode = 01777;
	root->uid = uid;
	root->gid = gid;
	root->refs++; /* it stays */
	spool->tree.root = root;
	if (spool->tree.last_ino < FIRST_INO)
		spool->tree.last_ino = FIRST_INO;
	return 0;
}

/* Entries lead to the root by its inode while they are replayed: it must be there first. */
static int begin_replay(struct spool *spool, uid_t uid, gid_t gid)
{
	int rc = spool_tree_init(&spool->tree);

	return rc ? rc : make_root(spool, uid, gid);
}

int spool_open(struct spool **out, int dir_fd, uid_t uid, gid_t gid, struct loop *loop,
	struct pool *pool, struct err *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return err_set(err, -ENOMEM, "no memory");
	spool->dir_fd = dir_fd;
	spool->loop = loop;
	spool->pool = pool;
	spool->sync_timer.fire = spool_on_sync_timer;
	buf_init(&spool->record, (size_t)1 << 20);
	int rc = begin_replay(spool, uid, gid);
	if (!rc)
		rc = journal_open(&spool->journal, dir_fd, "journal", loop, pool,
			spool_record_replay, &spool->tree, err);
	if (rc) {
		spool_free(spool);
		return rc;
	}
	spool->tree.root->mode = 01777;
	spool->tree.root->uid = uid;
	spool->tree.root->gid = gid;
	if (journal_size(spool->journal) == 0) {
		spool_record_inode(&spool->record, spool->tree.root); /* its times */
		spool_append(spool);
	}
	drop_bodiless(spool);
	drop_nameless(spool);
	read_sizes(spool);
	rc = sweep(spool);
	if (rc) {
		spool_free(spool);
		return err_set(err, rc, "spool: %s", strerror(-rc));
	}
	*out = spool;
	return 0;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	loop_timer_cancel(spool->loop, &spool->sync_timer);
	journal_free(spool->journal);
	spool_tree_release(&spool->tree);
	buf_release(&spool->record);
	free(spool);
}
