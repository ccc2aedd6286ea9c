/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/faulty.h"

#include <errno.h>

void fault_arm(struct fault *fault, int call, bool is_death)
{
	fault->is_death = is_death;
	atomic_store(&fault->has_hit, false);
	atomic_store(&fault->left, call);
}

void fault_disarm(struct fault *fault)
{
	fault_arm(fault, 0, false);
}

static int hit(struct fault *fault, struct err *err)
{
	if (fault->is_death && atomic_load(&fault->has_hit))
		return err_set(err, -EIO, "injected: dead");
	if (atomic_load(&fault->left) <= 0 || atomic_fetch_sub(&fault->left, 1) != 1)
		return 0;
	atomic_store(&fault->has_hit, true);
	return err_set(err, -EIO, "injected");
}

/* Fail, or let the inner adapter do it. */
#define PASS(port, wrapper, call)                        \
	struct wrapper *self = (struct wrapper *)(port); \
	int rc = hit(self->fault, err);                  \
	return rc ? rc : (call)

static int catalog_get_(
	struct catalog *c, const struct uuid *id, struct document *out, struct err *err)
{
	PASS(c, faulty_catalog, catalog_get(self->inner, id, out, err));
}

static int catalog_write_(struct catalog *c, const struct document *const *documents, size_t count,
	const struct uuid *gone, size_t gone_count, struct err *err)
{
	PASS(c, faulty_catalog,
		catalog_write(self->inner, documents, count, gone, gone_count, err));
}

static int catalog_members_(struct catalog *c, const struct uuid *parent,
	catalog_document_fn callback, void *context, struct err *err)
{
	PASS(c, faulty_catalog, catalog_members(self->inner, parent, callback, context, err));
}

static int catalog_each_(
	struct catalog *c, catalog_document_fn callback, void *context, struct err *err)
{
	PASS(c, faulty_catalog, catalog_each(self->inner, callback, context, err));
}

static const struct catalog_ops faulty_catalog_ops = {
	.name = "faulty",
	.get = catalog_get_,
	.write = catalog_write_,
	.members = catalog_members_,
	.each = catalog_each_,
};

static int vectors_add_(struct vectors *v, const struct uuid *document, uint32_t version,
	const char *title, const struct chunk *chunks, size_t count, struct err *err)
{
	PASS(v, faulty_vectors,
		vectors_add(self->inner, document, version, title, chunks, count, err));
}

static int vectors_publish_(
	struct vectors *v, const struct publication *publications, size_t count, struct err *err)
{
	PASS(v, faulty_vectors, vectors_publish(self->inner, publications, count, err));
}

static int vectors_discard_(
	struct vectors *v, const struct uuid *document, uint32_t version, struct err *err)
{
	PASS(v, faulty_vectors, vectors_discard(self->inner, document, version, err));
}

static int vectors_set_access_(struct vectors *v, const struct uuid *document,
	const struct access *access, struct err *err)
{
	PASS(v, faulty_vectors, vectors_set_access(self->inner, document, access, err));
}

static int vectors_set_path_(
	struct vectors *v, const struct uuid *document, const char *path, struct err *err)
{
	PASS(v, faulty_vectors, vectors_set_path(self->inner, document, path, err));
}

static int vectors_remove_(struct vectors *v, const struct uuid *document, struct err *err)
{
	PASS(v, faulty_vectors, vectors_remove(self->inner, document, err));
}

static int vectors_embed_(struct vectors *v, const struct uuid *document, uint32_t version,
	const struct embedding *embedding, size_t dimension, const char *model, struct err *err)
{
	PASS(v, faulty_vectors,
		vectors_embed(self->inner, document, version, embedding, dimension, model, err));
}

static int vectors_accepts_(struct vectors *v, const char *model, size_t dimension, struct err *err)
{
	PASS(v, faulty_vectors, vectors_accepts(self->inner, model, dimension, err));
}

static int vectors_unembed_(struct vectors *v, struct err *err)
{
	PASS(v, faulty_vectors, vectors_unembed(self->inner, err));
}

static int vectors_similar_(struct vectors *v, const struct uuid *document, uint32_t version,
	uint32_t index, const float *embedding, size_t dimension, struct nearness **out,
	size_t *count, struct err *err)
{
	PASS(v, faulty_vectors,
		vectors_similar(self->inner, document, version, index, embedding, dimension, out,
			count, err));
}

static int vectors_chunks_(struct vectors *v, const struct uuid *document, uint32_t version,
	uint32_t first, uint32_t count, vectors_chunk_fn callback, void *context, struct err *err)
{
	PASS(v, faulty_vectors,
		vectors_chunks(
			self->inner, document, version, first, count, callback, context, err));
}

static int vectors_each_(struct vectors *v,
	int (*callback)(void *context, const struct uuid *document, uint32_t version),
	void *context, struct err *err)
{
	PASS(v, faulty_vectors, vectors_each(self->inner, callback, context, err));
}

static const struct vectors_ops faulty_vectors_ops = {
	.name = "faulty",
	.add = vectors_add_,
	.publish = vectors_publish_,
	.discard = vectors_discard_,
	.set_access = vectors_set_access_,
	.set_path = vectors_set_path_,
	.remove = vectors_remove_,
	.embed = vectors_embed_,
	.accepts = vectors_accepts_,
	.unembed = vectors_unembed_,
	.similar = vectors_similar_,
	.chunks = vectors_chunks_,
	.each = vectors_each_,
};

static int blobs_put_(struct blobs *b, const struct blob_key *key, int fd, uint64_t size,
	const uint8_t sha256[32], struct err *err)
{
	PASS(b, faulty_blobs, blobs_put(self->inner, key, fd, size, sha256, err));
}

static int blobs_open_(struct blobs *b, const struct blob_key *key, struct err *err)
{
	PASS(b, faulty_blobs, blobs_open(self->inner, key, err));
}

static int blobs_remove_(struct blobs *b, const struct blob_key *key, struct err *err)
{
	PASS(b, faulty_blobs, blobs_remove(self->inner, key, err));
}

static int blobs_remove_document_(struct blobs *b, const struct uuid *document, struct err *err)
{
	PASS(b, faulty_blobs, blobs_remove_document(self->inner, document, err));
}

static int blobs_each_(struct blobs *b, blobs_each_fn callback, void *context, struct err *err)
{
	PASS(b, faulty_blobs, blobs_each(self->inner, callback, context, err));
}

static const struct blobs_ops faulty_blobs_ops = {
	.name = "faulty",
	.put = blobs_put_,
	.open = blobs_open_,
	.remove = blobs_remove_,
	.remove_document = blobs_remove_document_,
	.each = blobs_each_,
};

void faulty_init(struct faulty *faulty, struct catalog *catalog, struct vectors *vectors,
	struct blobs *blobs, struct fault *fault)
{
	faulty->catalog = (struct faulty_catalog){{&faulty_catalog_ops}, catalog, fault};
	faulty->vectors = (struct faulty_vectors){{&faulty_vectors_ops}, vectors, fault};
	faulty->blobs = (struct faulty_blobs){{&faulty_blobs_ops}, blobs, fault};
}
