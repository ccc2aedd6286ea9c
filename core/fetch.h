/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the network, for links that somebody dropped and for tools: http and https alone, from
 * public addresses alone, with no credentials and no proxy. */
#ifndef ASKFS_CORE_FETCH_H
#define ASKFS_CORE_FETCH_H

#include <stdatomic.h>

#include "core/buf.h"
#include "core/config.h"
#include "core/err.h"
#include "core/http.h"

struct fetcher;

/* Any thread, several at once. @config stays the caller's. 0 or -ENOMEM, -EINVAL ([net] names no
 * addresses) with *err set. */
int fetcher_new(struct fetcher **out, const struct config *config, struct err *err);
void fetcher_free(struct fetcher *fetcher);

/* A page. Owned; page_release frees what is inside. */
struct page {
	char *url; /* where it was in the end */
	char *content_type; /* as the server says; "" if it does not */
	struct buf body;
};
void page_release(struct page *page);

/* Fetch it, through five redirects at most. @obeys_robots: not where the site's robots.txt does not
 * want it. 0, or with *err in words: -EINVAL (the address is none that may be fetched), -EACCES (it
 * is not allowed: the host, where it leads to, robots.txt), -ENOENT (the server has no such page),
 * -EAGAIN and -ETIMEDOUT (it may pass), -EFBIG, -ELOOP, -ECANCELED, -EPROTO. Blocks. */
int fetch_page(struct fetcher *fetcher, const char *url, bool obeys_robots,
	const atomic_bool *cancelled, struct page *out, struct err *err);

#endif
