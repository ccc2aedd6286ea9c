/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ingest_link.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/fetch.h"
#include "core/link.h"
#include "core/page_text.h"

static int read_link(const struct attempt *attempt, char **url)
{
	AUTO_FREE char *text = malloc(LINK_FILE_MAX);
	ssize_t n = text ? pread(attempt->fd, text, LINK_FILE_MAX, 0) : -1;

	*url = NULL;
	return n < 0 ? -EIO
		     : link_read(document_file_name(&attempt->job->document), text, (size_t)n, url);
}

/* A site that is down may come back; but not for ever is asked for it. */
static void fail(struct attempt *attempt, int rc)
{
	bool may_pass = rc == -EAGAIN || rc == -ETIMEDOUT || rc == -ENOMEM;

	if (attempt_is_cancelled(attempt) ||
		(may_pass && attempt->job->attempts < attempt->setup->retries))
		attempt_later(attempt);
	else
		attempt_fail(attempt, rc);
}

void attempt_follow(struct attempt *attempt)
{
	struct fetcher *fetcher = attempt->setup->ports.fetcher;
	struct ingest_job *job = attempt->job;
	AUTO_FREE char *url = NULL;
	struct page page;

	if (!fetcher || attempt->fate != ATTEMPT_FRESH || attempt->size > LINK_FILE_MAX ||
		!link_has_name(document_file_name(&job->document)) || read_link(attempt, &url))
		return;
	int rc = fetch_page(fetcher, url, true, &job->cancelled, &page, &job->err);
	if (rc) {
		fail(attempt, rc);
		return;
	}
	attempt->page.name = page_file_name(&page);
	attempt->page.fd = page_open(&page, &attempt->page.size);
	attempt->page.url = TAKE_PTR(page.url);
	page_release(&page);
	if (attempt->page.fd < 0 || !attempt->page.name)
		attempt_later(attempt);
}
