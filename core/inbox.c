/* SPDX-License-Identifier: Apache-2.0 */
/* A file is done when nobody has it open for writing and it was quiet for a while. Then the
 * inbox as it looks at that moment decides, not the way there: the path says which document it
 * is. So a save by renaming over, by delete-and-create, or in place gives a version each; a
 * rename to a free path takes the document along; a path that is empty has no document, except
 * that draining emptied it.
 *
 * Nothing is refused or hidden while a file is ingested: a change cancels the job, and the file
 * is taken up again when it has settled. */
#include "core/inbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/inbox_item.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/names.h"

/* A file that is written again within this time settles more slowly. */
#define AGAIN_NS (60 * NS_PER_SEC)
/* How often to look whether a download's companion has gone. */
#define COMPANION_NS NS_PER_SEC

/* --- lists and items -------------------------------------------------------------- */

void item_list_add(struct item_list *list, struct item *item)
{
	item_list_remove(item);
	item->list = list;
	item->next = NULL;
	item->before = list->last;
	*(list->last ? &list->last->next : &list->first) = item;
	list->last = item;
	list->count++;
}

void item_list_remove(struct item *item)
{
	struct item_list *list = item->list;

	if (!list)
		return;
	*(item->before ? &item->before->next : &list->first) = item->next;
	*(item->next ? &item->next->before : &list->last) = item->before;
	list->count--;
	item->list = NULL;
}

static bool is_settling(enum item_state state)
{
	return state == ITEM_OPEN || state == ITEM_SETTLING;
}

void item_set_state(struct item *item, enum item_state state)
{
	struct inbox *inbox = item->inbox;

	inbox->settling -= is_settling(item->state);
	inbox->settling += is_settling(state);
	if (state != ITEM_READY && state != ITEM_UNSAFE)
		item_list_remove(item);
	item->state = state;
	metric_set(GAUGE_INBOX_SETTLING, inbox->settling);
}

static void on_timer(struct timer *timer);

struct item *item_of(struct inbox *inbox, struct spool_entry *entry)
{
	if (entry->item)
		return entry->item;
	struct item *item = calloc(1, sizeof(*item));
	if (!item)
		abort(); /* the file would never be ingested */
	item->inbox = inbox;
	item->entry = entry;
	item->timer.fire = on_timer;
	item->settle_ns = inbox->parts.config->settle_ns;
	item->last_closed_ns = INT64_MIN / 2;
	entry->item = item;
	return item;
}

void item_free(struct item *item)
{
	if (!item)
		return;
	assert(!item->run);
	item_set_state(item, ITEM_IDLE);
	loop_timer_cancel(item->inbox->parts.loop, &item->timer);
	if (item->entry)
		item->entry->item = NULL;
	free(item);
}

/* --- what the inbox looks like ---------------------------------------------------- */

/* Is the file, by its place, one that may become a document? */
static bool is_candidate(const struct spool_entry *entry)
{
	if (entry->inode->kind != SPOOL_FILE || name_is_private(entry->text))
		return false;
	for (const struct spool_inode *folder = entry->folder; folder->name;
		folder = folder->name->folder)
		if (folder->name->text[0] == '.')
			return false;
	return true;
}

struct spool_entry *inbox_resolve(struct inbox *inbox, uid_t owner, const char *path)
{
	struct spool_inode *folder = spool_root(inbox->parts.spool);
	struct spool_entry *entry = NULL;
	char name[256];

	while (*path) {
		size_t len = strcspn(path, "/");
		if (len >= sizeof(name) || !folder)
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		entry = spool_lookup(inbox->parts.spool, folder, name);
		if (!entry)
			return NULL;
		folder = entry->inode->kind == SPOOL_FOLDER ? entry->inode : NULL;
		path += len;
		path += *path == '/';
	}
	bool is_file = entry && is_candidate(entry) && entry->inode->uid == owner;
	return is_file ? entry : NULL;
}

/* The bits as a document has them: group and others keep r only if every folder above lets
 * them through. A folder of another group counts the group as others. */
struct access inbox_access(const struct spool_entry *entry)
{
	const struct spool_inode *inode = entry->inode;
	struct access access = {
		.owner = inode->uid,
		.group = inode->gid,
		.mode = inode->mode & 0777,
	};

	for (const struct spool_inode *folder = entry->folder; folder->name;
		folder = folder->name->folder) {
		bool others_pass = folder->mode & S_IXOTH;
		bool group_passes =
			folder->gid == inode->gid ? folder->mode & S_IXGRP : others_pass;
		if (!group_passes)
			access.mode &= ~(mode_t)S_IRWXG;
		if (!others_pass)
			access.mode &= ~(mode_t)S_IRWXO;
	}
	return access;
}

/* A companion says that the file is unfinished (a download) or private (a database's log). */
enum companion { COMPANION_NONE, COMPANION_WAIT, COMPANION_PRIVATE };

static enum companion find_companion(struct inbox *inbox, const struct spool_entry *entry)
{
	char name[256];

	for (unsigned i = 0; i < 2; i++)
		if (name_companion(entry->text, i, name) &&
			spool_lookup(inbox->parts.spool, entry->folder, name))
			return i == 0 ? COMPANION_WAIT : COMPANION_PRIVATE;
	return COMPANION_NONE;
}

/* --- whose document it is --------------------------------------------------------- */

static struct library_entry *find(struct inbox *inbox, const struct uuid *id)
{
	return uuid_is_nil(id) ? NULL : library_find(inbox->parts.library, id);
}

void inbox_assign(struct inbox *inbox, struct spool_entry *entry, const struct uuid *document)
{
	struct library_entry *old = find(inbox, &entry->document);
	struct library_entry *new = find(inbox, document);

	if (uuid_equal(&entry->document, document))
		return;
	if (old)
		old->names--;
	if (new)
		new->names++;
	struct uuid left = entry->document;
	entry->clean = 0;
	spool_assign(inbox->parts.spool, entry, document);
	if (old)
		inbox_check_document(inbox, &left);
}

/* A document that begins: it is in the library, and in the catalog once it was ingested. */
static int begin_document(struct inbox *inbox, struct spool_entry *entry, char *path)
{
	AUTO_DOCUMENT struct document document;

	document_init(&document);
	document.id = uuid_new();
	document.path = path;
	document.access = inbox_access(entry);
	document.status = DOC_PENDING;
	document.size = entry->inode->size;
	document.mtime_ns = entry->inode->mtime_ns;
	document.created_ns = document.updated_ns = clock_wall_ns();
	if (!library_put(inbox->parts.library, &document))
		return -ENOMEM;
	inbox_assign(inbox, entry, &document.id);
	return 0;
}

struct name_search {
	const struct uuid *document;
	const struct spool_entry *but;
	struct spool_entry *found;
};

static void find_name(void *context, struct spool_entry *entry)
{
	struct name_search *search = context;

	if (entry != search->but && uuid_equal(&entry->document, search->document))
		search->found = entry;
}

struct spool_entry *inbox_find_name(
	struct inbox *inbox, const struct uuid *document, const struct spool_entry *but)
{
	struct name_search search = {.document = document, .but = but};

	spool_each(inbox->parts.spool, find_name, &search);
	return search.found;
}

void inbox_release_name(struct inbox *inbox, struct spool_entry *entry)
{
	struct item *item = item_of(inbox, entry);

	item_cancel(item);
	inbox_assign(inbox, entry, &(struct uuid){0});
	if (item->state != ITEM_OPEN)
		item_settle(item, item->settle_ns);
}

/* The document is that of @entry, which has its path. A file that was moved away from there and
 * still bears it is another one from now on. */
static void take_over(struct inbox *inbox, struct spool_entry *entry, struct library_entry *held)
{
	bool is_mine = uuid_equal(&entry->document, &held->id);
	struct spool_entry *other;

	while (held->names > (is_mine ? 1 : 0) &&
		(other = inbox_find_name(inbox, &held->id, entry)))
		inbox_release_name(inbox, other);
	inbox_assign(inbox, entry, &held->id);
}

/* Find out which document the name is now. True: its content has to be looked at. */
static bool identify(struct inbox *inbox, struct spool_entry *entry)
{
	struct library *library = inbox->parts.library;
	uid_t owner = entry->inode->uid;
	struct buf path;

	buf_init(&path, (size_t)64 << 10);
	if (spool_path(entry, &path)) {
		buf_release(&path);
		return false; /* no path that long exists */
	}
	struct library_entry *held = library_by_path(library, owner, path.data);
	struct library_entry *mine = find(inbox, &entry->document);
	if (held) {
		buf_release(&path);
		take_over(inbox, entry, held);
	} else if (mine &&
		(mine->names > 1 || inbox_resolve(inbox, mine->access.owner, mine->path))) {
		begin_document(inbox, entry, buf_take(&path, NULL)); /* another file has its path */
	} else if (mine) {
		struct document_edit edit = {
			.set = EDIT_PATH | EDIT_ACCESS,
			.path = path.data,
			.access = inbox_access(entry),
		};
		inbox_edit(inbox, &mine->id, &edit, NULL, NULL);
		buf_release(&path);
	} else {
		begin_document(inbox, entry, buf_take(&path, NULL));
	}
	return entry->clean != entry->inode->generation;
}

/* --- settling --------------------------------------------------------------------- */

void item_settle(struct item *item, int64_t delay_ns)
{
	item_set_state(item, ITEM_SETTLING);
	loop_timer(item->inbox->parts.loop, &item->timer, clock_mono_ns() + delay_ns);
}

/* The name may be new, the content is not. */
static void keep(struct item *item)
{
	item_set_state(item, ITEM_CLEAN);
	item->generation = item->entry->inode->generation;
	if (!item->indexed_ns)
		item->indexed_ns = clock_mono_ns();
	if (item->must_edit)
		item_edit_document(item);
	item->must_edit = false;
	item_drain_later(item);
}

/* A file that still bears a name which is no document's (a backup, the trash): what was its
 * document goes, unless another file has its path. */
static void let_go(struct item *item)
{
	inbox_assign(item->inbox, item->entry, &(struct uuid){0});
	item_free(item);
}

static void settled(struct item *item)
{
	struct inbox *inbox = item->inbox;
	struct spool_entry *entry = item->entry;
	enum companion companion = find_companion(inbox, entry);

	if (inbox->is_stopping)
		return;
	if (!is_candidate(entry)) {
		let_go(item);
	} else if (entry->inode->writers > 0) {
		item_set_state(item, ITEM_OPEN);
	} else if (entry->inode->size == 0 || companion == COMPANION_PRIVATE) {
		item_set_state(item, ITEM_IDLE);
	} else if (companion == COMPANION_WAIT) {
		item_settle(item, COMPANION_NS);
	} else if (identify(inbox, entry)) {
		item->settled_ns = clock_mono_ns();
		item_run(item);
	} else {
		keep(item);
	}
}

static void on_timer(struct timer *timer)
{
	struct item *item = (struct item *)((char *)timer - offsetof(struct item, timer));

	switch (item->state) {
	case ITEM_SETTLING: settled(item); break;
	case ITEM_WAITING: item_run(item); break;
	case ITEM_CLEAN: item_drain_later(item); break;
	default: break;
	}
}

/* It has changed: whatever was under way is void. */
static void restart(struct item *item)
{
	item->is_adopted = false;
	item_cancel(item);
	if (item->entry->inode->writers > 0)
		item_set_state(item, ITEM_OPEN);
	else
		item_settle(item, item->settle_ns);
}

/* --- what happens to files -------------------------------------------------------- */

void inbox_wrote(struct inbox *inbox, struct spool_inode *inode)
{
	struct spool_entry *next;

	inbox_active(inbox, inode->uid);
	for (struct spool_entry *entry = inode->name; entry; entry = next) {
		next = entry->next_name;
		if (!is_candidate(entry))
			continue;
		struct item *item = item_of(inbox, entry);
		if (item->state != ITEM_OPEN)
			restart(item);
		if (item->has_failed) {
			item->has_failed = false;
			note_remove(inbox, entry);
		}
	}
}

static void closed_one(struct item *item)
{
	const struct config *config = item->inbox->parts.config;
	int64_t now = clock_mono_ns(), longest = config->settle_max_ns;

	if (longest < config->settle_ns)
		longest = config->settle_ns;
	if (now - item->last_closed_ns < AGAIN_NS) {
		item->settle_ns *= 2;
		if (item->settle_ns > longest)
			item->settle_ns = longest;
	} else {
		item->settle_ns = config->settle_ns;
	}
	item->last_closed_ns = now;
	item_settle(item, item->settle_ns);
}

void inbox_closed(struct inbox *inbox, struct spool_inode *inode)
{
	(void)inbox;
	if (inode->writers > 0)
		return;
	for (struct spool_entry *entry = inode->name; entry; entry = entry->next_name) {
		struct item *item = entry->item;
		/* A handle that wrote nothing leaves the state as it is. */
		if (item && is_settling(item->state))
			closed_one(item);
	}
}

static void came_one(struct inbox *inbox, struct spool_entry *entry)
{
	struct item *item = entry->item;

	if (item)
		item->entry = entry;
	if (!is_candidate(entry)) {
		if (item && item->run) {
			item_cancel(item);
			item->entry = NULL;
			entry->item = NULL;
		} else {
			item_free(item);
		}
		if (find(inbox, &entry->document))
			restart(item_of(inbox, entry));
		return;
	}
	item = item_of(inbox, entry);
	item->must_edit = true;
	restart(item);
}

static void each_below(struct inbox *inbox, struct spool_inode *folder,
	void (*callback)(struct inbox *, struct spool_entry *))
{
	struct spool_entry *next;

	for (struct spool_entry *entry = folder->children; entry; entry = next) {
		next = entry->next;
		if (entry->inode->kind == SPOOL_FOLDER)
			each_below(inbox, entry->inode, callback);
		else
			callback(inbox, entry);
	}
}

void inbox_came(struct inbox *inbox, struct spool_entry *entry)
{
	inbox_active(inbox, entry->inode->uid);
	if (entry->inode->kind == SPOOL_FOLDER)
		each_below(inbox, entry->inode, came_one);
	else
		came_one(inbox, entry);
}

void inbox_leaves(struct inbox *inbox, struct spool_entry *entry)
{
	struct item *item = entry->item;
	struct library_entry *document = find(inbox, &entry->document);

	inbox_active(inbox, entry->inode->uid);
	if (item && item->has_failed)
		note_remove(inbox, entry);
	if (item && item->run) {
		item_cancel(item);
		item->entry = NULL;
		entry->item = NULL;
		item_set_state(item, ITEM_RUNNING);
	} else {
		item_free(item);
	}
	if (!document)
		return;
	document->names--;
	inbox_check_document(inbox, &document->id);
}

void inbox_moves(struct inbox *inbox, struct spool_entry *entry, struct spool_inode *to_folder,
	const char *to_name)
{
	const struct item *item = entry->item;

	if (item && item->has_failed)
		note_move(inbox, entry, to_folder, to_name);
}

static void attr_changed_one(struct inbox *inbox, struct spool_entry *entry)
{
	struct item *item = entry->item;

	(void)inbox;
	if (!item || !is_candidate(entry))
		return;
	item->must_edit = true; /* it is read when the file has settled, or when it has run */
	if (item->state == ITEM_SETTLING || item->state == ITEM_OPEN) {
		item_edit_access(item); /* who may read it does not wait for that */
		return;
	}
	item_edit_document(item);
	item->must_edit = item->run != NULL;
}

void inbox_attr_changed(
	struct inbox *inbox, struct spool_inode *inode, inbox_done done, void *context)
{
	struct spool_entry *next;

	inbox_active(inbox, inode->uid);
	inbox_edits_begin(inbox, done, context);
	if (inode->kind == SPOOL_FOLDER)
		each_below(inbox, inode, attr_changed_one);
	for (struct spool_entry *entry = inode->name; entry; entry = next) {
		next = entry->next_name;
		if (inode->kind == SPOOL_FILE)
			attr_changed_one(inbox, entry);
	}
	inbox_edits_end(inbox);
}

/* --- documents whose file went ---------------------------------------------------- */

struct check {
	struct timer timer;
	struct check *next, *before;
	struct inbox *inbox;
	struct uuid id;
};

static void check_free(struct check *check)
{
	loop_timer_cancel(check->inbox->parts.loop, &check->timer);
	*(check->before ? &check->before->next : &check->inbox->checks) = check->next;
	if (check->next)
		check->next->before = check->before;
	free(check);
}

static void on_check(struct timer *timer)
{
	struct check *check = (struct check *)timer;
	struct inbox *inbox = check->inbox;
	struct library_entry *document = library_find(inbox->parts.library, &check->id);

	if (document && document->names == 0 && !inbox->is_stopping &&
		!inbox_resolve(inbox, document->access.owner, document->path))
		inbox_delete(inbox, &check->id, NULL, NULL);
	check_free(check);
}

void inbox_check_document(struct inbox *inbox, const struct uuid *id)
{
	struct check *check = calloc(1, sizeof(*check));

	if (!check)
		return; /* the document stays, which loses nothing */
	check->inbox = inbox;
	check->id = *id;
	check->timer.fire = on_check;
	check->next = inbox->checks;
	if (check->next)
		check->next->before = check;
	inbox->checks = check;
	loop_timer(
		inbox->parts.loop, &check->timer, clock_mono_ns() + inbox->parts.config->settle_ns);
}

/* --- the whole -------------------------------------------------------------------- */

int inbox_new(struct inbox **out, const struct inbox_parts *parts)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		return -ENOMEM;
	inbox->parts = *parts;
	inbox->parts.spool_path = strdup(parts->spool_path);
	inbox->parts.realm = strdup(parts->realm);
	if (!inbox->parts.spool_path || !inbox->parts.realm) {
		inbox_free(inbox);
		return -ENOMEM;
	}
	inbox->trim_timer.fire = inbox_on_trim_timer;
	records_watch_members(parts->ports->records, inbox_on_member, inbox);
	inbox_drain_init(inbox);
	inbox_folders_init(inbox);
	*out = inbox;
	return 0;
}

static void adopt(void *context, struct spool_entry *entry)
{
	struct inbox *inbox = context;
	struct library_entry *document = find(inbox, &entry->document);

	if (document)
		document->names++;
	if (!is_candidate(entry)) {
		if (document)
			item_settle(item_of(inbox, entry), inbox->parts.config->settle_ns);
		return;
	}
	struct item *item = item_of(inbox, entry);
	item->is_adopted = true;
	item->document = entry->document;
	if (!document || (!document->version && document->status != DOC_FAILED))
		entry->clean = 0; /* its record was lost, or was not finished */
	item->has_failed = document && document->status == DOC_FAILED;
	item->must_edit = inbox->was_killed; /* a change of bits may not have come to the record */
	if (item->has_failed && entry->clean == entry->inode->generation) {
		if (item->must_edit)
			item_edit_document(item);
		return; /* it stays until it is rewritten or deleted */
	}
	item_settle(item, inbox->parts.config->settle_ns);
}

static void adopt_orphan(void *context, const struct uuid *document)
{
	inbox_check_document(context, document);
}

void inbox_start(struct inbox *inbox, bool was_killed)
{
	inbox->was_killed = was_killed;
	spool_each(inbox->parts.spool, adopt, inbox);
	spool_each_orphan(inbox->parts.spool, adopt_orphan, inbox);
	inbox_folders_start(inbox);
}

size_t inbox_settling(const struct inbox *inbox)
{
	return inbox->settling;
}

const char *inbox_state(struct inbox *inbox, const struct spool_entry *entry)
{
	const struct item *item = entry->item;
	const struct library_entry *document = find(inbox, &entry->document);

	if (!item || (item->state == ITEM_IDLE && !document))
		return "";
	bool is_through =
		item->state == ITEM_UNSAFE || item->state == ITEM_CLEAN || item->state == ITEM_IDLE;
	if (document && is_through)
		return doc_status_name(document->status);
	return doc_status_name(item->state == ITEM_RUNNING ? DOC_PROCESSING : DOC_PENDING);
}

/* Tell the record what it was to be told when the file had settled, and end what runs. */
static void come_to_rest(void *context, struct spool_entry *entry)
{
	struct item *item = entry->item;

	(void)context;
	if (item && item->must_edit)
		item_edit_document(item);
	if (item)
		item_cancel(item); /* it goes on after the next start */
}

void inbox_stop(struct inbox *inbox)
{
	if (!inbox->is_stopping)
		spool_each(inbox->parts.spool, come_to_rest, NULL);
	inbox->is_stopping = true;
}

bool inbox_is_busy(const struct inbox *inbox)
{
	return inbox->jobs || inbox->running;
}

static void drop_item(void *context, struct spool_entry *entry)
{
	(void)context;
	item_free(entry->item);
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	spool_each(inbox->parts.spool, drop_item, NULL);
	while (inbox->checks)
		check_free(inbox->checks);
	loop_timer_cancel(inbox->parts.loop, &inbox->trim_timer);
	inbox_drain_release(inbox);
	inbox_folders_release(inbox);
	free((char *)inbox->parts.spool_path);
	free((char *)inbox->parts.realm);
	free(inbox);
}
