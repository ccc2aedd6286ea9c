/* SPDX-License-Identifier: Apache-2.0 */
/* One job of one search, on a worker: read the record, run, store, remove, whatever is due. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/search_engine.h"
#include "core/search_findings.h"

/* Passages that are looked at for each document that is listed. */
#define PASSAGES_A_DOCUMENT 3

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

static char *record_name(const struct search *search)
{
	AUTO_BUF struct buf name = {0};

	buf_init(&name, PATH_MAX);
	buf_addf(&name, SEARCH_PREFIX "%s%s", search->path, search->is_folder ? "/" : "");
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

/* Until it was run, the record holds for whom. */
static int store_owed(struct search_work *work, struct err *err)
{
	AUTO_FREE char *caller = caller_to_json(&work->caller);

	return caller ? store(work, caller, err) : -ENOMEM;
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
	if (work->has_to_run)
		rc = store_owed(work, err);
	else if (work->has_to_store)
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
		search_forget(search);
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
	search_start(search);
	search_findings_release(&work->findings);
	caller_release(&work->caller);
	free(work->stored);
	free(work->results);
	search_unref(search);
	free(work);
}

void search_start(struct search *search)
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
