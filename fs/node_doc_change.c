/* SPDX-License-Identifier: Apache-2.0 */
/* Changing and deleting documents. rm -r unlinks everything in a document's folder before it
 * removes the folder: each unlink only hides the name; the rmdir of docs/ID, once nothing is
 * left to be seen in it, deletes the document. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/document_tags.h"
#include "core/inbox.h"
#include "fs/fs.h"
#include "fs/hiding.h"
#include "fs/node_doc.h"
#include "fs/notify.h"

static struct doc_node *doc_of(struct node *node)
{
	return (struct doc_node *)node;
}

/* --- hiding ----------------------------------------------------------------------- */

struct hiding_seen doc_shows(const struct library_entry *entry)
{
	return (struct hiding_seen){
		.has_failed = entry->status == DOC_FAILED,
		.has_version = entry->version > 0,
		.chunk_count = entry->version ? entry->chunk_count : 0,
	};
}

/* What whoever unlinks a name has seen: the last listing, or what is there now. */
static struct hiding_seen seen_of(struct fs *fs, const struct library_entry *entry)
{
	const struct doc_node *doc = (struct doc_node *)node_find(fs, doc_ino(&entry->id, ""));

	return doc && doc->was_listed ? doc->listed : doc_shows(entry);
}

void doc_unlink(struct node *dir, struct req *req, const char *name)
{
	struct doc_node *doc = doc_of(dir);
	struct library_entry *entry = doc_entry(doc, req);
	char path[32];

	if (!entry)
		return;
	struct hiding_seen now = seen_of(req->fs, entry);
	req_error(
		req, hiding_add(req->fs->hiding, &doc->id, doc_folder_path(doc, path), name, &now));
}

/* How many names the folder would show if nothing were hidden. */
static size_t visible(
	struct fs *fs, const struct library_entry *entry, const char *folder, size_t versions)
{
	struct hiding_seen now = doc_shows(entry), then = now;

	hiding_seen(fs->hiding, &entry->id, &then);
	if (strcmp(folder, "chunks") == 0)
		return now.chunk_count < then.chunk_count ? now.chunk_count : then.chunk_count;
	if (strcmp(folder, "versions") == 0)
		return versions;
	if (strncmp(folder, "versions/", 9) == 0 || strcmp(folder, "original") == 0)
		return 1;
	size_t count = 5; /* metadata.json, status, original, versions, chunks */
	count += now.has_failed && then.has_failed;
	count += now.has_version && then.has_version ? 2 : 0;
	return count;
}

/* Earlier versions are in the record, which the I/O pool reads. */
struct removing {
	struct uuid id;
	size_t versions;
	char folder[128]; /* below the document; "" deletes it */
	char parent[32];
	char name[64];
};

static void work_count(struct req *req)
{
	struct removing *removing = req->data;
	AUTO_DOCUMENT struct document record;

	document_init(&record);
	int rc = catalog_get(req->fs->ports->catalog, &removing->id, &record, &req->err);
	for (size_t i = 0; !rc && i < record.version_count; i++)
		removing->versions += record.versions[i].number != record.version;
	req->result = rc == -ENOENT ? 0 : rc;
}

static void deleted(void *context, int result)
{
	struct req *req = context;
	struct removing *removing = req->data;

	if (!result)
		hiding_forget(req->fs->hiding, &removing->id);
	req_error(req, result);
}

static void hide_folder(
	struct req *req, const struct removing *removing, const struct library_entry *entry)
{
	struct hiding_seen now = seen_of(req->fs, entry);

	req_error(req,
		hiding_add(req->fs->hiding, &removing->id, removing->parent, removing->name, &now));
}

static void then_remove(struct req *req)
{
	struct removing *removing = req->data;
	struct fs *fs = req->fs;
	struct library_entry *entry = library_find(fs->library, &removing->id);

	if (req->result || !entry) {
		req_error(req, entry ? req->result : -ENOENT);
		return;
	}
	size_t shown = visible(fs, entry, removing->folder, removing->versions);
	if (hiding_count(fs->hiding, &removing->id, removing->folder) < shown)
		req_error(req, -ENOTEMPTY);
	else if (removing->folder[0])
		hide_folder(req, removing, entry);
	else
		inbox_delete(fs->inbox, &removing->id, deleted, req);
}

static void remove_folder(
	struct req *req, const struct uuid *id, const char *parent, const char *name)
{
	struct removing *removing = calloc(1, sizeof(*removing));

	if (!removing) {
		req_error(req, -ENOMEM);
		return;
	}
	removing->id = *id;
	snprintf(removing->parent, sizeof(removing->parent), "%s", parent);
	snprintf(removing->name, sizeof(removing->name), "%.31s", name);
	snprintf(removing->folder, sizeof(removing->folder), "%s%s%s", parent, parent[0] ? "/" : "",
		removing->name);
	req->data = removing;
	req_offload(req, work_count, then_remove);
}

void doc_rmdir(struct node *dir, struct req *req, const char *name)
{
	struct doc_node *doc = doc_of(dir);
	char path[32];

	if (doc_entry(doc, req))
		remove_folder(req, &doc->id, doc_folder_path(doc, path), name);
}

void docs_rmdir(struct node *dir, struct req *req, const char *name)
{
	struct uuid id;

	(void)dir;
	if (uuid_parse(name, &id))
		remove_folder(req, &id, "", "");
	else
		req_error(req, -ENOENT);
}

/* --- bits ------------------------------------------------------------------------- */

static const struct uuid *id_of(const struct node *node)
{
	return &((const struct subject_node *)node)->subject;
}

static void then_changed(void *context, int result)
{
	struct req *req = context;
	struct fs *fs = req->fs;

	if (result) {
		req_error(req, result);
		return;
	}
	notify_inode(fs->notify, req->node, 0);
	req_attr(req);
}

void doc_setattr(
	struct node *node, struct req *req, const struct stat *attr, int set, struct handle *handle)
{
	struct library_entry *entry = library_find(node->fs->library, id_of(node));

	(void)handle;
	if (!entry) {
		req_error(req, -ENOENT);
		return;
	}
	if (set & (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_UID)) {
		req_error(req, -EPERM); /* its owner is part of what it is */
		return;
	}
	struct document_edit edit = {.set = EDIT_ACCESS, .access = entry->access};
	if (set & FUSE_SET_ATTR_MODE)
		edit.access.mode = attr->st_mode & 0777;
	if (set & FUSE_SET_ATTR_GID)
		edit.access.group = attr->st_gid;
	/* Folders show x where a file has r: the bits that are kept are a file's. */
	if (set & FUSE_SET_ATTR_MODE && node->ops->lookup)
		edit.access.mode &= (mode_t) ~(S_IXUSR | S_IXGRP | S_IXOTH);
	if (set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_GID))
		inbox_edit(node->fs->inbox, &entry->id, &edit, then_changed, req);
	else
		req_attr(req); /* times are the document's, not a user's */
}

/* --- extended attributes ---------------------------------------------------------- */

struct asking {
	struct uuid id;
	char name[256]; /* empty: all names */
};

static int read_own(struct req *req, const struct document *record, const char *name)
{
	char text[UUID_TEXT];

	if (strcmp(name, "user.askfs.id") == 0)
		return buf_adds(&req->buf, uuid_format(&record->id, text));
	if (strcmp(name, "user.askfs.state") == 0)
		return buf_adds(&req->buf, doc_status_name(record->status));
	if (strcmp(name, "user.askfs.error") == 0)
		return record->error ? buf_adds(&req->buf, record->error) : -ENODATA;
	return document_get_xattr(record, name, &req->buf);
}

static void work_xattr(struct req *req)
{
	struct asking *asking = req->data;
	AUTO_DOCUMENT struct document record;
	static const char own[] = "user.askfs.id\0user.askfs.state";

	document_init(&record);
	int rc = catalog_get(req->fs->ports->catalog, &asking->id, &record, &req->err);
	if (rc == -ENOENT) {
		record.id = asking->id; /* not in the catalog yet: it is PENDING */
		rc = 0;
	}
	if (!rc && asking->name[0]) {
		rc = read_own(req, &record, asking->name);
	} else if (!rc) {
		buf_add(&req->buf, own, sizeof(own));
		rc = document_list_xattrs(&record, &req->buf);
	}
	req_xattr(req, rc);
}

static void ask(struct node *node, struct req *req, const char *name)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	if (!asking) {
		req_xattr(req, -ENOMEM);
		return;
	}
	asking->id = *id_of(node);
	snprintf(asking->name, sizeof(asking->name), "%s", name);
	req->data = asking;
	req_offload(req, work_xattr, NULL);
}

void doc_getxattr(struct node *node, struct req *req, const char *name)
{
	if (strncmp(name, "user.askfs.", strlen("user.askfs.")) == 0)
		ask(node, req, name);
	else
		req_xattr(req, -ENODATA);
}

void doc_listxattr(struct node *node, struct req *req)
{
	ask(node, req, "");
}

static void set_done(void *context, int result)
{
	req_error(context, result);
}

void doc_setxattr(struct node *node, struct req *req, const char *name, const void *value,
	size_t size, int flags)
{
	AUTO_FREE char *text = value ? strndup(value, size) : NULL;
	struct document_edit edit = {
		.set = EDIT_XATTR, .name = name, .value = text, .xattr_flags = flags};
	bool is_ours = strncmp(name, "user.askfs.", strlen("user.askfs.")) == 0;
	int rc = is_ours ? document_check_xattr(name, value, size)
			 : -EOPNOTSUPP; /* a document keeps nothing else */

	if (!rc && value && !text)
		rc = -ENOMEM;
	if (rc)
		req_error(req, rc);
	else
		inbox_edit(node->fs->inbox, id_of(node), &edit, set_done, req);
}
