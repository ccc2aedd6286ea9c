/* SPDX-License-Identifier: Apache-2.0 */
/* A page is aligned to its size, so that a string finds it; it goes with its last string. Long
 * strings, which are told by their length, stand alone. */
#include "core/path_pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	((size_t)16 << 10)
#define LONGEST ((size_t)1 << 10)

struct path_page {
	size_t used, strings;
	char bytes[PAGE - 2 * sizeof(size_t)];
};
_Static_assert(sizeof(struct path_page) == PAGE, "a page is found by its alignment");

static struct path_page *page_with(struct path_pool *pool, size_t size)
{
	struct path_page *page = pool->page;

	if (page && sizeof(page->bytes) - page->used >= size)
		return page;
	struct path_page *fresh = aligned_alloc(PAGE, PAGE);
	if (!fresh)
		return NULL;
	fresh->used = fresh->strings = 0;
	if (page && !page->strings)
		free(page);
	pool->page = fresh;
	return fresh;
}

char *path_pool_copy(struct path_pool *pool, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > LONGEST)
		return strdup(text);
	struct path_page *page = page_with(pool, size);
	if (!page)
		return NULL;
	char *copy = memcpy(page->bytes + page->used, text, size);
	page->used += size;
	page->strings++;
	return copy;
}

void path_pool_free(struct path_pool *pool, char *text)
{
	if (!text)
		return;
	if (strlen(text) + 1 > LONGEST) {
		free(text);
		return;
	}
	struct path_page *page = (struct path_page *)((uintptr_t)text & ~(uintptr_t)(PAGE - 1));
	if (--page->strings == 0 && page != pool->page)
		free(page);
	else if (page->strings == 0)
		page->used = 0;
}

void path_pool_release(struct path_pool *pool)
{
	free(pool->page);
	pool->page = NULL;
}
