/* SPDX-License-Identifier: Apache-2.0 */
/* Each hop is a call of its own, so that each is judged: its scheme and host before anything is
 * sent, its address when curl is about to connect to it (not before: a name may lead elsewhere the
 * second time it is asked for). */
#include "core/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
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

/* Where a service listens that askfs itself works with is looked up so often. */
#define OWN_NS	(60 * NS_PER_SEC)
#define OWN_MAX 16

struct fetcher {
	struct http *http;
	const struct config *config;
	struct net_range *exceptions;
	size_t exception_count;

	pthread_mutex_t lock;
	struct sockaddr_in6 own[OWN_MAX]; /* lock: those of IPv4 are mapped */
	size_t own_count; /* lock */
	int64_t own_ns; /* lock: when they were looked up; 0: never */
};

/* One page on its way. */
struct journey {
	struct fetcher *fetcher;
	const atomic_bool *cancelled;
	int64_t end_ns; /* monotonic */
	size_t max; /* bytes of the page */
	bool obeys_robots;
	char *origin; /* whose robots.txt is this; owned; NULL: of none */
	struct buf robots;
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

/* Called by HTTP's thread. */
static bool allows(const void *context, const struct sockaddr *address)
{
	struct fetcher *fetcher = (struct fetcher *)context;
	struct sockaddr_in6 v6;
	bool is_own = false;

	if (!net_address_to_v6(address, &v6) ||
		!net_address_is_allowed(address, fetcher->exceptions, fetcher->exception_count))
		return false;
	pthread_mutex_lock(&fetcher->lock);
	for (size_t i = 0; i < fetcher->own_count; i++)
		is_own |= fetcher->own[i].sin6_port == v6.sin6_port &&
			!memcmp(&fetcher->own[i].sin6_addr, &v6.sin6_addr, sizeof(v6.sin6_addr));
	pthread_mutex_unlock(&fetcher->lock);
	return !is_own;
}

/* Add where @endpoint listens; one that can't be looked up now can't be reached by others, too. */
static void add_own(struct fetcher *fetcher, const char *endpoint)
{
	AUTO(url_free) struct url *url = NULL;
	struct addrinfo *found = NULL;

	if (!endpoint[0] || url_new(&url, endpoint))
		return;
	AUTO_FREE char *host = url_part(url, URL_HOST);
	AUTO_FREE char *port = url_part(url, URL_PORT);
	size_t len = host ? strlen(host) : 0;
	bool is_bracketed = len > 2 && host[0] == '[';
	if (is_bracketed)
		host[len - 1] = '\0';
	if (!host || !port ||
		getaddrinfo(host + is_bracketed, port,
			&(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found))
		return;
	pthread_mutex_lock(&fetcher->lock);
	for (struct addrinfo *one = found; one && fetcher->own_count < OWN_MAX; one = one->ai_next)
		fetcher->own_count +=
			net_address_to_v6(one->ai_addr, &fetcher->own[fetcher->own_count]);
	pthread_mutex_unlock(&fetcher->lock);
	freeaddrinfo(found);
}

static void look_up_own(struct fetcher *fetcher)
{
	int64_t now = clock_mono_ns();

	pthread_mutex_lock(&fetcher->lock);
	bool is_due = !fetcher->own_ns || now - fetcher->own_ns > OWN_NS;
	if (is_due) {
		fetcher->own_ns = now;
		fetcher->own_count = 0;
	}
	pthread_mutex_unlock(&fetcher->lock);
	if (!is_due)
		return;
	add_own(fetcher, fetcher->config->openai_base_url);
	add_own(fetcher, fetcher->config->net_search_url);
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

/* Ask for @url; *status and, where there is one, the page, or the address that it leads to. */
static int hop(
	struct journey *journey, struct url *url, int *status, struct page *out, struct err *err)
{
	static const char *const headers[] = {"Accept: text/html, */*;q=0.8", NULL};
	int64_t left_ns = journey->end_ns - clock_mono_ns();
	AUTO(http_end) struct http_call *call = NULL;
	AUTO_FREE char *text = url_part(url, URL_WHOLE);
	struct http_request request = {
		.url = text,
		.headers = headers,
		.connect_ns = CONNECT_NS,
		.total_ns = left_ns,
		.reply_max = journey->max,
		.cancelled = journey->cancelled,
		.allows = allows,
		.allows_context = journey->fetcher,
	};

	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	if (left_ns <= 0)
		return err_set(err, -ETIMEDOUT, "%s: it took too long to get there", text);
	int rc = http_begin(journey->fetcher->http, &request, &call, err);
	if (rc)
		return rc;
	*status = http_status(call, err);
	if (*status < 0)
		return err_prefix(err, *status, text);
	if (is_redirect(*status)) {
		AUTO_FREE char *to = http_header(call, "location");
		return to && !url_follow(url, to)
			? 0
			: err_set(err, -EPROTO, "%s leads to no address", text);
	}
	AUTO_FREE char *type = http_header(call, "content-type");
	page_release(out);
	buf_init(&out->body, journey->max);
	out->url = strdup(text);
	out->content_type = strdup(type ? type : "");
	if (!out->url || !out->content_type)
		return err_set(err, -ENOMEM, "out of memory");
	rc = http_read_all(call, &out->body, err);
	return rc ? err_prefix(err, rc, text) : 0;
}

static int obey_robots(struct journey *journey, const struct url *url, struct err *err);

/* From @url on, wherever it leads; *status is that of the last hop. */
static int follow(
	struct journey *journey, struct url *url, int *status, struct page *out, struct err *err)
{
	for (int i = 0; i <= REDIRECTS; i++) {
		int rc = judge(journey->fetcher, url, err);
		if (!rc && journey->obeys_robots)
			rc = obey_robots(journey, url, err);
		if (!rc)
			rc = hop(journey, url, status, out, err);
		if (rc || !is_redirect(*status))
			return rc;
	}
	return err_set(err, -ELOOP, "it leads from one address to the next, more than %d times",
		REDIRECTS);
}

/* --- robots.txt --------------------------------------------------------------------- */

/* The origin's robots.txt into the journey. One that is not there allows everything; one that can't
 * be had now, nothing yet; of one that is too long what was read counts. */
static int read_robots(struct journey *journey, const struct url *of, struct err *err)
{
	AUTO(url_free) struct url *url = url_copy(of);
	struct page page = {0};
	struct journey aside = {
		.fetcher = journey->fetcher,
		.cancelled = journey->cancelled,
		.end_ns = journey->end_ns,
		.max = ROBOTS_MAX,
	};
	int status = 0;
	int rc = url ? url_set_path(url, "/robots.txt") : -ENOMEM;

	if (!rc)
		rc = follow(&aside, url, &status, &page, err);
	if (rc == -EFBIG)
		rc = 0;
	if (!rc && status >= 500)
		rc = err_set(
			err, -EAGAIN, "the site's robots.txt can't be had: it answers %d", status);
	buf_release(&journey->robots);
	buf_init(&journey->robots, ROBOTS_MAX);
	if (!rc && status / 100 == 2)
		rc = buf_add(&journey->robots, page.body.data ? page.body.data : "", page.body.len);
	page_release(&page);
	return rc;
}

static int obey_robots(struct journey *journey, const struct url *url, struct err *err)
{
	AUTO_FREE char *scheme = url_part(url, URL_SCHEME);
	AUTO_FREE char *host = url_part(url, URL_HOST);
	AUTO_FREE char *port = url_part(url, URL_PORT);
	AUTO_FREE char *path = url_part(url, URL_PATH);
	AUTO_FREE char *query = url_part(url, URL_QUERY);
	AUTO_FREE char *origin = NULL;
	AUTO_FREE char *whole = NULL;
	int rc = 0;

	if (!scheme || !host || !port || !path ||
		asprintf(&origin, "%s://%s:%s", scheme, host, port) < 0 ||
		asprintf(&whole, "%s%s%s", path, query ? "?" : "", query ? query : "") < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (!journey->origin || strcmp(journey->origin, origin) != 0) {
		rc = read_robots(journey, url, err);
		free(journey->origin);
		journey->origin = rc ? NULL : TAKE_PTR(origin);
	}
	if (!rc && journey->robots.data &&
		!robots_allow(journey->robots.data, journey->robots.len, "askfs", whole))
		rc = err_set(
			err, -EACCES, "the site's robots.txt does not want %s to be fetched", path);
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
	struct journey journey = {
		.fetcher = fetcher,
		.cancelled = cancelled,
		.end_ns = clock_mono_ns() + fetcher->config->net_timeout_ns,
		.max = fetcher->config->net_page_bytes,
		.obeys_robots = obeys_robots,
	};
	look_up_own(fetcher);
	rc = follow(&journey, url, &status, out, err);
	if (!rc)
		rc = judge_status(status, out->url, err);
	if (rc)
		page_release(out);
	free(journey.origin);
	buf_release(&journey.robots);
	return rc;
}

int fetcher_new(struct fetcher **out, const struct config *config, struct err *err)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (!fetcher)
		return err_set(err, -ENOMEM, "out of memory");
	fetcher->config = config;
	pthread_mutex_init(&fetcher->lock, NULL);
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
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher);
}
