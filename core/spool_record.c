/* SPDX-License-Identifier: Apache-2.0 */
/* A record says what is so after the change (an inode, an entry) rather than what was done,
 * where that is possible: replaying it twice does no harm. Its first byte is its type. */
#include "core/spool_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/journal.h"
#include "core/pack.h"

enum record_type {
	RECORD_INODE = 'I',
	RECORD_ENTRY = 'E',
	RECORD_UNLINK = 'U',
	RECORD_UNLINK_DOCUMENT = 'u',
	RECORD_RENAME = 'R',
	RECORD_EXCHANGE = 'Y',
	RECORD_XATTR = 'X',
	RECORD_XATTR_GONE = 'x',
	RECORD_GENERATION = 'G',
	RECORD_LAST_INO = 'N',
	RECORD_ORPHAN = 'O',
};

/* --- making ----------------------------------------------------------------------- */

static void begin(struct buf *out, enum record_type type)
{
	buf_clear(out);
	buf_addc(out, (char)type);
}

static void pack_name(struct buf *out, const char *name)
{
	pack_bytes(out, name, strlen(name));
}

void spool_record_inode(struct buf *out, const struct spool_inode *inode)
{
	begin(out, RECORD_INODE);
	pack_u64(out, inode->ino);
	pack_u64(out, (uint64_t)inode->kind);
	pack_u64(out, inode->mode);
	pack_u64(out, inode->uid);
	pack_u64(out, inode->gid);
	pack_i64(out, inode->atime_ns);
	pack_i64(out, inode->mtime_ns);
	pack_i64(out, inode->ctime_ns);
	pack_u64(out, inode->has_own_mtime);
	pack_u64(out, inode->generation);
	pack_name(out, inode->target ? inode->target : "");
}

void spool_record_entry(struct buf *out, const struct spool_entry *entry)
{
	begin(out, RECORD_ENTRY);
	pack_u64(out, entry->folder->ino);
	pack_name(out, entry->text);
	pack_u64(out, entry->inode->ino);
	pack_u64(out, entry->is_error_note);
	pack_u64(out, entry->clean);
	pack_bytes(out, entry->document.bytes, sizeof(entry->document.bytes));
	pack_i64(out, entry->folder->mtime_ns);
}

void spool_record_unlink(struct buf *out, const struct spool_entry *entry, bool takes_document)
{
	begin(out, takes_document ? RECORD_UNLINK_DOCUMENT : RECORD_UNLINK);
	pack_u64(out, entry->folder->ino);
	pack_name(out, entry->text);
	pack_i64(out, entry->folder->mtime_ns);
}

void spool_record_rename(struct buf *out, const struct spool_entry *entry,
	const struct spool_inode *to_folder, const char *to_name, bool is_exchange)
{
	begin(out, is_exchange ? RECORD_EXCHANGE : RECORD_RENAME);
	pack_u64(out, entry->folder->ino);
	pack_name(out, entry->text);
	pack_u64(out, to_folder->ino);
	pack_name(out, to_name);
	pack_i64(out, to_folder->mtime_ns);
}

void spool_record_xattr(struct buf *out, const struct spool_inode *inode, const char *name,
	const void *value, size_t size)
{
	begin(out, value ? RECORD_XATTR : RECORD_XATTR_GONE);
	pack_u64(out, inode->ino);
	pack_name(out, name);
	pack_bytes(out, value ? value : "", size);
}

void spool_record_generation(struct buf *out, const struct spool_inode *inode, uint32_t generation)
{
	begin(out, RECORD_GENERATION);
	pack_u64(out, inode->ino);
	pack_u64(out, generation);
}

void spool_record_last_ino(struct buf *out, uint64_t ino)
{
	begin(out, RECORD_LAST_INO);
	pack_u64(out, ino);
}

static void frame_orphan(struct buf *out, struct buf *record, const struct uuid *document)
{
	begin(record, RECORD_ORPHAN);
	pack_bytes(record, document->bytes, sizeof(document->bytes));
	journal_frame(out, record->data, record->len);
}

static void frame_inode(struct buf *out, struct buf *record, const struct spool_inode *inode)
{
	spool_record_inode(record, inode);
	journal_frame(out, record->data, record->len);
	for (const struct spool_xattr *x = inode->xattrs; x; x = x->next) {
		spool_record_xattr(record, inode, x->name, x->value, x->size);
		journal_frame(out, record->data, record->len);
	}
}

void spool_record_all(struct buf *out, const struct spool_tree *tree)
{
	AUTO_BUF struct buf record;

	buf_init(&record, (size_t)1 << 20);
	spool_record_last_ino(&record, tree->last_ino);
	journal_frame(out, record.data, record.len);
	for (size_t i = 0; i < tree->orphan_count; i++) /* before the entries: one may have it */
		frame_orphan(out, &record, &tree->orphans[i]);
	for (size_t i = 0; i < tree->inode_cap; i++)
		for (const struct spool_inode *inode = tree->inodes[i]; inode; inode = inode->next)
			if (inode->name || inode == tree->root)
				frame_inode(out, &record, inode);
	for (size_t i = 0; i < tree->entry_cap; i++)
		for (const struct spool_entry *e = tree->entries[i]; e; e = e->next_hash) {
			spool_record_entry(&record, e);
			journal_frame(out, record.data, record.len);
		}
}

/* --- replaying -------------------------------------------------------------------- */

/* A name out of a record, as a string on the heap; NULL if it can't be one. */
static char *unpack_name(struct unpack *in)
{
	size_t len;
	const char *data = unpack_bytes(in, &len);

	return in->failed || memchr(data, '\0', len) ? NULL : strndup(data, len);
}

static int replay_inode(struct spool_tree *tree, struct unpack *in)
{
	uint64_t ino = unpack_u64(in);
	enum spool_kind kind = (enum spool_kind)unpack_u64(in);
	struct spool_inode *inode = spool_tree_inode(tree, ino);

	if (!inode)
		inode = spool_tree_new(tree, ino, kind);
	if (!inode)
		return -ENOMEM;
	inode->mode = (mode_t)unpack_u64(in);
	inode->uid = (uid_t)unpack_u64(in);
	inode->gid = (gid_t)unpack_u64(in);
	inode->atime_ns = unpack_i64(in);
	inode->mtime_ns = unpack_i64(in);
	inode->ctime_ns = unpack_i64(in);
	inode->has_own_mtime = unpack_u64(in) != 0;
	inode->generation = (uint32_t)unpack_u64(in);
	free(inode->target);
	inode->target = unpack_name(in);
	return 0;
}

/* The entry that the next two fields name; NULL if there is none. */
static struct spool_entry *unpack_entry(struct spool_tree *tree, struct unpack *in)
{
	struct spool_inode *folder = spool_tree_inode(tree, unpack_u64(in));
	char *name = unpack_name(in);
	struct spool_entry *entry = folder && name ? spool_tree_lookup(tree, folder, name) : NULL;

	free(name);
	return entry;
}

/* The record of a change holds when its folder changed. */
static void set_folder_time(struct spool_inode *folder, int64_t time_ns)
{
	folder->mtime_ns = folder->ctime_ns = time_ns;
}

static int replay_entry(struct spool_tree *tree, struct unpack *in)
{
	struct spool_inode *folder = spool_tree_inode(tree, unpack_u64(in));
	char *name = unpack_name(in);
	struct spool_inode *inode = spool_tree_inode(tree, unpack_u64(in));
	bool is_error_note = unpack_u64(in) != 0;
	uint32_t clean = (uint32_t)unpack_u64(in);
	size_t len;
	const char *bytes = unpack_bytes(in, &len);
	int64_t time_ns = unpack_i64(in);
	struct uuid document;
	int rc = 0;

	if (folder && name && inode && len == sizeof(document.bytes)) {
		struct spool_entry *entry = spool_tree_lookup(tree, folder, name);
		if (!entry)
			entry = spool_tree_add(tree, folder, name, inode);
		if (entry) {
			entry->is_error_note = is_error_note;
			entry->clean = clean;
			if (clean)
				inode->generation = clean;
			memcpy(document.bytes, bytes, len);
			spool_tree_assign(tree, entry, &document);
			set_folder_time(folder, time_ns);
		} else {
			rc = -ENOMEM;
		}
	}
	free(name);
	return rc;
}

static int rename_entry(struct spool_tree *tree, struct spool_entry *entry,
	struct spool_inode *folder, const char *name, bool is_exchange)
{
	struct spool_entry *old = spool_tree_lookup(tree, folder, name);

	if (old && old->inode == entry->inode)
		return 0; /* two names of one file, or the same name: nothing moves */
	if (old && is_exchange)
		return spool_tree_exchange(tree, entry, old);
	if (old)
		spool_tree_unlink(tree, old, true);
	return spool_tree_move(tree, entry, folder, name) ? 0 : -ENOMEM;
}

static int replay_rename(struct spool_tree *tree, struct unpack *in, bool is_exchange)
{
	struct spool_entry *entry = unpack_entry(tree, in);
	struct spool_inode *folder = spool_tree_inode(tree, unpack_u64(in));
	char *name = unpack_name(in);
	int64_t time_ns = unpack_i64(in);

	if (!entry || !folder || !name) {
		free(name);
		return 0;
	}
	set_folder_time(folder, time_ns);
	set_folder_time(entry->folder, time_ns);
	int rc = rename_entry(tree, entry, folder, name, is_exchange);
	free(name);
	return rc;
}

static int replay_xattr(struct spool_tree *tree, struct unpack *in, bool is_set)
{
	struct spool_inode *inode = spool_tree_inode(tree, unpack_u64(in));
	char *name = unpack_name(in);
	size_t size;
	const char *value = unpack_bytes(in, &size);
	int rc = inode && name ? spool_tree_xattr(inode, name, is_set ? value : NULL, size) : 0;

	free(name);
	return rc;
}

static void replay_generation(struct spool_tree *tree, struct unpack *in)
{
	struct spool_inode *inode = spool_tree_inode(tree, unpack_u64(in));
	uint32_t generation = (uint32_t)unpack_u64(in);

	if (!inode)
		return;
	inode->generation = generation;
	inode->has_own_mtime = false;
}

static void replay_unlink(struct spool_tree *tree, struct unpack *in, bool takes_document)
{
	struct spool_entry *entry = unpack_entry(tree, in);
	int64_t time_ns = unpack_i64(in);

	if (!entry)
		return;
	set_folder_time(entry->folder, time_ns);
	spool_tree_unlink(tree, entry, takes_document);
}

static void replay_orphan(struct spool_tree *tree, struct unpack *in)
{
	struct uuid document;
	size_t len;
	const char *bytes = unpack_bytes(in, &len);

	if (in->failed || len != sizeof(document.bytes))
		return;
	memcpy(document.bytes, bytes, len);
	spool_tree_orphan_add(tree, &document);
}

int spool_record_replay(void *context, const void *record, size_t len)
{
	struct spool_tree *tree = context;
	struct unpack in = {.at = record, .end = (const unsigned char *)record + len};

	if (len == 0)
		return -EBADMSG;
	switch (*in.at++) {
	case RECORD_INODE: return replay_inode(tree, &in);
	case RECORD_ENTRY: return replay_entry(tree, &in);
	case RECORD_RENAME: return replay_rename(tree, &in, false);
	case RECORD_EXCHANGE: return replay_rename(tree, &in, true);
	case RECORD_XATTR: return replay_xattr(tree, &in, true);
	case RECORD_XATTR_GONE: return replay_xattr(tree, &in, false);
	case RECORD_GENERATION: replay_generation(tree, &in); return 0;
	case RECORD_ORPHAN: replay_orphan(tree, &in); return 0;
	case RECORD_UNLINK: replay_unlink(tree, &in, false); return 0;
	case RECORD_UNLINK_DOCUMENT: replay_unlink(tree, &in, true); return 0;
	case RECORD_LAST_INO: {
		uint64_t ino = unpack_u64(&in);
		if (ino > tree->last_ino)
			tree->last_ino = ino;
		return 0;
	}
	default: return -EBADMSG; /* a newer version wrote this */
	}
}
