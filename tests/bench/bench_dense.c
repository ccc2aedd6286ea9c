/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_dense [VECTORS ...]: the nearest 100 of so many vectors of 384 numbers (100,000 and a
 * million), by bits and by a scan of all, on one core, and how many of the ten nearest the bits
 * find. The vectors lie in one cone and in groups, as those of text models do.
 *
 * bench_dense write FILE VECTORS: the same vectors as floats, then the 60 that are asked.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/dense.h"

enum { DIMENSION = 384, QUESTIONS = 60, TOP = 100, PER_EDITION = 50 };

#define SEED UINT64_C(88172645463325252)

static uint64_t state;

static float random_float(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (float)(state % 20001) / 10000 - 1;
}

static void make_vector(float *out, unsigned group, float noise)
{
	uint64_t kept = state;
	float length = 0;

	state = 1000003 * (uint64_t)(group + 1);
	for (size_t i = 0; i < DIMENSION; i++)
		out[i] = 2 + .3f * (float)(i % 7) + random_float();
	state = kept;
	for (size_t i = 0; i < DIMENSION; i++) {
		out[i] += noise * random_float();
		length += out[i] * out[i];
	}
	for (size_t i = 0; i < DIMENSION; i++)
		out[i] /= sqrtf(length);
}

static void make_item(float *out, size_t i, size_t count)
{
	make_vector(out, (unsigned)(i * 7919 % (count / 25)), 1);
}

static void make_question(float *out, size_t i, size_t count)
{
	make_vector(out, (unsigned)(i * 13 % (count / 25)), .7f);
}

static int write_all(const char *path, size_t count)
{
	AUTO_FCLOSE FILE *file = fopen(path, "we");
	float vector[DIMENSION];

	state = SEED;
	for (size_t i = 1; file && i <= count; i++) {
		make_item(vector, i, count);
		fwrite(vector, sizeof(vector), 1, file);
	}
	for (size_t i = 0; file && i < QUESTIONS; i++) {
		make_question(vector, i, count);
		fwrite(vector, sizeof(vector), 1, file);
	}
	if (file && fflush(file) == 0)
		return 0;
	perror(path);
	return 1;
}

static bool admits(void *context, uint32_t edition, struct found *found)
{
	(void)context;
	found->version = edition;
	return true;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void ask(const struct dense *dense, float queries[QUESTIONS][DIMENSION],
	struct best best[QUESTIONS], const char *what)
{
	double times[QUESTIONS];

	for (size_t i = 0; i < QUESTIONS; i++) {
		int64_t start = clock_mono_ns();
		best_init(&best[i], TOP);
		dense_search(dense, queries[i], admits, NULL, &best[i]);
		best_sort(&best[i]);
		times[i] = (double)(clock_mono_ns() - start) / 1e6;
	}
	qsort(times, QUESTIONS, sizeof(*times), by_size);
	printf("  %-28s %8.2f ms median %8.2f ms p99\n", what, times[QUESTIONS / 2],
		times[QUESTIONS - 1]);
}

static double recall(struct best a[QUESTIONS], struct best b[QUESTIONS])
{
	size_t found = 0;

	for (size_t q = 0; q < QUESTIONS; q++)
		for (size_t i = 0; i < 10; i++)
			for (size_t k = 0; k < 10; k++)
				found += a[q].items[i].id == b[q].items[k].id;
	return (double)found / (10 * QUESTIONS);
}

static void run(size_t count, const char *folder)
{
	static float queries[QUESTIONS][DIMENSION];
	static struct best exact[QUESTIONS], bits[QUESTIONS];
	AUTO_FREE char *path = NULL;
	struct dense_making *making;
	struct dense *dense;
	struct err err = ERR_NONE;
	float vector[DIMENSION];
	int8_t numbers[DIMENSION];

	if (asprintf(&path, "%s/dense", folder) < 0 || dense_open(&dense, path, DIMENSION, &err)) {
		fprintf(stderr, "bench_dense: %s\n", err.text);
		exit(1);
	}
	double add_ns = 0;
	state = SEED;
	for (size_t i = 1; i <= count; i++) {
		make_item(vector, i, count);
		struct dense_code code = {dense_pack(vector, DIMENSION, numbers), numbers};
		struct dense_item item = {i, i, (uint32_t)(i / PER_EDITION + 1), 0};
		int64_t start = clock_mono_ns();
		if (dense_add(dense, &item, &code, &err))
			exit(1);
		add_ns += (double)(clock_mono_ns() - start);
	}
	for (size_t i = 0; i < QUESTIONS; i++)
		make_question(queries[i], i, count);
	printf("dense, %zu vectors of %d\n", count, DIMENSION);
	printf("  stored                       %8.0f /s\n", (double)count * 1e9 / add_ns);
	ask(dense, queries, exact, "100 nearest, scan of all");
	int64_t start = clock_mono_ns();
	if (dense_bits_begin(dense, &making))
		exit(1);
	while (dense_bits_more(dense, making) == 1)
		;
	dense_bits_end(dense, making);
	printf("  bits made in the background  %8.2f s\n", (double)(clock_mono_ns() - start) / 1e9);
	ask(dense, queries, bits, "100 nearest, by bits first");
	printf("  recall of the ten nearest    %8.4f\n", recall(exact, bits));
	for (size_t i = 0; i < QUESTIONS; i++) {
		best_release(&exact[i]);
		best_release(&bits[i]);
	}
	dense_free(dense);
	unlink(path);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/askfs-bench-XXXXXX";

	if (argc == 4 && strcmp(argv[1], "write") == 0)
		return write_all(argv[2], strtoul(argv[3], NULL, 10));
	if (!mkdtemp(folder))
		return 1;
	for (int i = 1; i < argc; i++)
		run(strtoul(argv[i], NULL, 10), folder);
	if (argc == 1) {
		run(100000, folder);
		run(1000000, folder);
	}
	rmdir(folder);
	return 0;
}
