/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tool_jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/pool.h"

/* Last results that are kept, of all users and tools. */
#define KEPT 256

struct tool_job {
	unsigned refs; /* loop thread */
	struct tool_jobs *jobs;
	struct tool_job *next; /* among the kept, the latest first */
	struct tool_job *next_waiting;
	const struct tool *tool;
	struct caller caller; /* fixed */
	char *arguments; /* fixed */
	atomic_bool cancelled;
	struct job job;
	struct task task;
	char *made; /* the worker's result */
	char *result; /* loop thread; NULL: not there yet */
	int failure; /* -ENOMEM: it could not be made */
	bool is_running; /* or waits for a worker */
	struct tool_job *older, *newer; /* among all */
	bool is_stale; /* a document was deleted meanwhile: it is made once more */
	struct waiters waiters;
};

struct tool_jobs {
	struct loop *loop;
	size_t worker_count;
	struct tool_job *waiting, **waiting_tail; /* by next_waiting; references */
	const struct tools *tools;
	struct pool *workers;
	struct tool_job *newest; /* of all that there are; no references */
	struct tool_job *kept; /* one of each user and tool; references */
	struct tool_job **running; /* those that a worker has; no references */
	size_t running_count;
	bool is_stopping;
};

int tool_jobs_new(struct tool_jobs **out, struct loop *loop, const struct tools *tools,
	const struct config *config)
{
	struct tool_jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		return -ENOMEM;
	jobs->loop = loop;
	jobs->tools = tools;
	jobs->worker_count = config->tool_workers;
	jobs->waiting_tail = &jobs->waiting;
	jobs->running = calloc(jobs->worker_count, sizeof(struct tool_job *));
	int rc = jobs->running ? pool_new(&jobs->workers, "askfs-tool", config->tool_workers, 0)
			       : -ENOMEM;
	if (rc) {
		free(jobs->running);
		free(jobs);
		return rc;
	}
	*out = jobs;
	return 0;
}

static struct tool_job *ref(struct tool_job *job)
{
	job->refs++;
	return job;
}

void tool_job_unref(struct tool_job *job)
{
	if (!job || --job->refs)
		return;
	if (job->older)
		job->older->newer = job->newer;
	if (job->newer)
		job->newer->older = job->older;
	else if (job->jobs->newest == job)
		job->jobs->newest = job->older;
	caller_release(&job->caller);
	free(job->arguments);
	free(job->made);
	free(job->result);
	free(job);
}

/* Take the kept job at @slot off the list. One that nobody can read any more need not go on. */
static void drop(struct tool_job **slot)
{
	struct tool_job *job = *slot;

	*slot = job->next;
	job->next = NULL;
	if (job->is_running && job->refs == 2)
		tool_job_cancel(job);
	tool_job_unref(job);
}

void tool_jobs_stop(struct tool_jobs *jobs)
{
	if (!jobs || jobs->is_stopping)
		return;
	jobs->is_stopping = true;
	for (size_t i = 0; i < jobs->running_count; i++)
		tool_job_cancel(jobs->running[i]);
	while (jobs->waiting) {
		struct tool_job *job = jobs->waiting;
		jobs->waiting = job->next_waiting;
		job->is_running = false;
		job->failure = -ESHUTDOWN;
		waiters_wake(&job->waiters, -ESHUTDOWN);
		tool_job_unref(job);
	}
	pool_free(jobs->workers);
	loop_drain(jobs->loop);
	while (jobs->kept)
		drop(&jobs->kept);
}

void tool_jobs_free(struct tool_jobs *jobs)
{
	tool_jobs_stop(jobs);
	if (jobs)
		free(jobs->running);
	free(jobs);
}

/* --- a call ------------------------------------------------------------------------- */

/* Worker thread. */
static void run(struct job *member)
{
	struct tool_job *job =
		(struct tool_job *)(void *)((char *)member - offsetof(struct tool_job, job));
	struct tool_output output = {0};
	struct err err = ERR_NONE;
	int rc = atomic_load(&job->cancelled)
		? err_set(&err, -ECANCELED, "cancelled")
		: tool_run(job->jobs->tools, job->tool, job->arguments,
			  (struct tool_call){.caller = &job->caller, .cancelled = &job->cancelled},
			  &output, &err);

	job->made = tool_result_text(rc, &output, &err);
	tool_output_release(&output);
	loop_post(job->jobs->loop, &job->task);
}

static size_t running_of(const struct tool_jobs *jobs, uid_t uid)
{
	size_t count = 0;

	for (size_t i = 0; i < jobs->running_count; i++)
		count += jobs->running[i]->caller.uid == uid;
	return count;
}

/* The first that waits may run, while there is a worker for it; but one user's calls leave one to
 * the others. */
static void run_next(struct tool_jobs *jobs)
{
	size_t most = jobs->worker_count > 1 ? jobs->worker_count - 1 : 1;
	struct tool_job **slot = &jobs->waiting;

	while (*slot && jobs->running_count < jobs->worker_count) {
		struct tool_job *job = *slot;
		if (running_of(jobs, job->caller.uid) >= most) {
			slot = &job->next_waiting;
			continue;
		}
		*slot = job->next_waiting;
		if (!*slot)
			jobs->waiting_tail = slot;
		job->next_waiting = NULL;
		jobs->running[jobs->running_count++] = job;
		pool_submit(jobs->workers, &job->job);
	}
}

static void done(struct task *task)
{
	struct tool_job *job =
		(struct tool_job *)(void *)((char *)task - offsetof(struct tool_job, task));
	struct tool_jobs *jobs = job->jobs;

	if (job->is_stale && !jobs->is_stopping) {
		job->is_stale = false;
		free(TAKE_PTR(job->made));
		pool_submit(jobs->workers, &job->job);
		return;
	}
	for (size_t i = 0; i < jobs->running_count; i++)
		if (jobs->running[i] == job)
			jobs->running[i--] = jobs->running[--jobs->running_count];
	job->is_running = false;
	job->result = TAKE_PTR(job->made);
	job->failure = job->result ? 0 : -ENOMEM;
	waiters_wake(&job->waiters, jobs->is_stopping ? -ESHUTDOWN : 0);
	tool_job_unref(job);
	if (!jobs->is_stopping)
		run_next(jobs);
}

static struct tool_job *job_new(struct tool_jobs *jobs, const struct tool *tool,
	const struct caller *caller, const char *arguments)
{
	struct tool_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->refs = 1;
	job->jobs = jobs;
	job->older = jobs->newest;
	if (job->older)
		job->older->newer = job;
	jobs->newest = job;
	job->tool = tool;
	job->job.run = run;
	job->task.run = done;
	waiters_init(&job->waiters);
	job->arguments = strdup(arguments);
	if (!job->arguments || caller_copy(&job->caller, caller)) {
		tool_job_unref(job);
		return NULL;
	}
	return job;
}

/* It is its user's last one from now on; the oldest of all goes when there are many. */
static void keep(struct tool_jobs *jobs, struct tool_job *job)
{
	struct tool_job **slot = &jobs->kept;
	size_t count = 1;

	while (*slot) {
		const struct tool_job *other = *slot;
		bool is_former = other->tool == job->tool && other->caller.uid == job->caller.uid;
		if (is_former || count++ >= KEPT)
			drop(slot);
		else
			slot = &(*slot)->next;
	}
	job->next = jobs->kept;
	jobs->kept = ref(job);
}

int tool_job_start(struct tool_jobs *jobs, const struct tool *tool, const struct caller *caller,
	const char *arguments, struct tool_job **out)
{
	if (jobs->is_stopping)
		return -ESHUTDOWN;
	struct tool_job *job = job_new(jobs, tool, caller, arguments);
	if (!job)
		return -ENOMEM;
	keep(jobs, job);
	job->is_running = true;
	*out = ref(job);
	*jobs->waiting_tail = job; /* the first reference is the worker's */
	jobs->waiting_tail = &job->next_waiting;
	run_next(jobs);
	return 0;
}

struct tool_job *tool_jobs_last(struct tool_jobs *jobs, const struct tool *tool, uid_t uid)
{
	for (struct tool_job *job = jobs->kept; job; job = job->next)
		if (job->tool == tool && job->caller.uid == uid)
			return ref(job);
	return NULL;
}

int tool_job_wait(struct tool_job *job, struct waiter *waiter)
{
	if (!job->is_running)
		return job->failure;
	waiters_add(&job->waiters, waiter, NULL, 0);
	return -EINPROGRESS;
}

const char *tool_job_result(const struct tool_job *job, size_t *len)
{
	*len = job->result ? strlen(job->result) : 0;
	return job->result;
}

void tool_job_cancel(struct tool_job *job)
{
	atomic_store(&job->cancelled, true);
}

/* Who has it open is told so, in place of what he has not read yet. */
static void withdraw(struct tool_job *job)
{
	static const struct err gone = {
		"a document that it spoke of was deleted meanwhile: call again"};
	struct tool_output none = {0};
	char *text = tool_result_text(-ENOENT, &none, &gone);

	if (!text)
		return;
	free(job->result);
	job->result = text;
}

/* Whatever tells of a document tells its id. */
void tool_jobs_document_removed(struct tool_jobs *jobs, const struct uuid *document)
{
	struct tool_job **slot = &jobs->kept;
	char id[UUID_TEXT];

	uuid_format(document, id);
	for (size_t i = 0; i < jobs->running_count; i++)
		jobs->running[i]->is_stale = true;
	while (*slot) {
		const struct tool_job *job = *slot;
		if (!job->is_running && strstr(job->result ? job->result : "", id))
			drop(slot);
		else
			slot = &(*slot)->next;
	}
	for (struct tool_job *job = jobs->newest; job; job = job->older)
		if (!job->is_running && job->result && strstr(job->result, id))
			withdraw(job);
}
