/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline: parse, chunk, store, embed; from a settled file to an indexed document. */
#ifndef ASKFS_CORE_INGEST_H
#define ASKFS_CORE_INGEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/document.h"
#include "core/pool.h"
#include "core/ports.h"

struct ingest;

enum ingest_outcome {
	INGEST_INDEXED, /* this version answers now */
	INGEST_UNCHANGED, /* the same bytes as the version that answers: nothing was done */
	INGEST_FAILED, /* for good; the record says why */
	INGEST_LATER, /* something that may pass: try again; nothing was kept */
	INGEST_CANCELLED, /* it was cancelled before it was published: nothing was kept */
};

struct attempt;

/* One file to be ingested. The submitter fills the first part, must not touch the job while
 * it is under way (but through ingest_cancel and ingest_job_access), and owns it again when
 * done was called. Strings are owned by the job; ingest_job_release frees them. */
struct ingest_job {
	struct job job; /* the pipeline's */

	struct document document; /* id, path, title, source, access, mtime_ns, parent, realm,
				   * extra_metadata, created_ns as they shall be in a new
				   * record; the record that is there keeps its own of these,
				   * but for access, which is always the job's */
	char *file; /* the backing file; the pipeline opens it for reading */
	bool is_adopted; /* nobody wrote it anew: bytes that failed before are not tried again */
	unsigned attempts; /* that came to INGEST_LATER before, in a row */
	int64_t queued_ns; /* monotonic: when the file had settled */
	bool started; /* out: a worker has begun; set before begun() is called */
	/* Called when a worker begins; may be NULL. Worker thread; must not block. */
	void (*begun)(struct ingest_job *job);
	/* Called once a version was published but its embeddings are still missing, with the
	 * record (PROCESSING); may be NULL. Worker thread; must not block. */
	void (*published)(struct ingest_job *job, const struct document *record);
	/* Called exactly once, last. Worker thread; must not block. */
	void (*done)(struct ingest_job *job);
	void *context; /* the submitter's */

	struct ingest *ingest; /* the pipeline's */
	struct attempt *prepared; /* the pipeline's: a link whose page was fetched */
	atomic_bool cancelled; /* ingest_cancel */

	enum ingest_outcome outcome; /* out */
	struct document record; /* out: the record as stored (INDEXED, UNCHANGED, FAILED) */
	struct err err; /* out: FAILED, LATER */
};

void ingest_job_release(struct ingest_job *job);

/* Start the workers. The ports stay the caller's and outlive it. 0 or -errno. */
int ingest_new(struct ingest **out, const struct ports *ports, const struct config *config,
	struct err *err);

/* Queue a job. Small files that wait together are parsed and stored as one batch. Never
 * fails, never blocks. Any thread. */
void ingest_submit(struct ingest *ingest, struct ingest_job *job);

/* The file is being written to or was removed: whatever the job has not published yet must
 * not be. A job that was published already ends as usual. Any thread; never blocks. */
void ingest_cancel(struct ingest_job *job);

/* The file's bits have changed while the job is under way: what is published from now on
 * obeys them. May wait for a commit: from an I/O pool. */
void ingest_job_access(struct ingest *ingest, struct ingest_job *job, const struct access *access);

/* Queue the embeddings of a stored version that has none of this model: of a document that came
 * when there was no embedder, or another one. @job holds the record in job->document; nothing
 * else of it is used but done(). Its outcome is INDEXED, with the record, or LATER or CANCELLED,
 * and nothing has changed. Any thread; never blocks. */
void ingest_embed_stored(struct ingest *ingest, struct ingest_job *job);

/* Jobs that wait. Any thread. */
size_t ingest_depth(struct ingest *ingest);

/* Cancel what was not published yet, let go of what waits for its embeddings (INGEST_LATER: it
 * resumes there), join. Every done() has been called then. */
void ingest_free(struct ingest *ingest);

/* Remove what a kill left behind: chunks and blobs of documents and versions that the catalog
 * does not know; and make a record whose chunks are not there PENDING, so that its file, which
 * is still in the inbox then, is ingested again. Once at start, before the first job; one walk
 * over each store. */
int ingest_recover(const struct ports *ports, struct err *err);

#endif
