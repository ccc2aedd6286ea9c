/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lists, one by words and one by meaning, become one: each score is scaled by its own
 * list, so that they can be added with the weight that belongs to the embedder. (Adding up
 * ranks instead throws the scores away, and was measured to lose 2 to 3 points.) Then each
 * passage that may be kept gets its text, and its record is read once more: between the search
 * and now it may have been deleted, replaced or closed to the caller, and then the search is made
 * again. (Of some 200 chunks that both lists name, five are kept.)
 */
#include "core/retrieve.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/followup.h"
#include "core/log.h"
#include "core/metrics.h"

/* What fusion takes from each list. */
#define LIST_LENGTH 100
/* The best chunk of the words' list is to reach this share of the question's idf. */
#define WORDS_SHARE .8
/* How often a search is made in all while records change under it, and how long it waits before the
 * second one; twice as long each time. A version changes places in two stores, one after the other,
 * in some milliseconds, or more on a slow disk. */
#define SEARCHES 8
#define WAIT_NS	 NS_PER_MS

/* What the two searches look for. */
struct aim {
	const struct retriever *retriever;
	const struct retrieve_request *request;
	const char *text; /* the question, resolved */
	float *embedding; /* NULL: words alone */
	const struct embedder_info *info;
};

static int search(const struct aim *aim, struct retrieval *out, struct err *err)
{
	const struct retrieve_request *request = aim->request;
	bool is_long = aim->embedding || request->per_document;
	size_t length = request->top_k > LIST_LENGTH ? request->top_k : LIST_LENGTH;
	struct search_query query = {
		.caller = request->caller,
		.text = aim->text,
		.top_k = is_long ? length : request->top_k,
		.content_type = request->content_type,
		.path = request->path,
		.documents = request->documents,
		.document_count = request->document_count,
		.is_bare = true,
	};
	int r = vectors_words(aim->retriever->vectors, &query, &out->words, err);

	if (r < 0 || !aim->embedding)
		return r;
	query.embedding = aim->embedding;
	query.dimension = aim->info->dimension;
	query.model = aim->info->model;
	return vectors_dense(aim->retriever->vectors, &query, &out->dense, err);
}

/* A word hit and a dense hit are the same chunk. */
static bool is_same_chunk(const struct hit *a, const struct hit *b)
{
	return a->chunk.index == b->chunk.index && a->version == b->version &&
		uuid_equal(&a->document, &b->document);
}

static int by_score(const void *left, const void *right)
{
	const struct passage *a = left, *b = right;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	/* Equal scores keep one order, whatever qsort does. */
	int r = uuid_compare(&a->hit->document, &b->hit->document);
	return r ? r
		 : (a->hit->chunk.index > b->hit->chunk.index) -
			(a->hit->chunk.index < b->hit->chunk.index);
}

/* What a chunk would score that has every word of the question often: the words' idf, of several
 * forms of a word the most frequent one's. */
static double full_score(const struct search_result *words)
{
	double sum = 0, least = 0;

	for (size_t i = 0; i < words->term_count; i++) {
		const struct query_term *term = &words->terms[i];
		bool is_new = i == 0 || term->group != term[-1].group;

		sum += is_new ? least : 0;
		least = is_new || term->idf < least ? term->idf : least;
	}
	return sum + least;
}

/* The words' list, scaled by its best; where even that one has little of the question (which
 * is in another language, perhaps) it says less. */
static void add_words(struct retrieval *out, double weight, bool is_alone)
{
	const struct search_result *words = &out->words;
	double best = words->hit_count && words->hits[0].score > 0 ? words->hits[0].score : 1;
	double least = is_alone ? 0 : full_score(words) * WORDS_SHARE;
	double scale = best > least ? best : least;

	for (size_t i = 0; i < words->hit_count; i++)
		out->passages[out->passage_count++] = (struct passage){
			.hit = &words->hits[i],
			.score = weight * words->hits[i].score / scale,
			.dense = -1,
		};
}

static struct passage *find_passage(struct retrieval *out, const struct hit *hit)
{
	for (size_t i = 0; i < out->words.hit_count; i++)
		if (is_same_chunk(out->passages[i].hit, hit))
			return &out->passages[i];
	return NULL;
}

static void add_dense(struct retrieval *out, double weight, double threshold)
{
	const struct search_result *dense = &out->dense;
	double best = dense->hit_count ? dense->hits[0].score : 0;
	double least = dense->hit_count ? dense->hits[dense->hit_count - 1].score : 0;
	double range = best > least ? best - least : 1;

	for (size_t i = 0; i < dense->hit_count && dense->hits[i].score >= threshold; i++) {
		const struct hit *hit = &dense->hits[i];
		struct passage *passage = find_passage(out, hit);
		double scaled = best > least ? (hit->score - least) / range : 1;

		if (!passage) {
			passage = &out->passages[out->passage_count++];
			*passage = (struct passage){.hit = hit};
		}
		passage->dense = hit->score;
		passage->score += weight * scaled;
	}
}

/* Both lists into passages, best first; without a dense list exactly the words' ranking. */
static int fuse(const struct aim *aim, struct retrieval *out)
{
	size_t most = out->words.hit_count + out->dense.hit_count;
	double weight = out->dense.hit_count ? aim->info->dense_weight : 0;
	double threshold = aim->request->threshold;

	out->passages = calloc(most + 1, sizeof(*out->passages));
	if (!out->passages)
		return -ENOMEM;
	add_words(out, 1 - weight, !out->dense.hit_count);
	if (!out->dense.hit_count)
		return 0;
	add_dense(out, weight, threshold < 0 ? aim->info->threshold : threshold);
	qsort(out->passages, out->passage_count, sizeof(*out->passages), by_score);
	return 0;
}

/* The record of a passage as it is now. 1: it may be used; 0: not any more; or -errno. */
static int read_record(const struct aim *aim, struct retrieval *out, size_t kept,
	const struct hit *hit, struct err *err)
{
	struct document *document = &out->documents[kept];
	int r = -ENOENT;

	for (size_t i = 0; i < kept && r == -ENOENT; i++)
		if (uuid_equal(&out->documents[i].id, &hit->document))
			r = document_copy(document, &out->documents[i]);
	if (r == -ENOENT)
		r = catalog_get(aim->retriever->catalog, &hit->document, document, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (document->version == hit->version &&
		access_may_read(&document->access, aim->request->caller))
		return 1;
	document_release(document);
	return 0;
}

/* How near the sentences of a passage are. 0 or -errno. */
static int read_nearness(const struct aim *aim, const struct retrieval *out,
	struct passage *passage, struct err *err)
{
	const struct hit *hit = passage->hit;
	struct nearness *nearness;

	if (!out->dense.hit_count)
		return 0;
	int r = vectors_similar(aim->retriever->vectors, &hit->document, hit->version,
		hit->chunk.index, aim->embedding, aim->info->dimension, &nearness,
		&passage->nearness_count, err);
	if (r == 0)
		passage->nearness = nearness;
	return r;
}

/* Nearness and text of a passage that may be kept. 1; 0: it is not there any more; or -errno. */
static int complete(const struct aim *aim, const struct retrieval *out, struct passage *passage,
	struct err *err)
{
	int r = vectors_fill(aim->retriever->vectors, (struct hit *)passage->hit, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = read_nearness(aim, out, passage, err);
	return r < 0 ? r : 1;
}

static const struct nearness *nearest(const struct passage *passage)
{
	const struct nearness *best = NULL;

	for (size_t i = 0; i < passage->nearness_count; i++)
		if (!best || passage->nearness[i].cosine > best->cosine)
			best = &passage->nearness[i];
	return best;
}

/* Do two chunks have at least half of the shorter one in common? */
static bool is_near_duplicate(const struct chunk *a, const struct chunk *b)
{
	uint64_t start = a->start_char > b->start_char ? a->start_char : b->start_char;
	uint64_t end = a->end_char < b->end_char ? a->end_char : b->end_char;
	uint64_t mine = a->end_char - a->start_char, theirs = b->end_char - b->start_char;

	return start < end && (end - start) * 2 >= (mine < theirs ? mine : theirs);
}

/* Are there enough passages of the document? */
static bool has_enough(const struct aim *aim, const struct retrieval *out, const struct hit *hit)
{
	size_t count = 0;

	for (size_t i = 0; i < out->passage_count; i++)
		count += uuid_equal(&out->passages[i].hit->document, &hit->document);
	return aim->request->per_document && count >= aim->request->per_document;
}

/* Does a better passage say the same: its chunk is nearly this one, and the nearest sentence is
 * the same one? */
static bool is_repetition(const struct retrieval *out, const struct passage *passage)
{
	const struct nearness *mine = nearest(passage);

	for (size_t i = 0; i < out->passage_count; i++) {
		const struct passage *other = &out->passages[i];
		const struct nearness *theirs = nearest(other);

		if (mine && theirs && mine->span.start_char == theirs->span.start_char &&
			uuid_equal(&other->hit->document, &passage->hit->document) &&
			is_near_duplicate(&other->hit->chunk, &passage->hit->chunk))
			return true;
	}
	return false;
}

/* Take a passage over as number @kept. 1: it was; 0: its record does not allow it; or -errno. */
static int keep_passage(const struct aim *aim, struct retrieval *out, size_t kept,
	const struct passage *from, struct err *err)
{
	int r = read_record(aim, out, kept, from->hit, err);

	if (r <= 0)
		return r;
	out->passages[kept] = *from;
	out->passage_count = kept + 1;
	return retrieval_set_title(&out->passages[kept], &out->documents[kept]) < 0
		? err_set(err, -ENOMEM, "out of memory")
		: 1;
}

/* Keep the first top_k passages that are no repetition and whose records allow it. *is_stale
 * tells whether one was dropped for its record. */
static int check_records(
	const struct aim *aim, struct retrieval *out, bool *is_stale, struct err *err)
{
	size_t count = out->passage_count, kept = 0;
	int r = 0;

	*is_stale = false;
	out->passage_count = 0;
	out->documents = calloc(aim->request->top_k + 1, sizeof(*out->documents));
	if (!out->documents)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count && kept < aim->request->top_k && r >= 0; i++) {
		struct passage passage = out->passages[i];

		if (has_enough(aim, out, passage.hit))
			continue;
		r = complete(aim, out, &passage, err);
		*is_stale |= r == 0;
		if (r == 1 && !is_repetition(out, &passage)) {
			r = keep_passage(aim, out, kept, &passage, err);
			*is_stale |= r == 0;
		}
		if (out->passage_count > kept)
			kept++;
		else
			free((struct nearness *)passage.nearness);
	}
	return r < 0 ? r : 0;
}

static int retrieve_once(
	const struct aim *aim, struct retrieval *out, bool *is_stale, struct err *err)
{
	int r = search(aim, out, err);

	if (r == 0 && fuse(aim, out) < 0)
		r = err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = check_records(aim, out, is_stale, err);
	if (r < 0)
		return r;
	out->unrelated = aim->info ? aim->info->unrelated : 1;
	out->terms = out->words.terms;
	out->term_count = out->words.term_count;
	return 0;
}

/* The question's vector. An embedder that fails leaves the words, which answer alone. */
static int embed(struct aim *aim, struct err *err)
{
	struct embedder *embedder = aim->retriever->embedder;
	struct err why = ERR_NONE;

	if (!embedder)
		return 0;
	aim->info = embedder_info(embedder);
	aim->embedding = calloc(aim->info->dimension, sizeof(*aim->embedding));
	if (!aim->embedding)
		return err_set(err, -ENOMEM, "out of memory");
	if (embedder_embed(embedder, EMBED_QUERY, &aim->text, 1, aim->embedding, &why)) {
		log_warn("a question is answered by its words alone: %s", why.text);
		free(TAKE_PTR(aim->embedding));
	}
	return 0;
}

int retrieve(const struct retriever *retriever, const struct retrieve_request *request,
	struct retrieval *out, struct err *err)
{
	AUTO_BUF struct buf text;
	struct aim aim = {.retriever = retriever, .request = request};
	int64_t start_ns = clock_mono_ns();
	bool is_stale = true;
	int r;

	buf_init(&text, BUF_MAX_DEFAULT);
	r = followup_resolve(request->question, request->history, request->history_count, &text);
	if (r < 0)
		return err_set(err, r, "the question can't be taken apart: it is too long");
	aim.text = text.data;
	r = embed(&aim, err);
	for (int i = 0; r == 0 && is_stale && i < SEARCHES; i++) {
		if (i > 0)
			clock_sleep(WAIT_NS << (i - 1), NULL);
		retrieval_release(out);
		r = retrieve_once(&aim, out, &is_stale, err);
	}
	if (r < 0)
		retrieval_release(out);
	metric_observe(HISTOGRAM_RETRIEVE, clock_mono_ns() - start_ns);
	free(aim.embedding);
	return r;
}
