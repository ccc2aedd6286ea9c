/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs in memory: one list, one lock, a walk for everything. */
#include "core/local/blobs_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/hash.h"

struct blob {
	struct blob *next;
	struct blob_key key; /* without its name */
	uint8_t sha256[HASH_SIZE];
	size_t size;
	char data[];
};

struct memory {
	struct blobs blobs;
	pthread_mutex_t lock;
	struct blob *first; /* lock */
};

static struct memory *memory_of(struct blobs *blobs)
{
	return (struct memory *)blobs;
}

static bool is_same(const struct blob_key *a, const struct blob_key *b)
{
	return a->version == b->version && a->kind == b->kind &&
		uuid_equal(&a->document, &b->document);
}

/* The slot that points at the blob of that key, or at the list's end. Under the lock. */
static struct blob **find(struct memory *memory, const struct blob_key *key)
{
	struct blob **slot = &memory->first;

	while (*slot && !is_same(&(*slot)->key, key))
		slot = &(*slot)->next;
	return slot;
}

static void unlink_blob(struct blob **slot)
{
	struct blob *blob = *slot;

	*slot = blob->next;
	free(blob);
}

/* Read all of @fd into @blob, whose size is what was announced. */
static int fill(struct blob *blob, int fd, const uint8_t sha256[HASH_SIZE], struct err *err)
{
	size_t have = 0;

	while (have < blob->size) {
		ssize_t got = pread(fd, blob->data + have, blob->size - have, (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "cannot read the file: %s", strerror(errno));
		if (got == 0)
			break;
		have += (size_t)got;
	}
	if (hash_bytes(blob->data, have, blob->sha256))
		return err_set(err, -ENOMEM, "out of memory");
	if (have != blob->size || memcmp(blob->sha256, sha256, HASH_SIZE) != 0)
		return err_set(err, -EAGAIN, "the file changed while it was being stored");
	return 0;
}

static int memory_put(struct blobs *blobs, const struct blob_key *key, int fd, uint64_t size,
	const uint8_t sha256[HASH_SIZE], struct err *err)
{
	struct memory *memory = memory_of(blobs);
	AUTO_FREE struct blob *blob = malloc(sizeof(*blob) + size);

	if (!blob)
		return err_set(err, -ENOMEM, "out of memory");
	blob->key = *key;
	blob->key.name = NULL;
	blob->size = size;
	int rc = fill(blob, fd, sha256, err);
	if (rc)
		return rc;

	pthread_mutex_lock(&memory->lock);
	struct blob **slot = find(memory, key);
	if (*slot)
		unlink_blob(slot);
	blob->next = memory->first;
	memory->first = TAKE_PTR(blob);
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static ssize_t memory_read(struct blobs *blobs, const struct blob_key *key, void *data, size_t len,
	uint64_t offset, struct err *err)
{
	struct memory *memory = memory_of(blobs);
	ssize_t got = -ENOENT;

	pthread_mutex_lock(&memory->lock);
	const struct blob *blob = *find(memory, key);
	if (blob) {
		size_t left = offset < blob->size ? blob->size - offset : 0;
		got = (ssize_t)(len < left ? len : left);
		memcpy(data, blob->data + (left ? offset : 0), (size_t)got);
	}
	pthread_mutex_unlock(&memory->lock);
	return got < 0 ? err_set(err, (int)got, "there is no such blob") : got;
}

static int memory_remove(struct blobs *blobs, const struct blob_key *key, struct err *err)
{
	struct memory *memory = memory_of(blobs);

	(void)err;
	pthread_mutex_lock(&memory->lock);
	struct blob **slot = find(memory, key);
	if (*slot)
		unlink_blob(slot);
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static int memory_remove_document(struct blobs *blobs, const struct uuid *document, struct err *err)
{
	struct memory *memory = memory_of(blobs);
	struct blob **slot = &memory->first;

	(void)err;
	pthread_mutex_lock(&memory->lock);
	while (*slot) {
		if (uuid_equal(&(*slot)->key.document, document))
			unlink_blob(slot);
		else
			slot = &(*slot)->next;
	}
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

/* The keys of this moment, for a callback that may remove what it is shown. */
static struct blob_key *copy_keys(struct memory *memory, size_t *count)
{
	*count = 0;
	pthread_mutex_lock(&memory->lock);
	for (const struct blob *blob = memory->first; blob; blob = blob->next)
		++*count;
	struct blob_key *keys = malloc((*count + 1) * sizeof(*keys));
	size_t i = 0;
	for (const struct blob *blob = memory->first; keys && blob; blob = blob->next)
		keys[i++] = blob->key;
	pthread_mutex_unlock(&memory->lock);
	return keys;
}

static int memory_each(struct blobs *blobs, blobs_each_fn callback, void *context, struct err *err)
{
	size_t count;
	AUTO_FREE struct blob_key *keys = copy_keys(memory_of(blobs), &count);

	if (!keys)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		int rc = callback(context, &keys[i].document, keys[i].version, keys[i].kind);
		if (rc)
			return rc;
	}
	return 0;
}

static int memory_sync(struct blobs *blobs, struct err *err)
{
	(void)blobs;
	(void)err;
	return 0;
}

static int memory_check(struct blobs *blobs, struct buf *report, struct err *err)
{
	struct memory *memory = memory_of(blobs);
	uint8_t found[HASH_SIZE];
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	for (struct blob *blob = memory->first; blob && rc == 0; blob = blob->next) {
		rc = hash_bytes(blob->data, blob->size, found);
		if (rc == 0 && memcmp(found, blob->sha256, HASH_SIZE) != 0)
			rc = buf_adds(report, "a blob holds other bytes than were put\n");
	}
	pthread_mutex_unlock(&memory->lock);
	return rc ? err_set(err, rc, "cannot check the blobs: %s", strerror(-rc)) : 0;
}

static void memory_free(struct blobs *blobs)
{
	struct memory *memory = memory_of(blobs);

	while (memory->first)
		unlink_blob(&memory->first);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static const struct blobs_ops memory_ops = {
	.name = "memory",
	.put = memory_put,
	.read = memory_read,
	.remove = memory_remove,
	.remove_document = memory_remove_document,
	.each = memory_each,
	.sync = memory_sync,
	.check = memory_check,
	.free = memory_free,
};

int blobs_memory_new(struct blobs **out, struct err *err)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return err_set(err, -ENOMEM, "out of memory");
	memory->blobs.ops = &memory_ops;
	pthread_mutex_init(&memory->lock, NULL);
	*out = &memory->blobs;
	return 0;
}
