/* SPDX-License-Identifier: Apache-2.0 */
/* inbox/ and the folders in it: a real folder, whose changes go to the spool and, as news, to
 * the inbox's rules about documents. */
#include "fs/node_inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/inbox.h"
#include "fs/fs.h"
#include "fs/notify.h"

static struct spool_inode *inode_of(const struct node *node)
{
	return ((const struct inbox_node *)node)->inode;
}

struct node *inbox_node_of(struct fs *fs, struct spool_inode *inode)
{
	static const struct node_ops *const ops[] = {
		[SPOOL_FILE] = &inbox_file_ops,
		[SPOOL_FOLDER] = &inbox_folder_ops,
		[SPOOL_LINK] = &inbox_link_ops,
	};
	struct node *found = node_find(fs, inode->ino);

	if (found)
		return found;
	struct inbox_node *node =
		node_new(fs, ops[inode->kind], sizeof(*node), inode->ino, inode->ino);
	if (!node)
		return NULL;
	node->inode = inode;
	spool_ref(inode);
	return &node->node;
}

void inbox_node_renamed(void *context, struct spool_inode *folder, const char *name)
{
	struct fs *fs = context;
	struct node *node = node_find(fs, folder->ino);

	if (node)
		notify_entry(fs->notify, node, name);
}

void inbox_req_done(void *context, int result)
{
	req_error(context, result);
}

/* --- looking ---------------------------------------------------------------------- */

static void folder_lookup(struct node *dir, struct req *req, const char *name)
{
	struct spool_entry *entry = spool_lookup(dir->fs->spool, inode_of(dir), name);

	if (entry)
		req_entry(req, inbox_node_of(dir->fs, entry->inode));
	else
		req_error(req, -ENOENT);
}

static struct node *folder_known(struct node *dir, const char *name)
{
	struct spool_entry *entry = spool_lookup(dir->fs->spool, inode_of(dir), name);

	return entry ? inbox_node_of(dir->fs, entry->inode) : NULL;
}

static void folder_list(struct node *dir, struct req *req)
{
	static const mode_t types[] = {
		[SPOOL_FILE] = S_IFREG,
		[SPOOL_FOLDER] = S_IFDIR,
		[SPOOL_LINK] = S_IFLNK,
	};
	struct spool_inode *folder = inode_of(dir),
			   *above = folder->name ? folder->name->folder : NULL;

	req_list_begin(req, above ? above->ino : dir->fs->root->ino);
	for (struct spool_entry *entry = folder->children; entry; entry = entry->next)
		dirlist_add(&req->list, entry->text, entry->inode->ino, types[entry->inode->kind]);
	req_list(req);
}

/* --- making ----------------------------------------------------------------------- */

/* A create on its way: the req, and what it needs when it is in the journal. */
struct making {
	struct req *req;
	struct spool_inode *inode;
	int fd;
};

/* What could not be written loses its name again: the inbox must not wait for it. */
static void take_back(struct fs *fs, struct spool_inode *inode)
{
	if (inode->name)
		inbox_leaves(fs->inbox, inode->name);
}

static void finish_entry(void *context, int result)
{
	struct req *req = context;
	struct spool_inode *inode = req->data;

	req->data = NULL;
	if (result) {
		take_back(req->fs, inode);
		req_error(req, result);
	} else {
		req_entry(req, inbox_node_of(req->fs, inode));
	}
}

static void finish_create(void *context, int result)
{
	struct making *making = context;
	struct req *req = making->req;
	struct fs *fs = req->fs;
	struct spool_inode *inode = making->inode;
	AUTO_CLOSE int fd = making->fd;

	req->data = NULL;
	free(making);
	if (result)
		take_back(fs, inode);
	struct node *node = result ? NULL : inbox_node_of(fs, inode);
	struct handle *handle =
		node ? inbox_handle_new(fs, inode, TAKE_FD(fd), req->file.flags) : NULL;
	if (!handle) {
		if (node && node->lookups == 0)
			node_drop(node);
		req_error(req, result ? result : -ENOMEM);
		return;
	}
	req_create(req, node, handle, OPEN_CACHE_FRESH);
}

static struct spool_new describe(struct req *req, enum spool_kind kind, mode_t mode)
{
	return (struct spool_new){
		.kind = kind,
		.mode = mode,
		.uid = req_uid(req),
		.gid = req_gid(req),
	};
}

static void folder_create(
	struct node *dir, struct req *req, const char *name, mode_t mode, int flags)
{
	struct fs *fs = dir->fs;
	struct spool_new new = describe(req, SPOOL_FILE, mode);
	struct making *making = calloc(1, sizeof(*making));
	struct spool_entry *entry;

	(void)flags;
	if (!making) {
		req_error(req, -ENOMEM);
		return;
	}
	making->req = req;
	making->fd = -1;
	int rc = spool_create(
		fs->spool, inode_of(dir), name, &new, &entry, &making->fd, finish_create, making);
	if (rc) {
		free(making);
		req_error(req, rc);
		return;
	}
	making->inode = entry->inode;
	inbox_came(fs->inbox, entry);
}

/* mkdir and symlink: a name without a backing file. */
static void make(struct node *dir, struct req *req, const char *name, const struct spool_new *new)
{
	struct fs *fs = dir->fs;
	struct spool_entry *entry;

	int rc = spool_create(fs->spool, inode_of(dir), name, new, &entry, NULL, finish_entry, req);
	if (rc) {
		req_error(req, rc);
		return;
	}
	req->data = entry->inode;
	inbox_came(fs->inbox, entry);
}

static void folder_mkdir(struct node *dir, struct req *req, const char *name, mode_t mode)
{
	struct spool_new new = describe(req, SPOOL_FOLDER, mode);

	make(dir, req, name, &new);
}

static void folder_symlink(struct node *dir, struct req *req, const char *name, const char *target)
{
	struct spool_new new = describe(req, SPOOL_LINK, 0777);

	new.target = target;
	make(dir, req, name, &new);
}

static void folder_link(struct node *dir, struct req *req, const char *name, struct node *target)
{
	struct fs *fs = dir->fs;
	struct spool_entry *entry;

	if (target->ops != &inbox_file_ops && target->ops != &inbox_link_ops) {
		req_error(req, -EXDEV); /* a document is no file of the inbox */
		return;
	}
	int rc = spool_link(
		fs->spool, inode_of(target), inode_of(dir), name, &entry, finish_entry, req);
	if (rc) {
		req_error(req, rc);
		return;
	}
	req->data = entry->inode;
	inbox_came(fs->inbox, entry);
}

/* --- removing and moving ---------------------------------------------------------- */

static void remove_entry(struct node *dir, struct req *req, const char *name, bool is_folder)
{
	struct fs *fs = dir->fs;
	struct spool_entry *entry = spool_lookup(fs->spool, inode_of(dir), name);

	if (!entry) {
		req_error(req, -ENOENT);
	} else if ((entry->inode->kind == SPOOL_FOLDER) != is_folder) {
		req_error(req, is_folder ? -ENOTDIR : -EISDIR);
	} else if (entry->inode->children) {
		req_error(req, -ENOTEMPTY);
	} else {
		inbox_leaves(fs->inbox, entry);
		spool_unlink(fs->spool, entry, true, inbox_req_done, req);
	}
}

static void folder_unlink(struct node *dir, struct req *req, const char *name)
{
	remove_entry(dir, req, name, false);
}

static void folder_rmdir(struct node *dir, struct req *req, const char *name)
{
	remove_entry(dir, req, name, true);
}

/* After a rename: both names may lead to something new. */
static void tell_moved(struct fs *fs, struct spool_inode *folder, const char *name)
{
	struct spool_entry *entry = spool_lookup(fs->spool, folder, name);

	if (entry)
		inbox_came(fs->inbox, entry);
}

static void folder_rename(struct node *dir, struct req *req, const char *name, struct node *to_dir,
	const char *to_name, unsigned flags)
{
	struct fs *fs = dir->fs;
	struct spool_inode *folder = inode_of(dir), *to_folder = inode_of(to_dir);
	struct spool_entry *entry = spool_lookup(fs->spool, folder, name);
	struct spool_entry *old = spool_lookup(fs->spool, to_folder, to_name);

	if (!entry) {
		req_error(req, -ENOENT);
		return;
	}
	int rc = spool_rename_check(fs->spool, entry, to_folder, to_name, flags);
	if (rc) {
		req_error(req, rc);
		return;
	}
	bool is_exchange = flags & RENAME_EXCHANGE;
	bool is_same = old && old->inode == entry->inode;
	if (old && !is_exchange && !is_same)
		inbox_leaves(fs->inbox, old);
	if (!is_exchange && !is_same)
		inbox_moves(fs->inbox, entry, to_folder, to_name);
	spool_rename(fs->spool, entry, to_folder, to_name, flags, inbox_req_done, req);
	if (is_same)
		return;
	tell_moved(fs, to_folder, to_name);
	if (is_exchange)
		tell_moved(fs, folder, name);
}

static void folder_fsyncdir(struct node *dir, struct req *req)
{
	spool_sync(dir->fs->spool, inbox_req_done, req);
}

/* --- the room that is left -------------------------------------------------------- */

static void work_statfs(struct req *req)
{
	struct statvfs room;

	if (fstatvfs(spool_dir_fd(req->fs->spool), &room)) {
		req_error(req, -errno);
		return;
	}
	room.f_namemax = 255;
	req_statfs(req, &room);
}

void inbox_node_statfs(struct node *node, struct req *req)
{
	(void)node;
	req_offload(req, work_statfs, NULL);
}

/* --- the tables ------------------------------------------------------------------- */

static void link_readlink(struct node *node, struct req *req)
{
	req_link(req, inode_of(node)->target);
}

const struct node_ops inbox_folder_ops = {
	.name = "inbox folder",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = inbox_node_stat,
	.forget = inbox_node_forget,
	.lookup = folder_lookup,
	.list = folder_list,
	.known = folder_known,
	.create = folder_create,
	.mkdir = folder_mkdir,
	.symlink = folder_symlink,
	.link = folder_link,
	.unlink = folder_unlink,
	.rmdir = folder_rmdir,
	.rename = folder_rename,
	.fsyncdir = folder_fsyncdir,
	.statfs = inbox_node_statfs,
	.setattr = inbox_node_setattr,
	.getxattr = inbox_node_getxattr,
	.listxattr = inbox_node_listxattr,
	.setxattr = inbox_node_setxattr,
};

const struct node_ops inbox_link_ops = {
	.name = "inbox link",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = inbox_node_stat,
	.forget = inbox_node_forget,
	.readlink = link_readlink,
	.statfs = inbox_node_statfs,
	.setattr = inbox_node_setattr,
};

struct node *node_inbox_new(struct fs *fs)
{
	struct node *node = inbox_node_of(fs, spool_root(fs->spool));

	if (node)
		node->lookups = 1; /* it stays */
	return node;
}
