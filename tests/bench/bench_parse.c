/* SPDX-License-Identifier: Apache-2.0 */
/* The confined parser. Without arguments: what the confinement costs, one figure a line.
 *
 * bench_parse SECONDS FILE...: the files again and again by two threads, as a mount's workers
 * do; prints documents, bytes, seconds, and how many of the documents had no text, for
 * bench_formats.py. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/parser.h"

#define THREADS	    2
#define STARTS	    20
#define ALONE	    2000
#define BATCH	    64
#define BATCHES	    30
#define SMALL_BYTES 2000

static struct {
	struct parser *parser;
	char **files;
	size_t file_count;
	int64_t until_ns;
	atomic_size_t next;
	atomic_ulong documents, bytes, failed;
} bench;

static void stop(const char *what, const char *why)
{
	fprintf(stderr, "bench_parse: %s: %s\n", what, why);
	exit(1);
}

static struct parser *start(void)
{
	/* the limits of a mount that says nothing else */
	struct parser_limits limits = {.memory = (uint64_t)512 << 20,
		.cpu_s = 30,
		.wall_s = 60,
		.text_bytes = (uint64_t)64 << 20};
	struct parser *parser;
	struct err err = ERR_NONE;

	if (parser_new(&parser, NULL, &limits, &err))
		stop("askfs-parse", err.text);
	return parser;
}

static int skip_text(void *context, const char *utf8, size_t len)
{
	(void)context, (void)utf8, (void)len;
	return 0;
}

static int text_fd(size_t len)
{
	AUTO_FREE char *text = malloc(len + 1);
	int fd = memfd_create("text", MFD_CLOEXEC);

	memset(text, 'a', len + 1);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		stop("a text", strerror(errno));
	return fd;
}

/* @rounds times @count documents of @len bytes in one call; seconds a document. */
static double time_texts(struct parser *parser, size_t rounds, size_t count, size_t len)
{
	struct parse_item items[BATCH];
	AUTO_CLOSE int fd = text_fd(len);

	int64_t begun = clock_mono_ns();
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < count; i++)
			items[i] = (struct parse_item){
				.fd = fd, .size = len, .name = "a.txt", .sink.text = skip_text};
		parser_run(parser, items, count);
		for (size_t i = 0; i < count; i++) {
			if (items[i].result)
				stop("a text", items[i].err.text);
			parsed_release(&items[i].parsed);
		}
	}
	return (double)(clock_mono_ns() - begun) / 1e9 / (double)(rounds * count);
}

static double time_start(void)
{
	int64_t begun = clock_mono_ns();

	for (int i = 0; i < STARTS; i++)
		parser_free(start());
	return (double)(clock_mono_ns() - begun) / 1e9 / STARTS;
}

/* CPU seconds of this process and of all that it has waited for. */
static double cpu_used(void)
{
	double sum = 0;

	for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
		struct rusage usage;
		getrusage(who, &usage);
		sum += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	}
	return sum;
}

/* The CPU time of a server's start is taken off. */
static void print_alone(void)
{
	double begun = cpu_used();
	parser_free(start());
	double start_s = cpu_used() - begun;

	begun = cpu_used();
	struct parser *parser = start();
	double each = time_texts(parser, ALONE, 1, 0);
	parser_free(parser);
	printf("an empty text through the confined parser, alone: %.0f µs, %.0f µs of CPU time "
	       "(aim 1 ms)\n",
		each * 1e6, (cpu_used() - begun - start_s) / ALONE * 1e6);
}

static void print_costs(void)
{
	struct parser *parser = start();

	print_alone();
	printf("a text of 2 kB, 64 in a batch: %.0f µs each\n",
		time_texts(parser, BATCHES, BATCH, SMALL_BYTES) * 1e6);
	parser_free(parser);
	printf("start of the parser's server, until it answers: %.1f ms\n", time_start() * 1e3);
}

static void run_file(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *slash = strrchr(path, '/');
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		stop(path, strerror(errno));
	struct parse_item item = {.fd = fd,
		.size = (uint64_t)stat.st_size,
		.name = slash ? slash + 1 : path,
		.sink.text = skip_text};
	parser_run(bench.parser, &item, 1);
	parsed_release(&item.parsed);
	atomic_fetch_add(&bench.documents, 1);
	atomic_fetch_add(&bench.bytes, item.size);
	atomic_fetch_add(&bench.failed, item.result != 0);
}

/* Whole rounds over the files, so that a large one does not count more than a small one. */
static void *run_files(void *unused)
{
	size_t i;

	(void)unused;
	while (i = atomic_fetch_add(&bench.next, 1),
		i % bench.file_count || clock_mono_ns() < bench.until_ns)
		run_file(bench.files[i % bench.file_count]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc < 3) {
		print_costs();
		return 0;
	}
	bench.parser = start();
	bench.files = argv + 2;
	bench.file_count = (size_t)argc - 2;
	int64_t begun = clock_mono_ns();
	bench.until_ns = begun + (int64_t)(strtod(argv[1], NULL) * 1e9);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run_files, NULL))
			stop("a thread", strerror(errno));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu %lu %.3f %lu\n", atomic_load(&bench.documents), atomic_load(&bench.bytes),
		(double)(clock_mono_ns() - begun) / 1e9, atomic_load(&bench.failed));
	parser_free(bench.parser);
	return 0;
}
