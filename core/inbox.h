/* SPDX-License-Identifier: Apache-2.0 */
/* From files in the inbox to documents: when a file is done, whose document it is, and when it
 * leaves. Everything belongs to the loop thread. */
#ifndef ASKFS_CORE_INBOX_H
#define ASKFS_CORE_INBOX_H

#include <stdbool.h>

#include "core/config.h"
#include "core/ingest.h"
#include "core/library.h"
#include "core/loop.h"
#include "core/ports.h"
#include "core/spool.h"

struct inbox;

/* What it works with; all of it outlives the inbox, but for the strings, which are copied. */
struct inbox_parts {
	struct loop *loop;
	struct pool *io;
	struct spool *spool;
	struct library *library;
	struct ports *ports;
	struct ingest *ingest;
	const struct config *config;
	const char *realm;
	const char *spool_path; /* absolute, of the folder with the backing files */
	/* A name has come to, or gone from, a folder without a request of the kernel. */
	void (*renamed)(void *context, struct spool_inode *folder, const char *name);
	void *context;
};

int inbox_new(struct inbox **out, const struct inbox_parts *parts);

/* Adopt what a restart found in the spool: files that were not ingested for good are taken up
 * again, and documents whose file went while nobody looked are deleted. @was_killed: what the
 * daemon before was told may not have come to the records. */
void inbox_start(struct inbox *inbox, bool was_killed);

/* Take nothing new up; jobs that run are cancelled. */
void inbox_stop(struct inbox *inbox);

/* True while something it began has not come back. */
bool inbox_is_busy(const struct inbox *inbox);
void inbox_free(struct inbox *inbox);

/* --- What happens to files (for who changes the spool) ---------------------------- */

/* The bytes of the file are about to change (before spool_wrote). */
void inbox_wrote(struct inbox *inbox, struct spool_inode *inode);

/* A handle that wrote was closed (writers is counted down already). */
void inbox_closed(struct inbox *inbox, struct spool_inode *inode);

/* A name came: a new file, a link, or what a rename brought here (for a folder: all below). */
void inbox_came(struct inbox *inbox, struct spool_entry *entry);

/* A name is about to go: unlinked, or another file is renamed over it. */
void inbox_leaves(struct inbox *inbox, struct spool_entry *entry);

typedef void (*inbox_done)(void *context, int result);

/* A name is about to become another one, by a rename. */
void inbox_moves(struct inbox *inbox, struct spool_entry *entry, struct spool_inode *to_folder,
	const char *to_name);

/* Mode, owner, group, mtime or an extended attribute have changed (of a folder: for all below).
 * @done (NULL: nobody waits) is called with 0 when the documents obey, perhaps at once. */
void inbox_attr_changed(
	struct inbox *inbox, struct spool_inode *inode, inbox_done done, void *context);

/* "user.askfs.…" was removed from a file: from its document, too. */
void inbox_attr_removed(struct inbox *inbox, struct spool_inode *inode, const char *name);

/* Files that were written and have not been taken up yet. */
size_t inbox_settling(const struct inbox *inbox);

/* "PENDING" …, or "" for a file that is not to be ingested; *error: why it failed (a static
 * buffer until the next call), NULL: it did not. */
const char *inbox_state(struct inbox *inbox, const struct spool_entry *entry);

/* --- What happens to documents (for who shows them) ------------------------------- */

/* Delete a document and its names in the inbox. When @done is called no search that begins
 * later finds it. */
void inbox_delete(struct inbox *inbox, const struct uuid *id, inbox_done done, void *context);

/* What to change of a document, and of its file in the inbox with it. */
enum { EDIT_ACCESS = 1, EDIT_PATH = 2, EDIT_XATTR = 4, EDIT_MTIME = 8 };
struct document_edit {
	int set;
	struct access access;
	int64_t mtime_ns;
	const char *path;
	const char *name; /* "user.askfs.title", ".source", ".tag.X" */
	const char *value; /* NULL: remove it */
	int xattr_flags; /* of setxattr(2): -EEXIST, -ENODATA */
};
void inbox_edit(struct inbox *inbox, const struct uuid *id, const struct document_edit *edit,
	inbox_done done, void *context);

#endif
