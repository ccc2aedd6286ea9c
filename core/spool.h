/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in the inbox: a folder tree in memory, its changes in a journal, the files' bytes
 * in flat backing files named by inode number. */
#ifndef ASKFS_CORE_SPOOL_H
#define ASKFS_CORE_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/journal.h"
#include "core/loop.h"
#include "core/pool.h"
#include "core/uuid.h"

struct spool;
struct spool_entry;

enum spool_kind { SPOOL_FILE, SPOOL_FOLDER, SPOOL_LINK };

struct spool_xattr {
	struct spool_xattr *next;
	size_t size;
	char *value; /* behind the name */
	char name[];
};

/* All fields belong to the loop thread; read them, change them through the functions below
 * (but for those marked free). */
struct spool_inode {
	uint64_t ino;
	enum spool_kind kind;
	mode_t mode; /* permission bits, set-id and sticky bits */
	uid_t uid;
	gid_t gid;
	uint32_t names; /* how many entries lead here: the link count of a file */
	uint32_t refs; /* nodes and handles that hold it */
	uint32_t writers; /* free: open handles that may write */
	uint32_t unwritten; /* marks of a changed content that the journal has not written yet */
	uint32_t generation; /* of the content; an entry is clean when it was ingested in it */
	bool has_own_mtime; /* utimens came after the last write */
	bool is_unsynced; /* in the list of what the next group sync writes */
	int64_t atime_ns, mtime_ns, ctime_ns;
	uint64_t size; /* free: of a file */
	char *target; /* of a link */
	struct spool_xattr *xattrs;
	struct spool_entry *children; /* of a folder, newest first */
	uint32_t folders; /* of a folder: how many of its children are folders */
	struct spool_entry *name; /* one of its names; NULL: unlinked */
	struct spool_inode *next; /* in the table's bucket */
	struct spool_inode *next_unsynced;
};

/* A name in a folder. */
struct spool_entry {
	struct spool_inode *folder, *inode;
	struct spool_entry *next, *before; /* among the folder's children */
	struct spool_entry *next_hash;
	struct spool_entry *next_name; /* another name of the same inode */
	struct uuid document; /* that it was ingested as; nil: none yet */
	uint32_t clean; /* generation that is ingested for good; 0: none */
	bool is_error_note; /* NAME.askfs-error.txt, made by us */
	void *item; /* free: the inbox's */
	char text[]; /* the name */
};

/* Told about a change when it is in the journal. Loop thread. */
typedef void (*spool_done)(void *context, int result);

/* Open the spool under @dir_fd (its own folder), replaying the journal. The root is
 * made with @uid, @gid, mode 1777. Blocks: before the loop runs. */
int spool_open(struct spool **out, int dir_fd, uid_t uid, gid_t gid, struct loop *loop,
	struct pool *pool, struct err *err);
void spool_free(struct spool *spool);

/* Everything below: loop thread. Changes are in memory at once and in the journal when @done
 * (may be NULL) is called; a returned error means that nothing was changed and done is not
 * called. */

struct spool_inode *spool_root(struct spool *spool);
struct spool_entry *spool_lookup(
	struct spool *spool, const struct spool_inode *folder, const char *name);
struct spool_inode *spool_inode(struct spool *spool, uint64_t ino);

/* A node or a handle holds the inode. The backing file goes with the last name and ref. */
void spool_ref(struct spool_inode *inode);
void spool_unref(struct spool *spool, struct spool_inode *inode);

/* What a new inode shall be. */
struct spool_new {
	enum spool_kind kind;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const char *target; /* of a link */
	bool is_error_note;
};

/* Make an inode with its first name. -EEXIST, -ENOSPC (no room for what is new), -ENOMEM.
 * Files: the backing file exists when done is called; *@fd (may be NULL; set it to -1 before)
 * is open for reading and writing then, and the caller's, also when the result is a failure.
 * On a failed result the name is gone again. */
int spool_create(struct spool *spool, struct spool_inode *folder, const char *name,
	const struct spool_new *new, struct spool_entry **out, int *fd, spool_done done,
	void *context);

/* A further name of a file. -EEXIST, -EPERM (a folder), -EMLINK. */
int spool_link(struct spool *spool, struct spool_inode *inode, struct spool_inode *folder,
	const char *name, struct spool_entry **out, spool_done done, void *context);

/* Every document that lost a name shortly before the restart, by spool_unlink with
 * @takes_document or by spool_assign: if it was the last one, the document is to go, and is
 * still there. Once, after spool_open. */
void spool_each_orphan(struct spool *spool,
	void (*callback)(void *context, const struct uuid *document), void *context);

/* Remove a name. With @takes_document a restart knows that its document shall go too.
 * -ENOTEMPTY for a folder that holds something. @entry is gone. */
int spool_unlink(struct spool *spool, struct spool_entry *entry, bool takes_document,
	spool_done done, void *context);

/* Move @entry; what had that name before goes. Entries hold their names, so the entries of
 * both names are new ones afterwards: look them up again; what they lead to, their documents
 * and items went along. With RENAME_EXCHANGE they change places, with
 * RENAME_NOREPLACE -EEXIST. -EINVAL (a folder into itself), -ENOTEMPTY, -EISDIR, -ENOTDIR. */
int spool_rename(struct spool *spool, struct spool_entry *entry, struct spool_inode *to_folder,
	const char *to_name, unsigned flags, spool_done done, void *context);

/* Would spool_rename do it? 0 or its error; nothing is changed. */
int spool_rename_check(struct spool *spool, const struct spool_entry *entry,
	const struct spool_inode *to_folder, const char *to_name, unsigned flags);

/* Which of them spool_setattr shall change. */
enum {
	SPOOL_MODE = 1,
	SPOOL_UID = 2,
	SPOOL_GID = 4,
	SPOOL_ATIME = 8,
	SPOOL_MTIME = 16,
};
struct spool_attr {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int64_t atime_ns, mtime_ns;
};
void spool_setattr(struct spool *spool, struct spool_inode *inode, const struct spool_attr *attr,
	int set, spool_done done, void *context);

/* @value NULL removes. -ENODATA, -EEXIST (XATTR_CREATE), -ENOSPC (64 KiB an inode). */
int spool_setxattr(struct spool *spool, struct spool_inode *inode, const char *name,
	const void *value, size_t size, int flags, spool_done done, void *context);
const struct spool_xattr *spool_getxattr(const struct spool_inode *inode, const char *name);

/* Somebody may write to the file from now on: after a restart it counts as changed. Where it
 * does so already, done is called at once. */
void spool_open_for_write(
	struct spool *spool, struct spool_inode *inode, spool_done done, void *context);

/* Bytes of the file are about to change: a new generation, mtime now, and a place in the next
 * group sync. Memory only. */
void spool_wrote(struct spool *spool, struct spool_inode *inode);

/* A writing handle is being closed: @done, at once if that can be, when a kill cannot make the
 * content pass for one that was ingested already. */
void spool_flush(struct spool *spool, struct spool_inode *inode, spool_done done, void *context);

/* This name is that document (nil: none) from now on. */
void spool_assign(struct spool *spool, struct spool_entry *entry, const struct uuid *document);

/* The generation of this name is ingested, durably. */
void spool_clean(struct spool *spool, struct spool_entry *entry, uint32_t generation);

/* The path below the inbox, without a leading slash. 0 or -errno. */
int spool_path(const struct spool_entry *entry, struct buf *out);

/* The backing file's name below the spool's folder, in @out (at least 24 bytes). */
char *spool_file(uint64_t ino, char out[24]);
int spool_dir_fd(const struct spool *spool);

/* Put everything on disk: files written since the last time and the journal. */
void spool_sync(struct spool *spool, spool_done done, void *context);

/* Put one file and the journal on disk: fsync. */
void spool_sync_inode(
	struct spool *spool, struct spool_inode *inode, spool_done done, void *context);

/* True while something is on its way to the disk; for shutdown. */
bool spool_is_busy(const struct spool *spool);

/* Every file's every name, in no order. */
void spool_each(struct spool *spool, void (*callback)(void *context, struct spool_entry *entry),
	void *context);

#endif
