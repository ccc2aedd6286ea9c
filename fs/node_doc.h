/* SPDX-License-Identifier: Apache-2.0 */
/* What the folders and files below docs/ share. */
#ifndef ASKFS_FS_NODE_DOC_H
#define ASKFS_FS_NODE_DOC_H

#include "core/blobs.h"
#include "core/library.h"
#include "fs/hiding.h"
#include "fs/node.h"
#include "fs/req.h"

/* A folder below docs/: a document's own, or one in it. */
enum doc_folder { DOC_FOLDER, DOC_ORIGINAL, DOC_VERSIONS, DOC_VERSION, DOC_CHUNKS };
struct doc_node {
	union {
		struct subject_node subject;
		struct {
			struct node node;
			struct uuid id;
		};
	};
	enum doc_folder folder;
	uint32_t number; /* DOC_VERSION: which */
	struct attributes last; /* what it looked like, for when the document is gone */
	struct hiding_seen listed; /* DOC_FOLDER: what its last listing showed */
	bool was_listed;
};

/* The node of such a folder, made if need be. NULL: no memory. */
struct node *doc_node_of(
	struct fs *fs, const struct uuid *id, enum doc_folder folder, uint32_t number);

/* A document changed in the library: the kernel forgets who might read it. Loop thread. */
void docs_changed(
	struct fs *fs, const struct library_entry *before, const struct library_entry *after);

/* The folder's path below the document's own, in @out (32 bytes), for hiding. */
const char *doc_folder_path(const struct doc_node *doc, char out[32]);

/* What the document's folder shows now. */
struct hiding_seen doc_shows(const struct library_entry *entry);

/* A document's files carry its bits. */
struct attributes doc_attributes(const struct library_entry *entry);

/* st_ino of a file: the document, and the path below its folder. */
uint64_t doc_ino(const struct uuid *id, const char *path);

/* The document, or NULL after answering -ENOENT. */
struct library_entry *doc_entry(const struct doc_node *doc, struct req *req);

/* A file of the document with rendered content: it carries the document's bits as they are now,
 * and chmod of it is chmod of the document. @is_stable: the kernel may believe its name for a
 * second. Takes @data. */
struct node *doc_text_node(struct fs *fs, const struct uuid *id, bool is_stable, uint64_t key,
	uint64_t ino, const struct attributes *attributes, char *data, size_t len);

/* node_doc_file.c: files whose bytes are blobs, or still in the inbox. */
struct node *doc_blob_node(struct fs *fs, const struct library_entry *entry, enum blob_kind kind,
	uint32_t version, uint64_t size, int64_t mtime_ns, const char *path);

/* node_doc_jsonl.c: chunks.jsonl. NULL: no memory. */
struct node *doc_jsonl_node(struct fs *fs, const struct library_entry *entry);

/* node_doc_lookup.c: lookups that need the record or the chunks. */
void doc_lookup_metadata(struct doc_node *doc, struct req *req);
void doc_lookup_error(struct doc_node *doc, struct req *req);
void doc_lookup_chunk(struct doc_node *doc, struct req *req, const char *name);
void doc_lookup_version(struct doc_node *doc, struct req *req, const char *name);
void doc_list_versions(struct doc_node *doc, struct req *req);
/* "0001.txt" → 0; -1: no chunk's name. */
int64_t doc_chunk_index(const char *name);
void doc_chunk_name(uint32_t index, char out[24]);

/* node_doc_change.c */
void doc_unlink(struct node *dir, struct req *req, const char *name);
void doc_rmdir(struct node *dir, struct req *req, const char *name);
void docs_rmdir(struct node *dir, struct req *req, const char *name);
void doc_setattr(struct node *node, struct req *req, const struct stat *attr, int set,
	struct handle *handle);
void doc_getxattr(struct node *node, struct req *req, const char *name);
void doc_listxattr(struct node *node, struct req *req);
void doc_setxattr(struct node *node, struct req *req, const char *name, const void *value,
	size_t size, int flags);

#endif
