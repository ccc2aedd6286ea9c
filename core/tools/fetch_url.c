/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a page of the network, read in the sandbox like any document. */
#include "core/fetch.h"
#include "core/page_text.h"
#include "core/tools/table.h"

#define CHARS_STANDARD 20000

static int run(const struct tool_call *call, struct tool_output *out, struct err *err)
{
	const struct tools_parts *parts = tools_parts(call->tools);
	size_t most = (size_t)argument_number(call, "max_chars", CHARS_STANDARD);
	struct page_text text;
	struct page page;
	int rc = fetch_page(
		parts->fetcher, argument_text(call, "url"), false, call->cancelled, &page, err);

	if (rc)
		return rc;
	rc = page_text_read(parts->parser, &page, most, &text, err);
	if (!rc) {
		out->data = cJSON_CreateObject();
		cJSON_AddStringToObject(out->data, "url", page.url);
		add_text_or_null(out->data, "title", text.title);
		add_text_or_null(out->data, "content_type", text.content_type);
		cJSON_AddStringToObject(out->data, "text", text.text.data ? text.text.data : "");
		cJSON_AddBoolToObject(out->data, "is_cut", text.is_cut);
		snprintf(out->summary, sizeof(out->summary), "%zu bytes fetched", page.body.len);
		page_text_release(&text);
	}
	page_release(&page);
	return rc;
}

const struct tool tool_fetch_url = {
	.name = "fetch_url",
	.description = "Fetch a page of the network, and return its text.",
	.parameters = "{\"type\":\"object\",\"properties\":{"
		      "\"url\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4000,"
		      "\"description\":\"its address: https://example.org/page\"},"
		      "\"max_chars\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,"
		      "\"description\":\"cut the text there; 20000 if not given\"}},"
		      "\"required\":[\"url\"],\"additionalProperties\":false}",
	.reach = TOOL_FETCHES,
	.run = run,
};
