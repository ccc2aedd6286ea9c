/* SPDX-License-Identifier: Apache-2.0 */
/* In-memory stores of which one call fails, or every call from one on, as after a kill. In a
 * program that includes this once. */
#ifndef ASKFS_TESTS_UNIT_FAULTY_STORES_H
#define ASKFS_TESTS_UNIT_FAULTY_STORES_H

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/blobs.h"
#include "core/catalog.h"
#include "core/vectors.h"

static atomic_int calls_left = INT_MAX; /* until the one that fails */
static atomic_bool is_dead_after; /* and all calls after it */

static void fail_at(int call, bool is_kill)
{
	atomic_store(&is_dead_after, is_kill);
	atomic_store(&calls_left, call);
}

/* Has the call that was to fail been made? Nothing fails from now on. */
static bool fault_end(void)
{
	return atomic_exchange(&calls_left, INT_MAX) <= 0;
}

static bool fails(struct err *err)
{
	int left = atomic_fetch_sub(&calls_left, 1);

	if (left > 1 || (left < 1 && !atomic_load(&is_dead_after)))
		return false;
	err_set(err, -EIO, "injected");
	return true;
}

/* An entry of the table that fails in its turn, or asks the adapter below. */
#define FAULTY(port, name, parameters, arguments)                        \
	static int port##_faulty_##name parameters                       \
	{                                                                \
		return fails(err) ? -EIO : port##_below->name arguments; \
	}

static const struct catalog_ops *catalog_below;
static const struct vectors_ops *vectors_below;
static const struct blobs_ops *blobs_below;

FAULTY(catalog, get,
	(struct catalog * catalog, const struct uuid *id, struct document *out, struct err *err),
	(catalog, id, out, err))
FAULTY(catalog, put,
	(struct catalog * catalog, const struct document *const *documents, size_t count,
		struct err *err),
	(catalog, documents, count, err))
FAULTY(catalog, remove, (struct catalog * catalog, const struct uuid *id, struct err *err),
	(catalog, id, err))
FAULTY(vectors, add,
	(struct vectors * vectors, const struct uuid *id, uint32_t version, const char *title,
		const struct chunk *chunks, size_t count, struct err *err),
	(vectors, id, version, title, chunks, count, err))
FAULTY(vectors, publish,
	(struct vectors * vectors, const struct publication *publications, size_t count,
		struct err *err),
	(vectors, publications, count, err))
FAULTY(vectors, discard,
	(struct vectors * vectors, const struct uuid *id, uint32_t version, struct err *err),
	(vectors, id, version, err))
FAULTY(vectors, chunks,
	(struct vectors * vectors, const struct uuid *id, uint32_t version, uint32_t first,
		uint32_t count, vectors_chunk_fn callback, void *context, struct err *err),
	(vectors, id, version, first, count, callback, context, err))
FAULTY(vectors, embed,
	(struct vectors * vectors, const struct uuid *id, uint32_t version,
		const struct embedding *embedding, size_t dimension, const char *model,
		struct err *err),
	(vectors, id, version, embedding, dimension, model, err))
FAULTY(blobs, put,
	(struct blobs * blobs, const struct blob_key *key, int fd, uint64_t size,
		const uint8_t sha256[32], struct err *err),
	(blobs, key, fd, size, sha256, err))
FAULTY(blobs, remove, (struct blobs * blobs, const struct blob_key *key, struct err *err),
	(blobs, key, err))

/* Put the faulty entries over those of the adapters. Nothing fails before fail_at(). */
static void make_faulty(struct catalog *catalog, struct vectors *vectors, struct blobs *blobs)
{
	static struct catalog_ops catalog_ops;
	static struct vectors_ops vectors_ops;
	static struct blobs_ops blobs_ops;

	catalog_below = catalog->ops;
	vectors_below = vectors->ops;
	blobs_below = blobs->ops;
	catalog_ops = *catalog_below;
	catalog_ops.get = catalog_faulty_get;
	catalog_ops.put = catalog_faulty_put;
	catalog_ops.remove = catalog_faulty_remove;
	vectors_ops = *vectors_below;
	vectors_ops.add = vectors_faulty_add;
	vectors_ops.publish = vectors_faulty_publish;
	vectors_ops.discard = vectors_faulty_discard;
	vectors_ops.chunks = vectors_faulty_chunks;
	vectors_ops.embed = vectors_faulty_embed;
	blobs_ops = *blobs_below;
	blobs_ops.put = blobs_faulty_put;
	blobs_ops.remove = blobs_faulty_remove;
	catalog->ops = &catalog_ops;
	vectors->ops = &vectors_ops;
	blobs->ops = &blobs_ops;
}

#endif
