/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/metrics.h"
#include "core/pool.h"

static bool has_line(const char *text, const char *line)
{
	const char *at = text;
	size_t len = strlen(line);

	while ((at = strstr(at, line))) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
		at += len;
	}
	return false;
}

#define assert_line(out, line) assert_true(has_line((out)->data, line))

static void render(struct buf *out)
{
	buf_init(out, BUF_MAX_DEFAULT);
	assert_int_equal(metrics_render(out), 0);
}

static void counters_add_up(void **state)
{
	AUTO_BUF struct buf out;

	(void)state;
	metric_add(METRIC_INGEST_INDEXED, 3);
	metric_add(METRIC_INGEST_INDEXED, 4);
	metric_add(METRIC_ANSWERS_REFUSED, 1);
	assert_int_equal(metric_get(METRIC_INGEST_INDEXED), 7);
	render(&out);
	assert_line(&out, "# TYPE askfs_ingested_total counter");
	assert_line(&out, "askfs_ingested_total{outcome=\"indexed\"} 7");
	assert_line(&out, "askfs_ingested_total{outcome=\"failed\"} 0");
	assert_line(&out, "askfs_answers_total{outcome=\"refused\"} 1");
}

static void gauges_are_replaced(void **state)
{
	AUTO_BUF struct buf out;

	(void)state;
	metric_set(GAUGE_DOCUMENTS_PENDING, 12);
	metric_set(GAUGE_DOCUMENTS_PENDING, 5);
	metric_set(GAUGE_INBOX_SETTLING, 2);
	assert_int_equal(metric_gauge_get(GAUGE_DOCUMENTS_PENDING), 5);
	render(&out);
	assert_line(&out, "askfs_documents{status=\"PENDING\"} 5");
	assert_line(&out, "askfs_inbox_settling 2");
}

/* Cumulative buckets, an edge counted in the bucket that it closes, and +Inf equal to _count. */
static void histograms_are_cumulative(void **state)
{
	AUTO_BUF struct buf out;

	(void)state;
	metric_observe(HISTOGRAM_ASK, -5);
	metric_observe(HISTOGRAM_ASK, NS_PER_MS);
	metric_observe(HISTOGRAM_ASK, 3 * NS_PER_MS);
	metric_observe(HISTOGRAM_ASK, 301 * NS_PER_SEC);
	render(&out);
	assert_line(&out, "askfs_ask_seconds_bucket{le=\"0.001\"} 2");
	assert_line(&out, "askfs_ask_seconds_bucket{le=\"0.002\"} 2");
	assert_line(&out, "askfs_ask_seconds_bucket{le=\"0.005\"} 3");
	assert_line(&out, "askfs_ask_seconds_bucket{le=\"300\"} 3");
	assert_line(&out, "askfs_ask_seconds_bucket{le=\"+Inf\"} 4");
	assert_line(&out, "askfs_ask_seconds_sum 301.004000000");
	assert_line(&out, "askfs_ask_seconds_count 4");
}

struct counting_job {
	struct job job;
	const char *name;
};

static void count_often(struct job *job)
{
	const char *name = ((struct counting_job *)job)->name;

	for (int i = 0; i < 1000; i++) {
		metric_fuse(name);
		metric_add(METRIC_SEARCHES, 1);
	}
}

/* Four threads race for the first use of each name: no count is lost, no name stands twice. */
static void any_thread_may_count(void **state)
{
	struct counting_job jobs[4];
	struct pool *pool;
	AUTO_BUF struct buf out;

	(void)state;
	assert_int_equal(pool_new(&pool, "count", 4, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		jobs[i] = (struct counting_job){
			.job.run = count_often, .name = i % 2 ? "lookup" : "getattr"};
		pool_submit(pool, &jobs[i].job);
	}
	pool_free(pool);
	assert_int_equal(metric_get(METRIC_SEARCHES), 4000);
	render(&out);
	assert_line(&out, "askfs_fuse_operations_total{operation=\"lookup\"} 2000");
	assert_line(&out, "askfs_fuse_operations_total{operation=\"getattr\"} 2000");
}

/* The rules of the text format that a scraper trips over: each sample's family is declared
 * once, before it. */
static void families_are_declared_once(void **state)
{
	AUTO_BUF struct buf out;
	int declared = 0, samples = 0;
	char *rest, type[80];

	(void)state;
	render(&out);
	AUTO_FREE char *copy = strdup(out.data);
	assert_non_null(copy);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# TYPE ", 7) == 0) {
			const char *again = strstr(out.data, line);
			assert_non_null(again);
			assert_null(strstr(again + 1, line));
			declared++;
			continue;
		}
		if (line[0] == '#')
			continue;
		size_t len = strcspn(line, "{ ");
		for (const char *suffix = "_bucket\0_count\0_sum\0"; *suffix;
			suffix += strlen(suffix) + 1)
			if (len > strlen(suffix) &&
				!strncmp(line + len - strlen(suffix), suffix, strlen(suffix)) &&
				!strstr(line, "_total"))
				len -= strlen(suffix);
		snprintf(type, sizeof(type), "# TYPE %.*s ", (int)len, line);
		assert_non_null(strstr(out.data, type));
		samples++;
	}
	assert_true(declared >= 10);
	assert_true(samples > declared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(gauges_are_replaced),
		cmocka_unit_test(histograms_are_cumulative),
		cmocka_unit_test(any_thread_may_count),
		cmocka_unit_test(families_are_declared_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
