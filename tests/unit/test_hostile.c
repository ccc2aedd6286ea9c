/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are made to harm, and every sample cut short or with bits turned over: the
 * server lives, no document takes more than its limits, and each ends as text or with a
 * sentence.
 *
 *   HOSTILE=n       variants of the samples in all (2000, and at most half a minute of them)
 *   HOSTILE_SEED=n  other variants; the same number gives the same ones
 *   HOSTILE_SAVE=d  leave the documents in that folder */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/parser.h"
#include "core/text/utf8.h"
#include "tests/unit/hostile_documents.h"
#include "tests/unit/parse_support.h"

#define MEMORY_MIB	((uint64_t)256)
#define IDLE_MIB	64 /* what the server has before it reads anything */
#define MEMBERS_MAX_MIB 32
#define THREADS		2
#define VARIANTS	2000
#define VARIANTS_NS	(30 * NS_PER_SEC)
#define DIED		"the parser died ("

static struct parser *parser;

static struct parser_limits limits(void)
{
	return (struct parser_limits){.memory = MEMORY_MIB << 20,
		.cpu_s = 2,
		.wall_s = 20,
		.text_bytes = (uint64_t)16 << 20};
}

/* A document and what came of it, kept short. */
struct outcome {
	struct parse_item item;
	uint64_t text_len, members_len;
	bool has_secret, is_invalid;
	const char *secret; /* a line of HOSTILE_TARGET */
};

static int take_text(void *context, const char *utf8, size_t len)
{
	struct outcome *outcome = context;

	outcome->text_len += len;
	outcome->is_invalid |= !utf8_is_valid(utf8, len);
	if (outcome->secret[0])
		outcome->has_secret |=
			!!memmem(utf8, len, outcome->secret, strlen(outcome->secret));
	return 0;
}

static int take_data(void *context, const void *data, size_t len)
{
	struct outcome *outcome = context;

	outcome->members_len += len;
	if (outcome->secret[0])
		outcome->has_secret |=
			!!memmem(data, len, outcome->secret, strlen(outcome->secret));
	return outcome->members_len > (uint64_t)MEMBERS_MAX_MIB << 20
		? err_set(&outcome->item.err, -EFBIG, "more members than the test takes")
		: 0;
}

static const char *secret_line(void)
{
	static char line[256];
	AUTO_FCLOSE FILE *file = fopen(HOSTILE_TARGET, "re");

	if (!line[0] && file && fgets(line, sizeof(line), file))
		line[strcspn(line, "\n")] = '\0';
	return line;
}

static void run(struct outcome *outcome, struct parse_case *c)
{
	*outcome = (struct outcome){.item = c->item, .secret = secret_line()};
	outcome->item.sink = (struct parse_sink){
		.text = take_text, .member_data = take_data, .context = outcome};
	parser_run(parser, &outcome->item, 1);
}

/* What is wrong with how it ended; NULL: nothing. */
static const char *complaint(const struct outcome *outcome, int64_t took_ns)
{
	struct parser_limits most = limits();

	if (outcome->item.result && !outcome->item.err.text[0])
		return "it failed without a sentence";
	if (outcome->item.result == -EIO)
		return "the server could not be reached";
	if (outcome->is_invalid)
		return "its text is no UTF-8";
	if (outcome->text_len > most.text_bytes)
		return "it has more text than allowed";
	if (outcome->has_secret)
		return "it brought out a line of " HOSTILE_TARGET;
	if (outcome->item.max_rss_kib > (MEMORY_MIB + IDLE_MIB) << 10)
		return "it took more memory than allowed";
	if (took_ns > (int64_t)(most.wall_s + 5) * NS_PER_SEC)
		return "it took more time than allowed";
	return NULL;
}

static void check(const char *name, const struct outcome *outcome, int64_t took_ns)
{
	const char *wrong = complaint(outcome, took_ns);

	print_message("%-16s %4lld ms %4lld MiB  %s\n", name, (long long)(took_ns / NS_PER_MS),
		(long long)(outcome->item.max_rss_kib >> 10),
		outcome->item.result ? outcome->item.err.text : "text");
	if (wrong)
		fail_msg("%s: %s (%s)", name, wrong, outcome->item.err.text);
}

static void save(const char *name, const struct buf *bytes)
{
	const char *folder = getenv("HOSTILE_SAVE");
	char path[512];

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	AUTO_FCLOSE FILE *file = fopen(path, "we");
	assert_true(file && fwrite(bytes->data, 1, bytes->len, file) == bytes->len);
}

static void document_ends(void **state)
{
	const struct hostile_document *document = *state;
	AUTO_BUF struct buf bytes;
	struct outcome outcome;
	struct parse_case c;

	buf_init(&bytes, BUF_MAX_DEFAULT);
	document->make(&bytes);
	save(document->name, &bytes);
	case_init(&c, document->name, bytes.data, bytes.len);
	int64_t begun = clock_mono_ns();
	run(&outcome, &c);
	int64_t took = clock_mono_ns() - begun;
	check(document->name, &outcome, took);
	parsed_release(&outcome.item.parsed);
	case_release(&c);
	assert_int_equal(access("/tmp/askfs-hostile-was-here", F_OK), -1);
}

/* Variants of the samples. */

struct sample {
	char *path;
	struct buf bytes;
};

static struct {
	struct sample *samples;
	size_t sample_count;
	uint64_t seed;
	unsigned long count;
	int64_t until_ns; /* 0: no end but the count */
	atomic_ulong next, done, died;
	_Atomic(char *) wrong; /* the first complaint; owned */
} variants;

/* xorshift64*: Marsaglia, Vigna. */
static uint64_t random_below(uint64_t *random, uint64_t bound)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (*random * UINT64_C(2685821657736338717) >> 16) % bound;
}

/* A third is cut short; the others have bits turned over, a piece of zeros, or of ones. */
static void spoil(struct buf *bytes, uint64_t *random)
{
	uint64_t way = random_below(random, 6);
	size_t at = random_below(random, bytes->len);
	size_t len = 1 + random_below(random, bytes->len - at < 64 ? bytes->len - at : 64);

	if (way < 2) {
		bytes->len = at;
	} else if (way < 4) {
		for (uint64_t n = 1 + random_below(random, 16); n > 0; n--)
			bytes->data[random_below(random, bytes->len)] ^=
				(char)(1 << random_below(random, 8));
	} else {
		memset(bytes->data + at, way == 4 ? 0 : 0xff, len);
	}
}

static void run_variant(unsigned long number)
{
	const struct sample *sample = &variants.samples[number % variants.sample_count];
	uint64_t random = (variants.seed << 32 | number) * 2 + 1;
	const char *slash = strrchr(sample->path, '/');
	AUTO_BUF struct buf bytes;
	struct outcome outcome;
	struct parse_case c;
	char *words = NULL, *none = NULL;

	buf_init(&bytes, BUF_MAX_DEFAULT);
	buf_add(&bytes, sample->bytes.data, sample->bytes.len);
	for (int i = 0; i < 8; i++)
		random_below(&random, 1);
	spoil(&bytes, &random);
	case_init(&c, slash ? slash + 1 : sample->path, bytes.data, bytes.len);
	int64_t begun = clock_mono_ns();
	run(&outcome, &c);
	const char *wrong = complaint(&outcome, clock_mono_ns() - begun);
	bool has_died = !strncmp(outcome.item.err.text, DIED, strlen(DIED));
	if (has_died)
		atomic_fetch_add(&variants.died, 1);
	if ((wrong || has_died) &&
		asprintf(&words, "HOSTILE_SEED=%llu, variant %lu of %s: %s (%s)",
			(unsigned long long)variants.seed, number, sample->path,
			wrong ? wrong : "contained", outcome.item.err.text) > 0)
		fprintf(stderr, "%s\n", words);
	if (!wrong || !atomic_compare_exchange_strong(&variants.wrong, &none, words))
		free(words);
	parsed_release(&outcome.item.parsed);
	case_release(&c);
	atomic_fetch_add(&variants.done, 1);
}

static void *run_variants(void *unused)
{
	unsigned long number;

	(void)unused;
	while ((number = atomic_fetch_add(&variants.next, 1)) < variants.count) {
		if (variants.until_ns && clock_mono_ns() > variants.until_ns)
			break;
		run_variant(number);
	}
	return NULL;
}

/* All but what describes a sample, and what is slow as it is. */
static bool is_sample(const char *path)
{
	static const char *const others[] = {".json", "README.md", "bomb.pdf", "make-pdf"};
	struct stat stat_of;
	AUTO_FREE char *described = NULL;

	if (stat(path, &stat_of) || !S_ISREG(stat_of.st_mode) || !stat_of.st_size)
		return false;
	/* FILE.json beside FILE describes it; a.json alone is a sample */
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		size_t len = strlen(path), end = strlen(others[i]);
		if (len < end || strcmp(path + len - end, others[i]))
			continue;
		described = strndup(path, len - end);
		return !i && described && access(described, F_OK);
	}
	return true;
}

static void load_samples(void)
{
	glob_t found;

	assert_int_equal(glob("tests/formats/*/*", 0, NULL, &found), 0);
	assert_int_equal(glob("tests/fixtures/parse/*", GLOB_APPEND, NULL, &found), 0);
	variants.samples = calloc(found.gl_pathc, sizeof(*variants.samples));
	assert_non_null(variants.samples);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!is_sample(found.gl_pathv[i]))
			continue;
		struct sample *sample = &variants.samples[variants.sample_count++];
		sample->path = strdup(found.gl_pathv[i]);
		buf_init(&sample->bytes, BUF_MAX_DEFAULT);
		assert_int_equal(buf_add_file(&sample->bytes, sample->path), 0);
	}
	globfree(&found);
	assert_true(variants.sample_count > 0);
}

static void release_samples(void)
{
	for (size_t i = 0; i < variants.sample_count; i++) {
		free(variants.samples[i].path);
		buf_release(&variants.samples[i].bytes);
	}
	free(variants.samples);
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 10) : otherwise;
}

static void spoiled_samples_end(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	load_samples();
	variants.seed = number_of("HOSTILE_SEED", 1);
	variants.count = number_of("HOSTILE", VARIANTS);
	if (!getenv("HOSTILE"))
		variants.until_ns = clock_mono_ns() + VARIANTS_NS;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_variants, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	print_message("%lu variants of %zu samples; %lu readers died of theirs\n",
		atomic_load(&variants.done), variants.sample_count, atomic_load(&variants.died));
	release_samples();
	char *wrong = atomic_load(&variants.wrong);
	if (wrong)
		fail_msg("%s", wrong);
}

static void the_server_has_lived_through_it(void **state)
{
	struct outcome outcome;
	struct parse_case c;

	(void)state;
	assert_int_equal(metric_get(METRIC_PARSER_STARTS), 1);
	assert_int_equal(metric_get(METRIC_PARSER_DEATHS), 0);
	case_init_text(&c, "a.txt", "harmless");
	run(&outcome, &c);
	assert_int_equal(outcome.item.result, 0);
	assert_int_equal(outcome.text_len, strlen("harmless"));
	parsed_release(&outcome.item.parsed);
	case_release(&c);
}

int main(void)
{
	struct parser_limits most = limits();
	AUTO_FREE char *program = case_program("");
	size_t count = hostile_document_count;
	struct CMUnitTest *tests = calloc(count + 2, sizeof(*tests));
	struct err err = ERR_NONE;

	if (!tests || parser_new(&parser, program, &most, &err)) {
		print_error("%s\n", err.text);
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){.name = hostile_documents[i].name,
			.test_func = document_ends,
			.initial_state = (void *)(uintptr_t)&hostile_documents[i]};
	tests[count] = (struct CMUnitTest)cmocka_unit_test(spoiled_samples_end);
	tests[count + 1] = (struct CMUnitTest)cmocka_unit_test(the_server_has_lived_through_it);
	int failed = _cmocka_run_group_tests("hostile", tests, count + 2, NULL, NULL);
	free(tests);
	parser_free(parser);
	return failed;
}
