/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings by a server that speaks OpenAI's interface. */
#ifndef ASKFS_CORE_REMOTE_EMBEDDER_OPENAI_H
#define ASKFS_CORE_REMOTE_EMBEDDER_OPENAI_H

#include "core/embedder.h"
#include "core/remote/openai.h"

/* Borrowed for the call. */
struct embedder_openai_settings {
	const char *model;
	const char *query_prefix, *passage_prefix; /* what the model wants before a text; "" */
	size_t dimension; /* of its vectors; 0: ask the server */
	bool is_shortened; /* the server is told to make vectors of that dimension */
	size_t chunk_chars; /* what one text may hold */
};

/* Asks the server for its dimension if it is not said, and then sees, too, whether it reads a whole
 * chunk: some cut what is too long for their model, and do not say so (a warning is logged). The
 * index is bound to the model's name and
 * to the server: two servers' vectors of one model differ. 0: the embedder owns @server; -errno
 * with *err set: @server stays the caller's. */
int embedder_openai_new(struct embedder **out, struct openai *server,
	const struct embedder_openai_settings *settings, struct err *err);

#endif
