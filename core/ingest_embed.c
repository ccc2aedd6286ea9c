/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of low priority. A call to the embedder costs much and likes many texts, so a
 * batch takes the chunks of as many documents as it needs. A sentence that two chunks share is
 * embedded once. What is not complete after a batch
 * goes to the end of the queue: a book does not hold up the letters behind it. */
#include "core/ingest_embed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/auto.h"
#include "core/chunk_parts.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"

#define BACKOFF_NS  (500 * NS_PER_MS)
#define BACKOFF_MAX (60 * NS_PER_SEC)
/* The pause after what was tried often enough for now, in tries. */
#define PUT_OFF_TRIES 5

/* Consecutive chunks of one document, and their texts. */
struct slice {
	struct attempt *attempt;
	uint32_t first, count; /* chunks */
	size_t text, text_count;
	size_t piece, piece_count;
};

/* A part of a chunk that gets a vector. Two chunks that overlap share a text. */
struct piece {
	uint32_t chunk;
	size_t text;
	struct span span;
};

struct batch {
	const struct embedder_info *info;
	struct slice *slices; /* info->batch of them */
	size_t slice_count;
	struct piece *pieces;
	size_t piece_count, piece_room;
	char **texts;
	float *vectors; /* one a text; made when all are there */
	size_t text_count, text_room;
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
	uint64_t to_embed; /* lock: chunks of the attempts that are here */
	bool is_stopping; /* lock */
};

static int batch_init(struct batch *batch, const struct embedder_info *info)
{
	*batch = (struct batch){
		.info = info,
		.slices = calloc(info->batch, sizeof(*batch->slices)),
	};
	return batch->slices ? 0 : -ENOMEM;
}

static void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->text_count; i++)
		free(batch->texts[i]);
	free(batch->vectors);
	batch->vectors = NULL;
	batch->text_count = batch->piece_count = batch->slice_count = 0;
}

static void batch_release(struct batch *batch)
{
	batch_clear(batch);
	free(batch->slices);
	free(batch->pieces);
	free(batch->texts);
}

/* The array with room for one more element of @size bytes; NULL: no memory, it stays as it was. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *larger = array;

	if (count == *room) {
		larger = reallocarray(array, more, size);
		*room = larger ? more : *room;
	}
	return larger;
}

/* The text among those of the slice, or a new one. Its number, or -ENOMEM. */
static ssize_t take_text(
	struct batch *batch, const struct slice *slice, const char *text, size_t len)
{
	for (size_t i = slice->text; i < batch->text_count; i++)
		if (strncmp(batch->texts[i], text, len) == 0 && batch->texts[i][len] == '\0')
			return (ssize_t)i;
	char **texts = grow(batch->texts, batch->text_count, &batch->text_room, sizeof(*texts));
	char *copy = texts ? strndup(text, len) : NULL;
	batch->texts = texts ? texts : batch->texts;
	if (!copy)
		return -ENOMEM;
	batch->texts[batch->text_count] = copy;
	return (ssize_t)batch->text_count++;
}

/* What a chunk is taken for. */
struct taking {
	struct batch *batch;
	struct slice *slice;
	const struct chunk *chunk;
	int rc;
};

static int take_part(void *context, const char *text, size_t len, const struct span *span)
{
	const struct taking *taking = context;
	struct batch *batch = taking->batch;
	ssize_t number = take_text(batch, taking->slice, text, len);
	struct piece *pieces =
		grow(batch->pieces, batch->piece_count, &batch->piece_room, sizeof(*pieces));

	batch->pieces = pieces ? pieces : batch->pieces;
	if (number < 0 || !pieces)
		return -ENOMEM;
	pieces[batch->piece_count++] = (struct piece){taking->chunk->index, (size_t)number, *span};
	return 0;
}

/* Take a chunk; non-zero when the batch is full. */
static int take_chunk(void *context, const struct chunk *chunk)
{
	struct taking *taking = context;
	struct batch *batch = taking->batch;

	taking->chunk = chunk;
	taking->rc = chunk_parts(chunk, batch->info->unit, take_part, taking);
	if (taking->rc)
		return 1;
	taking->slice->count++;
	return batch->text_count >= batch->info->batch;
}

/* Take the next chunks of one attempt, as many as there is room for. -ESTALE if the version is
 * not there any more: another one has taken its place. */
static int fill_from(struct batch *batch, struct attempt *attempt)
{
	struct slice *slice = &batch->slices[batch->slice_count];
	struct taking taking = {.batch = batch, .slice = slice};
	uint32_t left = attempt->record.chunk_count - attempt->embedded;
	struct err *err = &attempt->job->err;

	*slice = (struct slice){.attempt = attempt,
		.first = attempt->embedded,
		.text = batch->text_count,
		.piece = batch->piece_count};
	int rc = vectors_chunks(attempt->setup->ports.vectors, &attempt->record.id,
		attempt->version, attempt->embedded, left, take_chunk, &taking, err);
	if (taking.rc)
		return err_set(err, taking.rc, "out of memory");
	if (rc && rc != -ENOENT)
		return rc;
	if (slice->count == 0)
		return err_set(err, -ESTALE, "the version was replaced");
	slice->text_count = batch->text_count - slice->text;
	slice->piece_count = batch->piece_count - slice->piece;
	batch->slice_count++;
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
	until = clock_timespec(ns);
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
	int rc = 0;

	for (unsigned tries = 0; count; tries++) {
		rc = embedder_embed(embedder, EMBED_PASSAGE, texts, count, out, err);
		if (rc != -EAGAIN || tries >= embed->setup->retries || is_stopping(embed))
			return rc;
		back_off(embed, tries);
	}
	return rc;
}

/* Attach what a chunk has, from piece *@at on. */
static int keep_chunk(const struct batch *batch, const struct slice *slice, uint32_t index,
	size_t *at, struct err *err)
{
	size_t dimension = batch->info->dimension, end = slice->piece + slice->piece_count;
	size_t first = *at;

	while (*at < end && batch->pieces[*at].chunk == index)
		++*at;
	size_t count = *at - first;
	AUTO_FREE float *vectors = malloc((count * dimension + 1) * sizeof(*vectors));
	AUTO_FREE struct span *spans = malloc((count + 1) * sizeof(*spans));
	if (!vectors || !spans)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const struct piece *piece = &batch->pieces[first + i];
		spans[i] = piece->span;
		memcpy(vectors + i * dimension, batch->vectors + piece->text * dimension,
			dimension * sizeof(*vectors));
	}
	const struct attempt *attempt = slice->attempt;
	const struct embedding embedding = {index, spans, vectors, count};
	return vectors_embed(attempt->setup->ports.vectors, &attempt->record.id, attempt->version,
		&embedding, dimension, batch->info->model, err);
}

static void count_chunks(struct ingest_embed *embed, int64_t more)
{
	pthread_mutex_lock(&embed->lock);
	embed->to_embed += (uint64_t)more;
	metric_set(GAUGE_CHUNKS_TO_EMBED, embed->to_embed);
	pthread_mutex_unlock(&embed->lock);
}

static int64_t chunks_left(const struct attempt *attempt)
{
	return (int64_t)attempt->record.chunk_count - attempt->embedded;
}

/* Attach a slice's vectors and move its attempt on. */
static int keep_slice(
	struct ingest_embed *embed, const struct batch *batch, const struct slice *slice)
{
	struct attempt *attempt = slice->attempt;
	size_t at = slice->piece;
	int rc = 0;

	for (uint32_t i = 0; i < slice->count && !rc; i++)
		rc = keep_chunk(batch, slice, slice->first + i, &at, &attempt->job->err);
	if (rc)
		return rc;
	attempt->embedded += slice->count;
	count_chunks(embed, -(int64_t)slice->count);
	metric_add(METRIC_EMBEDDED_CHUNKS, slice->count);
	metric_add(METRIC_EMBEDDED_VECTORS, slice->piece_count);
	return 0;
}

/* The end of an attempt whose embeddings could not be computed or kept. What may pass is tried
 * again later; what the embedder refuses for good makes the record FAILED, and the words go on
 * answering. */
static void give_up(struct attempt *attempt, int rc)
{
	if (rc == -ESTALE)
		attempt->fate = ATTEMPT_CANCELLED;
	else if (rc == -EAGAIN || attempt->is_stored)
		attempt->fate = ATTEMPT_LATER;
	else
		attempt_fail(attempt, rc);
}

static void run_slice(
	struct ingest_embed *embed, struct batch *batch, const struct slice *slice, int embedded)
{
	struct attempt *attempt = slice->attempt;
	struct err *err = &attempt->job->err;
	int rc = embedded ? embed_texts(embed, slice->text, slice->text_count, batch, err) : 0;

	if (rc)
		give_up(attempt, rc);
	else if ((rc = keep_slice(embed, batch, slice)))
		give_up(attempt, rc == -ENOENT ? -ESTALE : rc == -EINVAL ? rc : -EAGAIN);
}

/* Embed all texts in one call; where that fails for good, each document's by itself, so that
 * one text does not take the others with it. */
static void run_batch(struct ingest_embed *embed, struct batch *batch)
{
	size_t floats = batch->text_count * batch->info->dimension;
	struct err err = ERR_NONE;

	batch->vectors = malloc((floats + 1) * sizeof(*batch->vectors));
	int rc = batch->vectors ? embed_texts(embed, 0, batch->text_count, batch, &err)
				: err_set(&err, -EAGAIN, "out of memory");
	for (size_t i = 0; i < batch->slice_count; i++) {
		const struct slice *slice = &batch->slices[i];
		if (rc && (rc == -EAGAIN || batch->slice_count == 1)) {
			slice->attempt->job->err = err;
			give_up(slice->attempt, rc);
		} else {
			run_slice(embed, batch, slice, rc);
		}
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

static void end_attempt(struct ingest_embed *embed, struct attempt *attempt)
{
	int64_t left = chunks_left(attempt);

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
	count_chunks(embed, -left);
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

static struct attempt **end_of(struct attempt **slot)
{
	while (*slot)
		slot = &(*slot)->next;
	return slot;
}

/* What fails and may pass is tried again by who submitted it, a file in the inbox; a member has
 * none: it goes behind @queue once more. */
static bool is_put_off(struct ingest_embed *embed, struct attempt *attempt, struct attempt **queue)
{
	bool is_member = !uuid_is_nil(&attempt->job->document.parent);

	if (attempt->fate != ATTEMPT_LATER || !is_member || is_stopping(embed))
		return false;
	attempt->fate = ATTEMPT_EMBED;
	attempt->next = NULL;
	*end_of(queue) = attempt;
	back_off(embed, PUT_OFF_TRIES);
	return true;
}

/* Fill a batch from the front of @queue; attempts that cannot be read end there. */
static struct attempt *fill(struct ingest_embed *embed, struct batch *batch, struct attempt *queue)
{
	while (queue && batch->text_count < batch->info->batch &&
		batch->slice_count < batch->info->batch) {
		struct attempt *attempt = queue;
		queue = attempt->next;
		int rc = fill_from(batch, attempt);
		if (rc == 0)
			continue;
		give_up(attempt, rc == -ESTALE ? rc : -EAGAIN);
		if (!is_put_off(embed, attempt, &queue))
			end_attempt(embed, attempt);
	}
	return queue;
}

/* End what is complete or failed; the others go behind @queue. */
static struct attempt *sort_out(
	struct ingest_embed *embed, struct batch *batch, struct attempt *queue)
{
	for (size_t i = 0; i < batch->slice_count; i++) {
		struct attempt *attempt = batch->slices[i].attempt;
		if (is_put_off(embed, attempt, &queue))
			continue;
		if (attempt_is_over(attempt) || attempt->fate == ATTEMPT_FAILED ||
			attempt->embedded == attempt->record.chunk_count) {
			end_attempt(embed, attempt);
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
			count_chunks(embed, -chunks_left(attempt));
			attempt_end(attempt);
			continue;
		}
		queue = fill(embed, batch, queue);
		if (batch->slice_count)
			run_batch(embed, batch);
		queue = sort_out(embed, batch, queue);
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
		rc = pool_new(&embed->pool, "embed", 1, POOL_IDLE);
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
	count_chunks(embed, chunks_left(attempt));
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
