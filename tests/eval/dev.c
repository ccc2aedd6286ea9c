/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dev DOCS QUESTIONS.jsonl RUN.jsonl [FEATURES.jsonl]: chunks the text files of a folder into
 * memory, asks every question and writes what score.py reads. With a fourth argument also the
 * features of every sentence, from which calibrate.py derives the constants of evidence.c and
 * confidence.c. The environment's MODEL names an embedding model; without it everything works by
 * words alone.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/chunk_parts.h"
#include "core/clock.h"
#include "core/local/catalog_memory.h"
#include "core/local/embedder_cached.h"
#include "core/local/embedder_model.h"
#include "core/local/evidence.h"
#include "core/local/generator_extractive.h"
#include "core/local/vectors_memory.h"
#include "core/retrieve.h"
#include "core/text/chunker.h"

#define TOP_K 5

struct base {
	struct vectors *vectors;
	struct catalog *catalog;
	struct generator *generator;
	struct embedder *embedder; /* NULL: by words alone */
	struct uuid document;
	const char *title;
};

static _Noreturn void die(const char *what, const struct err *err)
{
	fprintf(stderr, "dev: %s: %s\n", what, err && err->text[0] ? err->text : strerror(errno));
	exit(1);
}

static char *read_file(const char *path, size_t *len)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	struct buf buf;
	char piece[65536];
	size_t n;

	if (!file)
		die(path, NULL);
	buf_init(&buf, BUF_MAX_DEFAULT);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&buf, piece, n);
	return buf_take(&buf, len);
}

/* The parts of one chunk. */
struct parts {
	char *texts[1024];
	struct span spans[1024];
	size_t count;
};

static int take_part(void *context, const char *text, size_t len, const struct span *span)
{
	struct parts *parts = context;

	if (parts->count == ARRAY_LEN(parts->texts))
		return 1;
	parts->texts[parts->count] = strndup(text, len);
	parts->spans[parts->count++] = *span;
	return 0;
}

static void embed_chunk(struct base *base, const struct chunk *chunk)
{
	const struct embedder_info *info = embedder_info(base->embedder);
	struct parts parts = {.count = 0};
	struct err err = ERR_NONE;

	chunk_parts(chunk, info->unit, take_part, &parts);
	AUTO_FREE float *vectors = malloc((parts.count + 1) * info->dimension * sizeof(float));
	if (parts.count &&
		embedder_embed(base->embedder, EMBED_PASSAGE, (const char *const *)parts.texts,
			parts.count, vectors, &err) < 0)
		die("embed", &err);
	const struct embedding embedding = {chunk->index, parts.spans, vectors, parts.count};
	if (vectors_embed(base->vectors, &base->document, 1, &embedding, info->dimension,
		    info->model, &err) < 0)
		die("embed", &err);
	for (size_t i = 0; i < parts.count; i++)
		free(parts.texts[i]);
}

static int add_chunk(void *context, const struct chunk *chunk)
{
	struct base *base = context;
	struct err err = ERR_NONE;

	if (vectors_add(base->vectors, &base->document, 1, base->title, chunk, 1, &err) < 0)
		die("add", &err);
	if (base->embedder)
		embed_chunk(base, chunk);
	return 0;
}

static void add_document(struct base *base, const char *folder, const char *name)
{
	AUTO_FREE char *path = NULL;
	struct err err = ERR_NONE;
	struct chunker *chunker;
	struct document document;
	size_t len;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		die(name, NULL);
	AUTO_FREE char *text = read_file(path, &len);
	base->document = uuid_new();
	base->title = name;
	chunker_new(&chunker, 1000, 200, add_chunk, base);
	chunker_text(chunker, text, len);
	chunker_finish(chunker);
	chunker_free(chunker);

	struct publication publication = {
		.document = base->document, .version = 1, .access.mode = 0644, .path = name};
	if (vectors_publish(base->vectors, &publication, 1, &err) < 0)
		die("publish", &err);
	document_init(&document);
	document.id = base->document;
	document.path = strdup(name);
	document.version = 1;
	document.access.mode = 0644;
	if (catalog_put(base->catalog, (const struct document *[]){&document}, 1, &err) < 0)
		die("put", &err);
	document_release(&document);
}

static void add_documents(struct base *base, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	if (count < 0)
		die(folder, NULL);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			add_document(base, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static int ignore(void *context, const char *text, size_t len)
{
	(void)context;
	(void)text;
	(void)len;
	return 0;
}

static cJSON *slice(const char *doc, const char *text, size_t start, size_t end)
{
	AUTO_FREE char *copy = strndup(text + start, end - start);
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "doc", doc);
	cJSON_AddStringToObject(object, "text", copy);
	return object;
}

static void print_line(FILE *file, cJSON *line)
{
	AUTO_FREE char *text = cJSON_PrintUnformatted(line);

	fprintf(file, "%s\n", text);
	cJSON_Delete(line);
}

static void write_run(FILE *file, const char *id, const struct retrieval *found,
	const struct generation *said, const struct evidence *evidence, double ms)
{
	cJSON *line = cJSON_CreateObject(), *ranked = cJSON_AddArrayToObject(line, "ranked");
	cJSON *quotes = cJSON_AddArrayToObject(line, "quotes");
	cJSON *sentences = cJSON_AddArrayToObject(line, "sentences");
	cJSON *citations = cJSON_AddArrayToObject(line, "citations");

	cJSON_AddStringToObject(line, "id", id);
	for (size_t i = 0; i < found->passage_count; i++) {
		const struct chunk *chunk = &found->passages[i].hit->chunk;
		cJSON_AddItemToArray(
			ranked, slice(found->documents[i].path, chunk->text, 0, chunk->text_len));
	}
	for (size_t i = 0; i < said->quote_count; i++) {
		const struct quote *quote = &said->quotes[i];
		const char *doc = found->documents[quote->passage].path;
		cJSON_AddItemToArray(quotes, slice(doc, quote->text, 0, strlen(quote->text)));
		cJSON_AddItemToArray(citations, cJSON_CreateString(doc));
	}
	for (size_t i = 0; i < evidence->count && i < 3; i++) {
		const struct evidence_item *item = &evidence->items[i];
		cJSON_AddItemToArray(sentences,
			slice(found->documents[item->passage].path,
				found->passages[item->passage].hit->chunk.text, item->start,
				item->end));
	}
	cJSON_AddStringToObject(line, "answer", said->text.data);
	cJSON_AddBoolToObject(line, "refused", said->refused);
	cJSON_AddNumberToObject(line, "score", said->confidence);
	cJSON_AddNumberToObject(line, "ms", ms);
	print_line(file, line);
}

static void write_features(
	FILE *file, const char *id, const struct retrieval *found, const struct evidence *evidence)
{
	cJSON *line = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(line, "items");

	cJSON_AddStringToObject(line, "id", id);
	cJSON_AddItemToObject(
		line, "signals", cJSON_CreateDoubleArray(evidence->signals, SIGNAL_COUNT));
	for (size_t i = 0; i < evidence->count; i++) {
		const struct evidence_item *item = &evidence->items[i];
		cJSON *object = slice(found->documents[item->passage].path,
			found->passages[item->passage].hit->chunk.text, item->start, item->end);
		cJSON_AddItemToObject(
			object, "f", cJSON_CreateDoubleArray(item->features, EVIDENCE_FEATURES));
		cJSON_AddItemToArray(items, object);
	}
	print_line(file, line);
}

static void ask(struct base *base, const cJSON *question, FILE *run, FILE *features)
{
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(question, "id"));
	struct retriever retriever = {
		.vectors = base->vectors, .catalog = base->catalog, .embedder = base->embedder};
	struct retrieve_request request = {
		.question = cJSON_GetStringValue(cJSON_GetObjectItem(question, "question")),
		.caller = &(struct caller){.uid = 0},
		.top_k = TOP_K,
		.threshold = -1,
	};
	struct retrieval found = {0};
	struct evidence evidence = {0};
	struct generation said;
	struct err err = ERR_NONE;
	int64_t start = clock_mono_ns();

	generation_init(&said);
	if (retrieve(&retriever, &request, &found, &err) < 0)
		die("retrieve", &err);
	struct generator_request asked = {
		.question = request.question,
		.passages = found.passages,
		.passage_count = found.passage_count,
		.terms = found.terms,
		.term_count = found.term_count,
		.unrelated = found.unrelated,
	};
	if (generator_generate(base->generator, &asked, ignore, NULL, &said, &err) < 0)
		die("generate", &err);
	double ms = (double)(clock_mono_ns() - start) / 1e6;
	evidence_collect(&asked, &evidence);
	write_run(run, id, &found, &said, &evidence, ms);
	if (features)
		write_features(features, id, &found, &evidence);
	evidence_release(&evidence);
	generation_release(&said);
	retrieval_release(&found);
}

/* What was embedded once is kept in the folder EMBEDDINGS, where it is named. */
static void open_embedder(struct base *base)
{
	const char *path = getenv("MODEL"), *folder = getenv("EMBEDDINGS");
	struct err err = ERR_NONE;
	struct embedder *cached;

	if (!path || !path[0])
		return;
	if (embedder_model_new(&base->embedder, path, 2, &err) < 0)
		die("model", &err);
	if (!folder)
		return;
	if (embedder_cached_new(&cached, base->embedder, folder, (uint64_t)1 << 30, &err) < 0)
		die("cache", &err);
	base->embedder = cached;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	struct base base = {0};
	char *line = NULL;
	size_t size = 0;

	if (argc < 4 || vectors_memory_new(&base.vectors) < 0 ||
		catalog_memory_new(&base.catalog, &err) < 0 ||
		generator_extractive_new(&base.generator) < 0) {
		fputs("usage: dev DOCS QUESTIONS.jsonl RUN.jsonl [FEATURES.jsonl]\n", stderr);
		return 2;
	}
	open_embedder(&base);
	add_documents(&base, argv[1]);
	FILE *questions = fopen(argv[2], "re"), *run = fopen(argv[3], "we");
	FILE *features = argc > 4 ? fopen(argv[4], "we") : NULL;
	if (!questions || !run)
		die("open", NULL);
	while (getline(&line, &size, questions) > 0) {
		cJSON *question = cJSON_Parse(line);

		if (question)
			ask(&base, question, run, features);
		cJSON_Delete(question);
	}
	free(line);
	fclose(questions);
	if (fclose(run) != 0 || (features && fclose(features) != 0))
		die("write", NULL);
	embedder_free(base.embedder);
	generator_free(base.generator);
	vectors_free(base.vectors);
	catalog_free(base.catalog);
	return 0;
}
