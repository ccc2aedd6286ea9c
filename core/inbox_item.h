/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the inbox share. Loop thread. */
#ifndef ASKFS_CORE_INBOX_ITEM_H
#define ASKFS_CORE_INBOX_ITEM_H

#include "core/inbox.h"
#include "core/records.h"

enum item_state {
	ITEM_IDLE, /* nothing to do: private, empty, or failed */
	ITEM_OPEN, /* changed, and still open for writing */
	ITEM_SETTLING, /* the timer runs until it counts as done */
	ITEM_READY, /* in the queue for a place in the pipeline */
	ITEM_RUNNING, /* in the pipeline */
	ITEM_WAITING, /* the timer runs until the next attempt */
	ITEM_UNSAFE, /* ingested, but not yet safe from a loss of power */
	ITEM_CLEAN, /* ingested for good; the timer runs until it leaves */
};

/* One name in the inbox. */
struct item {
	struct inbox *inbox;
	struct spool_entry *entry; /* NULL: the name has gone while it ran */
	struct timer timer;
	enum item_state state;
	bool has_failed; /* the last attempt; the error note says why */
	bool must_edit; /* the record may not say what the file says */
	bool is_adopted; /* found by a restart, and not written since */
	bool must_delete; /* the document is to be deleted when it has run */
	unsigned attempts; /* in a row, that may pass */
	uint32_t generation; /* that was taken up last */
	struct uuid document;
	int64_t settle_ns; /* quiet time it needs now */
	int64_t last_closed_ns; /* monotonic */
	int64_t settled_ns, indexed_ns;
	struct run *run;
	struct item *next, *before; /* in one of the lists */
	struct item_list *list;
};

struct item_list {
	struct item *first, *last;
	size_t count;
};

struct inbox {
	struct inbox_parts parts;
	bool is_stopping;
	bool was_killed; /* the daemon before */
	size_t settling, running;
	struct item_list ready; /* ITEM_READY */
	struct item_list unsafe; /* ITEM_UNSAFE, waiting for the next barrier */
	struct item_list barrier; /* ITEM_UNSAFE, the barrier under way */
	bool is_barrier_running;
	struct timer barrier_timer;
	struct timer folder_timer;
	struct timer trim_timer; /* a burst is over: its memory goes back */
	struct check *checks; /* of documents whose file went */
	struct folder_watch *folders; /* emptied by draining */
	struct owner_activity *owners;
	unsigned jobs; /* on the I/O pool */
	struct edits *edits; /* that somebody will wait for, while they are made; NULL: none */
};

/* inbox.c */
struct item *item_of(struct inbox *inbox, struct spool_entry *entry); /* made if need be */
void item_set_state(struct item *item, enum item_state state);
void item_free(struct item *item);
void item_settle(struct item *item, int64_t delay_ns);
void inbox_assign(struct inbox *inbox, struct spool_entry *entry, const struct uuid *document);
/* Is there, when things have settled, still a file that is this document? If not, delete it. */
void inbox_check_document(struct inbox *inbox, const struct uuid *id);
/* The file that a document's path leads to now, if it is the owner's and may be a document. */
struct spool_entry *inbox_resolve(struct inbox *inbox, uid_t owner, const char *path);
/* A name other than @but that is the document; NULL: there is none. Looks at every name. */
struct spool_entry *inbox_find_name(
	struct inbox *inbox, const struct uuid *document, const struct spool_entry *but);
/* It is the document no more, and becomes one of its own when it has settled. */
void inbox_release_name(struct inbox *inbox, struct spool_entry *entry);
struct access inbox_access(const struct spool_entry *entry);

void item_list_add(struct item_list *list, struct item *item);
void item_list_remove(struct item *item);

/* inbox_run.c: the pipeline's places. */
/* A member of a document was written or has gone: records_member_fn. */
void inbox_on_member(
	void *context, enum member_news what, const struct uuid *id, const struct document *record);
void item_run(struct item *item); /* ITEM_READY: it will run */
void item_cancel(struct item *item);
/* A file in the pipeline, held so that its job can be told about new bits. Loop thread. */
struct ingest_job *run_job(struct run *run);
void run_ref(struct run *run);
void run_unref(struct run *run);
void inbox_fill(struct inbox *inbox);
void inbox_on_trim_timer(struct timer *timer);
void inbox_trim_later(struct inbox *inbox);

/* inbox_drain.c */
void item_ingested(struct item *item); /* ITEM_UNSAFE: clean and leave in time */
void item_drain_later(struct item *item);
void inbox_drain_init(struct inbox *inbox);
void inbox_drain_release(struct inbox *inbox);
/* Remove a name on our own account, and let the kernel know. */
void inbox_remove_name(struct inbox *inbox, struct spool_entry *entry);

/* inbox_folders.c */
void inbox_active(struct inbox *inbox, uid_t owner); /* a user did something there just now */
bool inbox_is_quiet(struct inbox *inbox, uid_t owner); /* for as long as folders wait */
void inbox_folder_emptied(struct inbox *inbox, const struct spool_inode *folder);
void inbox_folders_init(struct inbox *inbox);
void inbox_folders_start(struct inbox *inbox); /* those that an earlier daemon emptied */
void inbox_folders_release(struct inbox *inbox);

/* inbox_note.c */
void note_write(struct inbox *inbox, struct spool_entry *entry, const char *text);
void note_remove(struct inbox *inbox, struct spool_entry *entry);
/* @entry is about to be called @to_name in @to_folder: its note goes along. */
void note_move(struct inbox *inbox, struct spool_entry *entry, struct spool_inode *to_folder,
	const char *to_name);
bool note_is_there(struct inbox *inbox, const struct spool_entry *entry);

/* inbox_document.c */
/* Title, source and tags of the inode's attributes into the record. 0 or -ENOMEM. */
int document_take_xattrs(struct document *document, const struct spool_inode *inode);
/* Make record and library say what the file says now. */
void item_edit_document(struct item *item);
/* The same of who may read it, alone. */
void item_edit_access(struct item *item);
/* @done is called when all edits are made that are begun between the two; NULL: nobody waits. */
void inbox_edits_begin(struct inbox *inbox, inbox_done done, void *context);
void inbox_edits_end(struct inbox *inbox);

#endif
