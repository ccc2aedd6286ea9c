/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of tools by users, at tools/<name>/run, and what came of each user's last one. Loop
 * thread. */
#ifndef ASKFS_CORE_TOOL_JOBS_H
#define ASKFS_CORE_TOOL_JOBS_H

#include "core/config.h"
#include "core/loop.h"
#include "core/tools.h"
#include "core/waiter.h"

struct tool_jobs;

/* One call. Counted; read what is there and use the functions. */
struct tool_job;

/* Starts the workers. Loop, tools and configuration stay the caller's. 0 or -errno. */
int tool_jobs_new(struct tool_jobs **out, struct loop *loop, const struct tools *tools,
	const struct config *config);

/* Cancel what runs, join the workers, wake whoever waits with -ESHUTDOWN. */
void tool_jobs_stop(struct tool_jobs *jobs);

/* Stop, if that was not done, and free. The last job must have been given back. */
void tool_jobs_free(struct tool_jobs *jobs);

/* Call @tool for @caller; its result becomes his last one. One reference in *out. 0, -ENOMEM,
 * -ESHUTDOWN. */
int tool_job_start(struct tool_jobs *jobs, const struct tool *tool, const struct caller *caller,
	const char *arguments, struct tool_job **out);

/* The last call of @tool by @uid, with a reference for the caller; NULL: there is none. */
struct tool_job *tool_jobs_last(struct tool_jobs *jobs, const struct tool *tool, uid_t uid);

/* 0: the result is there. -EINPROGRESS: @waiter was queued. -ESHUTDOWN. */
int tool_job_wait(struct tool_job *job, struct waiter *waiter);

/* The ToolResult; valid as long as the reference is, once tool_job_wait gave 0. */
const char *tool_job_result(const struct tool_job *job, size_t *len);

/* Nobody needs it any more: whoever took it back wants something else. */
void tool_job_cancel(struct tool_job *job);
void tool_job_unref(struct tool_job *job);

/* A document was deleted: results that speak of it are forgotten. */
void tool_jobs_document_removed(struct tool_jobs *jobs, const struct uuid *document);

#endif
