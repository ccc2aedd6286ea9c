/* SPDX-License-Identifier: Apache-2.0 */
/* Plain atomic numbers: counting costs one relaxed addition, and a rendering may be a few
 * events behind. A histogram keeps a count a bucket; they are added up when it is rendered,
 * because Prometheus wants them cumulative and its +Inf bucket equal to its count. */
#include "core/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"

struct metric_name {
	const char *name; /* behind "askfs_", labels included */
	const char *help; /* NULL: the same family as the one before */
};

static const struct metric_name counter_names[METRIC_COUNT] = {
	[METRIC_INGEST_INDEXED] = {"ingested_total{outcome=\"indexed\"}",
		"Files whose ingestion ended, by outcome."},
	[METRIC_INGEST_FAILED] = {"ingested_total{outcome=\"failed\"}", NULL},
	[METRIC_INGEST_UNCHANGED] = {"ingested_total{outcome=\"unchanged\"}", NULL},
	[METRIC_INGEST_BYTES] = {"ingested_bytes_total", "Bytes of the files that were indexed."},
	[METRIC_EMBEDDED_CHUNKS] = {"embedded_chunks_total", "Chunks whose vectors were stored."},
	[METRIC_EMBEDDED_VECTORS] = {"embedded_vectors_total", "Vectors that were stored."},
	[METRIC_QUESTIONS] = {"questions_total", "Questions that were committed."},
	[METRIC_ANSWERS_GROUNDED] = {"answers_total{outcome=\"grounded\"}", "Answers, by outcome."},
	[METRIC_ANSWERS_REFUSED] = {"answers_total{outcome=\"refused\"}", NULL},
	[METRIC_ANSWERS_FAILED] = {"answers_total{outcome=\"failed\"}", NULL},
	[METRIC_SEARCHES] = {"searches_total", "Searches that were run."},
	[METRIC_TOOL_CALLS] = {"tool_calls_total", "Calls of tools, by models and by users."},
	[METRIC_PARSER_STARTS] = {"parser_starts_total", "Starts of the parser's server."},
	[METRIC_PARSER_DEATHS] = {"parser_deaths_total",
		"Deaths of the parser's server; it is started again."},
};

static const struct metric_name gauge_names[GAUGE_COUNT] = {
	[GAUGE_DOCUMENTS_PENDING] = {"documents{status=\"PENDING\"}", "Documents, by status."},
	[GAUGE_DOCUMENTS_PROCESSING] = {"documents{status=\"PROCESSING\"}", NULL},
	[GAUGE_DOCUMENTS_INDEXED] = {"documents{status=\"INDEXED\"}", NULL},
	[GAUGE_DOCUMENTS_FAILED] = {"documents{status=\"FAILED\"}", NULL},
	[GAUGE_INGEST_QUEUE] = {"queue_depth{queue=\"ingest\"}",
		"Jobs that wait or run, by queue."},
	[GAUGE_ASK_QUEUE] = {"queue_depth{queue=\"ask\"}", NULL},
	[GAUGE_CHUNKS_TO_EMBED] = {"chunks_to_embed", "Chunks that wait for their vectors."},
	[GAUGE_INBOX_SETTLING] = {"inbox_settling",
		"Files that were written and are not quiet for long enough yet."},
};

static const struct metric_name histogram_names[HISTOGRAM_COUNT] = {
	[HISTOGRAM_INGEST] = {"ingest_seconds", "From a settled file to its document indexed."},
	[HISTOGRAM_ASK] = {"ask_seconds", "From a committed question to its whole answer."},
	[HISTOGRAM_RETRIEVE] = {"retrieve_seconds", "Finding the passages for one question."},
	[HISTOGRAM_TOOL] = {"tool_seconds", "One call of a tool."},
};

/* Upper ends of the buckets, in milliseconds. */
static const unsigned bucket_ms[] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000};
#define BUCKETS ARRAY_LEN(bucket_ms)

struct histogram {
	atomic_uint_fast64_t counts[BUCKETS + 1]; /* each alone; the last: beyond all */
	atomic_uint_fast64_t sum_ns;
};

#define OPERATIONS_MAX 64
struct operation {
	_Atomic(const char *) name; /* set once, by whoever took the slot */
	atomic_uint_fast64_t count;
};

static atomic_uint_fast64_t counters[METRIC_COUNT];
static atomic_uint_fast64_t gauges[GAUGE_COUNT];
static struct histogram histograms[HISTOGRAM_COUNT];
static struct operation operations[OPERATIONS_MAX];

static void add(atomic_uint_fast64_t *number, uint64_t n)
{
	atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

static uint64_t get(atomic_uint_fast64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

void metric_add(enum metric metric, uint64_t n)
{
	assert(metric < METRIC_COUNT);
	add(&counters[metric], n);
}

uint64_t metric_get(enum metric metric)
{
	assert(metric < METRIC_COUNT);
	return get(&counters[metric]);
}

void metric_set(enum metric_gauge gauge, uint64_t value)
{
	assert(gauge < GAUGE_COUNT);
	atomic_store_explicit(&gauges[gauge], value, memory_order_relaxed);
}

uint64_t metric_gauge_get(enum metric_gauge gauge)
{
	assert(gauge < GAUGE_COUNT);
	return get(&gauges[gauge]);
}

void metric_observe(enum metric_histogram histogram, int64_t ns)
{
	size_t bucket = 0;

	assert(histogram < HISTOGRAM_COUNT);
	if (ns < 0)
		ns = 0;
	while (bucket < BUCKETS && ns > (int64_t)bucket_ms[bucket] * NS_PER_MS)
		bucket++;
	add(&histograms[histogram].counts[bucket], 1);
	add(&histograms[histogram].sum_ns, (uint64_t)ns);
}

void metric_fuse(const char *name)
{
	for (size_t i = 0; i < OPERATIONS_MAX; i++) {
		const char *there = atomic_load(&operations[i].name);
		if (!there && atomic_compare_exchange_strong(&operations[i].name, &there, name))
			there = name;
		if (there == name || strcmp(there, name) == 0) {
			add(&operations[i].count, 1);
			return;
		}
	}
	assert(!"more than 64 operations");
}

/* The HELP and TYPE lines of a family, whose name ends at its labels. */
static void render_head(struct buf *out, const struct metric_name *metric, const char *type)
{
	int len = (int)strcspn(metric->name, "{");

	if (metric->help)
		buf_addf(out, "# HELP askfs_%.*s %s\n# TYPE askfs_%.*s %s\n", len, metric->name,
			metric->help, len, metric->name, type);
}

static void render_histogram(struct buf *out, enum metric_histogram index)
{
	const char *name = histogram_names[index].name;
	struct histogram *histogram = &histograms[index];
	uint64_t count = 0;

	render_head(out, &histogram_names[index], "histogram");
	for (size_t i = 0; i < BUCKETS; i++) {
		count += get(&histogram->counts[i]);
		buf_addf(out, "askfs_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
			bucket_ms[i] / 1000.0, count);
	}
	count += get(&histogram->counts[BUCKETS]);
	buf_addf(out, "askfs_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	buf_addf(out, "askfs_%s_sum %.9f\n", name, (double)get(&histogram->sum_ns) / 1e9);
	buf_addf(out, "askfs_%s_count %" PRIu64 "\n", name, count);
}

static void render_operations(struct buf *out)
{
	static const struct metric_name head = {"fuse_operations_total", "Requests of the kernel."};

	if (atomic_load(&operations[0].name))
		render_head(out, &head, "counter");
	for (size_t i = 0; i < OPERATIONS_MAX; i++) {
		const char *name = atomic_load(&operations[i].name);
		if (name)
			buf_addf(out, "askfs_fuse_operations_total{operation=\"%s\"} %" PRIu64 "\n",
				name, get(&operations[i].count));
	}
}

int metrics_render(struct buf *out)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		render_head(out, &counter_names[i], "counter");
		buf_addf(out, "askfs_%s %" PRIu64 "\n", counter_names[i].name, get(&counters[i]));
	}
	for (size_t i = 0; i < GAUGE_COUNT; i++) {
		render_head(out, &gauge_names[i], "gauge");
		buf_addf(out, "askfs_%s %" PRIu64 "\n", gauge_names[i].name, get(&gauges[i]));
	}
	for (size_t i = 0; i < HISTOGRAM_COUNT; i++)
		render_histogram(out, i);
	render_operations(out);
	return out->failed;
}
