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

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/search_findings.h"
#include "core/text/utf8.h"

#define PREFIX	"search/"
#define WORKERS 2

/* Passages that are looked at for each document that is listed. */
#define PASSAGES_A_DOCUMENT 3

struct searches {
	struct searches_ports ports; /* constant */
	const struct config *config; /* constant */
	struct pool *workers; /* constant */
	struct search **items; /* loop thread: by path; references */
	size_t count, room; /* loop thread */
	uint64_t removals; /* loop thread: of documents, so far */
	bool is_stopping; /* loop thread */
};

/* What one job does and brings back. */
struct search_work {
	struct job job;
	struct task task;
	struct search *search; /* a reference; the job reads only what is fixed */
	struct caller caller; /* a copy */
	uint64_t removals; /* of documents, when it began */
	bool has_to_run, has_to_store, has_to_go;
	char *stored; /* owned */
	char *results; /* owned: to be stored again as they are */
	int64_t run_ns;
	struct search_findings findings;
	int rc;
};

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

static void forget(struct search *search)
{
	struct searches *searches = search->searches;
	bool is_there;
	size_t place = place_of(searches, search->path, &is_there);

	searches->count--;
	memmove(searches->items + place, searches->items + place + 1,
		(searches->count - place) * sizeof(struct search *));
	search_unref(search);
}

/* --- The job ------------------------------------------------------------------------------ */

static char *record_name(const struct search *search)
{
	AUTO_BUF struct buf name = {0};

	buf_init(&name, PATH_MAX);
	buf_addf(&name, PREFIX "%s%s", search->path, search->is_folder ? "/" : "");
	return name.failed ? NULL : buf_take(&name, NULL);
}

static int store(struct search_work *work, const char *results, struct err *err)
{
	const struct search *search = work->search;
	AUTO_FREE char *name = record_name(search);
	struct session_record record = {
		.name = name,
		.conversation = search->id,
		.access = search->access,
		.options = (char *)results,
		.first_seq = 1,
		.created_ns = search->made_ns,
		.updated_ns = work->run_ns,
	};

	return name ? catalog_session_put(search->searches->ports.catalog, &record, err) : -ENOMEM;
}

static int drop(struct search_work *work, struct err *err)
{
	AUTO_FREE char *name = record_name(work->search);

	return name ? catalog_session_remove(work->search->searches->ports.catalog, name, err)
		    : -ENOMEM;
}

static int run(struct search_work *work, struct err *err)
{
	const struct search *search = work->search;
	const struct config *config = search->searches->config;
	const char *slash = strrchr(search->path, '/');
	struct retrieval retrieval = {0};
	struct retrieve_request request = {
		.question = slash ? slash + 1 : search->path,
		.caller = &work->caller,
		.top_k = config->search_results * PASSAGES_A_DOCUMENT,
		.threshold = config->similarity_threshold,
	};
	int rc = retrieve(&search->searches->ports.retriever, &request, &retrieval, err);

	if (!rc)
		rc = search_findings_build(&retrieval, config->search_results, &work->findings);
	retrieval_release(&retrieval);
	metric_add(METRIC_SEARCHES, 1);
	work->run_ns = clock_wall_ns();
	return rc;
}

static int work_through(struct search_work *work, struct err *err)
{
	struct catalog *catalog = work->search->searches->ports.catalog;
	int rc = 0;

	if (work->has_to_go)
		return drop(work, err);
	if (work->stored && !work->has_to_run) {
		rc = search_findings_load(work->stored, catalog, &work->findings);
		if (!rc && work->has_to_store)
			rc = store(work, work->findings.json, err);
		return rc;
	}
	if (work->has_to_store)
		rc = store(work, work->results, err);
	if (work->has_to_run && !rc) {
		rc = run(work, err);
		if (!rc)
			rc = store(work, work->findings.json, err);
	}
	return rc;
}

static void work_run(struct job *job)
{
	struct search_work *work = (struct search_work *)(void *)job;
	struct err err = ERR_NONE;

	work->rc = work_through(work, &err);
	if (work->rc)
		log_warn("search \"%s\" failed: %s", work->search->path,
			err.text[0] ? err.text : strerror(-work->rc));
	loop_post(work->search->searches->ports.loop, &work->task);
}

static void start(struct search *search);

static void take_findings(struct search *search, struct search_work *work)
{
	if (work->rc) {
		search->state = SEARCH_FAILED;
	} else if (work->removals != search->searches->removals) {
		/* What it found may have been deleted since: look again. */
		search->stored = TAKE_PTR(work->findings.json);
		search->run_ns = work->run_ns;
		search->has_to_store = true;
		return;
	} else {
		search_findings_release(&search->findings);
		search->findings = work->findings;
		work->findings = (struct search_findings){0};
		search->run_ns = work->run_ns;
		search->state = SEARCH_READY;
	}
	waiters_wake(&search->answered, work->rc ? -EIO : 0);
}

static void take_removal(struct search *search, int rc)
{
	if (rc) {
		search->is_removed = false;
	} else {
		forget(search);
		waiters_wake(&search->answered, -ENOENT);
	}
	waiters_wake(&search->removed, rc);
}

static void work_done(struct task *task)
{
	struct search_work *work =
		(struct search_work *)(void *)((char *)task - offsetof(struct search_work, task));
	struct search *search = work->search;

	search->is_busy = false;
	if (work->has_to_go)
		take_removal(search, work->rc);
	else if ((work->has_to_run || work->stored) && !search->has_to_run)
		take_findings(search, work);
	start(search);
	search_findings_release(&work->findings);
	caller_release(&work->caller);
	free(work->stored);
	free(work->results);
	search_unref(search);
	free(work);
}

/* Whatever is due now, unless a job is at it. */
static void start(struct search *search)
{
	if (search->is_busy || search->searches->is_stopping ||
		!(search->has_to_go || search->has_to_run || search->has_to_store ||
			search->stored))
		return;
	struct search_work *work = calloc(1, sizeof(*work));
	if (!work || caller_copy(&work->caller, &search->caller))
		abort(); /* what a caller was promised can't be left undone */
	work->job.run = work_run;
	work->task.run = work_done;
	work->search = search_ref(search);
	work->has_to_go = search->has_to_go;
	work->has_to_run = search->has_to_run;
	work->has_to_store = search->has_to_store;
	work->stored = TAKE_PTR(search->stored);
	work->run_ns = search->run_ns;
	work->removals = search->searches->removals;
	if (work->has_to_store && search->findings.json)
		work->results = strdup(search->findings.json);
	search->has_to_go = search->has_to_run = search->has_to_store = false;
	search->is_busy = true;
	pool_submit(search->searches->workers, &work->job);
}

/* --- What the tree asks for --------------------------------------------------------------- */

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
	start(search);
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
	start(search);
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
		start(search);
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
		start(search);
	}
}

/* --- Start and stop ----------------------------------------------------------------------- */

/* The maker's further groups are not kept: they count when a search is run, and touch brings
 * those of its day along. */
static int see_record(void *context, const struct session_record *record)
{
	struct searches *searches = context;
	size_t len = strlen(record->name);

	if (strncmp(record->name, PREFIX, strlen(PREFIX)) != 0 || len <= strlen(PREFIX))
		return 0;
	bool is_folder = record->name[len - 1] == '/';
	const struct caller caller = {.uid = record->access.owner,
		.groups = (gid_t *)&record->access.group,
		.group_count = 1};
	struct search *search = search_new(
		searches, record->name + strlen(PREFIX), len - strlen(PREFIX) - is_folder, &caller);
	if (!search)
		return -ENOMEM;
	search->id = record->conversation;
	search->is_folder = is_folder;
	search->access = record->access;
	search->made_ns = record->created_ns;
	search->run_ns = record->updated_ns;
	search->stored = record->options ? strdup(record->options) : NULL;
	search->has_to_run = !is_folder && !search->stored;
	int rc = insert(searches, search);
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
		start(searches->items[i]);
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
		forget(search);
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
