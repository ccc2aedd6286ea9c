/* SPDX-License-Identifier: Apache-2.0 */
/* Okapi BM25 (Robertson and Zaragoza, 2009), with the idf that is never negative. */
#ifndef ASKFS_CORE_LOCAL_LEXICAL_BM25_H
#define ASKFS_CORE_LOCAL_LEXICAL_BM25_H

#include <math.h>
#include <stdint.h>

/* Chunks are short: a word that comes again says less than in a long document (there 1.2). */
#define BM25_K1 1.
#define BM25_B	.75

/* How rare a word is that @df of @chunks chunks hold. */
static inline double bm25_idf(uint64_t chunks, uint64_t df)
{
	return log(1 + ((double)(chunks - df) + .5) / ((double)df + .5));
}

/* What a word adds that occurs @count times in a chunk of @length words. */
static inline double bm25_weight(double idf, uint32_t count, uint32_t length, double mean_length)
{
	double norm = BM25_K1 * (1 - BM25_B + BM25_B * length / mean_length);

	return idf * (BM25_K1 + 1) * count / (count + norm);
}

#endif
