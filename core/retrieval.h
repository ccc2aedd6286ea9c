/* SPDX-License-Identifier: Apache-2.0 */
/* Passages that were found, with all that they point at. */
#ifndef ASKFS_CORE_RETRIEVAL_H
#define ASKFS_CORE_RETRIEVAL_H

#include <stddef.h>

#include "core/document.h"
#include "core/generator.h"
#include "core/vectors.h"

/* Best first, owned. Zero-initialise it. One thread at a time. */
struct retrieval {
	struct passage *passages;
	size_t passage_count;
	struct document *documents; /* documents[i] is the record of passages[i] */
	struct query_term *terms;
	size_t term_count;
	double unrelated; /* see struct generator_request */
	struct search_result words, dense; /* what the passages' hits point into */
	struct retrieval *merged; /* what else they point into; owned */
	struct uuid *mentioned; /* documents that were spoken of besides */
	size_t mentioned_count;
};
void retrieval_release(struct retrieval *retrieval);

/* 0 or -ENOMEM. */
int retrieval_mention(struct retrieval *retrieval, const struct uuid *document);

/* The title of a passage: its record's, else the file name; one that is not UTF-8 is put, repaired,
 * into this copy of the record. 0 or -ENOMEM. */
int retrieval_set_title(struct passage *passage, struct document *document);

/* Passages out of chunks of one document, in their order: @hits is taken over, whatever comes of
 * it, and the record is copied. 0 or -ENOMEM (then @out is empty). */
int retrieval_of_document(
	const struct document *document, struct search_result *hits, struct retrieval *out);

/* Append the passages of @from that @to does not have; @from is empty afterwards. @places[i]: where
 * its passage i is in @to now; room for from->passage_count. 0, or -ENOMEM with @to as it was. */
int retrieval_merge(struct retrieval *to, struct retrieval *from, size_t *places);

#endif
