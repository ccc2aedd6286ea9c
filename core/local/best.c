/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/best.h"

#include <errno.h>
#include <stdlib.h>

void best_release(struct best *best)
{
	free(best->items);
	*best = (struct best){0};
}

int found_compare(const struct found *a, const struct found *b)
{
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	int order = uuid_compare(&a->document, &b->document);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void swap(struct found *a, struct found *b)
{
	struct found kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_up(struct found *items, size_t at)
{
	while (at > 0 && found_compare(&items[at], &items[(at - 1) / 2]) > 0) {
		swap(&items[at], &items[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void sift_down(struct found *items, size_t count)
{
	size_t at = 0, worst;

	while ((worst = 2 * at + 1) < count) {
		if (worst + 1 < count && found_compare(&items[worst + 1], &items[worst]) > 0)
			worst++;
		if (found_compare(&items[worst], &items[at]) <= 0)
			return;
		swap(&items[at], &items[worst]);
		at = worst;
	}
}

/* The array grows with what is found: top_k may be far more than there is. */
static int reserve(struct best *best)
{
	if (best->count < best->cap)
		return 0;
	size_t cap = best->cap ? best->cap * 2 : 16;
	struct found *items = reallocarray(best->items, cap, sizeof(*items));
	if (!items)
		return -ENOMEM;
	best->items = items;
	best->cap = cap;
	return 0;
}

int best_offer(struct best *best, const struct found *found)
{
	if (best->count < best->top_k) {
		if (reserve(best))
			return -ENOMEM;
		best->items[best->count] = *found;
		sift_up(best->items, best->count++);
	} else if (best->top_k && found_compare(found, &best->items[0]) < 0) {
		best->items[0] = *found;
		sift_down(best->items, best->count);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return found_compare(a, b);
}

void best_sort(struct best *best)
{
	if (best->count > 1)
		qsort(best->items, best->count, sizeof(*best->items), compare);
}
