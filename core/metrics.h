/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and histograms of this process, shown in system/metrics. Any thread, lock-free. */
#ifndef ASKFS_CORE_METRICS_H
#define ASKFS_CORE_METRICS_H

#include <stdint.h>

#include "core/buf.h"

enum metric {
	METRIC_INGEST_INDEXED,
	METRIC_INGEST_FAILED,
	METRIC_INGEST_UNCHANGED,
	METRIC_INGEST_BYTES,
	METRIC_EMBEDDED_CHUNKS,
	METRIC_EMBEDDED_VECTORS,
	METRIC_QUESTIONS,
	METRIC_ANSWERS_GROUNDED,
	METRIC_ANSWERS_REFUSED,
	METRIC_ANSWERS_FAILED,
	METRIC_SEARCHES,
	METRIC_TOOL_CALLS,
	METRIC_PARSER_STARTS,
	METRIC_PARSER_DEATHS,
	METRIC_COUNT
};

enum metric_histogram {
	HISTOGRAM_INGEST, /* settled to INDEXED, seconds */
	HISTOGRAM_ASK, /* committed to answered, seconds */
	HISTOGRAM_RETRIEVE,
	HISTOGRAM_TOOL,
	HISTOGRAM_COUNT
};

/* Gauges are set by whoever knows: one thread each, or under one lock. */
enum metric_gauge {
	GAUGE_DOCUMENTS_PENDING,
	GAUGE_DOCUMENTS_PROCESSING,
	GAUGE_DOCUMENTS_INDEXED,
	GAUGE_DOCUMENTS_FAILED,
	GAUGE_INGEST_QUEUE,
	GAUGE_ASK_QUEUE,
	GAUGE_CHUNKS_TO_EMBED, /* of documents that wait for the embedder */
	GAUGE_INBOX_SETTLING, /* written, not quiet for long enough yet */
	GAUGE_COUNT
};

void metric_add(enum metric metric, uint64_t n);
uint64_t metric_get(enum metric metric);
void metric_set(enum metric_gauge gauge, uint64_t value);
uint64_t metric_gauge_get(enum metric_gauge gauge);
void metric_observe(enum metric_histogram histogram, int64_t ns);

/* One more request of that name ("lookup"): a constant string; at most 64 names. */
void metric_fuse(const char *operation);

/* All of it in Prometheus's text format 0.0.4. 0 or -errno. */
int metrics_render(struct buf *out);

#endif
