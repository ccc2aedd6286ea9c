/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.askfs-error.txt: why a file could not be ingested, in words, beside the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/inbox_item.h"
#include "core/log.h"
#include "core/names.h"

/* A note that is being written. */
struct note {
	struct job job;
	struct task task;
	struct inbox *inbox;
	struct spool_inode *inode; /* held */
	int fd, result;
	int64_t mtime_ns; /* of the backing file: what a restart finds */
	size_t len;
	char text[];
};

static struct spool_entry *find_note(struct inbox *inbox, const struct spool_entry *entry)
{
	char name[256];

	name_error_note(entry->text, name);
	struct spool_entry *note = spool_lookup(inbox->parts.spool, entry->folder, name);
	return note && note->is_error_note ? note : NULL;
}

static void finish_note(struct task *task)
{
	struct note *note = (struct note *)((char *)task - offsetof(struct note, task));
	struct inbox *inbox = note->inbox;

	if (note->result)
		log_warn("an error note could not be written: %s", strerror(-note->result));
	if (note->mtime_ns)
		note->inode->mtime_ns = note->mtime_ns;
	spool_unref(inbox->parts.spool, note->inode);
	inbox->jobs--;
	free(note);
}

static void write_note(struct job *job)
{
	struct note *note = (struct note *)job;

	ssize_t n = pwrite(note->fd, note->text, note->len, 0);
	note->result = n < 0 ? -errno : 0;
	struct stat attr;
	if (fstat(note->fd, &attr) == 0)
		note->mtime_ns = (int64_t)attr.st_mtim.tv_sec * NS_PER_SEC + attr.st_mtim.tv_nsec;
	close(note->fd);
	note->task.run = finish_note;
	loop_post(note->inbox->parts.loop, &note->task);
}

/* The note's name and file are there: fill it. */
static void on_created(void *context, int result)
{
	struct note *note = context;

	note->result = result;
	if (result) {
		if (note->fd >= 0)
			close(note->fd);
		finish_note(&note->task);
		return;
	}
	spool_wrote(note->inbox->parts.spool, note->inode);
	note->job.run = write_note;
	pool_submit(note->inbox->parts.io, &note->job);
}

bool note_is_there(struct inbox *inbox, const struct spool_entry *entry)
{
	return find_note(inbox, entry);
}

void note_write(struct inbox *inbox, struct spool_entry *entry, const char *text)
{
	struct spool_new new = {
		.kind = SPOOL_FILE,
		.mode = entry->inode->mode & (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH),
		.uid = entry->inode->uid,
		.gid = entry->inode->gid,
		.is_error_note = true,
	};
	size_t len = strlen(text);
	struct spool_entry *made;
	char name[256];

	note_remove(inbox, entry);
	name_error_note(entry->text, name);
	struct note *note = calloc(1, sizeof(*note) + len + 2);
	if (!note)
		return; /* docs/ID/error says the same */
	note->inbox = inbox;
	note->fd = -1;
	memcpy(note->text, text, len);
	if (len == 0 || text[len - 1] != '\n')
		note->text[len++] = '\n';
	note->len = len;
	if (spool_create(inbox->parts.spool, entry->folder, name, &new, &made, &note->fd,
		    on_created, note)) {
		free(note); /* the user has a file of that name, or the disk is full */
		return;
	}
	inbox->jobs++;
	note->inode = made->inode;
	note->inode->size = len;
	spool_ref(note->inode);
	inbox->parts.renamed(inbox->parts.context, entry->folder, name);
}

void note_remove(struct inbox *inbox, struct spool_entry *entry)
{
	struct spool_entry *note = find_note(inbox, entry);
	char name[256];

	if (!note)
		return;
	name_error_note(entry->text, name);
	spool_unlink(inbox->parts.spool, note, false, NULL, NULL);
	inbox->parts.renamed(inbox->parts.context, entry->folder, name);
}

void note_move(struct inbox *inbox, struct spool_entry *entry, struct spool_inode *to_folder,
	const char *to_name)
{
	struct spool_entry *note = find_note(inbox, entry);
	struct spool_inode *folder = entry->folder;
	char from[256], to[256];

	if (!note)
		return;
	name_error_note(entry->text, from);
	name_error_note(to_name, to);
	if (name_is_private(to_name) || spool_lookup(inbox->parts.spool, to_folder, to)) {
		note_remove(inbox, entry); /* the file is none that fails; or a user's is there */
		return;
	}
	spool_rename(inbox->parts.spool, note, to_folder, to, 0, NULL, NULL);
	inbox->parts.renamed(inbox->parts.context, folder, from);
	inbox->parts.renamed(inbox->parts.context, to_folder, to);
}
