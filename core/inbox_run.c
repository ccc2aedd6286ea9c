/* SPDX-License-Identifier: Apache-2.0 */
/* The way through the pipeline: a bounded number of files at once, the others wait as small
 * items; what comes back decides how the file goes on. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/inbox_item.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/parser.h"

/* Jobs in the pipeline at once: enough for full batches, little enough memory. */
#define RUNNING_MAX 512
/* The first pause after a failure that may pass, and the longest. */
#define RETRY_NS     (NS_PER_SEC / 2)
#define RETRY_MAX_NS (30 * NS_PER_SEC)

/* One file in the pipeline. */
struct run {
	struct ingest_job job; /* the pipeline's until done */
	struct task task, begun_task;
	struct inbox *inbox;
	struct item *item; /* loop thread */
	unsigned refs; /* loop thread */
};

/* News of a version that answers while its embeddings are still made, or of a member. */
struct news {
	struct task task;
	struct inbox *inbox;
	enum member_news what;
	struct document record; /* MEMBER_GONE: only its id */
};

/* What is in a document that was deleted meanwhile does not come back. */
static void on_news(struct task *task)
{
	struct news *news = (struct news *)task;
	struct library *library = news->inbox->parts.library;
	struct library_entry *entry = library_find(library, &news->record.id);
	bool may_come = news->what == MEMBER_CAME && library_find(library, &news->record.parent);

	if (entry && news->what == MEMBER_GONE)
		library_remove(library, entry);
	else if (entry || may_come)
		library_put(library, &news->record);
	document_release(&news->record);
	free(news);
}

/* Any thread. */
static void send_news(struct inbox *inbox, enum member_news what, const struct uuid *id,
	const struct document *record)
{
	struct news *news = calloc(1, sizeof(*news));

	if (!news || (record && document_copy(&news->record, record))) {
		free(news);
		return; /* it shows at the next change, or after the next start */
	}
	news->record.id = *id;
	news->what = what;
	news->inbox = inbox;
	news->task.run = on_news;
	loop_post(inbox->parts.loop, &news->task);
}

void inbox_on_member(
	void *context, enum member_news what, const struct uuid *id, const struct document *record)
{
	send_news(context, what, id, record);
}

/* Worker thread. */
static void on_published(struct ingest_job *job, const struct document *record)
{
	send_news(((struct run *)job)->inbox, MEMBER_CHANGED, &record->id, record);
}

/* Files from this size on are long enough in the pipeline for somebody to see it. */
#define SHOW_BYTES ((uint64_t)64 << 10)

static void on_begun_loop(struct task *task)
{
	struct run *run = (struct run *)((char *)task - offsetof(struct run, begun_task));
	struct library *library = run->inbox->parts.library;
	struct library_entry *entry = library_find(library, &run->job.document.id);

	if (entry && entry->version == 0)
		library_set_status(library, entry, DOC_PROCESSING);
}

/* Worker thread. */
static void on_begun(struct ingest_job *job)
{
	struct run *run = (struct run *)job;

	run->begun_task.run = on_begun_loop;
	loop_post(run->inbox->parts.loop, &run->begun_task);
}

/* --- what came back --------------------------------------------------------------- */

static void retry_later(struct item *item, const struct err *err)
{
	int64_t pause = RETRY_NS << (item->attempts < 7 ? item->attempts : 7);

	if (pause > RETRY_MAX_NS)
		pause = RETRY_MAX_NS;
	pause += pause * (rand() % 64) / 256;
	item->attempts++;
	log_warn("%s: %s; trying again in %.1f s", item->entry->text, err->text,
		(double)pause / 1e9);
	struct library *library = item->inbox->parts.library;
	struct library_entry *document = library_find(library, &item->document);
	if (document && document->status == DOC_PROCESSING && !document->version)
		library_set_status(library, document, DOC_PENDING);
	item_set_state(item, ITEM_WAITING);
	loop_timer(item->inbox->parts.loop, &item->timer, clock_mono_ns() + pause);
}

static void take_result(struct item *item, struct run *run)
{
	struct library *library = item->inbox->parts.library;
	bool is_known = library_find(library, &item->document) != NULL;

	if (is_known && run->job.outcome != INGEST_LATER && run->job.outcome != INGEST_CANCELLED)
		library_put(library, &run->job.record);
}

/* The name is still there and its content is what was ingested. */
static void go_on(struct item *item, struct run *run)
{
	struct inbox *inbox = item->inbox;

	bool fails_still =
		run->job.outcome == INGEST_UNCHANGED && run->job.record.status == DOC_FAILED;
	item->has_failed = run->job.outcome == INGEST_FAILED || fails_still;
	bool is_noted = fails_still && note_is_there(inbox, item->entry);
	if (item->has_failed && !is_noted)
		note_write(inbox, item->entry, run->job.record.error ? run->job.record.error : "");
	else if (!item->has_failed)
		note_remove(inbox, item->entry);
	item->attempts = 0;
	item->indexed_ns = clock_mono_ns();
	item_ingested(item);
	if (item->must_edit)
		item_edit_document(item);
	item->must_edit = false;
}

static void finish(struct item *item, struct run *run)
{
	struct inbox *inbox = item->inbox;
	struct uuid document = item->document;
	struct library_entry *known = library_find(inbox->parts.library, &document);

	if (known)
		known->run = NULL;
	take_result(item, run);
	item->run = NULL;
	inbox->running--;
	if (item->must_delete)
		inbox_delete(inbox, &document, NULL, NULL);
	if (!item->entry) {
		struct library_entry *entry = library_find(inbox->parts.library, &document);
		if (entry && entry->names == 0)
			inbox_check_document(inbox, &document);
		item_free(item);
		return;
	}
	item->must_delete = false;
	if (item->state != ITEM_RUNNING)
		return; /* it changed: it is settling, or open */
	if (run->job.outcome == INGEST_LATER)
		retry_later(item, &run->job.err);
	else if (run->job.outcome == INGEST_CANCELLED ||
		item->generation != item->entry->inode->generation)
		item_settle(item, item->settle_ns);
	else
		go_on(item, run);
}

struct ingest_job *run_job(struct run *run)
{
	return &run->job;
}

void run_ref(struct run *run)
{
	run->refs++;
}

void run_unref(struct run *run)
{
	if (--run->refs > 0)
		return;
	ingest_job_release(&run->job);
	free(run);
}

/* How long after a burst its memory goes back to the system. */
#define TRIM_NS NS_PER_SEC

struct trim {
	struct job job;
	struct task task;
	struct inbox *inbox;
};

static void finish_trim(struct task *task)
{
	struct trim *trim = (struct trim *)((char *)task - offsetof(struct trim, task));

	trim->inbox->jobs--;
	free(trim);
}

static void run_trim(struct job *job)
{
	struct trim *trim = (struct trim *)job;

	parser_rest(trim->inbox->parts.ports->parser);
	malloc_trim(0);
	trim->task.run = finish_trim;
	loop_post(trim->inbox->parts.loop, &trim->task);
}

void inbox_on_trim_timer(struct timer *timer)
{
	struct inbox *inbox = (struct inbox *)((char *)timer - offsetof(struct inbox, trim_timer));
	struct trim *trim = inbox->running ? NULL : calloc(1, sizeof(*trim));

	if (!trim)
		return;
	trim->inbox = inbox;
	trim->job.run = run_trim;
	inbox->jobs++;
	pool_submit(inbox->parts.io, &trim->job);
}

void inbox_trim_later(struct inbox *inbox)
{
	if (!inbox->is_stopping)
		loop_timer(inbox->parts.loop, &inbox->trim_timer, clock_mono_ns() + TRIM_NS);
}

static void on_done_loop(struct task *task)
{
	struct run *run = (struct run *)((char *)task - offsetof(struct run, task));
	struct inbox *inbox = run->inbox;

	finish(run->item, run);
	run_unref(run);
	inbox_fill(inbox);
}

/* Worker thread. */
static void on_done(struct ingest_job *job)
{
	struct run *run = (struct run *)job;

	run->task.run = on_done_loop;
	loop_post(run->inbox->parts.loop, &run->task);
}

/* --- into the pipeline ------------------------------------------------------------ */

static int describe(struct item *item, struct document *document)
{
	const struct spool_entry *entry = item->entry;
	const struct library_entry *known =
		library_find(item->inbox->parts.library, &entry->document);
	struct buf path;

	document_init(document);
	buf_init(&path, (size_t)64 << 10);
	int rc = spool_path(entry, &path);
	document->path = buf_take(&path, NULL);
	document->realm = strdup(item->inbox->parts.realm);
	if (rc || !document->path || !document->realm)
		return rc ? rc : -ENOMEM;
	document->id = entry->document;
	document->access = inbox_access(entry);
	document->size = entry->inode->size;
	document->mtime_ns = entry->inode->mtime_ns;
	document->created_ns = known ? known->created_ns : clock_wall_ns();
	return document_take_xattrs(document, entry->inode);
}

static void start(struct item *item)
{
	struct inbox *inbox = item->inbox;
	struct run *run = calloc(1, sizeof(*run));
	char name[24];

	if (!run || describe(item, &run->job.document) ||
		asprintf(&run->job.file, "%s/%s", inbox->parts.spool_path,
			spool_file(item->entry->inode->ino, name)) < 0)
		abort(); /* out of memory with a file accepted: a restart takes it up again */
	struct library_entry *known = library_find(inbox->parts.library, &item->entry->document);
	if (known)
		known->run = run;
	run->inbox = inbox;
	run->item = item;
	run->refs = 1;
	run->job.is_adopted = item->is_adopted;
	run->job.attempts = item->attempts;
	run->job.queued_ns = item->settled_ns;
	run->job.begun = item->entry->inode->size >= SHOW_BYTES ? on_begun : NULL;
	run->job.published = on_published;
	run->job.done = on_done;
	item->run = run;
	item->generation = item->entry->inode->generation;
	item->document = item->entry->document;
	inbox->running++;
	item_set_state(item, ITEM_RUNNING);
	ingest_submit(inbox->parts.ingest, &run->job);
}

void inbox_fill(struct inbox *inbox)
{
	while (inbox->ready.first && inbox->running < RUNNING_MAX && !inbox->is_stopping) {
		struct item *item = inbox->ready.first;
		item_list_remove(item);
		start(item);
	}
	if (!inbox->running)
		inbox_trim_later(inbox);
	metric_set(GAUGE_INGEST_QUEUE, inbox->ready.count + inbox->running);
}

void item_run(struct item *item)
{
	struct inbox *inbox = item->inbox;
	struct library_entry *document = library_find(inbox->parts.library, &item->entry->document);

	if (item->run) {
		item_settle(item, item->settle_ns); /* the cancelled one has not come back yet */
		return;
	}
	if (document && document->version == 0)
		library_set_status(inbox->parts.library, document, DOC_PENDING);
	item_set_state(item, ITEM_READY);
	item_list_add(&inbox->ready, item);
	inbox_fill(inbox);
}

void item_cancel(struct item *item)
{
	if (item->run)
		ingest_cancel(&item->run->job);
}
