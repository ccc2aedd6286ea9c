/* SPDX-License-Identifier: Apache-2.0 */
/* Every live chunk is scored, all that were found are sorted, and the best are kept. */
#include <stdlib.h>
#include <string.h>

#include "core/local/lexical/bm25.h"
#include "core/local/vectors_memory_inside.h"

/* A search under way: what was found so far. */
struct search {
	const struct search_query *query;
	struct search_result *out;
	size_t hit_cap;
	double mean_length; /* words() */
};

static bool begins_with(const char *text, const char *prefix)
{
	return !prefix || strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool admits(const struct search_query *query, const struct stored *document)
{
	bool is_listed = !query->documents;

	for (size_t i = 0; i < query->document_count && !is_listed; i++)
		is_listed = uuid_equal(&query->documents[i], &document->id);
	return is_listed && access_may_read(&document->access, query->caller) &&
		begins_with(document->content_type, query->content_type) &&
		begins_with(document->path, query->path);
}

static int add_hit(struct search *search, const struct stored *document, const struct entry *entry,
	double score)
{
	struct search_result *out = search->out;

	if (out->hit_count == search->hit_cap) {
		size_t cap = search->hit_cap ? search->hit_cap * 2 : 64;
		struct hit *hits = reallocarray(out->hits, cap, sizeof(*hits));
		if (!hits)
			return -ENOMEM;
		out->hits = hits;
		search->hit_cap = cap;
	}
	struct hit *hit = &out->hits[out->hit_count];
	*hit = (struct hit){document->id, document->published, .score = score};
	hit->chunk.index = entry->chunk.index;
	if (!search->query->is_bare && memory_chunk_copy(&hit->chunk, &entry->chunk))
		return -ENOMEM;
	out->hit_count++;
	return 0;
}

static int compare_hits(const void *left, const void *right)
{
	const struct hit *a = left, *b = right;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	int order = uuid_compare(&a->document, &b->document);
	return order ? order
		     : (a->chunk.index > b->chunk.index) - (a->chunk.index < b->chunk.index);
}

static void keep_best(struct search_result *out, size_t top_k)
{
	if (out->hit_count > 1)
		qsort(out->hits, out->hit_count, sizeof(*out->hits), compare_hits);
	while (out->hit_count > top_k) {
		struct chunk *chunk = &out->hits[--out->hit_count].chunk;
		free((char *)chunk->text);
		free((char *)chunk->heading);
	}
}

/* Call @visit for each live chunk. */
static int each_live(struct memory *memory, struct search *search,
	int (*visit)(struct search *, const struct stored *, const struct entry *))
{
	for (size_t i = 0; i < memory->document_count; i++) {
		const struct stored *document = &memory->documents[i];
		const struct version *version =
			memory_version(&memory->documents[i], document->published);
		for (size_t k = 0; version && k < version->count; k++) {
			int rc = visit(search, document, &version->entries[k]);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* First pass: idf holds the number of chunks that have the word, until finish_counts. */
static int count_words(
	struct search *search, const struct stored *document, const struct entry *entry)
{
	struct search_result *out = search->out;

	(void)document;
	out->chunk_count++;
	search->mean_length += entry->bag.length;
	for (size_t i = 0; i < out->term_count; i++) {
		const char *text = out->terms[i].text;
		out->terms[i].idf += bag_count(&entry->bag, text, strlen(text)) > 0;
	}
	return 0;
}

static void finish_counts(struct search *search)
{
	struct search_result *out = search->out;

	if (out->chunk_count)
		search->mean_length /= (double)out->chunk_count;
	for (size_t i = 0; i < out->term_count; i++)
		out->terms[i].idf = bm25_idf(out->chunk_count, (uint64_t)out->terms[i].idf);
}

static int score_words(
	struct search *search, const struct stored *document, const struct entry *entry)
{
	const struct search_result *out = search->out;
	double sum = 0, best = 0;

	if (!admits(search->query, document))
		return 0;
	for (size_t i = 0; i < out->term_count; i++) {
		const struct query_term *term = &out->terms[i];
		uint32_t count = bag_count(&entry->bag, term->text, strlen(term->text));
		if (i > 0 && term->group != term[-1].group) {
			sum += best;
			best = 0;
		}
		double weight =
			bm25_weight(term->idf, count, entry->bag.length, search->mean_length);
		if (count && weight > best)
			best = weight;
	}
	sum += best;
	return sum > 0 ? add_hit(search, document, entry, sum) : 0;
}

int memory_words(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	struct search search = {.query = query, .out = out};

	int rc = question_parse(query->text, &out->terms, &out->term_count);
	pthread_mutex_lock(&memory->lock);
	if (!rc)
		rc = each_live(memory, &search, count_words);
	finish_counts(&search);
	if (!rc)
		rc = each_live(memory, &search, score_words);
	pthread_mutex_unlock(&memory->lock);
	keep_best(out, query->top_k);
	return rc ? memory_short(err) : 0;
}

static double cosine(const float *a, const float *b, size_t dimension)
{
	double sum = 0;

	for (size_t i = 0; i < dimension; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static int score_dense(
	struct search *search, const struct stored *document, const struct entry *entry)
{
	const struct search_query *query = search->query;
	double best = -2;

	search->out->chunk_count++;
	if (!admits(query, document))
		return 0;
	for (size_t i = 0; i < entry->span_count; i++) {
		double now = cosine(entry->embeddings + i * query->dimension, query->embedding,
			query->dimension);
		best = now > best ? now : best;
	}
	return entry->span_count ? add_hit(search, document, entry, best) : 0;
}

static int measure(const struct memory *memory, const struct entry *entry, const float *embedding,
	struct nearness **out, size_t *count)
{
	struct nearness *list = calloc(entry->span_count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < entry->span_count; i++)
		list[i] = (struct nearness){entry->spans[i].span,
			cosine(entry->embeddings + i * memory->dimension, embedding,
				memory->dimension)};
	*out = list;
	*count = entry->span_count;
	return 0;
}

int memory_similar(struct vectors *vectors, const struct uuid *document, uint32_t number,
	uint32_t index, const float *embedding, size_t dimension, struct nearness **out,
	size_t *count, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	const struct entry *entry =
		memory_entry(memory_version(memory_find(memory, document), number), index);
	if (entry && entry->span_count && dimension == memory->dimension)
		rc = measure(memory, entry, embedding, out, count);
	pthread_mutex_unlock(&memory->lock);
	return rc ? memory_short(err) : 0;
}

int memory_dense(struct vectors *vectors, const struct search_query *query,
	struct search_result *out, struct err *err)
{
	struct memory *memory = (struct memory *)vectors;
	struct search search = {.query = query, .out = out};

	pthread_mutex_lock(&memory->lock);
	bool does_fit = !memory->embedding_count || query->dimension == memory->dimension;
	bool is_of_another =
		memory->embedding_count && query->model && strcmp(query->model, memory->model) != 0;
	int rc = is_of_another ? 0 : does_fit ? each_live(memory, &search, score_dense) : -EINVAL;
	if (rc == -EINVAL)
		err_set(err, rc, "the index holds embeddings of %zu numbers, not %zu",
			memory->dimension, query->dimension);
	pthread_mutex_unlock(&memory->lock);
	keep_best(out, query->top_k);
	return rc == -ENOMEM ? memory_short(err) : rc;
}
