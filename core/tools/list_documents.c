/* SPDX-License-Identifier: Apache-2.0 */
/* Which documents there are, as far as the caller may read them. */
#include <errno.h>
#include <string.h>

#include "core/filter.h"
#include "core/tools/table.h"

#define LIMIT_STANDARD 50

struct listing {
	const struct tool_call *call;
	const char *status, *type, *name;
	size_t offset, limit, total;
	cJSON *documents;
	struct retrieval *found; /* mentions those that are listed */
};

static bool contains(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool fits(const struct listing *listing, const struct document *document)
{
	if (!fits_filter(listing->call, document))
		return false;
	if (listing->status && strcmp(listing->status, doc_status_name(document->status)) != 0)
		return false;
	if (listing->type && !filter_begins(document->content_type, listing->type))
		return false;
	return !listing->name || contains(document->path, listing->name) ||
		contains(document->title, listing->name);
}

static int see(void *context, const struct document *document)
{
	struct listing *listing = context;

	if (!access_may_read(&document->access, listing->call->caller) || !fits(listing, document))
		return 0;
	size_t at = listing->total++;
	if (at >= listing->offset && at < listing->offset + listing->limit) {
		cJSON_AddItemToArray(listing->documents, describe_document(document));
		if (retrieval_mention(listing->found, &document->id))
			return -ENOMEM;
	}
	bool is_stopped = listing->call->cancelled && atomic_load(listing->call->cancelled);
	return is_stopped ? -ECANCELED : 0;
}

static int run(const struct tool_call *call, struct tool_output *out, struct err *err)
{
	struct listing listing = {
		.call = call,
		.found = &out->found,
		.status = argument_text(call, "status"),
		.type = argument_text(call, "type"),
		.name = argument_text(call, "name"),
		.offset = (size_t)argument_number(call, "offset", 0),
		.limit = (size_t)argument_number(call, "limit", LIMIT_STANDARD),
	};

	out->data = cJSON_CreateObject();
	listing.documents = cJSON_AddArrayToObject(out->data, "documents");
	int rc = catalog_each(tools_parts(call->tools)->retriever.catalog, see, &listing, err);
	cJSON_AddNumberToObject(out->data, "total", (double)listing.total);
	snprintf(out->summary, sizeof(out->summary), "%d of %zu documents",
		cJSON_GetArraySize(listing.documents), listing.total);
	return rc;
}

const struct tool tool_list_documents = {
	.name = "list_documents",
	.description =
		"List the user's documents, oldest first, with their ids, titles and states.",
	.parameters = "{\"type\":\"object\",\"properties\":{"
		      "\"status\":{\"enum\":[\"PENDING\",\"PROCESSING\",\"INDEXED\",\"FAILED\"],"
		      "\"description\":\"only documents in that state\"},"
		      "\"type\":{\"type\":\"string\",\"minLength\":1,"
		      "\"description\":\"only content types that begin so: text/\"},"
		      "\"name\":{\"type\":\"string\",\"minLength\":1,"
		      "\"description\":\"only paths and titles that contain it\"},"
		      "\"offset\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000000,"
		      "\"description\":\"pass over so many\"},"
		      "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,"
		      "\"description\":\"at most so many; 50 if not given\"}},"
		      "\"additionalProperties\":false}",
	.reach = TOOL_READS,
	.run = run,
};
