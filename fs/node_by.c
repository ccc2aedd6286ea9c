/* SPDX-License-Identifier: Apache-2.0 */
/* by/: views of the documents as symbolic links into docs/. Folders here are made of names
 * alone; a lookup gives everybody the same answer, a listing leaves out what the caller may
 * not read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/view.h"
#include "fs/fs.h"
#include "fs/node.h"
#include "fs/req.h"

/* A folder below by/: found again by its path, since views change under it. */
struct by_node {
	struct node node;
	char path[]; /* below by/: "", "status", "name/letters" */
};

static const struct node_ops by_ops;

static struct view *view_of(struct fs *fs)
{
	if (!fs->view && view_new(&fs->view, fs->library))
		return NULL;
	return fs->view;
}

static uint64_t ino_of(const char *path)
{
	return node_hash("by", path, strlen(path));
}

/* The number of the folder that holds the one at @path. */
static uint64_t above(struct fs *fs, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!path[0])
		return fs->root->ino;
	return node_hash("by", path, slash ? (size_t)(slash - path) : 0);
}

static struct node *folder_node(struct fs *fs, const char *path)
{
	uint64_t ino = ino_of(path);
	struct node *found = node_find(fs, ino);
	size_t len = strlen(path) + 1;

	if (found)
		return found;
	struct by_node *by = node_new(fs, &by_ops, sizeof(*by) + len, ino, ino);
	if (by)
		memcpy(by->path, path, len);
	return by ? &by->node : NULL;
}

/* The view's folder that the node stands for; NULL: it is gone. */
static struct view_node *find(struct fs *fs, const char *path)
{
	struct view *view = view_of(fs);
	struct view_node *folder = view ? view_root(view) : NULL;
	char name[256];

	while (folder && *path) {
		size_t len = strcspn(path, "/");
		snprintf(name, sizeof(name), "%.*s", (int)(len < 255 ? len : 255), path);
		folder = view_lookup(view, folder, name);
		path += len;
		path += *path == '/';
	}
	return folder;
}

static char *join(const char *path, const char *name)
{
	char *joined;

	return asprintf(&joined, "%s%s%s", path, path[0] ? "/" : "", name) < 0 ? NULL : joined;
}

/* --- links ------------------------------------------------------------------------ */

static size_t depth(const char *path)
{
	size_t slashes = 1; /* by/ itself */

	for (; *path; path++)
		slashes += *path == '/';
	return slashes;
}

/* "../../../docs/ID/original/NAME" from where @path is. */
static struct node *link_node(struct fs *fs, const char *path, const struct library_entry *entry)
{
	struct attributes attributes = {.access = entry->access, .mtime_ns = entry->updated_ns};
	AUTO_BUF struct buf target;
	char id[UUID_TEXT];

	buf_init(&target, (size_t)64 << 10);
	for (size_t i = 0; i < depth(path); i++)
		buf_adds(&target, "../");
	buf_addf(&target, "docs/%s/original/%s", uuid_format(&entry->id, id),
		library_entry_name(entry));
	return target.failed ? NULL : node_link(fs, ino_of(path), &attributes, target.data);
}

static void by_lookup(struct node *dir, struct req *req, const char *name)
{
	struct fs *fs = dir->fs;
	struct by_node *by = (struct by_node *)dir;
	struct view_node *folder = find(fs, by->path);
	struct view_node *found = folder ? view_lookup(fs->view, folder, name) : NULL;
	AUTO_FREE char *path = found ? join(by->path, name) : NULL;

	if (!found || !path) {
		req_error(req, found ? -ENOMEM : -ENOENT);
		return;
	}
	if (uuid_is_nil(&found->document))
		req_entry(req, folder_node(fs, path));
	else
		req_entry(req, link_node(fs, path, library_find(fs->library, &found->document)));
}

/* --- listings --------------------------------------------------------------------- */

static bool may_see(struct fs *fs, const struct view_node *node, const struct caller *caller)
{
	if (!uuid_is_nil(&node->document)) {
		const struct library_entry *entry = library_find(fs->library, &node->document);
		return entry && access_may_read(&entry->access, caller);
	}
	if (!node->parent || !node->parent->parent || strcmp(node->parent->name, "status") == 0)
		return true; /* the folders that are always there */
	for (const struct view_node *child = node->children; child; child = child->next)
		if (may_see(fs, child, caller))
			return true;
	return false;
}

static void by_list(struct node *dir, struct req *req)
{
	struct fs *fs = dir->fs;
	struct by_node *by = (struct by_node *)dir;
	struct view_node *folder = find(fs, by->path);
	struct caller caller;

	if (req_caller(req, &caller)) {
		req_error(req, -ENOMEM);
		return;
	}
	req_list_begin(req, above(fs, by->path));
	for (struct view_node *node = folder ? folder->children : NULL; node; node = node->next) {
		AUTO_FREE char *path = join(by->path, node->name);
		if (path && may_see(fs, node, &caller))
			dirlist_add(&req->list, node->name, ino_of(path),
				uuid_is_nil(&node->document) ? S_IFDIR : S_IFLNK);
	}
	caller_release(&caller);
	req_list(req);
}

static void by_stat(struct node *node, struct stat *out)
{
	out->st_mode = S_IFDIR | 0555;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	out->st_nlink = 2;
	node_set_times(out, node->fs->made_ns);
}

static const struct node_ops by_ops = {
	.name = "by",
	.entry_timeout = 0,
	.attr_timeout = 3600,
	.stat = by_stat,
	.lookup = by_lookup,
	.list = by_list,
};

struct node *node_by_new(struct fs *fs)
{
	struct node *node = folder_node(fs, "");

	if (node)
		node->lookups = 1; /* it stays */
	return node;
}
