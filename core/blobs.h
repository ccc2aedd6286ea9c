/* SPDX-License-Identifier: Apache-2.0 */
/* Port: original files and extracted text. */
#ifndef ASKFS_CORE_BLOBS_H
#define ASKFS_CORE_BLOBS_H

#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/uuid.h"

enum blob_kind { BLOB_ORIGINAL, BLOB_TEXT };

/* What a blob belongs to. An adapter may store equal bytes once (by sha256), but a blob
 * lives as long as its own key does. */
struct blob_key {
	struct uuid document;
	uint32_t version;
	enum blob_kind kind;
	const char *name; /* the original's file name, bytes; for stores that show names */
};

struct blobs {
	const struct blobs_ops *ops; /* first member of every adapter */
};

typedef int (*blobs_each_fn)(
	void *context, const struct uuid *document, uint32_t version, enum blob_kind kind);

/* Any thread, several at once; may block. 0 or -errno with *err set. */
struct blobs_ops {
	const char *name;

	/* Store the @size bytes of @fd from its start (pread: the descriptor's offset neither
	 * matters nor moves), whose hash is @sha256. A blob of that key is replaced. The bytes
	 * are safe from a loss of power after sync(). -EAGAIN if they are not those that were
	 * hashed: somebody writes to the file. A failure leaves nothing behind. */
	int (*put)(struct blobs *, const struct blob_key *, int fd, uint64_t size,
		const uint8_t sha256[32], struct err *);

	/* Read up to @len bytes at @offset: their count, 0 at the end, -ENOENT if there is no
	 * such blob. */
	ssize_t (*read)(struct blobs *, const struct blob_key *, void *data, size_t len,
		uint64_t offset, struct err *);

	/* A descriptor open for reading, which the caller closes; NULL in the table, or
	 * -EOPNOTSUPP, where blobs are not local files. -ENOENT if there is no such blob. */
	int (*open)(struct blobs *, const struct blob_key *, struct err *);

	/* Forget one blob. 0 also if there is none. */
	int (*remove)(struct blobs *, const struct blob_key *, struct err *);

	/* Forget every blob of a document. 0 also if there is none. */
	int (*remove_document)(struct blobs *, const struct uuid *document, struct err *);

	/* Every blob that is there, in no order (for the clean-up at start). Return non-zero to
	 * stop; it becomes the result. The callback may remove blobs. */
	int (*each)(struct blobs *, blobs_each_fn, void *context, struct err *);

	/* Return when all that was put before is safe from a loss of power. */
	int (*sync)(struct blobs *, struct err *);

	/* Look the whole store over (`askfs check`); problems as lines into *report. */
	int (*check)(struct blobs *, struct buf *report, struct err *);

	void (*free)(struct blobs *);
};

int blobs_put(struct blobs *, const struct blob_key *, int fd, uint64_t size,
	const uint8_t sha256[32], struct err *);
ssize_t blobs_read(struct blobs *, const struct blob_key *, void *data, size_t len, uint64_t offset,
	struct err *);
int blobs_open(struct blobs *, const struct blob_key *, struct err *);
int blobs_remove(struct blobs *, const struct blob_key *, struct err *);
int blobs_remove_document(struct blobs *, const struct uuid *document, struct err *);
int blobs_each(struct blobs *, blobs_each_fn, void *context, struct err *);
int blobs_sync(struct blobs *, struct err *);
int blobs_check(struct blobs *, struct buf *report, struct err *);
void blobs_free(struct blobs *);

#endif
