/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_embed MODEL: how fast texts become vectors on one core and on two, what a question costs,
 * how long the first vector takes after start, and the memory that is resident then.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/local/embed/encoder.h"
#include "core/local/embedder_model.h"

#define SENTENCE_TOKENS 40
#define CHUNK_BYTES	1000
#define SECONDS		3
#define ROUNDS		3 /* the best counts: others may be at work */

static const char words[] =
	"The committee that was formed in the spring of last year has published its report on the "
	"state of the bridges in the northern districts, and it recommends that two of them be "
	"closed to heavy lorries until the piers have been examined by divers, which will take "
	"several months and cost the city about four million euros, according to the engineer "
	"who presented the figures to the council on Monday evening before a full gallery. ";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_embed: %s\n", what);
	exit(1);
}

/* The beginning of endless text that makes so many tokens with its marks. */
static char *text_of_tokens(const struct model *model, size_t tokens)
{
	size_t len = strlen(words), room = 4 * len;
	char *text = malloc(room + 1);
	uint32_t ids[1024];

	for (size_t i = 0; i < 4; i++)
		memcpy(text + i * len, words, len);
	for (size_t at = 1; at < room; at++) {
		ssize_t count = pieces_encode(model_pieces(model), text, at, ids, 1024);
		if (count >= (ssize_t)tokens) {
			text[at] = '\0';
			return text;
		}
	}
	die("no such text");
}

struct load {
	pthread_t thread;
	struct embedder *embedder;
	const char *text;
	size_t batch;
	int64_t end_ns;
	size_t done;
};

static void *run(void *context)
{
	struct load *load = context;
	size_t dimension = embedder_info(load->embedder)->dimension;
	const char **texts = malloc(load->batch * sizeof(*texts));
	float *out = malloc(load->batch * dimension * sizeof(*out));
	struct err err = ERR_NONE;

	for (size_t i = 0; i < load->batch; i++)
		texts[i] = load->text;
	while (clock_mono_ns() < load->end_ns) {
		if (embedder_embed(load->embedder, EMBED_PASSAGE, texts, load->batch, out, &err))
			die(err.text);
		load->done += load->batch;
	}
	free(texts);
	free(out);
	return NULL;
}

static double rate(struct embedder *embedder, const char *text, size_t batch, size_t threads)
{
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct load loads[2] = {{0}};
		int64_t start = clock_mono_ns();
		size_t done = 0;

		for (size_t i = 0; i < threads; i++) {
			loads[i] = (struct load){.embedder = embedder,
				.text = text,
				.batch = batch,
				.end_ns = start + SECONDS * NS_PER_SEC / ROUNDS};
			pthread_create(&loads[i].thread, NULL, run, &loads[i]);
		}
		for (size_t i = 0; i < threads; i++) {
			pthread_join(loads[i].thread, NULL);
			done += loads[i].done;
		}
		double now = (double)done * 1e9 / (double)(clock_mono_ns() - start);
		best = now > best ? now : best;
	}
	return best;
}

static size_t resident_kib(void)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	size_t kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %zu", &kib) == 1)
			break;
	return kib;
}

static double question_ms(struct embedder *embedder)
{
	static const char *const question = "Which bridges are closed to heavy lorries?";
	float out[8192];
	struct err err = ERR_NONE;
	double best = 1e9;

	for (int i = 0; i < 200; i++) {
		int64_t start = clock_mono_ns();
		if (embedder_embed(embedder, EMBED_QUERY, &question, 1, out, &err))
			die(err.text);
		double ms = (double)(clock_mono_ns() - start) / 1e6;
		best = ms < best ? ms : best;
	}
	return best;
}

static double tokenise_rate(const struct model *model, const char *text)
{
	int64_t start = clock_mono_ns();
	uint32_t ids[1024];
	size_t rounds = 20000, len = strlen(text);

	for (size_t i = 0; i < rounds; i++)
		pieces_encode(model_pieces(model), text, len, ids, 1024);
	return (double)rounds * 1e9 / (double)(clock_mono_ns() - start);
}

int main(int argc, char **argv)
{
	AUTO_FREE char *found = embedder_model_find(argc > 1 ? argv[1] : "");
	struct embedder *embedder, *alone; /* a batch is shared out among an embedder's threads */
	struct model *model;
	struct err err = ERR_NONE;

	if (!found) {
		puts("embedding: no model is there; `make model` fetches it");
		return 0;
	}
	int64_t start = clock_mono_ns();
	if (embedder_model_new(&embedder, found, 2, &err))
		die(err.text);
	float out[8192];
	const char *first = "one";
	if (embedder_embed(embedder, EMBED_QUERY, &first, 1, out, &err))
		die(err.text);
	double first_ms = (double)(clock_mono_ns() - start) / 1e6;
	double resident = (double)resident_kib() / 1024;
	if (model_open(&model, found, &err) || embedder_model_new(&alone, found, 1, &err))
		die(err.text);
	AUTO_FREE char *sentence = text_of_tokens(model, SENTENCE_TOKENS);
	AUTO_FREE char *chunk = malloc(CHUNK_BYTES + 1);
	for (size_t i = 0; i < CHUNK_BYTES; i++)
		chunk[i] = words[i % strlen(words)];
	chunk[CHUNK_BYTES] = '\0';
	printf("embedding with %s, kernel %s\n", embedder_info(embedder)->model,
		kernel_best()->name);
	printf("  first vector after start           %8.1f ms\n", first_ms);
	printf("  one question                       %8.2f ms\n", question_ms(embedder));
	printf("  sentences of 40 tokens, a core     %8.0f /s\n", rate(alone, sentence, 32, 1));
	printf("  sentences of 40 tokens, two cores  %8.0f /s\n", rate(alone, sentence, 32, 2));
	printf("  chunks of 1000 characters, a core  %8.1f /s\n", rate(alone, chunk, 4, 1));
	printf("  chunks of 1000 characters, two     %8.1f /s\n", rate(alone, chunk, 4, 2));
	printf("  sentences tokenised, a core        %8.0f /s\n", tokenise_rate(model, sentence));
	printf("  resident                           %8.1f MB\n", resident);
	model_free(model);
	embedder_free(alone);
	embedder_free(embedder);
	return 0;
}
