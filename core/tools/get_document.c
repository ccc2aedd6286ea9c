/* SPDX-License-Identifier: Apache-2.0 */
/* A document's text, some of its chunks at a time. */
#include <errno.h>
#include <inttypes.h>

#include "core/answer.h"
#include "core/tools/table.h"

#define CHUNKS_STANDARD 10

static int run(const struct tool_call *call, struct tool_output *out, struct err *err)
{
	uint32_t first = (uint32_t)argument_number(call, "first_chunk", 0);
	uint32_t count = (uint32_t)argument_number(call, "chunks", CHUNKS_STANDARD);
	AUTO_DOCUMENT struct document document;
	int rc = argument_document(call, &document, err);

	if (!rc)
		rc = read_chunks(call, &document, first, count, &out->found, err);
	if (rc)
		return rc;
	if (retrieval_mention(&out->found, &document.id))
		return err_set(err, -ENOMEM, "out of memory");
	out->data = cJSON_CreateObject();
	cJSON_AddItemToObject(out->data, "document", describe_document(&document));
	cJSON *chunks = cJSON_AddArrayToObject(out->data, "chunks");
	for (size_t i = 0; i < out->found.passage_count; i++)
		cJSON_AddItemToArray(chunks,
			answer_search_result(&out->found.passages[i], &out->found.documents[i]));
	snprintf(out->summary, sizeof(out->summary),
		"chunks %" PRIu32 " to %" PRIu32 " of %" PRIu32, first,
		first + (uint32_t)out->found.passage_count, document.chunk_count);
	return 0;
}

const struct tool tool_get_document = {
	.name = "get_document",
	.description = "Read a document: its chunks in order, from first_chunk (counted from 0).",
	.parameters = "{\"type\":\"object\",\"properties\":{"
		      "\"document_id\":{\"type\":\"string\","
		      "\"description\":\"its id, as searches and list_documents give it\"},"
		      "\"first_chunk\":{\"type\":\"integer\",\"minimum\":0,"
		      "\"maximum\":4000000000,\"description\":\"where to begin; 0 if not given\"},"
		      "\"chunks\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,"
		      "\"description\":\"how many; 10 if not given\"}},"
		      "\"required\":[\"document_id\"],\"additionalProperties\":false}",
	.reach = TOOL_READS,
	.run = run,
};
