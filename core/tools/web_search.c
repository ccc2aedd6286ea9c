/* SPDX-License-Identifier: Apache-2.0 */
/* A search engine that the configuration names: SearXNG's JSON interface.
 *
 * Source: SearXNG documentation, search API. */
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/tools/table.h"
#include "core/url.h"

AUTO_DEFINE(http_end, struct http_call *);
AUTO_DEFINE(url_free, struct url *);
AUTO_DEFINE(cJSON_Delete, cJSON *);

#define RESULTS_STANDARD 10
#define REPLY_MAX	 ((size_t)8 << 20)

/* "<search_url>?q=…&format=json", for the caller to free; NULL: it is none. */
static char *address_of(const char *endpoint, const char *query)
{
	AUTO(url_free) struct url *url = NULL;
	bool is_one = !url_new(&url, endpoint) && !url_add_query(url, "q", query) &&
		!url_add_query(url, "format", "json");

	return is_one ? url_part(url, URL_WHOLE) : NULL;
}

static int ask(const struct tool_call *call, const char *url, struct buf *body, struct err *err)
{
	const struct tools_parts *parts = tools_parts(call->tools);
	AUTO(http_end) struct http_call *http = NULL;
	struct http_request request = {
		.url = url,
		.connect_ns = 10 * NS_PER_SEC,
		.total_ns = parts->config->net_timeout_ns,
		.reply_max = REPLY_MAX,
		.cancelled = call->cancelled,
	};
	int rc = http_begin(parts->http, &request, &http, err);

	if (rc)
		return rc;
	int status = http_status(http, err);
	if (status < 0)
		return err_prefix(err, status, "the search engine");
	if (status != 200)
		return err_set(err, -EAGAIN,
			"the search engine answers %d: does [net] search_url name a SearXNG that "
			"allows format=json?",
			status);
	return http_read_all(http, body, err);
}

static int run(const struct tool_call *call, struct tool_output *out, struct err *err)
{
	const struct config *config = tools_parts(call->tools)->config;
	int most = (int)argument_number(call, "count", RESULTS_STANDARD);
	AUTO_FREE char *url = address_of(config->net_search_url, argument_text(call, "query"));
	AUTO_BUF struct buf body;
	const cJSON *result;

	buf_init(&body, REPLY_MAX);
	if (!url)
		return err_set(err, -EINVAL, "[net] search_url is not an address");
	int rc = ask(call, url, &body, err);
	if (rc)
		return rc;
	AUTO(cJSON_Delete) cJSON *json = cJSON_Parse(body.data ? body.data : "");
	const cJSON *results = cJSON_GetObjectItem(json, "results");
	if (!cJSON_IsArray(results))
		return err_set(err, -EPROTO, "the search engine answers without results");
	out->data = cJSON_CreateArray();
	cJSON_ArrayForEach(result, results)
	{
		if (cJSON_GetArraySize(out->data) >= most)
			break;
		cJSON *item = cJSON_CreateObject();
		static const char *const members[] = {"title", "url", "content"};
		for (size_t i = 0; i < ARRAY_LEN(members); i++)
			add_text_or_null(item, members[i],
				cJSON_GetStringValue(cJSON_GetObjectItem(result, members[i])));
		cJSON_AddItemToArray(out->data, item);
	}
	snprintf(out->summary, sizeof(out->summary), "%d results", cJSON_GetArraySize(out->data));
	return 0;
}

const struct tool tool_web_search = {
	.name = "web_search",
	.description = "Search the web. Returns titles, addresses and short extracts.",
	.parameters = "{\"type\":\"object\",\"properties\":{"
		      "\"query\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000,"
		      "\"description\":\"what to search for\"},"
		      "\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,"
		      "\"description\":\"results at most; 10 if not given\"}},"
		      "\"required\":[\"query\"],\"additionalProperties\":false}",
	.reach = TOOL_SENDS,
	.run = run,
};
