/* SPDX-License-Identifier: Apache-2.0 */
/* A change is made in memory at once, so that every later request sees it, and its record goes
 * to the journal; whoever asked for it is answered when the record is written. So the order of
 * the records is the order in which the loop thread made the changes, and a kill between the
 * two loses only what nobody was told about.
 *
 * Never on the host under a name that a user chose: backing files are named by inode number. */
#include "core/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/spool_private.h"

#define XATTR_MAX      ((size_t)64 << 10)
#define REWRITE_FLOOR  ((uint64_t)1 << 20)
#define REWRITE_FACTOR 4 /* rewrite when the journal is this much larger than the tree */

/* One change on its way to the journal. */
struct change {
	struct journal_wait wait;
	struct spool *spool;
	spool_done done;
	void *context;
	uint64_t ino; /* of a new file, to be made on the disk; 0: none */
	int *fd;
	int64_t mtime_ns; /* that the new file has on the disk: what a restart finds */
	struct spool_inode *created; /* to be taken back if it fails */
	struct spool_inode *marked; /* held until its mark is written */
};

char *spool_file(uint64_t ino, char out[24])
{
	snprintf(out, 24, "%llu", (unsigned long long)ino);
	return out;
}

int spool_dir_fd(const struct spool *spool)
{
	return spool->dir_fd;
}

struct spool_inode *spool_root(struct spool *spool)
{
	return spool->tree.root;
}

struct spool_entry *spool_lookup(
	struct spool *spool, const struct spool_inode *folder, const char *name)
{
	return spool_tree_lookup(&spool->tree, folder, name);
}

struct spool_inode *spool_inode(struct spool *spool, uint64_t ino)
{
	return spool_tree_inode(&spool->tree, ino);
}

/* --- the way to the journal ------------------------------------------------------- */

/* I/O pool: the backing file of a new inode. */
static int make_backing(struct journal_wait *wait)
{
	struct change *change = (struct change *)wait;
	char name[24];

	int fd = openat(change->spool->dir_fd, spool_file(change->ino, name),
		O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	struct stat attr;
	if (fstat(fd, &attr) == 0)
		change->mtime_ns = (int64_t)attr.st_mtim.tv_sec * NS_PER_SEC + attr.st_mtim.tv_nsec;
	if (change->fd)
		*change->fd = fd;
	else
		close(fd);
	return 0;
}

static void on_written(struct journal_wait *wait, int result)
{
	struct change *change = (struct change *)wait;
	struct spool_inode *created = change->created;

	if (change->mtime_ns && !created->has_own_mtime && created->generation == 1)
		created->mtime_ns = change->mtime_ns;
	if (change->done)
		change->done(change->context, result); /* who is told before the name goes */
	if (result && created && created->name)
		spool_unlink(change->spool, created->name, false, NULL, NULL);
	if (created)
		spool_unref(change->spool, created);
	if (change->marked)
		spool_unref(change->spool, change->marked);
	free(change);
}

void spool_rewrite_if_due(struct spool *spool)
{
	uint64_t size = journal_size(spool->journal);
	uint64_t live = 160 * (uint64_t)spool->tree.entry_count;
	struct buf records;

	if (size < REWRITE_FLOOR || size < REWRITE_FACTOR * live || journal_is_busy(spool->journal))
		return;
	buf_init(&records, SIZE_MAX / 2);
	spool_record_all(&records, &spool->tree);
	if (!records.failed) {
		journal_rewrite(spool->journal, &records);
		spool->tree.orphan_count = 0; /* told of once more; gone long before the next */
	}
	buf_release(&records);
}

static void append(struct spool *spool, struct change *change)
{
	journal_append(spool->journal, spool->record.data, spool->record.len,
		change ? &change->wait : NULL);
	spool_arm_sync(spool);
}

static struct change *change_new(struct spool *spool, spool_done done, void *context)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change)
		abort(); /* whoever waits would never be answered */
	change->spool = spool;
	change->done = done;
	change->context = context;
	change->wait.done = on_written;
	return change;
}

void spool_append(struct spool *spool)
{
	append(spool, NULL);
}

/* Append what is in the scratch buffer. */
static void append_change(struct spool *spool, spool_done done, void *context)
{
	append(spool, done ? change_new(spool, done, context) : NULL);
}

/* --- references ------------------------------------------------------------------- */

struct removal {
	struct job job;
	struct task task;
	struct spool *spool;
	uint64_t ino;
};

static void finish_removal(struct task *task)
{
	struct removal *removal = (struct removal *)((char *)task - offsetof(struct removal, task));

	removal->spool->jobs--;
	free(removal);
}

static void run_removal(struct job *job)
{
	struct removal *removal = (struct removal *)job;
	char name[24];

	unlinkat(removal->spool->dir_fd, spool_file(removal->ino, name), 0);
	removal->task.run = finish_removal;
	loop_post(removal->spool->loop, &removal->task);
}

/* Free an inode that has neither name nor reference; its file is removed in the background
 * (a kill before that leaves a file that the next start sweeps away). */
static void reap(struct spool *spool, struct spool_inode *inode)
{
	if (inode->name || inode->refs)
		return;
	spool_forget_unsynced(spool, inode);
	struct removal *removal = inode->kind == SPOOL_FILE ? calloc(1, sizeof(*removal)) : NULL;
	if (removal) {
		removal->spool = spool;
		removal->ino = inode->ino;
		removal->job.run = run_removal;
		spool->jobs++;
		pool_submit(spool->pool, &removal->job);
	}
	spool_tree_free(&spool->tree, inode);
}

void spool_ref(struct spool_inode *inode)
{
	inode->refs++;
}

void spool_unref(struct spool *spool, struct spool_inode *inode)
{
	assert(inode->refs > 0);
	inode->refs--;
	reap(spool, inode);
}

/* --- changes ---------------------------------------------------------------------- */

static void touch_folder(struct spool_inode *folder)
{
	folder->mtime_ns = folder->ctime_ns = clock_wall_ns();
}

/* Mode, owner and group as the kernel would set them in a folder with a set-group-id bit. */
static void set_owner(
	struct spool_inode *inode, const struct spool_inode *folder, const struct spool_new *new)
{
	inode->mode = new->mode & 07777;
	inode->uid = new->uid;
	inode->gid = new->gid;
	if (folder->mode & S_ISGID) {
		inode->gid = folder->gid;
		if (new->kind == SPOOL_FOLDER)
			inode->mode |= S_ISGID;
	}
}

int spool_create(struct spool *spool, struct spool_inode *folder, const char *name,
	const struct spool_new *new, struct spool_entry **out, int *fd, spool_done done,
	void *context)
{
	if (spool_lookup(spool, folder, name))
		return -EEXIST;
	if (!journal_has_room(spool->journal))
		return -ENOSPC;
	struct spool_inode *inode =
		spool_tree_new(&spool->tree, spool->tree.last_ino + 1, new->kind);
	if (!inode)
		return -ENOMEM;
	set_owner(inode, folder, new);
	inode->atime_ns = inode->mtime_ns = inode->ctime_ns = clock_wall_ns();
	inode->target = new->target ? strdup(new->target) : NULL;
	struct spool_entry *entry = spool_tree_add(&spool->tree, folder, name, inode);
	if (!entry || (new->target && !inode->target)) {
		if (entry)
			spool_tree_remove(&spool->tree, entry);
		spool_tree_free(&spool->tree, inode);
		return -ENOMEM;
	}
	entry->is_error_note = new->is_error_note;
	touch_folder(folder);

	struct change *change = change_new(spool, done, context);
	change->ino = inode->ino;
	change->fd = fd;
	change->created = inode;
	change->wait.prepare = new->kind == SPOOL_FILE ? make_backing : NULL;
	spool_ref(inode); /* until it is written */
	spool_record_inode(&spool->record, inode);
	append(spool, NULL);
	spool_record_entry(&spool->record, entry);
	append(spool, change);
	*out = entry;
	return 0;
}

int spool_link(struct spool *spool, struct spool_inode *inode, struct spool_inode *folder,
	const char *name, struct spool_entry **out, spool_done done, void *context)
{
	if (inode->kind == SPOOL_FOLDER)
		return -EPERM;
	if (inode->names >= 32000)
		return -EMLINK;
	if (spool_lookup(spool, folder, name))
		return -EEXIST;
	if (!journal_has_room(spool->journal))
		return -ENOSPC;
	struct spool_entry *entry = spool_tree_add(&spool->tree, folder, name, inode);
	if (!entry)
		return -ENOMEM;
	touch_folder(folder);
	inode->ctime_ns = clock_wall_ns();
	spool_record_entry(&spool->record, entry);
	append_change(spool, done, context);
	*out = entry;
	return 0;
}

void spool_each_orphan(struct spool *spool,
	void (*callback)(void *context, const struct uuid *document), void *context)
{
	for (size_t i = 0; i < spool->tree.orphan_count; i++)
		callback(context, &spool->tree.orphans[i]);
	free(spool->tree.orphans);
	spool->tree.orphans = NULL;
	spool->tree.orphan_count = 0;
}

int spool_unlink(struct spool *spool, struct spool_entry *entry, bool takes_document,
	spool_done done, void *context)
{
	struct spool_inode *inode = entry->inode;

	if (inode->children)
		return -ENOTEMPTY;
	touch_folder(entry->folder);
	spool_record_unlink(&spool->record, entry, takes_document);
	inode->ctime_ns = clock_wall_ns();
	spool_tree_unlink(&spool->tree, entry, takes_document);
	append_change(spool, done, context);
	reap(spool, inode);
	return 0;
}

/* Is @folder below (or the same as) @above? */
static bool is_below(const struct spool *spool, const struct spool_inode *folder,
	const struct spool_inode *above)
{
	for (; folder != spool->tree.root; folder = folder->name->folder)
		if (folder == above)
			return true;
	return folder == above;
}

static int check_rename(struct spool *spool, const struct spool_entry *entry,
	const struct spool_inode *to_folder, const struct spool_entry *old, unsigned flags)
{
	bool is_folder = entry->inode->kind == SPOOL_FOLDER;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (is_folder && is_below(spool, to_folder, entry->inode))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE) {
		if (!old)
			return -ENOENT;
		if (old->inode->kind == SPOOL_FOLDER && is_below(spool, entry->folder, old->inode))
			return -EINVAL;
		return 0;
	}
	if (!old)
		return journal_has_room(spool->journal) ? 0 : -ENOSPC;
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (old->inode->kind == SPOOL_FOLDER && !is_folder)
		return -EISDIR;
	if (old->inode->kind != SPOOL_FOLDER && is_folder)
		return -ENOTDIR;
	return old->inode->children ? -ENOTEMPTY : 0;
}

int spool_rename_check(struct spool *spool, const struct spool_entry *entry,
	const struct spool_inode *to_folder, const char *to_name, unsigned flags)
{
	return check_rename(
		spool, entry, to_folder, spool_lookup(spool, to_folder, to_name), flags);
}

int spool_rename(struct spool *spool, struct spool_entry *entry, struct spool_inode *to_folder,
	const char *to_name, unsigned flags, spool_done done, void *context)
{
	struct spool_entry *old = spool_lookup(spool, to_folder, to_name);
	int rc = check_rename(spool, entry, to_folder, old, flags);

	if (rc)
		return rc;
	touch_folder(entry->folder);
	touch_folder(to_folder);
	to_folder->mtime_ns = to_folder->ctime_ns = entry->folder->mtime_ns;
	spool_record_rename(&spool->record, entry, to_folder, to_name, flags & RENAME_EXCHANGE);
	append_change(spool, done, context);
	entry->inode->ctime_ns = clock_wall_ns();
	if (old && old->inode == entry->inode)
		return 0; /* two names of one file, or the same name: nothing moves */
	if (flags & RENAME_EXCHANGE) {
		if (spool_tree_exchange(&spool->tree, entry, old))
			abort(); /* it is in the journal already */
		return 0;
	}
	struct spool_inode *gone = old ? old->inode : NULL;
	if (old)
		spool_tree_unlink(&spool->tree, old, true);
	if (!spool_tree_move(&spool->tree, entry, to_folder, to_name))
		abort();
	if (gone)
		reap(spool, gone);
	return 0;
}

void spool_setattr(struct spool *spool, struct spool_inode *inode, const struct spool_attr *attr,
	int set, spool_done done, void *context)
{
	if (set & SPOOL_MODE)
		inode->mode = attr->mode & 07777;
	if (set & SPOOL_UID)
		inode->uid = attr->uid;
	if (set & SPOOL_GID)
		inode->gid = attr->gid;
	if (set & SPOOL_ATIME)
		inode->atime_ns = attr->atime_ns;
	if (set & SPOOL_MTIME) {
		inode->mtime_ns = attr->mtime_ns;
		inode->has_own_mtime = true;
	}
	inode->ctime_ns = clock_wall_ns();
	spool_record_inode(&spool->record, inode);
	append_change(spool, done, context);
}

const struct spool_xattr *spool_getxattr(const struct spool_inode *inode, const char *name)
{
	const struct spool_xattr *xattr = inode->xattrs;

	while (xattr && strcmp(xattr->name, name) != 0)
		xattr = xattr->next;
	return xattr;
}

static size_t xattr_bytes(const struct spool_inode *inode)
{
	size_t bytes = 0;

	for (const struct spool_xattr *x = inode->xattrs; x; x = x->next)
		bytes += strlen(x->name) + x->size + 16;
	return bytes;
}

int spool_setxattr(struct spool *spool, struct spool_inode *inode, const char *name,
	const void *value, size_t size, int flags, spool_done done, void *context)
{
	const struct spool_xattr *old = spool_getxattr(inode, name);

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (!value || (flags & XATTR_REPLACE)))
		return -ENODATA;
	if (value && xattr_bytes(inode) + size > XATTR_MAX)
		return -ENOSPC;
	int rc = spool_tree_xattr(inode, name, value, size);
	if (rc)
		return rc;
	inode->ctime_ns = clock_wall_ns();
	spool_record_xattr(&spool->record, inode, name, value, size);
	append_change(spool, done, context);
	return 0;
}

static bool is_clean(const struct spool_inode *inode)
{
	for (const struct spool_entry *name = inode->name; name; name = name->next_name)
		if (name->clean == inode->generation)
			return true;
	return false;
}

void spool_open_for_write(
	struct spool *spool, struct spool_inode *inode, spool_done done, void *context)
{
	if (!is_clean(inode)) {
		done(context, 0);
		return;
	}
	spool_record_generation(&spool->record, inode, inode->generation + 1);
	append_change(spool, done, context);
}

static void mark_written(void *context, int result)
{
	struct spool_inode *inode = context;

	(void)result; /* it is written later all the same, in its order */
	inode->unwritten--;
}

void spool_flush(struct spool *spool, struct spool_inode *inode, spool_done done, void *context)
{
	if (!inode->unwritten) {
		done(context, 0);
		return;
	}
	spool_record_generation(&spool->record, inode, inode->generation);
	append_change(spool, done, context); /* behind the marks */
}

/* A name may have become clean, or the journal been rewritten, since the handle was opened: the
 * first write after that is told of again. So is one that ends a time that was set. */
void spool_wrote(struct spool *spool, struct spool_inode *inode)
{
	if (is_clean(inode) || inode->has_own_mtime) {
		spool_record_generation(&spool->record, inode, inode->generation + 1);
		inode->unwritten++;
		spool_ref(inode);
		struct change *change = change_new(spool, mark_written, inode);
		change->marked = inode;
		append(spool, change);
	}
	inode->generation++;
	inode->mtime_ns = inode->ctime_ns = clock_wall_ns();
	inode->has_own_mtime = false;
	if (inode->is_unsynced)
		return;
	inode->is_unsynced = true;
	inode->next_unsynced = spool->unsynced;
	spool->unsynced = inode;
	spool_arm_sync(spool);
}

void spool_assign(struct spool *spool, struct spool_entry *entry, const struct uuid *document)
{
	spool_tree_assign(&spool->tree, entry, document);
	spool_record_entry(&spool->record, entry);
	append(spool, NULL);
}

void spool_clean(struct spool *spool, struct spool_entry *entry, uint32_t generation)
{
	entry->clean = generation;
	spool_record_entry(&spool->record, entry);
	append(spool, NULL);
}

static int add_path(const struct spool_inode *folder, struct buf *out)
{
	if (folder->ino == SPOOL_ROOT_INO)
		return 0;
	int rc = add_path(folder->name->folder, out);
	if (!rc)
		rc = buf_adds(out, folder->name->text);
	return rc ? rc : buf_addc(out, '/');
}

int spool_path(const struct spool_entry *entry, struct buf *out)
{
	int rc = add_path(entry->folder, out);

	return rc ? rc : buf_adds(out, entry->text);
}

void spool_each(struct spool *spool, void (*callback)(void *context, struct spool_entry *entry),
	void *context)
{
	for (size_t i = 0; i < spool->tree.entry_cap; i++) {
		struct spool_entry *entry = spool->tree.entries[i], *next;
		for (; entry; entry = next) {
			next = entry->next_hash;
			if (entry->inode->kind == SPOOL_FILE)
				callback(context, entry);
		}
	}
}
