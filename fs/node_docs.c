/* SPDX-License-Identifier: Apache-2.0 */
/* docs/: a folder a document, and the folders in it. Everybody gets the same answer to a
 * lookup, because the kernel's cache of names is everybody's: the mode bits protect what is
 * inside. Only a listing leaves out what the caller may not read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "fs/fs.h"
#include "fs/hiding.h"
#include "fs/node_doc.h"
#include "fs/notify.h"

static struct doc_node *doc_of(struct node *node)
{
	return (struct doc_node *)node;
}

uint64_t doc_ino(const struct uuid *id, const char *path)
{
	char identity[sizeof(*id) + 320];
	size_t len = strlen(path);

	if (len > sizeof(identity) - sizeof(*id))
		len = sizeof(identity) - sizeof(*id);
	memcpy(identity, id, sizeof(*id));
	memcpy(identity + sizeof(*id), path, len);
	return node_hash("docs", identity, sizeof(*id) + len);
}

static uint64_t docs_ino(void)
{
	return node_hash("root", "docs", 4);
}

struct attributes doc_attributes(const struct library_entry *entry)
{
	return (struct attributes){.access = entry->access, .mtime_ns = entry->updated_ns};
}

const char *doc_folder_path(const struct doc_node *doc, char out[32])
{
	static const char *const paths[] = {"", "original", "versions", "versions", "chunks"};

	if (doc->folder != DOC_VERSION)
		return paths[doc->folder];
	snprintf(out, 32, "versions/%" PRIu32, doc->number);
	return out;
}

struct library_entry *doc_entry(const struct doc_node *doc, struct req *req)
{
	struct library_entry *entry = library_find(doc->node.fs->library, &doc->id);

	if (!entry)
		req_error(req, -ENOENT);
	return entry;
}

/* --- a document's folders --------------------------------------------------------- */

/* A folder shows rwx for the owner, and r-x for group and others where the file has r. */
static void doc_stat(struct node *node, struct stat *out)
{
	struct doc_node *doc = doc_of(node);
	const struct library_entry *entry = library_find(node->fs->library, &doc->id);

	if (entry)
		doc->last = doc_attributes(entry);
	mode_t mode = doc->last.access.mode;
	out->st_mode = S_IFDIR | S_IRWXU;
	out->st_mode |= mode & S_IRGRP ? S_IRGRP | S_IXGRP : 0;
	out->st_mode |= mode & S_IROTH ? S_IROTH | S_IXOTH : 0;
	out->st_uid = doc->last.access.owner;
	out->st_gid = doc->last.access.group;
	out->st_nlink = doc->folder == DOC_FOLDER ? 5 : 2;
	node_set_times(out, doc->last.mtime_ns);
}

/* How the file of this folder is called: the original's name, also of a path with slashes. */
static void lookup_original(struct doc_node *doc, struct req *req, const char *name)
{
	struct library_entry *entry = doc_entry(doc, req);
	char path[300];

	if (!entry)
		return;
	if (strcmp(name, library_entry_name(entry)) != 0) {
		req_error(req, -ENOENT);
		return;
	}
	snprintf(path, sizeof(path), "original/%s", name);
	req_entry(req,
		doc_blob_node(req->fs, entry, BLOB_ORIGINAL, entry->version, entry->size,
			entry->mtime_ns, path));
}

static void lookup_status(struct doc_node *doc, struct req *req, const struct library_entry *entry)
{
	struct attributes attributes = doc_attributes(entry);
	char *text;

	int len = asprintf(&text, "%s\n", doc_status_name(entry->status));
	if (len < 0) {
		req_error(req, -ENOMEM);
		return;
	}
	uint64_t ino = doc_ino(&doc->id, "status");
	uint64_t key = node_text_key(ino, &attributes, text, (size_t)len);
	req_entry(req,
		doc_text_node(req->fs, &doc->id, false, key, ino, &attributes, text, (size_t)len));
}

static void lookup_in_document(struct doc_node *doc, struct req *req, const char *name)
{
	struct fs *fs = req->fs;
	struct library_entry *entry = doc_entry(doc, req);

	if (!entry)
		return;
	if (strcmp(name, "status") == 0)
		lookup_status(doc, req, entry);
	else if (strcmp(name, "metadata.json") == 0)
		doc_lookup_metadata(doc, req);
	else if (strcmp(name, "error") == 0 && entry->status == DOC_FAILED)
		doc_lookup_error(doc, req);
	else if (strcmp(name, "text.txt") == 0 && entry->version)
		req_entry(req,
			doc_blob_node(fs, entry, BLOB_TEXT, entry->version, entry->text_size,
				entry->updated_ns, "text.txt"));
	else if (strcmp(name, "chunks.jsonl") == 0 && entry->version)
		req_entry(req, doc_jsonl_node(fs, entry));
	else if (strcmp(name, "original") == 0)
		req_entry(req, doc_node_of(fs, &doc->id, DOC_ORIGINAL, 0));
	else if (strcmp(name, "versions") == 0)
		req_entry(req, doc_node_of(fs, &doc->id, DOC_VERSIONS, 0));
	else if (strcmp(name, "chunks") == 0)
		req_entry(req, doc_node_of(fs, &doc->id, DOC_CHUNKS, 0));
	else
		req_error(req, -ENOENT);
}

static void doc_lookup(struct node *dir, struct req *req, const char *name)
{
	struct doc_node *doc = doc_of(dir);
	char path[32];

	if (hiding_has(dir->fs->hiding, &doc->id, doc_folder_path(doc, path), name)) {
		req_error(req, -ENOENT);
		return;
	}
	switch (doc->folder) {
	case DOC_FOLDER: lookup_in_document(doc, req, name); break;
	case DOC_ORIGINAL: lookup_original(doc, req, name); break;
	case DOC_CHUNKS: doc_lookup_chunk(doc, req, name); break;
	case DOC_VERSIONS:
	case DOC_VERSION: doc_lookup_version(doc, req, name); break;
	}
}

/* --- listings --------------------------------------------------------------------- */

static void add(struct doc_node *doc, struct req *req, const char *name, mode_t type)
{
	char folder[32], path[320];
	const char *below = doc_folder_path(doc, folder);

	if (hiding_has(req->fs->hiding, &doc->id, below, name))
		return;
	snprintf(path, sizeof(path), "%s%s%s", below, below[0] ? "/" : "", name);
	dirlist_add(&req->list, name, doc_ino(&doc->id, path), type);
}

static void list_document(struct doc_node *doc, struct req *req, const struct library_entry *entry)
{
	add(doc, req, "metadata.json", S_IFREG);
	add(doc, req, "status", S_IFREG);
	if (entry->status == DOC_FAILED)
		add(doc, req, "error", S_IFREG);
	if (entry->version) {
		add(doc, req, "text.txt", S_IFREG);
		add(doc, req, "chunks.jsonl", S_IFREG);
	}
	add(doc, req, "original", S_IFDIR);
	add(doc, req, "versions", S_IFDIR);
	add(doc, req, "chunks", S_IFDIR);
}

static void list_chunks(struct doc_node *doc, struct req *req, const struct library_entry *entry)
{
	char name[24];

	for (uint32_t i = 0; entry->version && i < entry->chunk_count; i++) {
		doc_chunk_name(i, name);
		add(doc, req, name, S_IFREG);
	}
}

static void doc_list(struct node *dir, struct req *req)
{
	struct doc_node *doc = doc_of(dir);
	struct library_entry *entry = doc_entry(doc, req);

	if (!entry)
		return;
	req_list_begin(req,
		doc->folder == DOC_FOLDER
			? docs_ino()
			: doc_ino(&doc->id, doc->folder == DOC_VERSION ? "versions" : ""));
	switch (doc->folder) {
	case DOC_FOLDER:
		list_document(doc, req, entry);
		doc->listed = doc_shows(entry);
		doc->was_listed = true;
		break;
	case DOC_ORIGINAL: add(doc, req, library_entry_name(entry), S_IFREG); break;
	case DOC_CHUNKS: list_chunks(doc, req, entry); break;
	case DOC_VERSIONS:
	case DOC_VERSION: doc_list_versions(doc, req); return;
	}
	req_list(req);
}

static const struct node_ops doc_ops = {
	.name = "document",
	.entry_timeout = 1,
	.attr_timeout = 1, /* who may read is told at once: docs_changed */
	.stat = doc_stat,
	.lookup = doc_lookup,
	.list = doc_list,
	.unlink = doc_unlink,
	.rmdir = doc_rmdir,
	.setattr = doc_setattr,
	.getxattr = doc_getxattr,
	.listxattr = doc_listxattr,
	.setxattr = doc_setxattr,
};

struct node *doc_node_of(
	struct fs *fs, const struct uuid *id, enum doc_folder folder, uint32_t number)
{
	struct doc_node identity = {.id = *id, .folder = folder, .number = number};
	char path[32];
	uint64_t ino = doc_ino(id, doc_folder_path(&identity, path));
	struct node *found = node_find(fs, ino);

	if (found)
		return found;
	struct doc_node *doc = node_new(fs, &doc_ops, sizeof(*doc), ino, ino);
	if (!doc)
		return NULL;
	doc->id = *id;
	doc->folder = folder;
	doc->number = number;
	return &doc->node;
}

/* --- docs/ itself ----------------------------------------------------------------- */

static void docs_stat(struct node *node, struct stat *out)
{
	out->st_mode = S_IFDIR | 01777;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	out->st_nlink = 2;
	node_set_times(out, node->fs->made_ns);
}

static bool is_document(struct node *dir, const char *name, struct uuid *id)
{
	char text[UUID_TEXT];

	return uuid_parse(name, id) && strcmp(uuid_format(id, text), name) == 0 &&
		library_find(dir->fs->library, id);
}

static void docs_lookup(struct node *dir, struct req *req, const char *name)
{
	struct uuid id;

	if (is_document(dir, name, &id))
		req_entry(req, doc_node_of(dir->fs, &id, DOC_FOLDER, 0));
	else
		req_error(req, -ENOENT);
}

static struct node *docs_known(struct node *dir, const char *name)
{
	struct uuid id;

	return is_document(dir, name, &id) ? doc_node_of(dir->fs, &id, DOC_FOLDER, 0) : NULL;
}

void docs_changed(
	struct fs *fs, const struct library_entry *before, const struct library_entry *after)
{
	static const char *const folders[] = {"", "original", "versions", "chunks"};

	if (!before || !after ||
		memcmp(&before->access, &after->access, sizeof(after->access)) == 0)
		return;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		struct node *node = node_find(fs, doc_ino(&after->id, folders[i]));
		if (node)
			notify_folder(fs->notify, node);
	}
}

static void docs_list(struct node *dir, struct req *req)
{
	struct caller caller;
	char name[UUID_TEXT];

	if (req_caller(req, &caller)) {
		req_error(req, -ENOMEM);
		return;
	}
	req_list_begin(req, dir->fs->root->ino);
	for (struct library_entry *entry = library_first(dir->fs->library); entry;
		entry = entry->after)
		if (access_may_read(&entry->access, &caller))
			dirlist_add(&req->list, uuid_format(&entry->id, name),
				doc_ino(&entry->id, ""), S_IFDIR);
	caller_release(&caller);
	req_list(req);
}

static const struct node_ops docs_ops = {
	.name = "docs",
	.entry_timeout = 3600,
	.attr_timeout = 3600,
	.stat = docs_stat,
	.lookup = docs_lookup,
	.list = docs_list,
	.known = docs_known,
	.rmdir = docs_rmdir,
};

struct node *node_docs_new(struct fs *fs)
{
	struct node *node = node_new(fs, &docs_ops, sizeof(*node), docs_ino(), docs_ino());

	if (node)
		node->lookups = 1; /* it stays */
	return node;
}
