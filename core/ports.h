/* SPDX-License-Identifier: Apache-2.0 */
/* The adapters that were chosen, together: what a pipeline or a question needs to work. */
#ifndef ASKFS_CORE_PORTS_H
#define ASKFS_CORE_PORTS_H

#include "core/blobs.h"
#include "core/catalog.h"
#include "core/embedder.h"
#include "core/generator.h"
#include "core/parser.h"
#include "core/records.h"
#include "core/vectors.h"

struct fetcher;

struct ports {
	struct catalog *catalog;
	struct blobs *blobs;
	struct vectors *vectors;
	struct embedder *embedder; /* NULL: by words alone */
	struct generator *generator;
	struct parser *parser;
	struct records *records;
	char *rules; /* what a language model is told first; owned; NULL: prompt_rules */
	struct fetcher *fetcher; /* NULL: the network is not allowed */
	const char *scratch; /* a folder for files that never get a name; borrowed */
};

/* Free all that is set but what is borrowed, in the right order. */
void ports_release(struct ports *ports);

#endif
