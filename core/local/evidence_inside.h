/* SPDX-License-Identifier: Apache-2.0 */
/* What evidence.c and confidence.c share: the question, as sentences are held against it. */
#ifndef ASKFS_CORE_LOCAL_EVIDENCE_INSIDE_H
#define ASKFS_CORE_LOCAL_EVIDENCE_INSIDE_H

#include "core/local/evidence.h"
#include "core/text/asks.h"

/* Words of a question beyond these are not looked at. */
#define GROUPS_MAX 64

struct question {
	const struct query_term *terms;
	size_t term_count;
	uint8_t group[GROUPS_MAX * 8]; /* of each term, from 0 */
	double weight[GROUPS_MAX]; /* of each group: its share of the idf mass */
	size_t group_count;
	uint64_t numbers; /* groups with a digit */
	uint64_t own; /* groups of a follow-up itself; 0: it is none */
	enum asks asks;
	bool asks_for_several;
	const char *text;
};

/* The share of the question's idf mass that some groups have. */
double question_mass(const struct question *question, uint64_t groups);

/* From the sorted sentences, of which there is at least one, the signals that are not set yet, and
 * the confidence. @everywhere: groups that some passage holds. */
void confidence_set(const struct question *question, const struct generator_request *request,
	uint64_t everywhere, struct evidence *out);

#endif
