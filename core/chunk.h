/* SPDX-License-Identifier: Apache-2.0 */
/* A passage of a document: what is embedded, found and cited. */
#ifndef ASKFS_CORE_CHUNK_H
#define ASKFS_CORE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/uuid.h"

/* Plain data that points into memory of whoever hands it out (said there). Positions are
 * Unicode code points in text.txt, and text is exactly text.txt[start_char:end_char]. */
struct chunk {
	uint32_t index; /* from 0 */
	uint64_t start_char, end_char;
	uint32_t page; /* from 1; 0: the format has no pages */
	uint32_t token_count; /* words, as the tokenizer of core/text counts them */
	const char *text; /* UTF-8 */
	size_t text_len; /* bytes */
	const char *heading; /* the headings above it, " > " between them; may be NULL */
};

/* The chunk's id: a version 5 UUID of document, version and index, so that it is the same
 * wherever it is computed. */
struct uuid chunk_id(const struct uuid *document, uint32_t version, uint32_t index);

/* The page of the code point @at of text.txt, which is within the chunk. The chunk's own page is
 * that of its middle; from there on form feeds count. 0 where it has none. Any thread. */
uint32_t chunk_page(const struct chunk *chunk, uint64_t at);

#endif
