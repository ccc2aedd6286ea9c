/* SPDX-License-Identifier: Apache-2.0 */
/* A search is a record in the catalog beside the sessions: its name begins with "search/",
 * which no session's can, its options hold results.json, and a user's folder ends in a slash.
 * So searches survive a restart as they were, without being run again.
 *
 * Each search is worked on by one job at a time, which does whatever is due then: read the
 * record, run, store, remove. What comes up meanwhile is noted and done by the next job; so
 * the writes of one search never overtake each other. A search that is being removed keeps
 * its name until it is gone. */
#include "core/search.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/search_engine.h"
#include "core/search_findings.h"
#include "core/text/utf8.h"

#define WORKERS 2

struct search *search_ref(struct search *search)
{
	search->refs++;
	return search;
}

void search_unref(struct search *search)
{
	if (!search || --search->refs)
		return;
	search_findings_release(&search->findings);
	caller_release(&search->caller);
	free(search->stored);
	free(search->path);
	free(search);
}

static size_t place_of(const struct searches *searches, const char *path, bool *is_there)
{
	size_t low = 0, high = searches->count;

	*is_there = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(searches->items[middle]->path, path);
		if (order == 0)
			*is_there = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct search *searches_find(struct searches *searches, const char *path)
{
	bool is_there;
	size_t place = place_of(searches, path, &is_there);

	return is_there ? searches->items[place] : NULL;
}

size_t searches_count(const struct searches *searches)
{
	return searches->count;
}

struct search *searches_at(const struct searches *searches, size_t index)
{
	return searches->items[index];
}

static int insert(struct searches *searches, struct search *search)
{
	bool is_there;
	size_t place = place_of(searches, search->path, &is_there);

	if (searches->count == searches->room) {
		size_t room = searches->room ? searches->room * 2 : 16;
		struct search **items = realloc(searches->items, room * sizeof(struct search *));
		if (!items)
			return -ENOMEM;
		searches->items = items;
		searches->room = room;
	}
	memmove(searches->items + place + 1, searches->items + place,
		(searches->count - place) * sizeof(struct search *));
	searches->items[place] = search;
	searches->count++;
	return 0;
}

void search_forget(struct search *search)
{
	struct searches *searches = search->searches;
	bool is_there;
	size_t place = place_of(searches, search->path, &is_there);

	searches->count--;
	memmove(searches->items + place, searches->items + place + 1,
		(searches->count - place) * sizeof(struct search *));
	search_unref(search);
}

/* --- What the tree asks for ------------------------------------------------------- */

int search_run(struct search *search, const struct caller *caller)
{
	struct caller copy;

	if (search->is_folder || search->is_removed)
		return search->is_removed ? -ENOENT : 0;
	int rc = caller_copy(&copy, caller);
	if (rc)
		return rc;
	caller_release(&search->caller);
	search->caller = copy;
	search->state = SEARCH_PENDING;
	search->runs++;
	search->has_to_run = true;
	search_start(search);
	return 0;
}

int search_wait(struct search *search, struct waiter *waiter)
{
	const struct searches *searches = search->searches;

	if (search->is_removed)
		return -ENOENT;
	if (search->is_folder || search->state == SEARCH_READY)
		return 0;
	if (search->state == SEARCH_FAILED)
		return -EIO;
	waiters_add(&search->answered, waiter, searches->ports.loop, searches->config->ask_wait_ns);
	return -EINPROGRESS;
}

static bool is_inside(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && path[len] == '/';
}

static bool has_searches(const struct search *folder)
{
	const struct searches *searches = folder->searches;

	for (size_t i = 0; i < searches->count; i++)
		if (is_inside(searches->items[i]->path, folder->path))
			return true;
	return false;
}

int search_remove(struct search *search, struct waiter *waiter)
{
	if (search->is_removed || search->searches->is_stopping)
		return search->is_removed ? -ENOENT : -ESHUTDOWN;
	if (search->is_folder && has_searches(search))
		return -ENOTEMPTY;
	search->is_removed = true;
	search->has_to_go = true;
	search->has_to_run = search->has_to_store = false;
	if (waiter)
		waiters_add(&search->removed, waiter, NULL, 0);
	search_start(search);
	return -EINPROGRESS;
}

static int check_part(const char *part)
{
	size_t len = strlen(part);

	if (len == 0 || strspn(part, " \t\r\n") == len || !utf8_is_valid(part, len))
		return -EINVAL;
	if (part[0] == '.')
		return -EPERM;
	return len > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* A search stands at the top, or in a folder that is there. */
static int check_path(struct searches *searches, const char *path)
{
	const char *slash = strchr(path, '/');

	if (!slash)
		return check_part(path);
	AUTO_FREE char *top = strndup(path, (size_t)(slash - path));
	if (!top)
		return -ENOMEM;
	const struct search *folder = searches_find(searches, top);
	if (!folder || folder->is_removed)
		return -ENOENT;
	return folder->is_folder && !strchr(slash + 1, '/') ? check_part(slash + 1) : -EPERM;
}

static size_t count_of(const struct searches *searches, uid_t uid)
{
	size_t count = 0;

	for (size_t i = 0; i < searches->count; i++)
		count += searches->items[i]->access.owner == uid;
	return count;
}

static struct search *search_new(
	struct searches *searches, const char *path, size_t path_len, const struct caller *caller)
{
	struct search *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->refs = 1;
	search->searches = searches;
	search->path = strndup(path, path_len);
	waiters_init(&search->answered);
	waiters_init(&search->removed);
	if (!search->path || caller_copy(&search->caller, caller)) {
		search_unref(search);
		return NULL;
	}
	return search;
}

static int add(struct searches *searches, struct search *search)
{
	int rc = insert(searches, search);

	if (rc)
		search_unref(search);
	else
		search_start(search);
	return rc;
}

int searches_make(struct searches *searches, const char *path, bool is_folder,
	const struct caller *caller, struct search **out)
{
	int rc = check_path(searches, path);

	if (rc || searches->is_stopping)
		return rc ? rc : -ESHUTDOWN;
	if (searches_find(searches, path))
		return -EEXIST;
	if (count_of(searches, caller->uid) >= searches->config->search_limit)
		return -EDQUOT;
	struct search *search = search_new(searches, path, strlen(path), caller);
	if (!search)
		return -ENOMEM;
	search->id = uuid_new();
	search->is_folder = is_folder;
	search->access = (struct access){.owner = caller->uid,
		.group = caller->group_count ? caller->groups[0] : (gid_t)-1,
		.mode = S_IRWXU};
	search->made_ns = clock_wall_ns();
	search->has_to_store = true;
	search->has_to_run = !is_folder;
	rc = add(searches, search);
	if (!rc)
		*out = search;
	return rc;
}

static bool has_found(const struct search *search, const struct uuid *document)
{
	for (size_t i = 0; i < search->findings.entry_count; i++)
		if (uuid_equal(&search->findings.entries[i].document, document))
			return true;
	return false;
}

void searches_document_removed(struct searches *searches, const struct uuid *document)
{
	searches->removals++;
	for (size_t i = 0; i < searches->count; i++) {
		struct search *search = searches->items[i];
		struct search_findings without;
		if (search->is_removed || !has_found(search, document))
			continue;
		if (search_findings_without(&search->findings, document, &without))
			continue;
		search_findings_release(&search->findings);
		search->findings = without;
		search->has_to_store = true;
		search_start(search);
	}
}

/* --- Start and stop --------------------------------------------------------------- */

/* The record of a search that was not run yet holds its caller, one that was run its results. A
 * folder has neither: nothing is run for it. */
static int see_record(void *context, const struct session_record *record)
{
	struct searches *searches = context;
	size_t len = strlen(record->name);
	struct caller caller;

	if (strncmp(record->name, SEARCH_PREFIX, strlen(SEARCH_PREFIX)) != 0 ||
		len <= strlen(SEARCH_PREFIX))
		return 0;
	bool is_folder = record->name[len - 1] == '/';
	bool is_run = record->options && record->options[0] == '[';
	int rc = caller_from_json(is_run ? NULL : record->options, &caller);
	if (rc)
		return rc;
	struct search *search = search_new(searches, record->name + strlen(SEARCH_PREFIX),
		len - strlen(SEARCH_PREFIX) - is_folder, &caller);
	caller_release(&caller);
	if (!search)
		return -ENOMEM;
	search->id = record->conversation;
	search->is_folder = is_folder;
	search->access = record->access;
	search->made_ns = record->created_ns;
	search->run_ns = record->updated_ns;
	search->stored = is_run ? strdup(record->options) : NULL;
	search->has_to_run = !is_folder && !search->stored;
	rc = insert(searches, search);
	if (rc)
		search_unref(search);
	return rc;
}

int searches_new(struct searches **out, const struct searches_ports *ports,
	const struct config *config, struct err *err)
{
	struct searches *searches = calloc(1, sizeof(*searches));

	if (!searches)
		return -ENOMEM;
	searches->ports = *ports;
	searches->config = config;
	int rc = pool_new(&searches->workers, "search", WORKERS, 0);
	if (!rc)
		rc = catalog_session_each(ports->catalog, see_record, searches, err);
	if (rc) {
		searches_free(searches);
		return rc;
	}
	for (size_t i = 0; i < searches->count; i++)
		search_start(searches->items[i]);
	*out = searches;
	return 0;
}

void searches_stop(struct searches *searches)
{
	if (!searches || searches->is_stopping)
		return;
	searches->is_stopping = true;
	pool_free(searches->workers);
	loop_drain(searches->ports.loop);
	while (searches->count) {
		struct search *search = searches->items[searches->count - 1];
		search->is_removed = true;
		waiters_wake(&search->answered, -ESHUTDOWN);
		waiters_wake(&search->removed, -ESHUTDOWN);
		search_forget(search);
	}
}

void searches_free(struct searches *searches)
{
	if (!searches)
		return;
	searches_stop(searches);
	free(searches->items);
	free(searches);
}
