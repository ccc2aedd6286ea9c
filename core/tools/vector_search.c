/* SPDX-License-Identifier: Apache-2.0 */
/* Passages by words and by meaning, as a question finds them. */
#include <errno.h>

#include "core/answer.h"
#include "core/auto.h"
#include "core/filter.h"
#include "core/tools/table.h"

static int run(const struct tool_call *call, struct tool_output *out, struct err *err)
{
	const struct tools_parts *parts = tools_parts(call->tools);
	const struct options *options = call->options;
	size_t top_k = options && options->top_k ? options->top_k : parts->config->top_k;
	double threshold = options && options->threshold >= 0 ? options->threshold
							      : parts->config->similarity_threshold;
	struct retrieve_request request = {
		.question = argument_text(call, "query"),
		.caller = call->caller,
		.top_k = (size_t)argument_number(call, "top_k", (double)top_k),
		.threshold = argument_number(call, "similarity_threshold", threshold),
	};
	int rc = argument_prefix(
		call, "type", options ? options->type : NULL, &request.content_type, err);

	if (!rc)
		rc = argument_prefix(
			call, "path", options ? options->path : NULL, &request.path, err);
	AUTO_FREE struct uuid *listed = NULL;
	if (!rc && options)
		rc = filter_documents(
			parts->retriever.catalog, options, &listed, &request.document_count, err);
	request.documents = listed;
	if (!rc)
		rc = retrieve(&parts->retriever, &request, &out->found, err);
	if (rc)
		return rc;
	out->data = cJSON_CreateArray();
	for (size_t i = 0; i < out->found.passage_count; i++)
		cJSON_AddItemToArray(out->data,
			answer_search_result(&out->found.passages[i], &out->found.documents[i]));
	snprintf(out->summary, sizeof(out->summary), "%zu passages", out->found.passage_count);
	return 0;
}

const struct tool tool_vector_search = {
	.name = "vector_search",
	.description = "Search the user's documents by words and by meaning. Returns the passages "
		       "that fit best, each with its document_id.",
	.parameters = "{\"type\":\"object\",\"properties\":{"
		      "\"query\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4000,"
		      "\"description\":\"what to look for: a question or words\"},"
		      "\"top_k\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,"
		      "\"description\":\"passages at most\"},"
		      "\"similarity_threshold\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1,"
		      "\"description\":\"least cosine of a passage found by meaning\"},"
		      "\"type\":{\"type\":\"string\",\"minLength\":1,"
		      "\"description\":\"only content types that begin so: application/pdf\"},"
		      "\"path\":{\"type\":\"string\",\"minLength\":1,"
		      "\"description\":\"only paths that begin so: reports/2024\"}},"
		      "\"required\":[\"query\"],\"additionalProperties\":false}",
	.reach = TOOL_READS,
	.run = run,
};
