/* SPDX-License-Identifier: Apache-2.0 */
/* How a file leaves the inbox. First a barrier: everything that was ingested so far is put on
 * the disk, once for all who wait, and the spool is told so (only then does a restart not take
 * the file up again). Some seconds later the name goes, since programs come back to set times.
 * An emptied folder goes when its owner has been quiet for longer: rsync, tar and cp -a set
 * the times of folders at their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/inbox_item.h"
#include "core/log.h"

#define BARRIER_NS (NS_PER_SEC / 2)
#define BUSY_NS	   NS_PER_SEC /* how soon to try again when somebody has it open */

/* --- the barrier ------------------------------------------------------------------ */

struct barrier {
	struct job job;
	struct task task;
	struct inbox *inbox;
	int result;
	struct err err;
};

static void arm_barrier(struct inbox *inbox)
{
	if (!inbox->barrier_timer.slot && !inbox->is_barrier_running)
		loop_timer(inbox->parts.loop, &inbox->barrier_timer, clock_mono_ns() + BARRIER_NS);
}

/* It is on the disk: a restart need not take it up again. */
static void clean(struct item *item)
{
	spool_clean(item->inbox->parts.spool, item->entry, item->generation);
	item_set_state(item, ITEM_CLEAN);
	item_list_remove(item);
	item_drain_later(item);
}

static void finish_barrier(struct task *task)
{
	struct barrier *barrier = (struct barrier *)((char *)task - offsetof(struct barrier, task));
	struct inbox *inbox = barrier->inbox;

	inbox->is_barrier_running = false;
	inbox->jobs--;
	if (barrier->result)
		log_warn("%s; files stay in the inbox until it is safe", barrier->err.text);
	while (inbox->barrier.first) {
		struct item *item = inbox->barrier.first;
		if (barrier->result)
			item_list_add(&inbox->unsafe, item);
		else
			clean(item);
	}
	if (inbox->unsafe.first && !inbox->is_stopping)
		arm_barrier(inbox);
	free(barrier);
}

static void run_barrier(struct job *job)
{
	struct barrier *barrier = (struct barrier *)job;
	struct ports *ports = barrier->inbox->parts.ports;

	barrier->result = blobs_sync(ports->blobs, &barrier->err);
	if (!barrier->result)
		barrier->result = vectors_sync(ports->vectors, &barrier->err);
	if (!barrier->result)
		barrier->result = catalog_sync(ports->catalog, &barrier->err);
	barrier->task.run = finish_barrier;
	loop_post(barrier->inbox->parts.loop, &barrier->task);
}

static void on_barrier_timer(struct timer *timer)
{
	struct inbox *inbox =
		(struct inbox *)((char *)timer - offsetof(struct inbox, barrier_timer));
	struct barrier *barrier = calloc(1, sizeof(*barrier));

	if (!barrier) {
		arm_barrier(inbox);
		return;
	}
	while (inbox->unsafe.first)
		item_list_add(&inbox->barrier, inbox->unsafe.first);
	barrier->inbox = inbox;
	barrier->job.run = run_barrier;
	inbox->is_barrier_running = true;
	inbox->jobs++;
	pool_submit(inbox->parts.io, &barrier->job);
}

void item_ingested(struct item *item)
{
	item_set_state(item, ITEM_UNSAFE);
	item_list_add(&item->inbox->unsafe, item);
	arm_barrier(item->inbox);
}

void inbox_remove_name(struct inbox *inbox, struct spool_entry *entry)
{
	struct spool_inode *folder = entry->folder;
	char name[256];

	memcpy(name, entry->text, strlen(entry->text) + 1);
	if (spool_unlink(inbox->parts.spool, entry, false, NULL, NULL) == 0)
		inbox->parts.renamed(inbox->parts.context, folder, name);
}

/* --- files ------------------------------------------------------------------------ */

static void drain(struct item *item)
{
	struct inbox *inbox = item->inbox;
	struct spool_entry *entry = item->entry;
	struct spool_inode *folder = entry->folder;
	struct library_entry *document = library_find(inbox->parts.library, &entry->document);

	if (document)
		document->names--;
	note_remove(inbox, entry);
	item_free(item);
	inbox_remove_name(inbox, entry);
	inbox_folder_emptied(inbox, folder);
	inbox_trim_later(inbox);
}

/* Does a folder above hide the file from those whom its own bits let in? cp -a, rsync and tar open
 * a folder at their end; until then the document would have to be told of it. */
static bool is_hidden_for_now(const struct item *item)
{
	struct access access = inbox_access(item->entry);

	return access.mode != (item->entry->inode->mode & 0777) &&
		!inbox_is_quiet(item->inbox, access.owner);
}

void item_drain_later(struct item *item)
{
	const struct inbox_parts *parts = &item->inbox->parts;
	struct library_entry *document = library_find(parts->library, &item->entry->document);
	int64_t now = clock_mono_ns(), due = item->indexed_ns + parts->config->drain_ns;

	if (item->inbox->is_stopping || parts->config->drain_ns < 0 || !document ||
		document->status != DOC_INDEXED || item->entry->clean != item->generation)
		return;
	if (item->entry->inode->writers > 0)
		loop_timer(parts->loop, &item->timer, now + BUSY_NS);
	else if (now < due)
		loop_timer(parts->loop, &item->timer, due);
	else if (is_hidden_for_now(item))
		loop_timer(parts->loop, &item->timer, now + parts->config->folder_drain_ns / 8);
	else
		drain(item);
}

void inbox_drain_init(struct inbox *inbox)
{
	inbox->barrier_timer.fire = on_barrier_timer;
}

void inbox_drain_release(struct inbox *inbox)
{
	loop_timer_cancel(inbox->parts.loop, &inbox->barrier_timer);
}
