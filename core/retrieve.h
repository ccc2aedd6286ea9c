/* SPDX-License-Identifier: Apache-2.0 */
/* A question to the passages that may answer it. */
#ifndef ASKFS_CORE_RETRIEVE_H
#define ASKFS_CORE_RETRIEVE_H

#include "core/catalog.h"
#include "core/embedder.h"
#include "core/generator.h"
#include "core/retrieval.h"
#include "core/vectors.h"

struct retriever {
	struct vectors *vectors;
	struct catalog *catalog;
	struct embedder *embedder; /* NULL: words alone */
};

struct retrieve_request {
	const char *question;
	const struct exchange *history; /* oldest first; helps a follow-up find its passage */
	size_t history_count;
	const struct caller *caller;
	size_t top_k;
	double threshold; /* of the dense cosine; negative: the embedder's own */
	size_t per_document; /* at most so many passages of one document; 0: any number */
	const char *content_type, *path; /* filters; NULL: none */
	const struct uuid *documents; /* only these; NULL: all */
	size_t document_count;
};

/* Retrieve: embed, search by words and by meaning, fuse convexly by the embedder's weight,
 * drop what lies under the threshold, look each document's record up once more and drop what
 * @caller may not read, what was deleted, and chunks of another version (then the search is
 * made again, for a while). With no embedder, or one that fails, exactly the lexical ranking.
 * 0 (also with no passage) or -errno with *err set. Any thread; blocks. */
int retrieve(const struct retriever *retriever, const struct retrieve_request *request,
	struct retrieval *out, struct err *err);

#endif
