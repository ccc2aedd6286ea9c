/* SPDX-License-Identifier: Apache-2.0 */
/* An answer as it is kept and shown: the QueryResponse, and the text that `cat` prints. */
#ifndef ASKFS_CORE_ANSWER_H
#define ASKFS_CORE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/citations.h"
#include "core/err.h"
#include "core/generator.h"
#include "core/retrieve.h"

/* A document that an answer cites. */
struct answer_source {
	struct uuid document;
	char *file_name; /* below docs/<id>/original/: bytes; owned */
	bool is_deleted; /* the document is gone since */
};

/* All owned. Zero-initialise it. */
struct answer {
	char *json; /* answer.json, newline at its end */
	size_t json_len;
	char *text; /* ask/<session>, newline at its end */
	size_t text_len;
	struct answer_source *sources; /* [n] is n - 1 */
	size_t source_count;
};

void answer_release(struct answer *answer);

/* What an answer is made of. */
struct answer_parts {
	const char *question;
	const struct uuid *conversation;
	const char *model;
	int64_t latency_ns;
	const char *body; /* the answer's text, citations checked; not for failures */
	const struct retrieval *retrieval; /* NULL: it failed before */
	const struct generation *generation; /* NULL: it failed before */
	const struct citations *citations; /* NULL: it failed before */
	const cJSON *steps; /* what was done on the way, an array; NULL: nothing */
	int failure; /* -errno when a service failed, else 0 */
	const char *failure_text; /* what failed, in words */
};

/* Build an answer. 0 or -ENOMEM, -EFBIG. Any thread. */
int answer_build(const struct answer_parts *parts, struct answer *out);

/* What has become of a document: 0 and its file name in *name (the caller frees it), -ENOENT
 * when it was deleted, another -errno when that can't be known now. */
typedef int (*answer_lookup_fn)(void *context, const struct uuid *document, char **name);

/* Read an answer.json that answer_build made, and show it as it is now: sources that were
 * deleted since say so, and what was quoted of them is left out of excerpts and passages.
 * 0 or -errno; -EBADMSG if @json is something else. */
int answer_load(const char *json, answer_lookup_fn lookup, void *context, struct answer *out);

/* VectorSearchResult of a passage with its document's record; NULL when memory is short. */
cJSON *answer_search_result(const struct passage *passage, const struct document *document);

/* A file name in one line of UTF-8: control characters and invalid bytes are replaced.
 * 0 or -errno. */
int answer_file_name(const char *name, struct buf *out);

/* ", slide 3": where in its document a source of answer.json stands; nothing where it has no
 * page. */
void answer_render_position(const cJSON *source, struct buf *out);

#endif
