/* SPDX-License-Identifier: Apache-2.0 */
/* Names below docs/ID whose content is rendered from the catalog or from the chunks, on the I/O
 * pool: a lookup makes the whole content, because its size is part of the answer. What does
 * not change under a version keeps its node while the kernel holds it, and is not made twice. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "fs/fs.h"
#include "fs/hiding.h"
#include "fs/node_doc.h"

/* What a lookup needs on its way; req->data. */
struct looking {
	struct uuid id;
	uint32_t version, first, count;
	uint64_t ino, key; /* key 0: the content decides */
	struct attributes attributes;
	struct document record; /* what the library knows, then the record */
};

static struct looking *looking_of(struct req *req)
{
	return req->data;
}

static struct looking *looking_new(struct doc_node *doc, struct req *req, const char *path)
{
	struct library_entry *entry = doc_entry(doc, req);
	struct looking *looking = entry ? calloc(1, sizeof(*looking)) : NULL;

	if (!looking) {
		if (entry)
			req_error(req, -ENOMEM);
		return NULL;
	}
	looking->id = doc->id;
	looking->version = entry->version;
	looking->count = entry->chunk_count;
	looking->ino = doc_ino(&doc->id, path);
	looking->attributes = doc_attributes(entry);
	document_init(&looking->record);
	req->data = looking;
	return looking;
}

/* --- files of rendered text ------------------------------------------------------- */

static void text_stat(struct node *node, struct stat *out)
{
	const struct subject_node *about = (const struct subject_node *)node;
	const struct library_entry *entry = library_find(node->fs->library, &about->subject);

	node_text_stat(node, out);
	if (!entry)
		return;
	out->st_mode = S_IFREG | entry->access.mode;
	out->st_uid = entry->access.owner;
	out->st_gid = entry->access.group;
}

static const struct node_ops text_ops = {
	.name = "document text",
	.stat = text_stat,
	.forget = node_text_forget,
	.open = node_text_open,
	.setattr = doc_setattr,
	.getxattr = doc_getxattr,
	.listxattr = doc_listxattr,
};

static const struct node_ops stable_text_ops = {
	.name = "document text",
	.entry_timeout = 1,
	.attr_timeout = 1,
	.stat = text_stat,
	.forget = node_text_forget,
	.open = node_text_open,
	.setattr = doc_setattr,
	.getxattr = doc_getxattr,
	.listxattr = doc_listxattr,
};

struct node *doc_text_node(struct fs *fs, const struct uuid *id, bool is_stable, uint64_t key,
	uint64_t ino, const struct attributes *attributes, char *data, size_t len)
{
	const struct node_ops *ops = is_stable ? &stable_text_ops : &text_ops;

	return node_text_about(fs, ops, id, key, ino, attributes, data, len);
}

/* --- metadata.json and error ------------------------------------------------------ */

/* A document that is not in the catalog yet: what the library knows of it. */
static int brief(struct library_entry *entry, struct document *out)
{
	out->id = entry->id;
	out->path = strdup(entry->path);
	out->status = entry->status;
	out->size = entry->size;
	out->mtime_ns = entry->mtime_ns;
	out->created_ns = entry->created_ns;
	out->updated_ns = entry->updated_ns;
	out->access = entry->access;
	return out->path ? 0 : -ENOMEM;
}

static int read_record(struct req *req)
{
	struct looking *looking = looking_of(req);
	AUTO_DOCUMENT struct document record;

	document_init(&record);
	int rc = catalog_get(req->fs->ports->catalog, &looking->id, &record, &req->err);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	record.status = looking->record.status; /* as the library has it: it is ahead */
	document_release(&looking->record);
	looking->record = record;
	document_init(&record);
	return 0;
}

static void work_metadata(struct req *req)
{
	struct looking *looking = looking_of(req);

	req->result = read_record(req);
	if (!req->result)
		req->result = document_to_json(&looking->record, &req->buf);
	document_release(&looking->record);
}

static void work_error(struct req *req)
{
	struct looking *looking = looking_of(req);

	req->result = read_record(req);
	if (!req->result && looking->record.error)
		req->result = buf_addf(&req->buf, "%s\n", looking->record.error);
	document_release(&looking->record);
}

/* The content is made: its node answers. */
static void answer_text(struct req *req, bool is_stable)
{
	struct looking *looking = looking_of(req);
	size_t len;

	if (req->result) {
		req_error(req, req->result);
		return;
	}
	char *text = buf_take(&req->buf, &len);
	req_entry(req,
		doc_text_node(req->fs, &looking->id, is_stable, looking->key, looking->ino,
			&looking->attributes, text, len));
}

static void then_text(struct req *req)
{
	answer_text(req, false);
}

static void lookup_record(
	struct doc_node *doc, struct req *req, const char *path, void (*work)(struct req *))
{
	struct looking *looking = looking_new(doc, req, path);

	if (!looking)
		return;
	/* Every change of the record moves its time: this key stands for what will be rendered. */
	struct library_entry *entry = library_find(req->fs->library, &doc->id);
	uint64_t identity[] = {looking->ino, (uint64_t)entry->updated_ns, entry->status,
		entry->version, entry->access.mode};
	looking->key = node_hash("record", identity, sizeof(identity));
	struct node *found = node_find(req->fs, looking->key);
	if (found)
		req_entry(req, found);
	else if (brief(entry, &looking->record))
		req_error(req, -ENOMEM);
	else
		req_offload(req, work, then_text);
}

void doc_lookup_metadata(struct doc_node *doc, struct req *req)
{
	lookup_record(doc, req, "metadata.json", work_metadata);
}

void doc_lookup_error(struct doc_node *doc, struct req *req)
{
	lookup_record(doc, req, "error", work_error);
}

/* --- chunks ----------------------------------------------------------------------- */

void doc_chunk_name(uint32_t index, char out[24])
{
	snprintf(out, 24, "%04" PRIu64 ".txt", (uint64_t)index + 1);
}

int64_t doc_chunk_index(const char *name)
{
	char again[24], *end;
	unsigned long long number = strtoull(name, &end, 10);

	if (number == 0 || number > UINT32_MAX || strcmp(end, ".txt") != 0)
		return -1;
	doc_chunk_name((uint32_t)(number - 1), again);
	return strcmp(again, name) == 0 ? (int64_t)number - 1 : -1;
}

static int take_text(void *context, const struct chunk *chunk)
{
	struct req *req = context;

	return buf_add(&req->buf, chunk->text, chunk->text_len);
}

static void read_chunks(struct req *req, vectors_chunk_fn take)
{
	struct looking *looking = looking_of(req);

	req->result = vectors_chunks(req->fs->ports->vectors, &looking->id, looking->version,
		looking->first, looking->count, take, req, &req->err);
}

static void work_chunk(struct req *req)
{
	read_chunks(req, take_text);
}

static void then_stable(struct req *req)
{
	answer_text(req, true);
}

/* Content that belongs to a version and to the bits: made once while the kernel holds it. */
static void lookup_stable(struct req *req, struct looking *looking, void (*work)(struct req *))
{
	uint64_t identity[] = {looking->ino, looking->version, looking->attributes.access.mode,
		looking->attributes.access.owner, looking->attributes.access.group};

	looking->key = node_hash("stable", identity, sizeof(identity));
	struct node *found = node_find(req->fs, looking->key);
	if (found)
		req_entry(req, found);
	else
		req_offload(req, work, then_stable);
}

void doc_lookup_chunk(struct doc_node *doc, struct req *req, const char *name)
{
	int64_t index = doc_chunk_index(name);
	char path[64];

	snprintf(path, sizeof(path), "chunks/%.48s", name);
	struct looking *looking = looking_new(doc, req, path);
	if (!looking)
		return;
	if (index < 0 || !looking->version || index >= (int64_t)looking->count) {
		req_error(req, -ENOENT);
		return;
	}
	looking->first = (uint32_t)index;
	looking->count = 1;
	lookup_stable(req, looking, work_chunk);
}

/* --- versions --------------------------------------------------------------------- */

static void work_record(struct req *req)
{
	req->result = read_record(req);
}

/* Version @number among the earlier ones, the present one left out; NULL: there is none. */
static const struct doc_version *earlier(const struct document *record, uint32_t number)
{
	for (size_t i = 0; i < record->version_count; i++)
		if (record->versions[i].number == number && number != record->version)
			return &record->versions[i];
	return NULL;
}

static void then_version_folder(struct req *req)
{
	struct looking *looking = looking_of(req);
	bool is_there = earlier(&looking->record, looking->first) != NULL;

	document_release(&looking->record);
	if (req->result || !is_there)
		req_error(req, req->result ? req->result : -ENOENT);
	else
		req_entry(req, doc_node_of(req->fs, &looking->id, DOC_VERSION, looking->first));
}

static void then_version_file(struct req *req)
{
	struct looking *looking = looking_of(req);
	struct doc_node *doc = (struct doc_node *)req->node;
	const struct doc_version *version = earlier(&looking->record, doc->number);
	struct library_entry *entry = library_find(req->fs->library, &doc->id);
	char path[320];

	if (req->result || !entry || !version || strcmp(version->name, req->buf.data) != 0) {
		document_release(&looking->record);
		req_error(req, req->result ? req->result : -ENOENT);
		return;
	}
	snprintf(path, sizeof(path), "versions/%" PRIu32 "/%s", doc->number, version->name);
	struct node *node = doc_blob_node(req->fs, entry, BLOB_ORIGINAL, version->number,
		version->size, version->mtime_ns, path);
	document_release(&looking->record);
	req_entry(req, node);
}

void doc_lookup_version(struct doc_node *doc, struct req *req, const char *name)
{
	struct looking *looking = looking_new(doc, req, "");
	char *end;

	if (!looking)
		return;
	if (doc->folder == DOC_VERSION) {
		buf_adds(&req->buf, name);
		req_offload(req, work_record, then_version_file);
		return;
	}
	unsigned long number = strtoul(name, &end, 10);
	if (*end || name[0] < '1' || name[0] > '9' || number > UINT32_MAX) {
		req_error(req, -ENOENT);
		return;
	}
	looking->first = (uint32_t)number;
	req_offload(req, work_record, then_version_folder);
}

static void then_list(struct req *req)
{
	struct looking *looking = looking_of(req);
	struct doc_node *doc = (struct doc_node *)req->node;
	const struct document *record = &looking->record;
	char folder[32], name[32], path[320];
	const char *below = doc_folder_path(doc, folder);

	for (size_t i = 0; i < record->version_count; i++) {
		const struct doc_version *version = &record->versions[i];
		bool is_folder = doc->folder == DOC_VERSIONS;
		if (version->number == record->version ||
			(!is_folder && version->number != doc->number))
			continue;
		snprintf(name, sizeof(name), "%" PRIu32, version->number);
		const char *shown = is_folder ? name : version->name;
		if (hiding_has(req->fs->hiding, &doc->id, below, shown))
			continue;
		snprintf(path, sizeof(path), "%s/%s", below, shown);
		dirlist_add(
			&req->list, shown, doc_ino(&doc->id, path), is_folder ? S_IFDIR : S_IFREG);
	}
	document_release(&looking->record);
	if (req->result)
		req_error(req, req->result);
	else
		req_list(req);
}

void doc_list_versions(struct doc_node *doc, struct req *req)
{
	if (looking_new(doc, req, ""))
		req_offload(req, work_record, then_list);
}
