/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/filter.h"
#include "core/text/utf8.h"
#include "core/tools/table.h"

const char *argument_text(const struct tool_call *call, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->arguments, name));
}

double argument_number(const struct tool_call *call, const char *name, double standard)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(call->arguments, name);

	return cJSON_IsNumber(item) ? item->valuedouble : standard;
}

int argument_prefix(const struct tool_call *call, const char *name, const char *filter,
	const char **out, struct err *err)
{
	const char *wanted = argument_text(call, name);

	*out = wanted;
	if (!filter || filter_begins(wanted, filter))
		return 0;
	*out = filter;
	if (!wanted || filter_begins(filter, wanted))
		return 0;
	return err_set(err, -ENOENT, "only documents whose %s begins with \"%s\" may be used here",
		name, filter);
}

bool fits_filter(const struct tool_call *call, const struct document *document)
{
	return !call->options || filter_fits(call->options, document);
}

int argument_document(const struct tool_call *call, struct document *out, struct err *err)
{
	const char *text = argument_text(call, "document_id");
	struct uuid id;

	document_init(out);
	if (!uuid_parse(text, &id))
		return err_set(err, -EINVAL,
			"\"document_id\" must be a document's id, as list_documents shows it");
	int rc = catalog_get(tools_parts(call->tools)->retriever.catalog, &id, out, err);
	if (!rc && (!access_may_read(&out->access, call->caller) || !fits_filter(call, out))) {
		document_release(out);
		rc = -ENOENT; /* who may not read it is told the same as if it were not there */
	}
	if (rc == -ENOENT)
		return err_set(err, rc, "there is no document %s", text);
	if (!rc && !out->version) {
		rc = err_set(err, -EAGAIN, "the document %s is %s: it has no text yet", text,
			doc_status_name(out->status));
		document_release(out);
	}
	return rc;
}

cJSON *text_or_null(const char *text)
{
	AUTO_BUF struct buf clean;

	buf_init(&clean, BUF_MAX_DEFAULT);
	if (!text || utf8_sanitize(text, strlen(text), &clean))
		return cJSON_CreateNull();
	return cJSON_CreateString(clean.data ? clean.data : "");
}

void add_text_or_null(cJSON *object, const char *name, const char *text)
{
	cJSON_AddItemToObject(object, name, text_or_null(text));
}

static void add_time(cJSON *object, const char *name, int64_t ns)
{
	char text[32];

	cJSON_AddStringToObject(object, name, clock_format(ns, text));
}

cJSON *describe_document(const struct document *document)
{
	cJSON *object = cJSON_CreateObject();
	char id[UUID_TEXT];

	cJSON_AddStringToObject(object, "document_id", uuid_format(&document->id, id));
	add_text_or_null(object, "title", document->title);
	add_text_or_null(object, "path", document->path);
	add_text_or_null(object, "source", document->source);
	cJSON_AddStringToObject(object, "status", doc_status_name(document->status));
	add_text_or_null(object, "content_type", document->content_type);
	cJSON_AddNumberToObject(object, "size", (double)document->size);
	cJSON_AddNumberToObject(object, "chunk_count", document->chunk_count);
	cJSON_AddNumberToObject(object, "version", document->version);
	add_time(object, "created_at", document->created_ns);
	add_time(object, "updated_at", document->updated_ns);
	if (document->error)
		add_text_or_null(object, "error", document->error);
	return object;
}

struct reading {
	const struct document *document;
	struct search_result hits;
	size_t room;
};

static int take_chunk(void *context, const struct chunk *chunk)
{
	struct reading *reading = context;
	struct search_result *hits = &reading->hits;

	if (hits->hit_count == reading->room)
		return 1;
	struct hit *hit = &hits->hits[hits->hit_count];
	*hit = (struct hit){.document = reading->document->id,
		.version = reading->document->version,
		.chunk = *chunk};
	hit->chunk.text = strndup(chunk->text, chunk->text_len);
	hit->chunk.heading = chunk->heading ? strdup(chunk->heading) : NULL;
	hits->hit_count++; /* what it has is released, whatever comes */
	bool is_whole = hit->chunk.text && !chunk->heading == !hit->chunk.heading;
	return is_whole ? 0 : -ENOMEM;
}

int read_chunks(const struct tool_call *call, const struct document *document, uint32_t first,
	uint32_t count, struct retrieval *out, struct err *err)
{
	struct vectors *vectors = tools_parts(call->tools)->retriever.vectors;
	struct reading reading = {.document = document, .room = count};

	reading.hits.hits = calloc(count, sizeof(*reading.hits.hits));
	if (!reading.hits.hits)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = vectors_chunks(
		vectors, &document->id, document->version, first, count, take_chunk, &reading, err);
	if (rc >= 0)
		rc = retrieval_of_document(document, &reading.hits, out);
	search_result_release(&reading.hits);
	return rc;
}
