/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pipeline: one job's way through it. Not for other modules. */
#ifndef ASKFS_CORE_INGEST_ATTEMPT_H
#define ASKFS_CORE_INGEST_ATTEMPT_H

#include <stdatomic.h>

#include "core/archive_limits.h"
#include "core/ingest.h"
#include "core/ingest_text.h"

struct family;

/* What the steps need, constant while the workers run. */
struct ingest_setup {
	struct ports ports;
	size_t chunk_size, chunk_overlap;
	size_t keep_versions;
	unsigned retries;
	struct archive_limits archive;
	atomic_bool is_stopping; /* what is not published yet shall not be */
};

/* How far a job came, and what became of it. */
enum attempt_fate {
	ATTEMPT_FRESH, /* a new version, to be published */
	ATTEMPT_COMPLETE, /* the version that answers, its record made INDEXED again */
	ATTEMPT_EMBED, /* the version that answers, its embeddings to be computed again */
	ATTEMPT_FAILED, /* for good: the record shall say why */
	ATTEMPT_UNCHANGED, /* over: the rest are */
	ATTEMPT_LATER,
	ATTEMPT_CANCELLED,
};

/* Owned by the worker that has it, later by the embedding worker. */
struct attempt {
	struct attempt *next; /* of whoever queues it */
	struct ingest_setup *setup;
	struct ingest_job *job;
	enum attempt_fate fate;
	int code; /* FAILED: why, a negative errno */

	int fd; /* the file, -1: closed */
	struct {
		int fd; /* -1: none */
		uint64_t size;
		char *name, *url; /* owned */
	} page; /* that the file is a link to: what is parsed in its place */
	struct attempt *root; /* of a member: the file that it is in; NULL: it is none */
	unsigned depth; /* of a member: 1 is what the root holds itself */
	uint64_t spooled_at; /* of a member: where its bytes lie in the family's spool */
	struct family *family; /* of a root: what is inside; NULL: nothing */
	uint64_t size;
	uint8_t sha256[32];
	uint32_t version; /* the one that is being made, or the one to be embedded */

	struct ingest_text text;
	struct parsed parsed;
	bool is_examined; /* attempt_examine was there */
	bool has_chunks; /* the vectors were given some of this version */
	bool has_blobs; /* the blobs likewise */

	struct document before; /* the record as the commit found it; id nil: there was none */
	struct document record; /* as the commit wrote it */
	bool is_committed;
	bool is_stored; /* ingest_embed_stored: a failure changes nothing */

	uint32_t embedded; /* chunks that have their embedding */
};

/* 0 or -ENOMEM. The job stays the submitter's. */
int attempt_new(struct attempt **out, struct ingest_setup *setup, struct ingest_job *job);
void attempt_free(struct attempt *attempt);

/* Is there nothing more to do before the outcome is told? */
static inline bool attempt_is_over(const struct attempt *attempt)
{
	return attempt->fate >= ATTEMPT_UNCHANGED;
}

bool attempt_is_cancelled(const struct attempt *attempt);

/* End it with a fate; the sentence is in job->err already. */
void attempt_later(struct attempt *attempt);
void attempt_fail(struct attempt *attempt, int code);

/* The steps before the commit, in order. Each leaves those alone that are over or failed. */
void attempt_open(struct attempt *attempt);
void attempt_examine(struct attempt *attempt);
void attempt_parse(struct attempt *const *attempts, size_t count);
void attempt_store(struct attempt *attempt);

/* Take away what an attempt that was not committed left in the stores. */
void attempt_discard(struct attempt *attempt);

/* Write the records of all that are not over in one transaction and publish their versions in
 * one; then remove what they replace. What could not be committed is LATER or CANCELLED. */
void attempts_commit(struct attempt *const *attempts, size_t count);

/* Set the job's outcome and record, free the attempt, call done. */
void attempt_end(struct attempt *attempt);

#endif
