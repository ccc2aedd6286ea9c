/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of low priority. A call to the embedder costs much and likes many texts, so a
 * batch takes the chunks of as many documents as it needs. What is not complete after a batch
 * goes to the end of the queue: a book does not hold up the letters behind it. */
#include "core/ingest_embed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"

#define EMBED_NICE  10
#define BACKOFF_NS  (500 * NS_PER_MS)
#define BACKOFF_MAX (60 * NS_PER_SEC)

/* Consecutive chunks of one document. */
struct slice {
	struct attempt *attempt;
	uint32_t first, count;
};

struct batch {
	const struct embedder_info *info;
	struct slice *slices; /* info->batch of each */
	char **texts;
	float *vectors;
	size_t slice_count, text_count;
};

struct ingest_embed {
	struct job job; /* queued in the pool while the worker has something to do */
	struct ingest_setup *setup;
	struct pool *pool;
	struct batch batch; /* the worker's */
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	struct attempt *head, **tail; /* lock */
	bool is_running; /* lock */
	bool is_stopping; /* lock */
};

static int batch_init(struct batch *batch, const struct embedder_info *info)
{
	*batch = (struct batch){
		.info = info,
		.slices = calloc(info->batch, sizeof(*batch->slices)),
		.texts = calloc(info->batch, sizeof(*batch->texts)),
		.vectors = calloc(info->batch * info->dimension, sizeof(*batch->vectors)),
	};
	return batch->slices && batch->texts && batch->vectors ? 0 : -ENOMEM;
}

static void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->text_count; i++)
		free(batch->texts[i]);
	batch->text_count = batch->slice_count = 0;
}

static void batch_release(struct batch *batch)
{
	batch_clear(batch);
	free(batch->slices);
	free(batch->texts);
	free(batch->vectors);
}

static int take_text(void *context, const struct chunk *chunk)
{
	struct batch *batch = context;
	char *text = strndup(chunk->text, chunk->text_len);

	if (!text)
		return -ENOMEM;
	batch->texts[batch->text_count++] = text;
	return 0;
}

/* Take the next chunks of one attempt, as many as there is room for. -ESTALE if the version is
 * not there any more: another one has taken its place. */
static int fill_from(struct batch *batch, struct attempt *attempt)
{
	uint32_t left = attempt->record.chunk_count - attempt->embedded;
	size_t room = batch->info->batch - batch->text_count, before = batch->text_count;
	uint32_t count = left < room ? left : (uint32_t)room;
	struct err *err = &attempt->job->err;

	int rc = vectors_chunks(attempt->setup->ports.vectors, &attempt->record.id,
		attempt->version, attempt->embedded, count, take_text, batch, err);
	if (rc && rc != -ENOENT)
		return rc;
	if (batch->text_count != before + count)
		return err_set(err, -ESTALE, "the version was replaced");
	batch->slices[batch->slice_count++] = (struct slice){attempt, attempt->embedded, count};
	return 0;
}

static bool is_stopping(struct ingest_embed *embed)
{
	pthread_mutex_lock(&embed->lock);
	bool stopping = embed->is_stopping;
	pthread_mutex_unlock(&embed->lock);
	return stopping;
}

/* Wait before the next try: twice as long each time, plus or minus a half at random. */
static void back_off(struct ingest_embed *embed, unsigned tries)
{
	int64_t ns = BACKOFF_NS << (tries < 8 ? tries : 8);
	uint32_t dice = 0;
	struct timespec until;

	if (ns > BACKOFF_MAX)
		ns = BACKOFF_MAX;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		dice = 0;
	ns = clock_mono_ns() + ns / 2 + (int64_t)((double)ns * dice / UINT32_MAX);
	until = (struct timespec){.tv_sec = ns / NS_PER_SEC, .tv_nsec = ns % NS_PER_SEC};
	pthread_mutex_lock(&embed->lock);
	while (!embed->is_stopping &&
		pthread_cond_timedwait(&embed->stopped, &embed->lock, &until) == 0)
		;
	pthread_mutex_unlock(&embed->lock);
}

static int embed_texts(struct ingest_embed *embed, size_t first, size_t count, struct batch *batch,
	struct err *err)
{
	const char *const *texts = (const char *const *)&batch->texts[first];
	float *out = &batch->vectors[first * batch->info->dimension];
	struct embedder *embedder = embed->setup->ports.embedder;
	int rc;

	for (unsigned tries = 0;; tries++) {
		rc = embedder_embed(embedder, EMBED_PASSAGE, texts, count, out, err);
		if (rc != -EAGAIN || tries >= embed->setup->retries || is_stopping(embed))
			return rc;
		back_off(embed, tries);
	}
}

/* Attach a slice's vectors and move its attempt on. */
static int keep_slice(const struct batch *batch, const struct slice *slice, size_t first)
{
	struct attempt *attempt = slice->attempt;

	int rc = vectors_embed(attempt->setup->ports.vectors, &attempt->record.id, attempt->version,
		slice->first, &batch->vectors[first * batch->info->dimension], slice->count,
		batch->info->dimension, batch->info->model, &attempt->job->err);
	if (rc == 0)
		attempt->embedded += slice->count;
	return rc;
}

/* The end of an attempt whose embeddings could not be computed or kept. What may pass is tried
 * again later; what the embedder refuses for good makes the record FAILED, and the words go on
 * answering. */
static void give_up(struct attempt *attempt, int rc)
{
	if (rc == -ESTALE)
		attempt->fate = ATTEMPT_CANCELLED;
	else if (rc == -EAGAIN)
		attempt->fate = ATTEMPT_LATER;
	else
		attempt_fail(attempt, rc);
}

static void run_slice(struct ingest_embed *embed, struct batch *batch, const struct slice *slice,
	size_t first, const int *embedded)
{
	struct attempt *attempt = slice->attempt;
	struct err *err = &attempt->job->err;
	int rc = *embedded ? embed_texts(embed, first, slice->count, batch, err) : 0;

	if (rc)
		give_up(attempt, rc);
	else if ((rc = keep_slice(batch, slice, first)))
		give_up(attempt, rc == -ENOENT ? -ESTALE : rc == -EINVAL ? rc : -EAGAIN);
}

/* Embed all texts in one call; where that fails for good, each document's by itself, so that
 * one text does not take the others with it. */
static void run_batch(struct ingest_embed *embed, struct batch *batch)
{
	struct err err = ERR_NONE;
	int rc = embed_texts(embed, 0, batch->text_count, batch, &err);
	size_t first = 0;

	for (size_t i = 0; i < batch->slice_count; i++) {
		const struct slice *slice = &batch->slices[i];
		if (rc && (rc == -EAGAIN || batch->slice_count == 1)) {
			slice->attempt->job->err = err;
			give_up(slice->attempt, rc);
		} else {
			run_slice(embed, batch, slice, first, &rc);
		}
		first += slice->count;
	}
}

/* Records. */

/* Under the records' lock: the record as it is now, with its embeddings complete or refused. */
static int write_record(struct attempt *attempt)
{
	struct catalog *catalog = attempt->setup->ports.catalog;
	struct err *err = &attempt->job->err;
	const char *model = embedder_info(attempt->setup->ports.embedder)->model;
	const struct document *record = &attempt->record;
	struct err why = *err;

	document_release(&attempt->record);
	int rc = catalog_get(catalog, &attempt->job->document.id, &attempt->record, err);
	if (rc == -ENOENT || (rc == 0 && record->version != attempt->version))
		return -ESTALE;
	if (rc)
		return rc;
	bool is_failed = attempt->fate == ATTEMPT_FAILED;
	char **slot = is_failed ? &attempt->record.error : &attempt->record.embedding_model;
	free(*slot);
	*slot = NULL;
	if (is_failed &&
		asprintf(slot, "the embeddings failed, words still answer: %s\n%s", why.text,
			strerror(-attempt->code)) < 0)
		*slot = NULL;
	else if (!is_failed)
		*slot = strdup(model);
	if (!*slot)
		return err_set(err, -ENOMEM, "out of memory");
	attempt->record.updated_ns = document_next_update(&attempt->record);
	if (is_failed) {
		attempt->record.status = DOC_FAILED;
	} else if (attempt->record.status == DOC_PROCESSING) {
		attempt->record.status = DOC_INDEXED;
		attempt->record.indexed_ns = attempt->record.updated_ns;
	}
	*err = why;
	return catalog_put(catalog, &record, 1, err);
}

static void end_attempt(struct attempt *attempt)
{
	struct records *records = attempt->setup->ports.records;

	if (!attempt_is_over(attempt)) {
		records_lock(records);
		int rc = write_record(attempt);
		records_unlock(records);
		if (rc == -ESTALE)
			attempt->fate = ATTEMPT_CANCELLED;
		else if (rc)
			attempt->fate = ATTEMPT_LATER;
	}
	attempt_end(attempt);
}

/* The queue. */

static struct attempt *take_all(struct ingest_embed *embed)
{
	pthread_mutex_lock(&embed->lock);
	struct attempt *first = embed->head;
	embed->head = NULL;
	embed->tail = &embed->head;
	if (!first)
		embed->is_running = false;
	pthread_mutex_unlock(&embed->lock);
	return first;
}

/* Fill a batch from the front of @queue; attempts that cannot be read end there. */
static struct attempt *fill(struct batch *batch, struct attempt *queue)
{
	while (queue && batch->text_count < batch->info->batch) {
		struct attempt *attempt = queue;
		queue = attempt->next;
		int rc = fill_from(batch, attempt);
		if (rc == 0)
			continue;
		give_up(attempt, rc == -ESTALE ? rc : -EAGAIN);
		end_attempt(attempt);
	}
	return queue;
}

static struct attempt **end_of(struct attempt **slot)
{
	while (*slot)
		slot = &(*slot)->next;
	return slot;
}

/* End what is complete or failed; the others go behind @queue. */
static struct attempt *sort_out(struct batch *batch, struct attempt *queue)
{
	for (size_t i = 0; i < batch->slice_count; i++) {
		struct attempt *attempt = batch->slices[i].attempt;
		if (attempt_is_over(attempt) || attempt->fate == ATTEMPT_FAILED ||
			attempt->embedded == attempt->record.chunk_count) {
			end_attempt(attempt);
			continue;
		}
		attempt->next = NULL;
		*end_of(&queue) = attempt;
	}
	batch_clear(batch);
	return queue;
}

static void run_queue(struct ingest_embed *embed, struct batch *batch)
{
	struct attempt *queue = NULL;

	for (;;) {
		if (!queue)
			queue = take_all(embed);
		if (!queue)
			return;
		if (is_stopping(embed)) {
			struct attempt *attempt = queue;
			queue = attempt->next;
			err_set(&attempt->job->err, -EAGAIN, "askfs is being stopped");
			attempt->fate = ATTEMPT_LATER;
			attempt_end(attempt);
			continue;
		}
		queue = fill(batch, queue);
		if (batch->text_count)
			run_batch(embed, batch);
		queue = sort_out(batch, queue);
	}
}

static void run(struct job *job)
{
	struct ingest_embed *embed = (struct ingest_embed *)job;

	run_queue(embed, &embed->batch);
}

int ingest_embed_new(struct ingest_embed **out, struct ingest_setup *setup, struct err *err)
{
	struct ingest_embed *embed = calloc(1, sizeof(*embed));
	pthread_condattr_t attributes;

	if (!embed)
		return err_set(err, -ENOMEM, "out of memory");
	embed->job.run = run;
	embed->setup = setup;
	embed->tail = &embed->head;
	pthread_mutex_init(&embed->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&embed->stopped, &attributes);
	pthread_condattr_destroy(&attributes);
	int rc = batch_init(&embed->batch, embedder_info(setup->ports.embedder));
	if (rc == 0)
		rc = pool_new(&embed->pool, "embed", 1, EMBED_NICE);
	if (rc) {
		ingest_embed_free(embed);
		return err_set(err, rc, "cannot compute embeddings: %s", strerror(-rc));
	}
	*out = embed;
	return 0;
}

void ingest_embed_submit(struct ingest_embed *embed, struct attempt *attempt)
{
	attempt->next = NULL;
	pthread_mutex_lock(&embed->lock);
	*embed->tail = attempt;
	embed->tail = &attempt->next;
	bool was_running = embed->is_running;
	embed->is_running = true;
	pthread_mutex_unlock(&embed->lock);
	if (!was_running)
		pool_submit(embed->pool, &embed->job);
}

void ingest_embed_free(struct ingest_embed *embed)
{
	if (!embed)
		return;
	pthread_mutex_lock(&embed->lock);
	embed->is_stopping = true;
	pthread_cond_broadcast(&embed->stopped);
	pthread_mutex_unlock(&embed->lock);
	pool_free(embed->pool);
	batch_release(&embed->batch);
	pthread_cond_destroy(&embed->stopped);
	pthread_mutex_destroy(&embed->lock);
	free(embed);
}
