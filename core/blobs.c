/* SPDX-License-Identifier: Apache-2.0 */
/* The port's dispatchers: the only callers of an adapter's table. */
#include "core/blobs.h"

#include <assert.h>
#include <errno.h>

#include "core/health.h"

int blobs_put(struct blobs *blobs, const struct blob_key *key, int fd, uint64_t size,
	const uint8_t sha256[32], struct err *err)
{
	assert(key->version > 0 && fd >= 0);
	return health_note(HEALTH_BLOBS, blobs->ops->put(blobs, key, fd, size, sha256, err), err);
}

ssize_t blobs_read(struct blobs *blobs, const struct blob_key *key, void *data, size_t len,
	uint64_t offset, struct err *err)
{
	ssize_t n = blobs->ops->read(blobs, key, data, len, offset, err);

	health_note(HEALTH_BLOBS, n < 0 ? (int)n : 0, err);
	return n;
}

int blobs_open(struct blobs *blobs, const struct blob_key *key, struct err *err)
{
	if (!blobs->ops->open)
		return err_set(err, -EOPNOTSUPP, "%s keeps no local files", blobs->ops->name);
	return health_note(HEALTH_BLOBS, blobs->ops->open(blobs, key, err), err);
}

int blobs_remove(struct blobs *blobs, const struct blob_key *key, struct err *err)
{
	return health_note(HEALTH_BLOBS, blobs->ops->remove(blobs, key, err), err);
}

int blobs_remove_document(struct blobs *blobs, const struct uuid *document, struct err *err)
{
	return health_note(HEALTH_BLOBS, blobs->ops->remove_document(blobs, document, err), err);
}

int blobs_each(struct blobs *blobs, blobs_each_fn callback, void *context, struct err *err)
{
	return health_note(HEALTH_BLOBS, blobs->ops->each(blobs, callback, context, err), err);
}

int blobs_sync(struct blobs *blobs, struct err *err)
{
	return health_note(HEALTH_BLOBS, blobs->ops->sync(blobs, err), err);
}

int blobs_check(struct blobs *blobs, struct buf *report, struct err *err)
{
	return health_note(HEALTH_BLOBS, blobs->ops->check(blobs, report, err), err);
}

void blobs_free(struct blobs *blobs)
{
	if (blobs)
		blobs->ops->free(blobs);
}
