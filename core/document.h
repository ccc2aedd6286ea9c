/* SPDX-License-Identifier: Apache-2.0 */
/* The document record, as every catalog keeps it. */
#ifndef ASKFS_CORE_DOCUMENT_H
#define ASKFS_CORE_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/buf.h"
#include "core/uuid.h"

enum doc_status { DOC_PENDING, DOC_PROCESSING, DOC_INDEXED, DOC_FAILED };
#define DOC_STATUS_COUNT 4

/* An original that was dropped once: the present one, or one under versions/. */
struct doc_version {
	uint32_t number; /* from 1 */
	uint8_t sha256[32];
	uint64_t size;
	int64_t mtime_ns;
	char *name; /* file name as dropped, bytes; owned */
};

/* One record. All strings are owned by it, NUL-terminated, NULL where there is nothing.
 * @version is the version that answers (0: none has been indexed yet); size, sha256,
 * mtime_ns, content_type, chunk_count … describe that version, or the first one while none
 * answers. */
/* In extra_metadata: the title that the document itself brought along. */
#define DOCUMENT_OWN_TITLE "document_title"
/* Likewise: where the page came from that was ingested in place of the link to it. */
#define DOCUMENT_LINK "link"

struct document {
	struct uuid id;
	struct uuid parent; /* nil: none */
	char *path; /* below inbox/, as dropped: bytes, no leading slash */
	char *title; /* user.askfs.title, else the document's own, else NULL */
	char *source; /* user.askfs.source, else NULL */
	enum doc_status status;
	char *content_type; /* "text/plain"; NULL until it was parsed */
	uint64_t size; /* bytes of the original */
	int64_t mtime_ns; /* of the original */
	uint8_t sha256[32]; /* of the original */
	uint64_t text_size; /* bytes of text.txt */
	uint8_t text_sha256[32];
	uint32_t chunk_count;
	uint64_t token_count;
	uint64_t chunks_size; /* bytes of chunks.jsonl */
	int64_t created_ns, updated_ns, indexed_ns; /* since 1970; indexed_ns 0: not yet */
	char *s3_key;
	struct access access;
	char *realm;
	uint32_t version;
	char *embedding_model;
	char *error; /* one line for a person, then the cause; only when FAILED */
	char *extra_metadata; /* a JSON object, "tags" among its members; NULL: {} */
	struct doc_version *versions; /* every kept original, oldest first, present one last */
	size_t version_count;
};

/* "PENDING" …; a constant. */
const char *doc_status_name(enum doc_status status);

/* The status with that name, or -EINVAL. */
int doc_status_parse(const char *name);

void document_init(struct document *document);
void document_release(struct document *document); /* leaves it initialised */

static inline void auto_document(struct document *document)
{
	document_release(document);
}
#define AUTO_DOCUMENT __attribute__((cleanup(auto_document)))

/* A deep copy. 0 or -ENOMEM (then @to is initialised and empty). */
int document_copy(struct document *to, const struct document *from);

/* The updated_ns of the next change: now, and always later than the last one. */
int64_t document_next_update(const struct document *document);

/* The part of the path behind its last slash; points into the record. */
const char *document_file_name(const struct document *document);

/* The record as metadata.json shows it: one JSON object, pretty-printed, newline at its
 * end. Invalid UTF-8 in the path becomes U+FFFD and path_base64 holds the bytes.
 * 0, -ENOMEM, -EFBIG. */
int document_to_json(const struct document *document, struct buf *out);

#endif
