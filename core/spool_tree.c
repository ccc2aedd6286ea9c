/* SPDX-License-Identifier: Apache-2.0 */
#include "core/spool_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

#define FIRST_CAP 256

int spool_tree_init(struct spool_tree *tree)
{
	*tree = (struct spool_tree){.inode_cap = FIRST_CAP, .entry_cap = FIRST_CAP};
	tree->inodes = calloc(FIRST_CAP, sizeof(*tree->inodes));
	tree->entries = calloc(FIRST_CAP, sizeof(*tree->entries));
	return tree->inodes && tree->entries ? 0 : -ENOMEM;
}

static struct spool_inode **inode_slot(const struct spool_tree *tree, uint64_t ino)
{
	return &tree->inodes[ino * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (tree->inode_cap - 1)];
}

/* FNV-1a over the folder's number and the name. */
static size_t entry_hash(const struct spool_inode *folder, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ folder->ino;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32);
}

static struct spool_entry **entry_slot(
	const struct spool_tree *tree, const struct spool_inode *folder, const char *name)
{
	return &tree->entries[entry_hash(folder, name) & (tree->entry_cap - 1)];
}

struct spool_inode *spool_tree_inode(const struct spool_tree *tree, uint64_t ino)
{
	struct spool_inode *inode = *inode_slot(tree, ino);

	while (inode && inode->ino != ino)
		inode = inode->next;
	return inode;
}

struct spool_entry *spool_tree_lookup(
	const struct spool_tree *tree, const struct spool_inode *folder, const char *name)
{
	struct spool_entry *entry = *entry_slot(tree, folder, name);

	while (entry && (entry->folder != folder || strcmp(entry->text, name) != 0))
		entry = entry->next_hash;
	return entry;
}

static void grow_inodes(struct spool_tree *tree)
{
	struct spool_tree bigger = *tree;

	if (tree->inode_count < tree->inode_cap)
		return;
	bigger.inode_cap *= 2;
	bigger.inodes = calloc(bigger.inode_cap, sizeof(*bigger.inodes));
	if (!bigger.inodes)
		return; /* longer chains, nothing worse */
	for (size_t i = 0; i < tree->inode_cap; i++)
		while (tree->inodes[i]) {
			struct spool_inode *inode = tree->inodes[i];
			tree->inodes[i] = inode->next;
			struct spool_inode **slot = inode_slot(&bigger, inode->ino);
			inode->next = *slot;
			*slot = inode;
		}
	free(tree->inodes);
	*tree = bigger;
}

static void grow_entries(struct spool_tree *tree)
{
	struct spool_tree bigger = *tree;

	if (tree->entry_count < tree->entry_cap)
		return;
	bigger.entry_cap *= 2;
	bigger.entries = calloc(bigger.entry_cap, sizeof(*bigger.entries));
	if (!bigger.entries)
		return;
	for (size_t i = 0; i < tree->entry_cap; i++)
		while (tree->entries[i]) {
			struct spool_entry *entry = tree->entries[i];
			tree->entries[i] = entry->next_hash;
			struct spool_entry **slot = entry_slot(&bigger, entry->folder, entry->text);
			entry->next_hash = *slot;
			*slot = entry;
		}
	free(tree->entries);
	*tree = bigger;
}

struct spool_inode *spool_tree_new(struct spool_tree *tree, uint64_t ino, enum spool_kind kind)
{
	struct spool_inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return NULL;
	grow_inodes(tree);
	inode->ino = ino;
	inode->kind = kind;
	inode->generation = 1;
	struct spool_inode **slot = inode_slot(tree, ino);
	inode->next = *slot;
	*slot = inode;
	tree->inode_count++;
	if (ino > tree->last_ino)
		tree->last_ino = ino;
	return inode;
}

struct spool_entry *spool_tree_add(struct spool_tree *tree, struct spool_inode *folder,
	const char *name, struct spool_inode *inode)
{
	size_t len = strlen(name) + 1;
	struct spool_entry *entry = calloc(1, sizeof(*entry) + len);

	if (!entry)
		return NULL;
	grow_entries(tree);
	memcpy(entry->text, name, len);
	entry->folder = folder;
	entry->inode = inode;

	struct spool_entry **slot = entry_slot(tree, folder, name);
	entry->next_hash = *slot;
	*slot = entry;
	tree->entry_count++;

	entry->next = folder->children;
	if (entry->next)
		entry->next->before = entry;
	folder->children = entry;
	if (inode->kind == SPOOL_FOLDER)
		folder->folders++;

	entry->next_name = inode->name;
	inode->name = entry;
	inode->names++;
	return entry;
}

void spool_tree_remove(struct spool_tree *tree, struct spool_entry *entry)
{
	struct spool_entry **slot = entry_slot(tree, entry->folder, entry->text);
	while (*slot != entry)
		slot = &(*slot)->next_hash;
	*slot = entry->next_hash;
	tree->entry_count--;

	if (entry->before)
		entry->before->next = entry->next;
	else
		entry->folder->children = entry->next;
	if (entry->next)
		entry->next->before = entry->before;
	if (entry->inode->kind == SPOOL_FOLDER)
		entry->folder->folders--;

	for (slot = &entry->inode->name; *slot != entry; slot = &(*slot)->next_name)
		;
	*slot = entry->next_name;
	entry->inode->names--;
	free(entry);
}

static void free_inode(struct spool_inode *inode)
{
	while (inode->xattrs) {
		struct spool_xattr *xattr = inode->xattrs;
		inode->xattrs = xattr->next;
		free(xattr);
	}
	free(inode->target);
	free(inode);
}

void spool_tree_free(struct spool_tree *tree, struct spool_inode *inode)
{
	assert(!inode->name);
	struct spool_inode **slot = inode_slot(tree, inode->ino);
	while (*slot != inode)
		slot = &(*slot)->next;
	*slot = inode->next;
	tree->inode_count--;
	free_inode(inode);
}

static void copy_known(struct spool_entry *to, const struct spool_entry *from)
{
	to->document = from->document;
	to->clean = from->clean;
	to->is_error_note = from->is_error_note;
	to->item = from->item;
}

struct spool_entry *spool_tree_move(struct spool_tree *tree, struct spool_entry *entry,
	struct spool_inode *to_folder, const char *to_name)
{
	struct spool_entry *moved = spool_tree_add(tree, to_folder, to_name, entry->inode);

	if (!moved)
		return NULL;
	copy_known(moved, entry);
	spool_tree_remove(tree, entry);
	return moved;
}

int spool_tree_exchange(struct spool_tree *tree, struct spool_entry *a, struct spool_entry *b)
{
	struct spool_inode *inode = b->inode, *folder = a->folder, *to_folder = b->folder;
	const struct spool_entry known = *b;
	AUTO_FREE char *name = strdup(a->text), *to_name = strdup(b->text);

	if (!name || !to_name)
		return -ENOMEM;
	spool_tree_remove(tree, b);
	if (!spool_tree_move(tree, a, to_folder, to_name))
		return -ENOMEM;
	b = spool_tree_add(tree, folder, name, inode);
	if (!b)
		return -ENOMEM;
	copy_known(b, &known);
	return 0;
}

int spool_tree_xattr(struct spool_inode *inode, const char *name, const void *value, size_t size)
{
	struct spool_xattr **slot = &inode->xattrs;
	size_t name_len = strlen(name) + 1;
	struct spool_xattr *xattr = NULL;

	if (value) {
		xattr = calloc(1, sizeof(*xattr) + name_len + size);
		if (!xattr)
			return -ENOMEM;
		memcpy(xattr->name, name, name_len);
		xattr->value = xattr->name + name_len;
		xattr->size = size;
		memcpy(xattr->value, value, size);
	}
	while (*slot && strcmp((*slot)->name, name) != 0)
		slot = &(*slot)->next;
	struct spool_xattr *old = *slot;
	if (xattr) {
		xattr->next = old ? old->next : NULL;
		*slot = xattr;
	} else if (old) {
		*slot = old->next;
	}
	free(old);
	return 0;
}

void spool_tree_orphan_add(struct spool_tree *tree, const struct uuid *document)
{
	struct uuid *more = realloc(tree->orphans, (tree->orphan_count + 1) * sizeof(*more));

	if (!more)
		return; /* the document stays, which loses nothing */
	tree->orphans = more;
	tree->orphans[tree->orphan_count++] = *document;
}

void spool_tree_orphan_remove(struct spool_tree *tree, const struct uuid *document)
{
	for (size_t i = 0; i < tree->orphan_count; i++)
		if (uuid_equal(&tree->orphans[i], document))
			tree->orphans[i--] = tree->orphans[--tree->orphan_count];
}

void spool_tree_unlink(struct spool_tree *tree, struct spool_entry *entry, bool takes_document)
{
	struct uuid document = entry->document;

	spool_tree_remove(tree, entry);
	if (uuid_is_nil(&document))
		return;
	if (takes_document)
		spool_tree_orphan_add(tree, &document);
	else
		spool_tree_orphan_remove(tree, &document);
}

void spool_tree_assign(
	struct spool_tree *tree, struct spool_entry *entry, const struct uuid *document)
{
	if (!uuid_is_nil(&entry->document) && !uuid_equal(&entry->document, document))
		spool_tree_orphan_add(tree, &entry->document);
	entry->document = *document;
	spool_tree_orphan_remove(tree, document);
}

void spool_tree_release(struct spool_tree *tree)
{
	for (size_t i = 0; tree->entries && i < tree->entry_cap; i++)
		while (tree->entries[i]) {
			struct spool_entry *entry = tree->entries[i];
			tree->entries[i] = entry->next_hash;
			free(entry);
		}
	for (size_t i = 0; tree->inodes && i < tree->inode_cap; i++)
		while (tree->inodes[i]) {
			struct spool_inode *inode = tree->inodes[i];
			tree->inodes[i] = inode->next;
			free_inode(inode);
		}
	free(tree->orphans);
	free(tree->entries);
	free(tree->inodes);
	*tree = (struct spool_tree){0};
}
