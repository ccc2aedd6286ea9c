/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's tree in memory, without its journal: for spool.c and spool_replay.c. */
#ifndef ASKFS_CORE_SPOOL_TREE_H
#define ASKFS_CORE_SPOOL_TREE_H

#include "core/spool.h"

/* Two hash tables that grow. */
struct spool_tree {
	struct spool_inode **inodes;
	struct spool_entry **entries;
	size_t inode_count, inode_cap, entry_count, entry_cap;
	uint64_t last_ino;
	struct spool_inode *root;
	/* Documents whose name was unlinked and has not come again: in a replay all, later
	 * those since the journal was rewritten (their deletion may be under way). */
	struct uuid *orphans;
	size_t orphan_count;
};

void spool_tree_orphan_add(struct spool_tree *tree, const struct uuid *document);
void spool_tree_orphan_remove(struct spool_tree *tree, const struct uuid *document);

/* Remove @entry. @takes_document: its document may be an orphan now; else it is none, whatever
 * became of other names that it had. */
void spool_tree_unlink(struct spool_tree *tree, struct spool_entry *entry, bool takes_document);

/* @entry is @document's from now on; the one that it was may be an orphan now. */
void spool_tree_assign(
	struct spool_tree *tree, struct spool_entry *entry, const struct uuid *document);

int spool_tree_init(struct spool_tree *tree);
void spool_tree_release(struct spool_tree *tree);

struct spool_inode *spool_tree_inode(const struct spool_tree *tree, uint64_t ino);
struct spool_entry *spool_tree_lookup(
	const struct spool_tree *tree, const struct spool_inode *folder, const char *name);

/* NULL: no memory. */
struct spool_inode *spool_tree_new(struct spool_tree *tree, uint64_t ino, enum spool_kind kind);
struct spool_entry *spool_tree_add(struct spool_tree *tree, struct spool_inode *folder,
	const char *name, struct spool_inode *inode);

/* Take a name out and free it. The inode stays. */
void spool_tree_remove(struct spool_tree *tree, struct spool_entry *entry);

/* Take an inode out and free it; it has no names. */
void spool_tree_free(struct spool_tree *tree, struct spool_inode *inode);

/* The same entry under another name: entries hold their names, so it is a new one; what was
 * known of the old one goes along. NULL: no memory, nothing changed. */
struct spool_entry *spool_tree_move(struct spool_tree *tree, struct spool_entry *entry,
	struct spool_inode *to_folder, const char *to_name);

/* The two change places, and what is known of them with them; both entries are new ones. 0 or
 * -ENOMEM: one of them may be gone. */
int spool_tree_exchange(struct spool_tree *tree, struct spool_entry *a, struct spool_entry *b);

/* Set (or with @value NULL remove) an attribute. 0 or -ENOMEM. */
int spool_tree_xattr(struct spool_inode *inode, const char *name, const void *value, size_t size);

#endif
