/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk as a line of chunks.jsonl. */
#ifndef ASKFS_CORE_CHUNK_JSON_H
#define ASKFS_CORE_CHUNK_JSON_H

#include "core/buf.h"
#include "core/chunk.h"

/* One line: id, document_id, index, start_char, end_char, page (null: none), token_count, heading
 * (null: none), text. 0 or -errno. Any thread. */
int chunk_to_json(
	const struct uuid *document, uint32_t version, const struct chunk *chunk, struct buf *out);

/* How many bytes that line has, newline included. Any thread. */
size_t chunk_json_size(const struct uuid *document, uint32_t version, const struct chunk *chunk);

#endif
