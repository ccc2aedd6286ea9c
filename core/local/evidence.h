/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences of the passages, and how well each supports an answer. */
#ifndef ASKFS_CORE_LOCAL_EVIDENCE_H
#define ASKFS_CORE_LOCAL_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/generator.h"

/* What is known of a sentence, each from 0 to 1. The weights are in evidence.c. */
enum evidence_feature {
	EVIDENCE_COVER, /* share of the question's idf mass that its words hold */
	EVIDENCE_AROUND, /* share that only its neighbours, heading or title hold */
	EVIDENCE_REFERS, /* share that the sentence before holds, if this one begins "It", "He" */
	EVIDENCE_LIKE, /* share that its words only resemble */
	EVIDENCE_PASSAGE, /* the passage's share of the best passage's score */
	EVIDENCE_FIT, /* it holds a date, number or name where one is asked for */
	EVIDENCE_PAIRS, /* neighbours in the question that are near each other in it */
	EVIDENCE_LENGTH, /* its length, 1 from 40 words on */
	EVIDENCE_TOP, /* 1 in the first passage */
	EVIDENCE_NEAR, /* its nearness to the question; 0 for what is not about the same */
	EVIDENCE_FEATURES
};

/* A sentence, as bytes of its passage's text and as code points of text.txt. */
struct evidence_item {
	size_t passage;
	size_t start, end;
	uint64_t start_char, end_char;
	double features[EVIDENCE_FEATURES];
	uint64_t groups; /* of the question's words: held by it, its neighbours, heading or title */
	double near; /* as EVIDENCE_NEAR, below 0 too */
	bool is_label; /* a few words without a full stop: it says nothing of what it names */
	double score;
};

/* Signals of whether the passages hold an answer at all, each from 0 to 1: first those of whether
 * they are about it, then reasons to doubt that the best sentence says what is asked. */
enum evidence_signal {
	SIGNAL_COVER, /* the best sentence's share of the question's idf mass */
	SIGNAL_LIKE, /* the share that its words only resemble */
	SIGNAL_PASSAGE, /* the best passage's share, heading and title among it */
	SIGNAL_MISSING, /* the share of the heaviest word that no passage holds */
	SIGNAL_NEAR, /* the nearest sentence of all */
	SIGNAL_MARGIN, /* what that one has before the mean of all */
	SIGNAL_IDEOGRAM, /* the share of the question's words that are pairs of ideograms */
	SIGNAL_DENIED, /* 1: the question negates what the best sentence does not */
	SIGNAL_OPPOSED, /* 1: the best sentence has the opposite of a word of the question */
	SIGNAL_UNFIT, /* 1: a date, number or name is asked for, and the best sentence has none */
	SIGNAL_NUMBER, /* 1: the question has a number that the best sentence does not */
	SIGNAL_COUNT
};

/* Zero-initialise it. */
struct evidence {
	struct evidence_item *items; /* best first; a sentence that two passages share once */
	size_t count;
	double signals[SIGNAL_COUNT];
	bool asks_for_several; /* documents, one sentence of each */
	bool has_few_words; /* of the question: only the nearness counts */
	bool has_nearness; /* of every passage: other weights count then */
	double confidence; /* 0 to 1: that the documents hold the answer */
};

/* 0 or -ENOMEM. Any thread. */
int evidence_collect(const struct generator_request *request, struct evidence *out);
void evidence_release(struct evidence *evidence);

#endif
