/* SPDX-License-Identifier: Apache-2.0 */
/* Emptied folders of the inbox: they go when their owner has been quiet for a while, because
 * rsync, tar and cp -a set the times of folders at their end. A folder that was always empty
 * stays. Nothing is written down about it: a folder was emptied if there are documents that lay
 * below it, and that is how those which are still due are found again at the start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/inbox_item.h"

/* When a user last did something in the inbox. */
struct owner_activity {
	struct owner_activity *next;
	uid_t uid;
	int64_t last_ns;
};

/* A folder whose last entry was drained. */
struct folder_watch {
	struct folder_watch *next;
	uint64_t ino;
};

static struct owner_activity *activity_of(struct inbox *inbox, uid_t uid)
{
	struct owner_activity *owner = inbox->owners;

	while (owner && owner->uid != uid)
		owner = owner->next;
	return owner;
}

void inbox_active(struct inbox *inbox, uid_t uid)
{
	struct owner_activity *owner = activity_of(inbox, uid);

	if (!owner) {
		owner = calloc(1, sizeof(*owner));
		if (!owner)
			return;
		owner->uid = uid;
		owner->next = inbox->owners;
		inbox->owners = owner;
	}
	owner->last_ns = clock_mono_ns();
}

static void arm_folders(struct inbox *inbox)
{
	int64_t wait = inbox->parts.config->folder_drain_ns / 4;

	if (!inbox->folder_timer.slot && !inbox->is_stopping)
		loop_timer(inbox->parts.loop, &inbox->folder_timer,
			clock_mono_ns() + (wait > NS_PER_MS ? wait : NS_PER_MS));
}

void inbox_folder_emptied(struct inbox *inbox, const struct spool_inode *folder)
{
	if (folder->children || !folder->name || inbox->parts.config->folder_drain_ns < 0)
		return;
	struct folder_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return;
	watch->ino = folder->ino;
	watch->next = inbox->folders;
	inbox->folders = watch;
	arm_folders(inbox);
}

bool inbox_is_quiet(struct inbox *inbox, uid_t uid)
{
	const struct owner_activity *owner = activity_of(inbox, uid);

	return !owner || clock_mono_ns() - owner->last_ns >= inbox->parts.config->folder_drain_ns;
}

static void on_folder_timer(struct timer *timer)
{
	struct inbox *inbox =
		(struct inbox *)((char *)timer - offsetof(struct inbox, folder_timer));
	struct folder_watch *watch = inbox->folders, *next;

	inbox->folders = NULL;
	for (; watch; watch = next) {
		next = watch->next;
		struct spool_inode *folder = spool_inode(inbox->parts.spool, watch->ino);
		if (!folder || folder->children || !folder->name) {
			free(watch); /* gone, or in use again */
		} else if (inbox_is_quiet(inbox, folder->uid)) {
			struct spool_inode *above = folder->name->folder;
			free(watch);
			inbox_remove_name(inbox, folder->name);
			inbox_folder_emptied(inbox, above);
		} else {
			watch->next = inbox->folders;
			inbox->folders = watch;
		}
	}
	if (inbox->folders)
		arm_folders(inbox);
}

/* --- the start -------------------------------------------------------------------- */

/* An empty folder, and where it is. */
struct empty_folder {
	char *path; /* owned */
	const struct spool_inode *inode;
	bool was_emptied;
};

struct empty_folders {
	struct empty_folder *items;
	size_t count;
};

static void empty_folders_release(struct empty_folders *folders)
{
	for (size_t i = 0; i < folders->count; i++)
		free(folders->items[i].path);
	free(folders->items);
}

/* Those below @folder, whose path is @path ("" for the inbox). 0 or -ENOMEM. */
static int find_empty(const struct spool_inode *folder, const char *path, struct empty_folders *out)
{
	int rc = 0;

	if (!folder->children && path[0]) {
		struct empty_folder *items =
			reallocarray(out->items, out->count + 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		out->items = items;
		items[out->count] = (struct empty_folder){.path = strdup(path), .inode = folder};
		return items[out->count++].path ? 0 : -ENOMEM;
	}
	for (const struct spool_entry *entry = folder->children; entry && !rc;
		entry = entry->next) {
		AUTO_FREE char *below = NULL;
		if (entry->inode->kind != SPOOL_FOLDER)
			continue;
		if (asprintf(&below, "%s%s%s", path, path[0] ? "/" : "", entry->text) < 0)
			return -ENOMEM;
		rc = find_empty(entry->inode, below, out);
	}
	return rc;
}

static int by_path(const void *left, const void *right)
{
	const struct empty_folder *a = left, *b = right;

	return strcmp(a->path, b->path);
}

/* Mark every folder that the document's path leads through. */
static void mark_above(struct empty_folders *folders, char *path)
{
	for (char *slash = path; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		struct empty_folder *found = bsearch(&(struct empty_folder){.path = path},
			folders->items, folders->count, sizeof(*folders->items), by_path);
		if (found)
			found->was_emptied = true;
		*slash = '/';
	}
}

void inbox_folders_start(struct inbox *inbox)
{
	__attribute__((cleanup(empty_folders_release))) struct empty_folders folders = {0};

	if (find_empty(spool_root(inbox->parts.spool), "", &folders) || !folders.count)
		return;
	qsort(folders.items, folders.count, sizeof(*folders.items), by_path);
	for (const struct library_entry *entry = library_first(inbox->parts.library); entry;
		entry = entry->after)
		mark_above(&folders, entry->path);
	for (size_t i = 0; i < folders.count; i++)
		if (folders.items[i].was_emptied)
			inbox_folder_emptied(inbox, folders.items[i].inode);
}

void inbox_folders_init(struct inbox *inbox)
{
	inbox->folder_timer.fire = on_folder_timer;
}

void inbox_folders_release(struct inbox *inbox)
{
	loop_timer_cancel(inbox->parts.loop, &inbox->folder_timer);
	while (inbox->folders) {
		struct folder_watch *watch = inbox->folders;
		inbox->folders = watch->next;
		free(watch);
	}
	while (inbox->owners) {
		struct owner_activity *owner = inbox->owners;
		inbox->owners = owner->next;
		free(owner);
	}
}
