/* SPDX-License-Identifier: Apache-2.0 */
/* The QueryResponse is what is kept; everything else is rendered from it, now or after years,
 * by the same code. So the text of a fresh answer and that of a loaded one cannot differ but
 * in what was deleted between. A source is marked deleted when it is rendered: the sizes that
 * a node reports belong to one rendering. */
#include "core/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/position.h"
#include "core/text/utf8.h"

#define EXCERPT_CHARS 200

AUTO_DEFINE(cJSON_Delete, cJSON *);

void answer_release(struct answer *answer)
{
	if (!answer)
		return;
	for (size_t i = 0; i < answer->source_count; i++)
		free(answer->sources[i].file_name);
	free(answer->sources);
	free(answer->json);
	free(answer->text);
	*answer = (struct answer){0};
}

int answer_file_name(const char *name, struct buf *out)
{
	size_t start = out->len;
	int rc = utf8_sanitize(name, strlen(name), out);

	if (rc)
		return rc;
	for (size_t i = start; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];
		if (c < 0x20 || c == 0x7f)
			out->data[i] = '?';
	}
	return 0;
}

static cJSON *string_or_null(const char *text)
{
	AUTO_BUF struct buf clean = {0};

	if (!text)
		return cJSON_CreateNull();
	buf_init(&clean, BUF_MAX_DEFAULT);
	if (utf8_sanitize(text, strlen(text), &clean))
		return NULL;
	return cJSON_CreateString(clean.data ? clean.data : "");
}

static void add_string(cJSON *object, const char *member, const char *text)
{
	cJSON_AddItemToObject(object, member, string_or_null(text));
}

static void add_uuid(cJSON *object, const char *member, const struct uuid *uuid)
{
	char text[UUID_TEXT];

	cJSON_AddStringToObject(object, member, uuid_format(uuid, text));
}

/* Six decimals: enough for any score, and 0.3 stays 0.3. */
static void add_score(cJSON *object, const char *member, double score)
{
	cJSON_AddNumberToObject(object, member, round(score * 1e6) / 1e6);
}

static void add_page(cJSON *object, uint32_t page)
{
	if (page)
		cJSON_AddNumberToObject(object, "page", page);
	else
		cJSON_AddNullToObject(object, "page");
}

static void add_position(cJSON *object, const struct chunk *chunk, uint32_t page)
{
	add_page(object, page);
	cJSON_AddNumberToObject(object, "start_char", (double)chunk->start_char);
	cJSON_AddNumberToObject(object, "end_char", (double)chunk->end_char);
}

static char *text_of(const char *text, size_t len)
{
	return strndup(text ? text : "", text ? len : 0);
}

static void add_chunk_id(cJSON *object, const struct hit *hit)
{
	struct uuid id = chunk_id(&hit->document, hit->version, hit->chunk.index);

	add_uuid(object, "chunk_id", &id);
}

cJSON *answer_search_result(const struct passage *passage, const struct document *document)
{
	const struct chunk *chunk = &passage->hit->chunk;
	AUTO_FREE char *content = text_of(chunk->text, chunk->text_len);
	cJSON *result = cJSON_CreateObject(), *metadata = cJSON_CreateObject();

	if (!content || !result || !metadata) {
		cJSON_Delete(result);
		cJSON_Delete(metadata);
		return NULL;
	}
	add_uuid(result, "document_id", &passage->hit->document);
	add_chunk_id(result, passage->hit);
	add_score(result, "score", passage->score);
	cJSON_AddStringToObject(result, "content", content);
	add_string(metadata, "title", passage->title);
	add_string(metadata, "source", document->source);
	add_string(metadata, "path", document->path);
	add_string(metadata, "content_type", document->content_type);
	add_string(metadata, "heading", chunk->heading);
	cJSON_AddNumberToObject(metadata, "chunk_index", chunk->index);
	add_position(metadata, chunk, chunk->page);
	cJSON_AddItemToObject(result, "metadata", metadata);
	return result;
}

/* The page of what the answer quotes first of passage @at: a chunk may hold several small ones. */
static uint32_t quoted_page(const struct answer_parts *parts, size_t at)
{
	const struct generation *generation = parts->generation;
	const struct chunk *chunk = &parts->retrieval->passages[at].hit->chunk;

	for (size_t i = 0; generation && i < generation->quote_count; i++)
		if (generation->quotes[i].passage == at)
			return chunk_page(chunk, generation->quotes[i].start_char);
	return chunk->page;
}

/* SourceReference [@n] with the file name that the text shows. */
static cJSON *build_source(
	const struct passage *passage, const struct document *document, uint32_t page, size_t n)
{
	const struct chunk *chunk = &passage->hit->chunk;
	size_t cut = utf8_offset(chunk->text, chunk->text_len, EXCERPT_CHARS);
	AUTO_FREE char *excerpt = text_of(chunk->text, cut);
	char id[UUID_TEXT], path[UUID_TEXT + 32];
	cJSON *source = cJSON_CreateObject();

	if (!excerpt || !source) {
		cJSON_Delete(source);
		return NULL;
	}
	snprintf(path, sizeof(path), "docs/%s/chunks/%04" PRIu32 ".txt",
		uuid_format(&passage->hit->document, id), chunk->index + 1);
	cJSON_AddNumberToObject(source, "n", (double)n);
	cJSON_AddStringToObject(source, "document_id", id);
	add_chunk_id(source, passage->hit);
	cJSON_AddNumberToObject(source, "chunk_index", chunk->index);
	add_string(source, "title", passage->title);
	add_string(source, "source", document->source);
	add_position(source, chunk, page);
	add_score(source, "score", passage->score);
	cJSON_AddStringToObject(source, "excerpt", excerpt);
	cJSON_AddStringToObject(source, "path", path);
	if (chunk->page)
		cJSON_AddStringToObject(source, "page_kind", position_word(document->content_type));
	add_string(source, "file_name", document_file_name(document));
	return source;
}

static void add_sources(cJSON *root, const struct answer_parts *parts)
{
	cJSON *sources = cJSON_AddArrayToObject(root, "sources");

	for (size_t i = 0; parts->citations && i < parts->citations->count; i++) {
		size_t at = parts->citations->order[i];
		cJSON_AddItemToArray(sources,
			build_source(&parts->retrieval->passages[at],
				&parts->retrieval->documents[at], quoted_page(parts, at), i + 1));
	}
}

static void add_retrieved(cJSON *root, const struct retrieval *retrieval)
{
	cJSON *retrieved = cJSON_AddArrayToObject(root, "retrieved");

	for (size_t i = 0; retrieval && i < retrieval->passage_count; i++)
		cJSON_AddItemToArray(retrieved,
			answer_search_result(&retrieval->passages[i], &retrieval->documents[i]));
}

/* Documents that tools spoke of without a passage of theirs. */
static void add_mentioned(cJSON *root, const struct retrieval *retrieval)
{
	cJSON *mentioned = retrieval && retrieval->mentioned_count
		? cJSON_AddArrayToObject(root, "mentioned")
		: NULL;

	for (size_t i = 0; mentioned && i < retrieval->mentioned_count; i++) {
		cJSON *item = cJSON_CreateObject();
		add_uuid(item, "document_id", &retrieval->mentioned[i]);
		cJSON_AddItemToArray(mentioned, item);
	}
}

static void add_quotes(cJSON *root, const struct answer_parts *parts)
{
	cJSON *quotes = cJSON_AddArrayToObject(root, "quotes");
	size_t count = parts->generation ? parts->generation->quote_count : 0;

	for (size_t i = 0; i < count; i++) {
		const struct quote *quote = &parts->generation->quotes[i];
		if (quote->passage >= parts->retrieval->passage_count)
			continue;
		cJSON *item = cJSON_CreateObject();
		add_uuid(item, "document_id",
			&parts->retrieval->passages[quote->passage].hit->document);
		cJSON_AddNumberToObject(item, "start_char", (double)quote->start_char);
		cJSON_AddNumberToObject(item, "end_char", (double)quote->end_char);
		add_string(item, "text", quote->text);
		cJSON_AddItemToArray(quotes, item);
	}
}

static void add_usage(cJSON *root, const struct generation *generation)
{
	uint64_t input = generation ? generation->input_tokens : 0;
	uint64_t output = generation ? generation->output_tokens : 0;
	cJSON *usage = cJSON_AddObjectToObject(root, "token_usage");

	cJSON_AddNumberToObject(usage, "input_tokens", (double)input);
	cJSON_AddNumberToObject(usage, "output_tokens", (double)output);
	cJSON_AddNumberToObject(usage, "total_tokens", (double)(input + output));
}

static void add_failure(cJSON *root, const struct answer_parts *parts)
{
	if (!parts->failure) {
		cJSON_AddNullToObject(root, "error");
		return;
	}
	const char *name = strerrorname_np(-parts->failure);
	cJSON *failure = cJSON_AddObjectToObject(root, "error");
	cJSON_AddStringToObject(failure, "code", name ? name : "EIO");
	add_string(failure, "message", parts->failure_text);
}

/* The sentence may have its full stop already. */
static void add_failure_text(struct buf *text, const struct answer_parts *parts)
{
	const char *why = parts->failure_text && parts->failure_text[0] ? parts->failure_text
									: strerror(-parts->failure);
	size_t len = strlen(why);

	while (len > 0 && (why[len - 1] == '.' || why[len - 1] == '\n'))
		len--;
	buf_adds(text, "error: ");
	buf_add(text, why, len);
	buf_adds(text, ". Ask again later; system/health says what is out of order.");
}

static void add_body(cJSON *root, const struct answer_parts *parts)
{
	AUTO_BUF struct buf text = {0};

	buf_init(&text, BUF_MAX_DEFAULT);
	if (parts->failure)
		add_failure_text(&text, parts);
	else
		buf_adds(&text, parts->body ? parts->body : "");
	add_string(root, "answer", text.data);
}

static const char *string_of(const cJSON *object, const char *member)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, member));

	return text ? text : "";
}

void answer_render_position(const cJSON *source, struct buf *out)
{
	const cJSON *page = cJSON_GetObjectItem(source, "page");
	const char *kind = string_of(source, "page_kind");

	if (cJSON_IsNumber(page))
		buf_addf(out, ", %s %.0f", kind[0] ? kind : "page", page->valuedouble);
}

static void render_source_line(const cJSON *source, size_t n, struct buf *out)
{
	buf_addf(out, "[%zu] ", n);
	answer_file_name(string_of(source, "file_name"), out);
	answer_render_position(source, out);
	buf_addf(out, " (%s)\n",
		cJSON_IsTrue(cJSON_GetObjectItem(source, "deleted")) ? "deleted"
								     : string_of(source, "path"));
}

static void render_text(const cJSON *root, struct buf *out)
{
	const cJSON *source;
	size_t n = 0;

	buf_adds(out, string_of(root, "answer"));
	buf_addc(out, '\n');
	cJSON_ArrayForEach(source, cJSON_GetObjectItem(root, "sources"))
	{
		if (n++ == 0)
			buf_adds(out, "\nSources:\n");
		render_source_line(source, n, out);
	}
}

/* From the QueryResponse to both texts. */
static int render(const cJSON *root, struct answer *out)
{
	AUTO_FREE char *json = cJSON_Print(root);
	AUTO_BUF struct buf text = {0}, line = {0};

	if (!json)
		return -ENOMEM;
	buf_init(&line, BUF_MAX_DEFAULT);
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_adds(&line, json);
	buf_addc(&line, '\n');
	render_text(root, &text);
	if (line.failed || text.failed)
		return line.failed ? line.failed : text.failed;
	out->json = buf_take(&line, &out->json_len);
	out->text = buf_take(&text, &out->text_len);
	return 0;
}

/* Append a source; @name is handed over. */
static int keep_source(struct answer *out, const struct uuid *document, char *name, bool is_deleted)
{
	size_t count = out->source_count;
	struct answer_source *sources = realloc(out->sources, (count + 1) * sizeof(*sources));

	if (!name || !sources) {
		free(name);
		if (sources)
			out->sources = sources;
		return -ENOMEM;
	}
	sources[count] = (struct answer_source){*document, name, is_deleted};
	out->sources = sources;
	out->source_count++;
	return 0;
}

static int keep_cited(const struct answer_parts *parts, struct answer *out)
{
	int rc = 0;

	for (size_t i = 0; parts->citations && i < parts->citations->count && !rc; i++) {
		size_t at = parts->citations->order[i];
		const struct document *document = &parts->retrieval->documents[at];
		rc = keep_source(out, &document->id, strdup(document_file_name(document)), false);
	}
	return rc;
}

static void add_verdict(cJSON *root, const struct answer_parts *parts)
{
	const struct generation *generation = parts->generation;
	bool is_refused = generation && generation->refused;
	bool has_sources = parts->citations && parts->citations->count > 0;

	cJSON_AddBoolToObject(root, "grounded", has_sources && !is_refused && !parts->failure);
	cJSON_AddBoolToObject(root, "refused", is_refused);
	if (generation && generation->confidence < 0)
		cJSON_AddNullToObject(root, "confidence");
	else
		add_score(root, "confidence", generation ? generation->confidence : 0);
}

int answer_build(const struct answer_parts *parts, struct answer *out)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_CreateObject();

	*out = (struct answer){0};
	add_string(root, "query", parts->question);
	add_body(root, parts);
	add_sources(root, parts);
	add_string(root, "model_id", parts->model);
	cJSON_AddNumberToObject(root, "latency_ms", round((double)parts->latency_ns / 1e4) / 100);
	add_usage(root, parts->generation);
	add_uuid(root, "conversation_id", parts->conversation);
	add_verdict(root, parts);
	add_retrieved(root, parts->retrieval);
	add_mentioned(root, parts->retrieval);
	add_quotes(root, parts);
	cJSON_AddItemToObject(root, "steps",
		parts->steps ? cJSON_Duplicate(parts->steps, true) : cJSON_CreateArray());
	add_failure(root, parts);

	int rc = render(root, out);
	if (!rc)
		rc = keep_cited(parts, out);
	if (rc)
		answer_release(out);
	return rc;
}

/* Empty @member of the items of @list that belong to @document. */
static void blank(cJSON *list, const char *member, const char *document)
{
	cJSON *item;

	cJSON_ArrayForEach(item, list) if (!strcmp(string_of(item, "document_id"), document))
		cJSON_ReplaceItemInObject(item, member, cJSON_CreateString(""));
}

static int load_source(cJSON *source, answer_lookup_fn lookup, void *context, struct answer *out)
{
	struct uuid document;
	char *name = NULL;

	if (!uuid_parse(string_of(source, "document_id"), &document))
		return -EBADMSG;
	int rc = lookup(context, &document, &name);
	if (rc == -ENOENT)
		cJSON_AddTrueToObject(source, "deleted");
	if (!name)
		name = strdup(string_of(source, "file_name"));
	return keep_source(out, &document, name, rc == -ENOENT);
}

static void blank_document(cJSON *root, const char *id)
{
	blank(cJSON_GetObjectItem(root, "sources"), "excerpt", id);
	blank(cJSON_GetObjectItem(root, "quotes"), "text", id);
	blank(cJSON_GetObjectItem(root, "retrieved"), "content", id);
}

/* What was found but not cited goes too. */
static void blank_deleted(cJSON *root, answer_lookup_fn lookup, void *context)
{
	const cJSON *item;
	struct uuid document;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "retrieved"))
	{
		const char *id = string_of(item, "document_id");
		AUTO_FREE char *name = NULL;
		if (uuid_parse(id, &document) && lookup(context, &document, &name) == -ENOENT)
			blank_document(root, id);
	}
}

int answer_load(const char *json, answer_lookup_fn lookup, void *context, struct answer *out)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_Parse(json);
	cJSON *source;
	int rc = 0;

	*out = (struct answer){0};
	if (!cJSON_IsObject(root))
		return -EBADMSG;
	cJSON_ArrayForEach(source, cJSON_GetObjectItem(root, "sources"))
	{
		rc = load_source(source, lookup, context, out);
		if (rc)
			break;
	}
	if (!rc) {
		blank_deleted(root, lookup, context);
		rc = render(root, out);
	}
	if (rc)
		answer_release(out);
	return rc;
}
