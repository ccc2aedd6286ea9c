/* SPDX-License-Identifier: Apache-2.0 */
/* search/: mkdir makes a search, rmdir removes it whole, touch runs it again. A folder named
 * as its maker's login name holds his searches and is none itself.
 *
 * mkdir is answered at once (the kernel holds the parent's lock); who looks inside waits, at
 * opendir or at the open of results.json, which is there from the start with size 0. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/search.h"
#include "fs/fs.h"
#include "fs/node_search.h"
#include "fs/node_session.h"
#include "fs/node_turn.h"
#include "fs/req.h"

/* A search, or a user's folder. */
struct search_node {
	struct node node;
	struct search *search; /* a reference */
};

static struct search *search_of(struct node *node)
{
	return ((struct search_node *)(void *)node)->search;
}

/* req->data of a request that waits. */
struct search_wait {
	struct waiter waiter;
	struct req *req;
	struct node *node;
};

static struct search_wait *wait_new(struct req *req, void (*done)(struct waiter *, int))
{
	struct search_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->waiter.done = done;
	wait->req = req;
	wait->node = req->node;
	free(req->data);
	req->data = wait;
	return wait;
}

static uint64_t root_ino(void)
{
	return node_hash("searches", "", 0);
}

uint64_t search_ino(const struct search *search, const char *name)
{
	AUTO_BUF struct buf identity = {0};

	buf_init(&identity, PATH_MAX);
	buf_add(&identity, &search->id, sizeof(search->id));
	buf_adds(&identity, name);
	return node_hash("search", identity.data, identity.len);
}

struct attributes search_attributes(const struct search *search)
{
	struct attributes attributes = {
		search->access, search->run_ns ? search->run_ns : search->made_ns};

	attributes.access.mode = 0400;
	return attributes;
}

/* --- a search --------------------------------------------------------------------- */

static void search_stat(struct node *node, struct stat *out)
{
	const struct search *search = search_of(node);

	out->st_mode = S_IFDIR | search->access.mode;
	out->st_nlink = 2;
	out->st_uid = search->access.owner;
	out->st_gid = search->access.group;
	node_set_times(out, search->run_ns ? search->run_ns : search->made_ns);
}

/* The number of the folder that holds it. */
static uint64_t above(const struct search *search)
{
	const char *slash = strchr(search->path, '/');
	AUTO_FREE char *path = slash ? strndup(search->path, (size_t)(slash - search->path)) : NULL;
	const struct search *folder = path ? searches_find(search->searches, path) : NULL;

	return folder ? search_ino(folder, "") : root_ino();
}

static void search_forget(struct node *node)
{
	search_unref(search_of(node));
}

static struct node *entry_link(
	struct fs *fs, const struct search *search, const struct search_entry *entry)
{
	struct attributes attributes = search_attributes(search);
	char target[NAME_MAX + UUID_TEXT + 64], id[UUID_TEXT];

	snprintf(target, sizeof(target), "%s../../docs/%s/original/%s",
		strchr(search->path, '/') ? "../" : "", uuid_format(&entry->document, id),
		entry->file_name);
	return node_link(fs, search_ino(search, entry->name), &attributes, target);
}

static void search_lookup(struct node *dir, struct req *req, const char *name)
{
	struct search *search = search_of(dir);
	const struct search_findings *findings = &search->findings;

	if (strcmp(name, "results.json") == 0) {
		req_entry(req, results_node_now(dir->fs, search));
		return;
	}
	for (size_t i = 0; search->state == SEARCH_READY && i < findings->entry_count; i++) {
		if (strcmp(findings->entries[i].name, name) == 0) {
			req_entry(req, entry_link(dir->fs, search, &findings->entries[i]));
			return;
		}
	}
	req_error(req, -ENOENT);
}

static void list_step(struct waiter *waiter, int rc)
{
	struct search_wait *wait = (struct search_wait *)(void *)waiter;
	struct search *search = search_of(wait->node);
	struct req *req = wait->req;

	if (!rc)
		rc = search_wait(search, waiter);
	if (rc == -EINPROGRESS) {
		req_park_waiter(req);
		return;
	}
	if (rc) {
		req_error(req, rc);
		return;
	}
	req_list_begin(req, above(search));
	for (size_t i = 0; i < search->findings.entry_count; i++) {
		const char *name = search->findings.entries[i].name;
		dirlist_add(&req->list, name, search_ino(search, name), S_IFLNK);
	}
	dirlist_add(&req->list, "results.json", search_ino(search, "results.json"), S_IFREG);
	req_list(req);
}

static void search_list(struct node *dir, struct req *req)
{
	struct search_wait *wait = wait_new(req, list_step);

	(void)dir;
	if (wait)
		list_step(&wait->waiter, 0);
	else
		req_error(req, -ENOMEM);
}

/* touch runs it again; other times are accepted and stay what they are. */
static void search_setattr(
	struct node *node, struct req *req, const struct stat *attr, int set, struct handle *handle)
{
	struct caller caller;

	(void)attr;
	(void)handle;
	if (set &
		(FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_SIZE)) {
		req_error(req, -EPERM);
		return;
	}
	int rc = 0;
	if (set & FUSE_SET_ATTR_MTIME_NOW) {
		rc = req_caller(req, &caller);
		if (!rc) {
			rc = search_run(search_of(node), &caller);
			caller_release(&caller);
		}
	}
	if (rc)
		req_error(req, rc);
	else
		req_attr(req);
}

/* rm -r unlinks what it sees before it removes the folder, and that is what removes it. */
static void search_unlink(struct node *dir, struct req *req, const char *name)
{
	(void)dir;
	(void)name;
	req_done(req);
}

static const struct node_ops search_ops = {
	.name = "search",
	.unlink = search_unlink,
	.stat = search_stat,
	.forget = search_forget,
	.lookup = search_lookup,
	.list = search_list,
	.setattr = search_setattr,
};

/* --- folders of searches: search/ and search/<login name>/ ------------------------ */

static void folder_lookup(struct node *dir, struct req *req, const char *name);
static void folder_list(struct node *dir, struct req *req);
static void folder_mkdir(struct node *dir, struct req *req, const char *name, mode_t mode);
static void folder_rmdir(struct node *dir, struct req *req, const char *name);

static const struct node_ops folder_ops = {
	.name = "searches",
	.stat = search_stat,
	.forget = search_forget,
	.lookup = folder_lookup,
	.list = folder_list,
	.mkdir = folder_mkdir,
	.rmdir = folder_rmdir,
};

static bool is_folder(const struct node *node)
{
	return node->ops == &folder_ops;
}

/* The path below search/ of @name in that folder. */
static char *path_of(struct node *dir, const char *name)
{
	AUTO_BUF struct buf path = {0};

	buf_init(&path, PATH_MAX);
	if (is_folder(dir))
		buf_addf(&path, "%s/", search_of(dir)->path);
	return buf_adds(&path, name) ? NULL : buf_take(&path, NULL);
}

static struct node *search_node(struct fs *fs, struct search *search)
{
	uint64_t ino = search_ino(search, "");
	struct node *found = node_find(fs, ino);

	if (found)
		return found;
	struct search_node *self = node_new(
		fs, search->is_folder ? &folder_ops : &search_ops, sizeof(*self), ino, ino);
	if (!self)
		return NULL;
	self->search = search_ref(search);
	return &self->node;
}

static struct search *find(struct node *dir, const char *name)
{
	AUTO_FREE char *path = path_of(dir, name);

	return path ? searches_find(dir->fs->searches, path) : NULL;
}

static void folder_lookup(struct node *dir, struct req *req, const char *name)
{
	struct search *search = find(dir, name);

	if (search)
		req_entry(req, search_node(dir->fs, search));
	else
		req_error(req, -ENOENT);
}

/* The name in that folder, or NULL if it is not there. */
static const char *name_in(struct node *dir, const struct search *search)
{
	const char *path = search->path;

	if (is_folder(dir)) {
		size_t len = strlen(search_of(dir)->path);
		if (strncmp(path, search_of(dir)->path, len) != 0 || path[len] != '/')
			return NULL;
		return path + len + 1;
	}
	return strchr(path, '/') ? NULL : path;
}

static void folder_list(struct node *dir, struct req *req)
{
	struct searches *searches = dir->fs->searches;
	struct caller caller;

	if (req_caller(req, &caller)) {
		req_error(req, -ENOMEM);
		return;
	}
	req_list_begin(req, is_folder(dir) ? root_ino() : dir->fs->root->ino);
	for (size_t i = 0; i < searches_count(searches); i++) {
		const struct search *search = searches_at(searches, i);
		const char *name = name_in(dir, search);
		if (name && access_may_read(&search->access, &caller))
			dirlist_add(&req->list, name, search_ino(search, ""), S_IFDIR);
	}
	caller_release(&caller);
	req_list(req);
}

/* Below it are the accounts of daemons, and the last one is nobody's. */
#define UID_PERSON 1000
#define UID_NOBODY 65534

enum { LOGIN_NONE, LOGIN_OWN, LOGIN_ANOTHERS };

/* The part of mkdir that may ask a directory server: whose login name is that? The request's
 * buffer has the name. */
static void compare_login(struct req *req)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(req->buf.data, &entry, buffer, sizeof(buffer), &found) || !found)
		req->number = LOGIN_NONE;
	else if (found->pw_uid == req_uid(req))
		req->number = LOGIN_OWN;
	else if (found->pw_uid >= UID_PERSON && found->pw_uid != UID_NOBODY)
		req->number = LOGIN_ANOTHERS; /* the place of his own searches */
}

static void make(struct req *req)
{
	struct node *dir = req->node;
	AUTO_FREE char *path = path_of(dir, req->buf.data);
	struct search *search = NULL;
	struct caller caller;
	int rc = !path				? -ENOMEM
		: req->number == LOGIN_ANOTHERS ? -EPERM
						: req_caller(req, &caller);

	if (!rc) {
		rc = searches_make(
			dir->fs->searches, path, req->number == LOGIN_OWN, &caller, &search);
		caller_release(&caller);
	}
	if (rc)
		req_error(req, rc);
	else
		req_entry(req, search_node(dir->fs, search));
}

static void folder_mkdir(struct node *dir, struct req *req, const char *name, mode_t mode)
{
	(void)mode; /* a search is its maker's alone */
	if (buf_adds(&req->buf, name)) {
		req_error(req, -ENOMEM);
		return;
	}
	req->number = LOGIN_NONE;
	if (is_folder(dir))
		make(req);
	else
		req_offload(req, compare_login, make);
}

static void removed(struct waiter *waiter, int rc)
{
	req_error(((struct search_wait *)(void *)waiter)->req, rc);
}

static void folder_rmdir(struct node *dir, struct req *req, const char *name)
{
	struct search *search = find(dir, name);
	struct search_wait *wait = search ? wait_new(req, removed) : NULL;

	if (!wait) {
		req_error(req, search ? -ENOMEM : -ENOENT);
		return;
	}
	int rc = search_remove(search, &wait->waiter);
	if (rc != -EINPROGRESS)
		req_error(req, rc);
}

/* When the newest of them was made. */
static void root_stat(struct node *node, struct stat *out)
{
	const struct searches *searches = node->fs->searches;
	int64_t newest = 0;

	for (size_t i = 0; i < searches_count(searches); i++)
		if (searches_at(searches, i)->made_ns > newest)
			newest = searches_at(searches, i)->made_ns;
	out->st_mode = S_IFDIR | 01777;
	out->st_nlink = 2;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	node_set_times(out, newest);
}

static const struct node_ops root_ops = {
	.name = "search root",
	.entry_timeout = 3600,
	.stat = root_stat,
	.lookup = folder_lookup,
	.list = folder_list,
	.mkdir = folder_mkdir,
	.rmdir = folder_rmdir,
};

struct node *node_searches_new(struct fs *fs)
{
	return node_new(fs, &root_ops, sizeof(struct node), root_ino(), root_ino());
}
