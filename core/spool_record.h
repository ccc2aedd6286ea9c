/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's changes as journal records, and back. */
#ifndef ASKFS_CORE_SPOOL_RECORD_H
#define ASKFS_CORE_SPOOL_RECORD_H

#include "core/spool_tree.h"

/* Each clears @out and makes one record in it. Loop thread. */
void spool_record_inode(struct buf *out, const struct spool_inode *inode);
void spool_record_entry(struct buf *out, const struct spool_entry *entry);
void spool_record_unlink(struct buf *out, const struct spool_entry *entry, bool takes_document);
void spool_record_rename(struct buf *out, const struct spool_entry *entry,
	const struct spool_inode *to_folder, const char *to_name, bool is_exchange);
void spool_record_xattr(struct buf *out, const struct spool_inode *inode, const char *name,
	const void *value, size_t size);
void spool_record_generation(struct buf *out, const struct spool_inode *inode, uint32_t generation);
void spool_record_last_ino(struct buf *out, uint64_t ino);

/* A journal_fn; @context is a spool_tree. */
int spool_record_replay(void *context, const void *record, size_t len);

/* The whole tree as framed records for journal_rewrite. */
void spool_record_all(struct buf *out, const struct spool_tree *tree);

#endif
