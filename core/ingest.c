/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs wait in two queues: those whose size nobody has looked at, and those that were found to
 * be large. A worker takes up to BATCH_MAX jobs of one owner from the first, so that a parser's
 * child, a transaction and a publication are shared; or one large job. Some worker always
 * stays free for the small ones. Two jobs of one document are never under way together.
 *
 * Links that are to be followed come by threads of their own first, since a site may be slow: they
 * wait for nothing but their pages, and nothing waits for them.
 *
 * A worker is a ticket: it is in the pool's queue while there may be something to take, and
 * idle otherwise. */
#include "core/ingest.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/ingest_attempt.h"
#include "core/ingest_embed.h"
#include "core/ingest_family.h"
#include "core/ingest_link.h"
#include "core/link.h"
#include "core/log.h"

#define SMALL_MAX ((uint64_t)64 << 10)
#define BATCH_MAX 64
#define LOOK_MAX  256 /* jobs that are looked at to fill a batch */

struct queue {
	struct job *head, **tail;
	size_t depth;
};

struct ticket {
	struct job job; /* the pool's */
	struct ingest *ingest;
	struct ticket *next; /* lock; idle */
	struct uuid documents[BATCH_MAX]; /* lock; under way */
	size_t count; /* lock */
	bool is_large; /* lock */
	struct ingest_job *jobs[BATCH_MAX]; /* the worker's */
};

struct ingest {
	struct ingest_setup setup;
	struct ingest_embed *embed; /* NULL: by words alone */
	struct pool *pool;
	struct pool *links; /* NULL: the network is not allowed */
	pthread_mutex_t lock;
	struct queue small, large; /* lock */
	struct ticket *idle; /* lock */
	size_t large_running; /* lock */
	bool was_large; /* lock: the last one that was taken */
	size_t ticket_count;
	struct ticket tickets[];
};

static struct ingest_job *job_of(struct job *job)
{
	return (struct ingest_job *)job;
}

/* Queues; all under the lock. */

static void queue_init(struct queue *queue)
{
	*queue = (struct queue){.tail = &queue->head};
}

static void queue_add(struct queue *queue, struct ingest_job *job)
{
	job->job.next = NULL;
	*queue->tail = &job->job;
	queue->tail = &job->job.next;
	queue->depth++;
}

/* Take the job that @slot points at out of the queue. */
static struct ingest_job *queue_take(struct queue *queue, struct job **slot)
{
	struct job *job = *slot;

	*slot = job->next;
	if (!*slot)
		queue->tail = slot;
	queue->depth--;
	return job_of(job);
}

static bool is_under_way(const struct ingest *ingest, const struct uuid *document)
{
	for (size_t i = 0; i < ingest->ticket_count; i++)
		for (size_t j = 0; j < ingest->tickets[i].count; j++)
			if (uuid_equal(&ingest->tickets[i].documents[j], document))
				return true;
	return false;
}

static void take_job(struct ticket *ticket, struct queue *queue, struct job **slot)
{
	struct ingest_job *job = queue_take(queue, slot);

	ticket->jobs[ticket->count] = job;
	ticket->documents[ticket->count++] = job->document.id;
}

static void take_large(struct ingest *ingest, struct ticket *ticket)
{
	size_t limit = ingest->ticket_count > 1 ? ingest->ticket_count - 1 : 1;
	struct job **slot = &ingest->large.head;

	if (ingest->large_running >= limit || (ingest->was_large && ingest->small.head))
		return;
	while (*slot && is_under_way(ingest, &job_of(*slot)->document.id))
		slot = &(*slot)->next;
	if (!*slot)
		return;
	take_job(ticket, &ingest->large, slot);
	ticket->is_large = true;
	ingest->large_running++;
}

static void take_small(struct ingest *ingest, struct ticket *ticket)
{
	struct job **slot = &ingest->small.head;

	for (size_t i = 0; *slot && i < LOOK_MAX && ticket->count < BATCH_MAX; i++) {
		const struct ingest_job *job = job_of(*slot);
		bool is_fit = !is_under_way(ingest, &job->document.id) &&
			(!ticket->count ||
				job->document.access.owner ==
					ticket->jobs[0]->document.access.owner);
		if (is_fit)
			take_job(ticket, &ingest->small, slot);
		else
			slot = &(*slot)->next;
	}
}

/* Give back what the ticket has done and take the next batch. False: the ticket is idle. */
static bool take_batch(struct ticket *ticket)
{
	struct ingest *ingest = ticket->ingest;

	pthread_mutex_lock(&ingest->lock);
	if (ticket->is_large)
		ingest->large_running--;
	ticket->count = 0;
	ticket->is_large = false;
	take_large(ingest, ticket);
	if (!ticket->count)
		take_small(ingest, ticket);
	if (ticket->count) {
		ingest->was_large = ticket->is_large;
	} else {
		ticket->next = ingest->idle;
		ingest->idle = ticket;
	}
	bool is_taken = ticket->count > 0;
	pthread_mutex_unlock(&ingest->lock);
	return is_taken;
}

static void wake_worker(struct ingest *ingest)
{
	pthread_mutex_lock(&ingest->lock);
	struct ticket *ticket = ingest->idle;
	if (ticket)
		ingest->idle = ticket->next;
	pthread_mutex_unlock(&ingest->lock);
	if (ticket)
		pool_submit(ingest->pool, &ticket->job);
}

/* A batch. */

static void end_without_attempt(struct ingest_job *job, enum ingest_outcome outcome)
{
	job->outcome = outcome;
	job->done(job);
}

/* One that turned out to be large waits in the other queue, unless that is where it is from. */
static bool is_put_off(struct ticket *ticket, struct attempt *attempt)
{
	struct ingest *ingest = ticket->ingest;

	if (ticket->is_large || attempt_is_over(attempt) || attempt->size <= SMALL_MAX)
		return false;
	struct ingest_job *job = attempt->job;
	attempt_free(attempt);
	pthread_mutex_lock(&ingest->lock);
	queue_add(&ingest->large, job);
	pthread_mutex_unlock(&ingest->lock);
	return true;
}

static void announce(struct ingest_job *job)
{
	if (job->started)
		return;
	job->started = true;
	if (job->begun)
		job->begun(job);
}

/* Open the jobs' files; the attempts that are this batch's. */
static size_t open_batch(struct ticket *ticket, struct attempt *attempts[BATCH_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ticket->count; i++) {
		struct ingest_job *job = ticket->jobs[i];
		struct attempt *attempt;
		if (job->prepared) {
			attempts[count++] = TAKE_PTR(job->prepared);
			continue;
		}
		announce(job);
		int rc = attempt_new(&attempt, &ticket->ingest->setup, job);
		if (rc) {
			err_set(&job->err, rc, "out of memory");
			end_without_attempt(job, INGEST_LATER);
			continue;
		}
		attempt_open(attempt);
		if (!is_put_off(ticket, attempt))
			attempts[count++] = attempt;
	}
	return count;
}

/* The documents of this ticket are free again: their next jobs may be taken. Before done() is
 * called, which may submit one. */
static void release_documents(struct ticket *ticket)
{
	pthread_mutex_lock(&ticket->ingest->lock);
	ticket->count = 0;
	pthread_mutex_unlock(&ticket->ingest->lock);
}

static void finish_attempt(struct ingest *ingest, struct attempt *attempt)
{
	bool is_embedded_later =
		ingest->embed && attempt->is_committed && attempt->record.status == DOC_PROCESSING;

	if (!is_embedded_later) {
		attempt_end(attempt);
		return;
	}
	if (attempt->job->published)
		attempt->job->published(attempt->job, &attempt->record);
	ingest_text_release(&attempt->text);
	ingest_embed_submit(ingest->embed, attempt);
}

/* What is inside goes its own way once it is there. */
static void finish_family(struct ingest *ingest, struct attempt *root)
{
	size_t count;

	if (!root->is_committed) {
		family_free(root);
		return;
	}
	struct attempt **members = family_detach(root, &count);
	for (size_t i = 0; i < count; i++)
		finish_attempt(ingest, members[i]);
	free(members);
}

static void run_batch(struct ticket *ticket)
{
	struct attempt *attempts[BATCH_MAX];
	size_t count = open_batch(ticket, attempts);

	for (size_t i = 0; i < count; i++)
		if (!attempts[i]->is_examined)
			attempt_examine(attempts[i]);
	if (count)
		attempt_parse(attempts, count);
	for (size_t i = 0; i < count; i++)
		family_work(attempts[i]);
	for (size_t i = 0; i < count; i++)
		attempt_store(attempts[i]);
	if (count)
		attempts_commit(attempts, count);
	release_documents(ticket);
	for (size_t i = 0; i < count; i++) {
		finish_family(ticket->ingest, attempts[i]);
		finish_attempt(ticket->ingest, attempts[i]);
	}
}

static void run(struct job *job)
{
	struct ticket *ticket = (struct ticket *)job;

	while (take_batch(ticket))
		run_batch(ticket);
}

/* Exports. */

void ingest_job_release(struct ingest_job *job)
{
	if (!job)
		return;
	document_release(&job->document);
	document_release(&job->record);
	free(job->file);
	job->file = NULL;
}

static void ingest_init(
	struct ingest *ingest, const struct ports *ports, const struct config *config)
{
	ingest->setup.ports = *ports;
	ingest->setup.chunk_size = config->chunk_size;
	ingest->setup.chunk_overlap = config->chunk_overlap;
	ingest->setup.keep_versions = config->keep_versions;
	ingest->setup.retries = (unsigned)config->ingest_retries;
	ingest->setup.archive = archive_limits_of(config);
	pthread_mutex_init(&ingest->lock, NULL);
	queue_init(&ingest->small);
	queue_init(&ingest->large);
	ingest->ticket_count = config->ingest_workers;
	for (size_t i = 0; i < ingest->ticket_count; i++) {
		struct ticket *ticket = &ingest->tickets[i];
		*ticket = (struct ticket){.job.run = run, .ingest = ingest, .next = ingest->idle};
		ingest->idle = ticket;
	}
}

int ingest_new(struct ingest **out, const struct ports *ports, const struct config *config,
	struct err *err)
{
	size_t workers = config->ingest_workers;
	struct ingest *ingest = calloc(1, sizeof(*ingest) + workers * sizeof(struct ticket));
	int rc = 0;

	assert(workers > 0);
	if (!ingest)
		return err_set(err, -ENOMEM, "out of memory");
	ingest_init(ingest, ports, config);
	if (ports->embedder)
		rc = ingest_embed_new(&ingest->embed, &ingest->setup, err);
	if (rc == 0) {
		rc = pool_new(&ingest->pool, "ingest", workers, 0);
		if (!rc && ports->fetcher)
			rc = pool_new(&ingest->links, "ingest-link", config->net_workers, 0);
		if (rc)
			err_set(err, rc, "cannot start a thread: %s", strerror(-rc));
	}
	if (rc) {
		ingest_free(ingest);
		return rc;
	}
	*out = ingest;
	return 0;
}

void ingest_embed_stored(struct ingest *ingest, struct ingest_job *job)
{
	struct attempt *attempt = NULL;

	job->err = (struct err)ERR_NONE;
	if (!ingest->embed || attempt_new(&attempt, &ingest->setup, job) ||
		document_copy(&attempt->record, &job->document)) {
		attempt_free(attempt);
		end_without_attempt(job, INGEST_LATER);
		return;
	}
	attempt->fate = ATTEMPT_EMBED;
	attempt->is_stored = true;
	attempt->is_committed = true;
	attempt->version = job->document.version;
	ingest_embed_submit(ingest->embed, attempt);
}

static void queue_small(struct ingest *ingest, struct ingest_job *job)
{
	pthread_mutex_lock(&ingest->lock);
	queue_add(&ingest->small, job);
	pthread_mutex_unlock(&ingest->lock);
	wake_worker(ingest);
}

/* On a thread for links: the page, and then the way of all. */
static void follow_link(struct job *member)
{
	struct ingest_job *job = job_of(member);
	struct ingest *ingest = job->ingest;
	struct attempt *attempt;

	announce(job);
	if (attempt_new(&attempt, &ingest->setup, job)) {
		err_set(&job->err, -ENOMEM, "out of memory");
		end_without_attempt(job, INGEST_LATER);
		return;
	}
	attempt_open(attempt);
	attempt_examine(attempt);
	attempt->is_examined = true;
	attempt_follow(attempt);
	job->prepared = attempt;
	queue_small(ingest, job);
}

void ingest_submit(struct ingest *ingest, struct ingest_job *job)
{
	job->err = (struct err)ERR_NONE;
	job->started = false;
	if (atomic_load(&ingest->setup.is_stopping)) {
		end_without_attempt(job, INGEST_CANCELLED);
		return;
	}
	bool may_be_link = ingest->links && job->document.size <= LINK_FILE_MAX &&
		link_has_name(document_file_name(&job->document));
	if (!may_be_link) {
		queue_small(ingest, job);
		return;
	}
	job->ingest = ingest;
	job->job.run = follow_link;
	pool_submit(ingest->links, &job->job);
}

void ingest_cancel(struct ingest_job *job)
{
	atomic_store(&job->cancelled, true);
}

/* The commit reads the bits under the one lock, the forming of a batch under the other. */
void ingest_job_access(struct ingest *ingest, struct ingest_job *job, const struct access *access)
{
	struct records *records = ingest->setup.ports.records;

	records_lock(records);
	pthread_mutex_lock(&ingest->lock);
	job->document.access = *access;
	pthread_mutex_unlock(&ingest->lock);
	records_unlock(records);
}

size_t ingest_depth(struct ingest *ingest)
{
	pthread_mutex_lock(&ingest->lock);
	size_t depth = ingest->small.depth + ingest->large.depth;
	pthread_mutex_unlock(&ingest->lock);
	return depth;
}

/* The workers take what is queued and find it cancelled, because the pipeline is stopping. */
void ingest_free(struct ingest *ingest)
{
	if (!ingest)
		return;
	atomic_store(&ingest->setup.is_stopping, true);
	pool_free(ingest->links);
	pool_free(ingest->pool);
	ingest_embed_free(ingest->embed);
	assert(!ingest->small.head && !ingest->large.head);
	pthread_mutex_destroy(&ingest->lock);
	free(ingest);
}
