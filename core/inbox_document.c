/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of documents that already are: their bits, their path, what a user says about them,
 * and their end. The record is changed on the I/O pool, under the lock that orders it with
 * the pipeline's commits; the library is changed at once, so that what is looked at next shows
 * it, and again with what the record says when it is written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/document_tags.h"
#include "core/inbox_item.h"
#include "core/log.h"
#include "core/names.h"

int document_take_xattrs(struct document *document, const struct spool_inode *inode)
{
	for (const struct spool_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		if (!document_xattr_is_settable(xattr->name))
			continue;
		char *value = strndup(xattr->value, xattr->size);
		int rc = value ? document_set_xattr(document, xattr->name, value) : -ENOMEM;
		free(value);
		if (rc == -ENOMEM)
			return rc;
	}
	return 0;
}

/* --- editing ---------------------------------------------------------------------- */

/* Edits that somebody waits for. */
struct edits {
	size_t left; /* and one until all are begun */
	inbox_done done;
	void *context;
};

void inbox_edits_begin(struct inbox *inbox, inbox_done done, void *context)
{
	struct edits *edits = done ? calloc(1, sizeof(*edits)) : NULL;

	if (edits)
		*edits = (struct edits){1, done, context};
	else if (done)
		done(context, 0); /* short of memory: nobody waits */
	inbox->edits = edits;
}

static void made(struct edits *edits)
{
	if (!edits || --edits->left)
		return;
	edits->done(edits->context, 0);
	free(edits);
}

void inbox_edits_end(struct inbox *inbox)
{
	made(TAKE_PTR(inbox->edits));
}

struct edit {
	struct job job;
	struct task task;
	struct inbox *inbox;
	struct uuid id;
	struct document_edit edit; /* its strings are copies */
	struct document told; /* attributes to take over: title, source, tags */
	bool has_told;
	struct run *running; /* held; it is in the pipeline and obeys new bits too */
	struct edits *edits; /* it is one of; NULL: of none */
	inbox_done done;
	void *context;
	int result;
	struct document after;
	struct err err;
};

static void edit_free(struct edit *edit)
{
	free((char *)edit->edit.path);
	free((char *)edit->edit.name);
	free((char *)edit->edit.value);
	document_release(&edit->told);
	document_release(&edit->after);
	free(edit);
}

static int take_path(struct document *document, const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	free(document->path);
	document->path = copy;
	return 0;
}

static int change_xattr(struct document *document, const struct document_edit *edit)
{
	AUTO_BUF struct buf before;

	buf_init(&before, BUF_MAX_DEFAULT);
	int rc = document_get_xattr(document, edit->name, &before);
	if (!rc && edit->xattr_flags & XATTR_CREATE)
		return -EEXIST;
	if (rc == -ENODATA && edit->xattr_flags & XATTR_REPLACE)
		return rc;
	return document_set_xattr(document, edit->name, edit->value);
}

/* I/O pool, under the records' lock. */
static int change(void *context, struct document *document)
{
	struct edit *edit = context;
	int rc = 0;

	document->updated_ns = document_next_update(document);

	if (edit->edit.set & EDIT_ACCESS)
		document->access = edit->edit.access;
	if (edit->edit.set & EDIT_MTIME)
		document->mtime_ns = edit->edit.mtime_ns;
	if (edit->edit.set & EDIT_PATH)
		rc = take_path(document, edit->edit.path);
	if (!rc && edit->edit.set & EDIT_XATTR)
		rc = change_xattr(document, &edit->edit);
	if (!rc && edit->has_told)
		rc = document_take_said(document, &edit->told);
	return rc;
}

static void edit_file_xattr(
	struct inbox *inbox, const struct document_edit *edit, struct spool_entry *entry)
{
	spool_setxattr(inbox->parts.spool, entry->inode, edit->name, edit->value,
		edit->value ? strlen(edit->value) : 0, 0, NULL, NULL);
}

/* One that was to be new, or to be there, is set on the file once it was so in the record. */
static void edit_file_later(struct inbox *inbox, const struct edit *edit)
{
	struct library_entry *document = library_find(inbox->parts.library, &edit->id);
	struct spool_entry *entry =
		document ? inbox_resolve(inbox, document->access.owner, document->path) : NULL;

	if (entry && uuid_equal(&entry->document, &edit->id))
		edit_file_xattr(inbox, &edit->edit, entry);
}

static void finish_edit(struct task *task)
{
	struct edit *edit = (struct edit *)((char *)task - offsetof(struct edit, task));
	struct inbox *inbox = edit->inbox;

	if (edit->result == 0 && library_find(inbox->parts.library, &edit->id))
		library_put(inbox->parts.library, &edit->after);
	if (edit->result == -ENOENT)
		edit->result = 0; /* no record yet: the pipeline writes it as the file is now */
	if (edit->result == -ENODATA && !edit->done)
		edit->result = 0; /* what was to be removed was not there */
	if (edit->result == 0 && edit->edit.xattr_flags)
		edit_file_later(inbox, edit);
	if (edit->result)
		log_warn("a document could not be changed: %s", edit->err.text);
	if (edit->done)
		edit->done(edit->context, edit->result);
	if (edit->running)
		run_unref(edit->running);
	made(edit->edits);
	inbox->jobs--;
	edit_free(edit);
}

static void run_edit(struct job *job)
{
	struct edit *edit = (struct edit *)job;
	struct ports *ports = edit->inbox->parts.ports;

	if (edit->running && edit->edit.set & EDIT_ACCESS)
		ingest_job_access(
			edit->inbox->parts.ingest, run_job(edit->running), &edit->edit.access);
	edit->result =
		records_change(ports->records, &edit->id, change, edit, &edit->after, &edit->err);
	edit->task.run = finish_edit;
	loop_post(edit->inbox->parts.loop, &edit->task);
}

static struct edit *edit_new(
	struct inbox *inbox, const struct uuid *id, inbox_done done, void *context)
{
	struct edit *edit = calloc(1, sizeof(*edit));

	if (!edit)
		return NULL;
	edit->inbox = inbox;
	edit->id = *id;
	edit->done = done;
	edit->context = context;
	document_init(&edit->told);
	document_init(&edit->after);
	edit->job.run = run_edit;
	return edit;
}

static void submit(struct edit *edit)
{
	struct library_entry *entry = library_find(edit->inbox->parts.library, &edit->id);

	if (entry && entry->run) {
		edit->running = entry->run;
		run_ref(edit->running);
	}
	edit->edits = edit->inbox->edits;
	if (edit->edits)
		edit->edits->left++;
	edit->inbox->jobs++;
	pool_submit(edit->inbox->parts.io, &edit->job);
}

/* The library shows it at once. */
static void edit_library(
	struct inbox *inbox, const struct document_edit *edit, struct library_entry *entry)
{
	struct access access = edit->set & EDIT_ACCESS ? edit->access : entry->access;
	const char *path = edit->set & EDIT_PATH ? edit->path : entry->path;

	if (edit->set & EDIT_MTIME)
		entry->mtime_ns = edit->mtime_ns;
	if (edit->set & (EDIT_ACCESS | EDIT_PATH))
		library_set_place(inbox->parts.library, entry, &access, path);
}

/* So does the file, while it is still in the inbox: it must not undo the change later. */
static void edit_file(
	struct inbox *inbox, const struct document_edit *edit, const struct library_entry *document)
{
	struct spool_entry *entry = inbox_resolve(inbox, document->access.owner, document->path);
	struct spool_attr attr = {.mode = edit->access.mode, .gid = edit->access.group};

	if (!entry || !uuid_equal(&entry->document, &document->id))
		return;
	if (edit->set & EDIT_ACCESS && !(edit->set & EDIT_PATH))
		spool_setattr(inbox->parts.spool, entry->inode, &attr, SPOOL_MODE | SPOOL_GID, NULL,
			NULL);
	if (edit->set & EDIT_XATTR && !edit->xattr_flags)
		edit_file_xattr(inbox, edit, entry);
}

/* The documents of the file's other names are of the same bits. */
static void tell_other_names(struct inbox *inbox, const struct library_entry *document)
{
	struct spool_entry *entry = inbox_resolve(inbox, document->access.owner, document->path);

	if (!entry || !uuid_equal(&entry->document, &document->id))
		return;
	for (struct spool_entry *name = entry->inode->name; name; name = name->next_name)
		if (name != entry && name->item)
			item_edit_access(name->item);
}

/* The copies of a change's strings. 0 or -ENOMEM. */
static int copy_edit(struct document_edit *to, const struct document_edit *from)
{
	*to = *from;
	to->path = from->path ? strdup(from->path) : NULL;
	to->name = from->name ? strdup(from->name) : NULL;
	to->value = from->value ? strdup(from->value) : NULL;
	bool is_whole =
		!from->path == !to->path && !from->name == !to->name && !from->value == !to->value;
	return is_whole ? 0 : -ENOMEM;
}

void inbox_edit(struct inbox *inbox, const struct uuid *id, const struct document_edit *change_,
	inbox_done done, void *context)
{
	struct library_entry *entry = library_find(inbox->parts.library, id);
	struct edit *edit = entry ? edit_new(inbox, id, done, context) : NULL;

	if (!edit || copy_edit(&edit->edit, change_)) {
		if (edit)
			edit_free(edit);
		if (done)
			done(context, entry ? -ENOMEM : -ENOENT);
		return;
	}
	edit_file(inbox, change_, entry);
	edit_library(inbox, change_, entry);
	submit(edit);
	if (change_->set & EDIT_ACCESS)
		tell_other_names(inbox, entry);
}

void inbox_attr_removed(struct inbox *inbox, struct spool_inode *inode, const char *name)
{
	for (struct spool_entry *entry = inode->name; entry; entry = entry->next_name) {
		struct edit *edit = uuid_is_nil(&entry->document)
			? NULL
			: edit_new(inbox, &entry->document, NULL, NULL);
		if (!edit)
			continue;
		edit->edit = (struct document_edit){.set = EDIT_XATTR, .name = strdup(name)};
		if (edit->edit.name)
			submit(edit);
		else
			edit_free(edit);
	}
}

void item_edit_document(struct item *item)
{
	struct inbox *inbox = item->inbox;
	struct spool_entry *entry = item->entry;
	struct library_entry *document = library_find(inbox->parts.library, &entry->document);
	struct access access = inbox_access(entry);

	if (!document)
		return;
	bool is_same = document->access.owner == access.owner &&
		document->access.group == access.group && document->access.mode == access.mode;
	bool is_same_time = document->mtime_ns == entry->inode->mtime_ns;
	if (is_same && is_same_time && !entry->inode->xattrs)
		return;
	if (document->access.owner != access.owner) {
		item_settle(item, item->settle_ns); /* another user's: another document */
		return;
	}
	struct edit *edit = edit_new(inbox, &entry->document, NULL, NULL);
	if (!edit || document_take_xattrs(&edit->told, entry->inode)) {
		if (edit)
			edit_free(edit);
		return;
	}
	edit->has_told = true;
	edit->edit.set = (is_same ? 0 : EDIT_ACCESS) | (is_same_time ? 0 : EDIT_MTIME);
	edit->edit.mtime_ns = entry->inode->mtime_ns;
	edit->edit.access = access;
	edit_library(inbox, &edit->edit, document);
	submit(edit);
}

void item_edit_access(struct item *item)
{
	struct inbox *inbox = item->inbox;
	struct library_entry *document = library_find(inbox->parts.library, &item->entry->document);
	struct access access = inbox_access(item->entry);

	if (!document || document->access.owner != access.owner ||
		(document->access.group == access.group && document->access.mode == access.mode))
		return;
	struct edit *edit = edit_new(inbox, &document->id, NULL, NULL);
	if (!edit)
		return;
	edit->edit.set = EDIT_ACCESS;
	edit->edit.access = access;
	edit_library(inbox, &edit->edit, document);
	submit(edit);
}

/* --- deleting --------------------------------------------------------------------- */

struct deletion {
	struct job job;
	struct task task;
	struct inbox *inbox;
	struct uuid id;
	inbox_done done;
	void *context;
	int result;
	struct err err;
};

static void finish_deletion(struct task *task)
{
	struct deletion *deletion =
		(struct deletion *)((char *)task - offsetof(struct deletion, task));
	struct inbox *inbox = deletion->inbox;
	struct library_entry *entry = library_find(inbox->parts.library, &deletion->id);

	if (deletion->result)
		log_error("a document could not be deleted: %s", deletion->err.text);
	else if (entry)
		library_remove(inbox->parts.library, entry);
	if (deletion->done)
		deletion->done(deletion->context, deletion->result);
	inbox->jobs--;
	free(deletion);
}

static void run_deletion(struct job *job)
{
	struct deletion *deletion = (struct deletion *)job;
	struct ports *ports = deletion->inbox->parts.ports;

	deletion->result = records_delete(ports->records, &deletion->id, &deletion->err);
	deletion->task.run = finish_deletion;
	loop_post(deletion->inbox->parts.loop, &deletion->task);
}

static void remove_name(struct inbox *inbox, struct spool_entry *entry)
{
	struct spool_inode *folder = entry->folder;
	char *name = strdup(entry->text);
	struct item *item = entry->item;

	if (item && item->run)
		item->must_delete = true;
	note_remove(inbox, entry);
	inbox_leaves(inbox, entry);
	spool_unlink(inbox->parts.spool, entry, false, NULL, NULL);
	if (name)
		inbox->parts.renamed(inbox->parts.context, folder, name);
	free(name);
}

/* Take the document's names out of the inbox. The file that its path leads to goes; where there is
 * none, the one that was renamed goes. Any other that was the document's once stays. */
static void remove_names(struct inbox *inbox, const struct uuid *id)
{
	struct library_entry *document = library_find(inbox->parts.library, id);
	struct spool_entry *at_path =
		document ? inbox_resolve(inbox, document->access.owner, document->path) : NULL;
	bool is_taken = at_path;

	if (at_path && uuid_equal(&at_path->document, id))
		remove_name(inbox, at_path);
	while (document && document->names > 0) {
		struct spool_entry *found = inbox_find_name(inbox, id, NULL);
		if (!found)
			return;
		if (is_taken)
			inbox_release_name(inbox, found);
		else
			remove_name(inbox, found);
	}
}

void inbox_delete(struct inbox *inbox, const struct uuid *id, inbox_done done, void *context)
{
	struct deletion *deletion = calloc(1, sizeof(*deletion));

	if (!deletion) {
		if (done)
			done(context, -ENOMEM);
		return;
	}
	remove_names(inbox, id);
	deletion->inbox = inbox;
	deletion->id = *id;
	deletion->done = done;
	deletion->context = context;
	deletion->job.run = run_deletion;
	inbox->jobs++;
	pool_submit(inbox->parts.io, &deletion->job);
}
