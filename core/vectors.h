/* SPDX-License-Identifier: Apache-2.0 */
/* Port: chunks with their words and embeddings, searched. */
#ifndef ASKFS_CORE_VECTORS_H
#define ASKFS_CORE_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/buf.h"
#include "core/chunk.h"
#include "core/err.h"
#include "core/uuid.h"

/* A version that shall be the one that is searched. */
struct publication {
	struct uuid document;
	uint32_t version;
	struct access access;
	const char *content_type; /* for filters */
	const char *path; /* for filters */
};

/* What an embedding stands for: a part of a chunk, in code points of text.txt. */
struct span {
	uint64_t start_char, end_char;
};

/* The embeddings of one chunk: of its sentences, or of the whole. */
struct embedding {
	uint32_t index; /* of the chunk */
	const struct span *spans;
	const float *vectors; /* count × dimension, of unit length */
	size_t count; /* 0: nothing in it is worth one */
};

/* How near the meaning of a part of a chunk is to that of a question. */
struct nearness {
	struct span span;
	double cosine;
};

/* A search, by words or by embedding. */
struct search_query {
	const struct caller *caller; /* sees only what he may read; filtered before ranking */
	const char *text; /* words(): the question, UTF-8 */
	const float *embedding; /* dense(): unit length */
	size_t dimension;
	const char *model; /* dense(): whose embedding it is; one of another model finds nothing */
	size_t top_k;
	const char *content_type; /* only types that begin so; NULL: all */
	const char *path; /* only paths that begin so; NULL: all */
	const struct uuid *documents; /* only these; NULL: all */
	size_t document_count;
	bool is_bare; /* of a hit's chunk only the index is wanted: see vectors_fill() */
};

struct hit {
	struct uuid document;
	uint32_t version;
	struct chunk chunk; /* text and heading are owned by the hit */
	double score; /* words(): BM25; dense(): cosine */
};

/* A word of the question as the index sees it. */
struct query_term {
	char *text; /* the token, folded and stemmed; owned */
	double idf; /* natural logarithm, BM25's form: ln(1 + (N - df + .5) / (df + .5)) */
	uint32_t group; /* the forms of one word of the question share it; from 0, ascending */
};

/* Best first. Zero-initialise it; search_result_release frees what is inside. */
struct search_result {
	struct hit *hits;
	size_t hit_count;
	struct query_term *terms; /* words() only: distinct, in order of appearance */
	size_t term_count;
	uint64_t chunk_count; /* live chunks in the index, of all users */
};

void search_result_release(struct search_result *result);

struct vectors {
	const struct vectors_ops *ops; /* first member of every adapter */
};

/* Return non-zero to stop. The chunk is valid until the callback returns. */
typedef int (*vectors_chunk_fn)(void *context, const struct chunk *chunk);

/* Any thread, several at once; may block. 0 or -errno with *err set. What was published
 * survives the death of the process when the entry returns, and a loss of power after
 * sync(). The words' index belongs to the adapter: a document is found by its words as soon
 * as it is published, whether or not its embeddings are there. */
struct vectors_ops {
	const char *name;

	/* Append chunks of a version that is not published yet. A chunk of that document,
	 * version and index that is there already is replaced. @title is indexed with each
	 * chunk, and so is its heading; it may be NULL. */
	int (*add)(struct vectors *, const struct uuid *document, uint32_t version,
		const char *title, const struct chunk *chunks, size_t count, struct err *);

	/* Make each version the one that is searched, in one transaction: a search sees for
	 * each document either the old version or the new one. Chunks of every other version of
	 * those documents are dropped. A version without chunks is allowed. */
	int (*publish)(struct vectors *, const struct publication *publications, size_t count,
		struct err *);

	/* Drop the chunks of a version that will not be published. The published version is
	 * left as it is. */
	int (*discard)(
		struct vectors *, const struct uuid *document, uint32_t version, struct err *);

	/* Change what decides about reading. Searches that begin later obey it. 0 also if the
	 * document is unknown. */
	int (*set_access)(
		struct vectors *, const struct uuid *document, const struct access *, struct err *);

	/* Change the path that filters see (the document was renamed). */
	int (*set_path)(
		struct vectors *, const struct uuid *document, const char *path, struct err *);

	/* Forget a document. No search that begins later finds it. 0 also if it is unknown. */
	int (*remove)(struct vectors *, const struct uuid *document, struct err *);

	/* Attach the embeddings of a chunk, in place of those that it has. Allowed before and
	 * after publish. -ENOENT if there is no such chunk; -EINVAL if @model or @dimension is
	 * not what the index is bound to; an empty index is bound by the first call. */
	int (*embed)(struct vectors *, const struct uuid *document, uint32_t version,
		const struct embedding *, size_t dimension, const char *model, struct err *);

	/* May embeddings of that model be attached? 0, or -EINVAL with *err set: the index is
	 * bound to another one. */
	int (*accepts)(struct vectors *, const char *model, size_t dimension, struct err *err);

	/* Forget all embeddings, and what the index is bound to. */
	int (*unembed)(struct vectors *, struct err *);

	/* The chunks that share at least one word with the question, by BM25; equal scores by
	 * document and index. Of several forms of one word the best counts, not their sum. A
	 * question without any word of the index gives no hits. */
	int (*words)(struct vectors *, const struct search_query *, struct search_result *out,
		struct err *);

	/* The chunks nearest to the embedding: each by the cosine of its nearest part. */
	int (*dense)(struct vectors *, const struct search_query *, struct search_result *out,
		struct err *);

	/* How near each embedded part of one chunk is, in order; none where nothing is
	 * embedded. The caller frees *out. */
	int (*similar)(struct vectors *, const struct uuid *document, uint32_t version,
		uint32_t index, const float *embedding, size_t dimension, struct nearness **out,
		size_t *count, struct err *);

	/* The chunks of a version in order, from index @first, at most @count. Embeddings are
	 * not among what is returned. */
	int (*chunks)(struct vectors *, const struct uuid *document, uint32_t version,
		uint32_t first, uint32_t count, vectors_chunk_fn, void *context, struct err *);

	/* Every document the store knows, published or not (for `askfs check` and for the
	 * clean-up at start). @version is the published one, 0 if none is. */
	int (*each)(struct vectors *,
		int (*callback)(void *context, const struct uuid *document, uint32_t version),
		void *context, struct err *);

	int (*sync)(struct vectors *, struct err *);
	int (*check)(struct vectors *, struct buf *report, struct err *);
	void (*free)(struct vectors *);
};

int vectors_add(struct vectors *, const struct uuid *document, uint32_t version, const char *title,
	const struct chunk *chunks, size_t count, struct err *);
int vectors_publish(
	struct vectors *, const struct publication *publications, size_t count, struct err *);
int vectors_discard(struct vectors *, const struct uuid *document, uint32_t version, struct err *);
int vectors_set_access(
	struct vectors *, const struct uuid *document, const struct access *, struct err *);
int vectors_set_path(struct vectors *, const struct uuid *document, const char *path, struct err *);
int vectors_remove(struct vectors *, const struct uuid *document, struct err *);
int vectors_embed(struct vectors *, const struct uuid *document, uint32_t version,
	const struct embedding *, size_t dimension, const char *model, struct err *err);
int vectors_accepts(struct vectors *, const char *model, size_t dimension, struct err *err);
int vectors_unembed(struct vectors *, struct err *err);
int vectors_similar(struct vectors *, const struct uuid *document, uint32_t version, uint32_t index,
	const float *embedding, size_t dimension, struct nearness **out, size_t *count,
	struct err *err);
int vectors_words(
	struct vectors *, const struct search_query *, struct search_result *out, struct err *);
int vectors_dense(
	struct vectors *, const struct search_query *, struct search_result *out, struct err *);
/* Bring the chunk of a hit that a bare search found. 0; -ENOENT: that version is not there any
 * more; or another -errno with *err set. */
int vectors_fill(struct vectors *, struct hit *, struct err *);
int vectors_chunks(struct vectors *, const struct uuid *document, uint32_t version, uint32_t first,
	uint32_t count, vectors_chunk_fn, void *context, struct err *);
int vectors_each(struct vectors *,
	int (*callback)(void *context, const struct uuid *document, uint32_t version),
	void *context, struct err *);
int vectors_sync(struct vectors *, struct err *);
int vectors_check(struct vectors *, struct buf *report, struct err *);
void vectors_free(struct vectors *);

#endif
