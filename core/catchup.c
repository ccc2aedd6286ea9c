/* SPDX-License-Identifier: Apache-2.0 */
#include "core/catchup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/log.h"

/* Documents in the pipeline at once: enough for full batches, few records in memory. */
#define RUNNING_MAX 16

struct catchup {
	struct job job; /* the listing */
	struct task task;
	struct catchup_parts parts;
	struct uuid *documents; /* the I/O pool's until listed, then the loop's */
	size_t count, room;
	size_t next; /* the first that was not begun */
	size_t running, embedded;
	bool is_listing, is_stopping;
};

/* A document on its way. */
struct visit {
	struct ingest_job job; /* the pipeline's until done */
	struct job fetch;
	struct task task;
	struct catchup *catchup;
};

static bool needs_embeddings(const struct catchup *catchup, const struct document *document)
{
	const char *model = embedder_info(catchup->parts.ports->embedder)->model;

	/* A member has no file in the inbox that would bring it through after a stop. */
	bool is_due = document->status == DOC_INDEXED ||
		(document->status == DOC_PROCESSING && !uuid_is_nil(&document->parent));

	return is_due && document->version && document->chunk_count &&
		(!document->embedding_model || strcmp(document->embedding_model, model) != 0);
}

static void fill(struct catchup *catchup);

/* --- one document ----------------------------------------------------------------- */

static void on_done_loop(struct task *task)
{
	struct visit *visit = (struct visit *)((char *)task - offsetof(struct visit, task));
	struct catchup *catchup = visit->catchup;
	struct library *library = catchup->parts.library;

	if (visit->job.outcome == INGEST_INDEXED) {
		catchup->embedded++;
		if (library_find(library, &visit->job.record.id))
			library_put(library, &visit->job.record);
	} else if (visit->job.err.text[0] && !catchup->is_stopping) {
		log_warn("a document's embeddings have to wait for the next start: %s",
			visit->job.err.text);
	}
	ingest_job_release(&visit->job);
	free(visit);
	catchup->running--;
	fill(catchup);
}

/* Worker thread. */
static void on_done(struct ingest_job *job)
{
	struct visit *visit = (struct visit *)job;

	visit->task.run = on_done_loop;
	loop_post(visit->catchup->parts.loop, &visit->task);
}

/* I/O pool. */
static void fetch(struct job *job)
{
	struct visit *visit = (struct visit *)((char *)job - offsetof(struct visit, fetch));
	struct catchup *catchup = visit->catchup;
	struct uuid id = visit->job.document.id;
	int rc = catalog_get(
		catchup->parts.ports->catalog, &id, &visit->job.document, &visit->job.err);

	if (rc == 0 && needs_embeddings(catchup, &visit->job.document)) {
		ingest_embed_stored(catchup->parts.ingest, &visit->job);
		return;
	}
	if (rc == -ENOENT)
		visit->job.err = (struct err)ERR_NONE; /* deleted meanwhile */
	visit->job.outcome = INGEST_CANCELLED;
	on_done(&visit->job);
}

static void fill(struct catchup *catchup)
{
	while (catchup->next < catchup->count && catchup->running < RUNNING_MAX &&
		!catchup->is_stopping) {
		struct visit *visit = calloc(1, sizeof(*visit));
		if (!visit)
			return; /* those that run come back here */
		visit->catchup = catchup;
		visit->job.document.id = catchup->documents[catchup->next++];
		visit->job.done = on_done;
		visit->fetch.run = fetch;
		catchup->running++;
		pool_submit(catchup->parts.io, &visit->fetch);
	}
	if (!catchup->running && catchup->documents && !catchup->is_stopping) {
		free(TAKE_PTR(catchup->documents));
		log_info("%zu of them have their embeddings", catchup->embedded);
	}
}

/* --- the listing ------------------------------------------------------------------ */

static int list_one(void *context, const struct document *document)
{
	struct catchup *catchup = context;

	if (!needs_embeddings(catchup, document))
		return 0;
	if (catchup->count == catchup->room) {
		size_t room = catchup->room ? 2 * catchup->room : 256;
		struct uuid *more = reallocarray(catchup->documents, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		catchup->documents = more;
		catchup->room = room;
	}
	catchup->documents[catchup->count++] = document->id;
	return 0;
}

static void on_listed(struct task *task)
{
	struct catchup *catchup = (struct catchup *)((char *)task - offsetof(struct catchup, task));

	catchup->is_listing = false;
	if (catchup->count)
		log_info("%zu documents have no embeddings of this model: they get them now",
			catchup->count);
	fill(catchup);
}

/* I/O pool. */
static void list(struct job *job)
{
	struct catchup *catchup = (struct catchup *)job;
	struct err err = ERR_NONE;

	if (catalog_each(catchup->parts.ports->catalog, list_one, catchup, &err))
		log_warn("documents without embeddings: %s", err.text);
	catchup->task.run = on_listed;
	loop_post(catchup->parts.loop, &catchup->task);
}

/* --- the whole -------------------------------------------------------------------- */

int catchup_new(struct catchup **out, const struct catchup_parts *parts)
{
	struct catchup *catchup = calloc(1, sizeof(*catchup));

	if (!catchup)
		return -ENOMEM;
	catchup->parts = *parts;
	*out = catchup;
	return 0;
}

void catchup_start(struct catchup *catchup)
{
	catchup->is_listing = true;
	catchup->job.run = list;
	pool_submit(catchup->parts.io, &catchup->job);
}

void catchup_stop(struct catchup *catchup)
{
	if (catchup)
		catchup->is_stopping = true;
}

bool catchup_is_busy(const struct catchup *catchup)
{
	return catchup && (catchup->is_listing || catchup->running);
}

void catchup_free(struct catchup *catchup)
{
	if (!catchup)
		return;
	free(catchup->documents);
	free(catchup);
}
