/* SPDX-License-Identifier: Apache-2.0 */
/* MaxScore (Turtle and Flood, 1995) with block bounds. The lists of a part stand in order of
 * what they can add at most; as long as the first few together stay under the threshold, a
 * chunk that is in these alone cannot come in: candidates are taken from the others, the
 * essential ones. A block of any list whose best, together with the best of all other lists,
 * stays under the threshold is passed over without unpacking it: no chunk in it can come in,
 * so it does not matter that one of them may then be scored too low.
 *
 * The threshold goes from part to part. A score is summed up in the order of the question, so
 * that it does not depend on the order of the lists. */
#include "core/local/lexical/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/lexical/bm25.h"

/* Bounds are sums in another order than scores: they need this much more. */
#define ROUNDING (1 + 1e-9)

struct scored_list {
	struct cursor cursor;
	double idf;
	double bound; /* no posting adds more */
	double others; /* all other lists together add no more */
	double so_far; /* bounds of this list and those before it */
	uint32_t group;
	const struct ranking *ranking;
};

/* One part being searched. */
struct ranking {
	const struct part *part;
	const struct rank_query *query;
	struct best *best;
	struct scored_list *lists; /* by bound, ascending */
	size_t count;
	size_t first; /* lists from here on are essential */
	double *groups; /* what each word of the question adds to the candidate */
	size_t group_count;
	double threshold;
};

static bool is_hopeless(const struct ranking *ranking, double bound)
{
	return bound * ROUNDING < ranking->threshold;
}

static bool may_skip(void *context, const struct bounds *bounds)
{
	const struct scored_list *list = context;
	double best = bounds_weight(bounds, list->idf, list->ranking->query->mean_length);

	return is_hopeless(list->ranking, best + list->others);
}

static void seek(struct scored_list *list, uint32_t ordinal)
{
	if (list->cursor.ordinal < ordinal)
		cursor_seek(&list->cursor, ordinal, may_skip, list);
}

static double add_weight(struct ranking *ranking, struct scored_list *list)
{
	uint32_t length = ranking->part->lengths[list->cursor.ordinal];
	double weight = bm25_weight(
		list->idf, cursor_occurrences(&list->cursor), length, ranking->query->mean_length);

	if (weight > ranking->groups[list->group])
		ranking->groups[list->group] = weight;
	return weight;
}

/* Fill the groups for a candidate; false if it turns out too low on the way. */
static bool weigh(struct ranking *ranking, uint32_t ordinal)
{
	double sum = 0;

	memset(ranking->groups, 0, ranking->group_count * sizeof(double));
	for (size_t i = ranking->first; i < ranking->count; i++)
		if (ranking->lists[i].cursor.ordinal == ordinal)
			sum += add_weight(ranking, &ranking->lists[i]);
	for (size_t i = ranking->first; i-- > 0;) {
		struct scored_list *list = &ranking->lists[i];
		if (is_hopeless(ranking, sum + list->so_far))
			return false;
		seek(list, ordinal);
		if (list->cursor.ordinal == ordinal)
			sum += add_weight(ranking, list);
	}
	return true;
}

static int offer(struct ranking *ranking, uint32_t ordinal)
{
	const struct part *part = ranking->part;
	struct found found = {.index = part->indexes[ordinal], .id = part->ids[ordinal]};

	for (size_t i = 0; i < ranking->group_count; i++)
		found.score += ranking->groups[i];
	if (found.score < ranking->threshold ||
		!ranking->query->admits(ranking->query->context, part->editions[ordinal], &found))
		return 0;
	int rc = best_offer(ranking->best, &found);
	ranking->threshold = best_threshold(ranking->best);
	return rc;
}

/* The least ordinal that an essential list stands on. */
static uint32_t next_candidate(struct ranking *ranking)
{
	uint32_t least = CURSOR_END;

	while (ranking->first < ranking->count &&
		is_hopeless(ranking, ranking->lists[ranking->first].so_far))
		ranking->first++;
	for (size_t i = ranking->first; i < ranking->count; i++)
		if (ranking->lists[i].cursor.ordinal < least)
			least = ranking->lists[i].cursor.ordinal;
	return least;
}

static int rank_part(struct ranking *ranking)
{
	uint32_t ordinal;
	int rc = 0;

	while (!rc && (ordinal = next_candidate(ranking)) != CURSOR_END) {
		if (part_is_live(ranking->part, ordinal) && weigh(ranking, ordinal))
			rc = offer(ranking, ordinal);
		for (size_t i = ranking->first; i < ranking->count; i++)
			seek(&ranking->lists[i], ordinal + 1);
	}
	return rc;
}

static int compare_bounds(const void *left, const void *right)
{
	const struct scored_list *a = left, *b = right;

	return (a->bound > b->bound) - (a->bound < b->bound);
}

/* The part's lists of the question's words, in order. */
static void open_lists(struct ranking *ranking, const struct term_list *found)
{
	const struct rank_query *query = ranking->query;
	double total = 0, so_far = 0;

	ranking->count = ranking->first = 0;
	for (size_t i = 0; i < query->term_count; i++) {
		struct scored_list *list = &ranking->lists[ranking->count];
		if (!found[i].chunk_count)
			continue;
		list->idf = query->terms[i].idf;
		list->group = query->terms[i].group;
		list->ranking = ranking;
		list->bound = bounds_weight(&found[i].bounds, list->idf, query->mean_length);
		list->cursor.list = found[i];
		total += list->bound;
		ranking->count++;
	}
	qsort(ranking->lists, ranking->count, sizeof(*ranking->lists), compare_bounds);
	for (size_t i = 0; i < ranking->count; i++) {
		struct scored_list *list = &ranking->lists[i];
		list->so_far = so_far += list->bound;
		list->others = total - list->bound;
		struct term_list terms = list->cursor.list;
		cursor_open(&list->cursor, &terms);
	}
}

/* How many live chunks of a part have the word. */
static uint64_t live_count(
	const struct part *part, const struct term_list *list, struct cursor *cursor)
{
	if (!list->chunk_count || part->live_count == part->chunk_count)
		return list->chunk_count;
	if (!part->live_count)
		return 0;
	cursor_open(cursor, list);
	return cursor_count_live(cursor, part);
}

/* Look every word up in every part, and how rare it is. */
static void find_words(const struct part *const *parts, size_t part_count, struct rank_query *query,
	struct term_list *found, struct cursor *cursor)
{
	for (size_t i = 0; i < query->term_count; i++) {
		struct query_term *term = &query->terms[i];
		uint64_t df = 0;
		for (size_t k = 0; k < part_count; k++) {
			struct term_list *list = &found[k * query->term_count + i];
			parts[k]->ops->find(parts[k], term->text, strlen(term->text), list);
			df += live_count(parts[k], list, cursor);
		}
		term->idf = bm25_idf(query->chunk_count, df);
	}
}

int rank_words(const struct part *const *parts, size_t part_count, struct rank_query *query,
	struct best *best)
{
	size_t n = query->term_count;
	AUTO_FREE struct term_list *found = calloc(part_count * n + 1, sizeof(*found));
	AUTO_FREE struct scored_list *lists = calloc(n + 1, sizeof(*lists));
	AUTO_FREE double *groups = calloc(n + 1, sizeof(*groups));
	struct ranking ranking = {
		.query = query,
		.best = best,
		.lists = lists,
		.groups = groups,
		.group_count = n ? query->terms[n - 1].group + 1 : 0,
	};
	int rc = 0;

	if (!found || !lists || !groups)
		return -ENOMEM;
	find_words(parts, part_count, query, found, &lists[n].cursor);
	for (size_t k = 0; k < part_count && !rc; k++) {
		if (!parts[k]->live_count)
			continue;
		ranking.part = parts[k];
		ranking.threshold = best_threshold(best);
		open_lists(&ranking, found + k * n);
		rc = rank_part(&ranking);
	}
	return rc;
}
