/* SPDX-License-Identifier: Apache-2.0 */
/* Each hop is a call of its own, so that each is judged: its scheme and host before anything is
 * sent, its address when curl is about to connect to it (not before: a name may lead elsewhere the
 * second time it is asked for). */
#include "core/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/net_address.h"
#include "core/robots.h"
#include "core/url.h"

AUTO_DEFINE(http_end, struct http_call *);
AUTO_DEFINE(url_free, struct url *);

#define REDIRECTS  5
#define CONNECT_NS (10 * NS_PER_SEC)
#define ROBOTS_MAX ((size_t)512 << 10)

struct fetcher {
	struct http *http;
	const struct config *config;
	struct net_range *exceptions;
	size_t exception_count;
};

/* --- what is allowed ---------------------------------------------------------------- */

static const char separators[] = " \t,";

static int read_exceptions(struct fetcher *fetcher, struct err *err)
{
	const char *text = fetcher->config->net_allow_addresses;

	fetcher->exceptions = calloc(strlen(text) + 1, sizeof(*fetcher->exceptions));
	if (!fetcher->exceptions)
		return err_set(err, -ENOMEM, "out of memory");
	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		if (!net_range_parse(text, len, &fetcher->exceptions[fetcher->exception_count++]))
			return err_set(err, -EINVAL,
				"[net] allow_addresses: \"%.*s\": expected addresses and ranges, "
				"as in 192.168.7.0/24",
				(int)len, text);
		text += len;
	}
	return 0;
}

/* Called by curl's thread. */
static bool allows(const void *context, const struct sockaddr *address)
{
	const struct fetcher *fetcher = context;

	return net_address_is_allowed(address, fetcher->exceptions, fetcher->exception_count);
}

/* "example.org", or "*.example.org" for what lies below it. */
static bool fits(const char *host, const char *pattern, size_t len)
{
	size_t host_len = strlen(host);

	if (len > 2 && pattern[0] == '*' && pattern[1] == '.') {
		pattern++;
		len--;
		return host_len > len && !strncasecmp(host + host_len - len, pattern, len);
	}
	return host_len == len && !strncasecmp(host, pattern, len);
}

static bool is_listed(const struct fetcher *fetcher, const char *host)
{
	const char *list = fetcher->config->net_allow_hosts +
		strspn(fetcher->config->net_allow_hosts, separators);

	if (!*list)
		return true;
	for (; *list; list += strspn(list, separators)) {
		size_t len = strcspn(list, separators);
		if (fits(host, list, len))
			return true;
		list += len;
	}
	return false;
}

/* Is it a service that askfs itself works with? */
static bool is_own(const char *endpoint, const struct url *url)
{
	AUTO(url_free) struct url *own = NULL;

	if (!endpoint[0] || url_new(&own, endpoint))
		return false;
	AUTO_FREE char *host = url_part(url, URL_HOST);
	AUTO_FREE char *port = url_part(url, URL_PORT);
	AUTO_FREE char *own_host = url_part(own, URL_HOST);
	AUTO_FREE char *own_port = url_part(own, URL_PORT);
	return host && own_host && port && own_port && !strcasecmp(host, own_host) &&
		!strcmp(port, own_port);
}

/* May that address be asked? */
static int judge(const struct fetcher *fetcher, const struct url *url, struct err *err)
{
	AUTO_FREE char *scheme = url_part(url, URL_SCHEME);
	AUTO_FREE char *host = url_part(url, URL_HOST);
	AUTO_FREE char *user = url_part(url, URL_USER);
	AUTO_FREE char *password = url_part(url, URL_PASSWORD);

	if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return err_set(err, -EINVAL, "only http:// and https:// addresses are fetched");
	if (!host || !*host)
		return err_set(err, -EINVAL, "the address names no host");
	if (user || password)
		return err_set(err, -EINVAL, "addresses with a user's name are not fetched");
	if (!is_listed(fetcher, host))
		return err_set(err, -EACCES, "%s is not among [net] allow_hosts", host);
	if (is_own(fetcher->config->openai_base_url, url) ||
		is_own(fetcher->config->net_search_url, url))
		return err_set(err, -EACCES, "%s is a service that askfs itself uses", host);
	return 0;
}

/* --- one hop ------------------------------------------------------------------------ */

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The status of a page in words; 0: it is there. */
static int judge_status(int status, const char *url, struct err *err)
{
	if (status / 100 == 2)
		return 0;
	if (status == 404 || status == 410)
		return err_set(err, -ENOENT, "%s is not there (%d)", url, status);
	if (status == 401 || status == 403 || status == 407)
		return err_set(err, -EACCES, "%s is not for everybody (%d)", url, status);
	bool may_pass = status == 408 || status == 425 || status == 429 || status >= 500;
	return err_set(err, may_pass ? -EAGAIN : -EPROTO, "%s: the server answers %d", url, status);
}

static int read_body(struct http_call *call, struct buf *body, struct err *err)
{
	char data[16384];
	ssize_t n;

	while ((n = http_read(call, data, sizeof(data), err)) > 0)
		if (buf_add(body, data, (size_t)n))
			return err_set(err, body->failed, "the page is too large");
	return (int)n;
}

/* Ask for @url; *status and, where there is one, the page, or the address that it leads to. */
static int hop(struct fetcher *fetcher, struct url *url, size_t max, const atomic_bool *cancelled,
	int *status, struct page *out, struct err *err)
{
	static const char *const headers[] = {"Accept: text/html, */*;q=0.8", NULL};
	AUTO(http_end) struct http_call *call = NULL;
	AUTO_FREE char *text = url_part(url, URL_WHOLE);
	struct http_request request = {
		.url = text,
		.headers = headers,
		.connect_ns = CONNECT_NS,
		.idle_ns = fetcher->config->net_timeout_ns,
		.total_ns = fetcher->config->net_timeout_ns,
		.reply_max = max,
		.cancelled = cancelled,
		.allows = allows,
		.allows_context = fetcher,
	};

	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = http_begin(fetcher->http, &request, &call, err);
	if (rc)
		return rc;
	*status = http_status(call, err);
	if (*status < 0)
		return err_prefix(err, *status, text);
	if (is_redirect(*status)) {
		const char *to = http_header(call, "location");
		return to && !url_follow(url, to)
			? 0
			: err_set(err, -EPROTO, "%s leads to no address", text);
	}
	const char *type = http_header(call, "content-type");
	page_release(out);
	buf_init(&out->body, max);
	out->url = strdup(text);
	out->content_type = strdup(type ? type : "");
	if (!out->url || !out->content_type)
		return err_set(err, -ENOMEM, "out of memory");
	rc = read_body(call, &out->body, err);
	return rc ? err_prefix(err, rc, text) : 0;
}

/* From @url on, wherever it leads; *status is that of the last hop. */
static int follow(struct fetcher *fetcher, struct url *url, size_t max,
	const atomic_bool *cancelled, int *status, struct page *out, struct err *err)
{
	for (int i = 0; i <= REDIRECTS; i++) {
		int rc = judge(fetcher, url, err);
		if (!rc)
			rc = hop(fetcher, url, max, cancelled, status, out, err);
		if (rc || !is_redirect(*status))
			return rc;
	}
	return err_set(err, -ELOOP, "it leads from one address to the next, more than %d times",
		REDIRECTS);
}

/* --- robots.txt --------------------------------------------------------------------- */

/* One that is not there allows everything; one that can't be had now, nothing yet. */
static int obey_robots(struct fetcher *fetcher, const struct url *page,
	const atomic_bool *cancelled, struct err *err)
{
	AUTO(url_free) struct url *url = url_copy(page);
	AUTO_FREE char *path = url_part(page, URL_PATH);
	AUTO_FREE char *query = url_part(page, URL_QUERY);
	AUTO_FREE char *whole = NULL;
	struct page robots = {0};
	int status = 0;

	if (!url || !path ||
		asprintf(&whole, "%s%s%s", path, query ? "?" : "", query ? query : "") < 0)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = url_set_path(url, "/robots.txt");
	if (!rc)
		rc = follow(fetcher, url, ROBOTS_MAX, cancelled, &status, &robots, err);
	if (!rc && status >= 500)
		rc = err_set(
			err, -EAGAIN, "the site's robots.txt can't be had: it answers %d", status);
	if (!rc && status / 100 == 2 &&
		!robots_allow(
			robots.body.data ? robots.body.data : "", robots.body.len, "askfs", whole))
		rc = err_set(
			err, -EACCES, "the site's robots.txt does not want %s to be fetched", path);
	page_release(&robots);
	return rc;
}

/* --- the whole ---------------------------------------------------------------------- */

void page_release(struct page *page)
{
	free(page->url);
	free(page->content_type);
	buf_release(&page->body);
	*page = (struct page){0};
}

int fetch_page(struct fetcher *fetcher, const char *text, bool obeys_robots,
	const atomic_bool *cancelled, struct page *out, struct err *err)
{
	AUTO(url_free) struct url *url = NULL;
	struct err mine = ERR_NONE;
	int status = 0;

	err = err ? err : &mine;
	*out = (struct page){0};
	int rc = url_new(&url, text);
	if (rc)
		return err_set(err, rc, "\"%s\" is not an address, as in https://...", text);
	rc = judge(fetcher, url, err);
	if (!rc && obeys_robots)
		rc = obey_robots(fetcher, url, cancelled, err);
	if (!rc)
		rc = follow(fetcher, url, fetcher->config->net_page_bytes, cancelled, &status, out,
			err);
	if (!rc)
		rc = judge_status(status, out->url, err);
	if (rc)
		page_release(out);
	return rc;
}

int fetcher_new(struct fetcher **out, const struct config *config, struct err *err)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (!fetcher)
		return err_set(err, -ENOMEM, "out of memory");
	fetcher->config = config;
	int rc = read_exceptions(fetcher, err);
	if (!rc && http_new(&fetcher->http))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc)
		fetcher_free(fetcher);
	else
		*out = fetcher;
	return rc;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	http_free(fetcher->http);
	free(fetcher->exceptions);
	free(fetcher);
}
