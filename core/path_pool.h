/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that live long and come between much that does not: they have pages of their own, so
 * that what goes leaves whole pages free. One thread. */
#ifndef ASKFS_CORE_PATH_POOL_H
#define ASKFS_CORE_PATH_POOL_H

struct path_page;

/* Zero-initialise it; every string has to be freed. */
struct path_pool {
	struct path_page *page; /* the one with room */
};

/* A copy of @text; NULL: no memory. */
char *path_pool_copy(struct path_pool *pool, const char *text);

/* NULL is accepted. */
void path_pool_free(struct path_pool *pool, char *text);

/* What is left when all strings were freed. */
void path_pool_release(struct path_pool *pool);

#endif
