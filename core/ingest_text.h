/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pipeline: what the parser delivers, on its way to chunks and to text.txt. */
#ifndef ASKFS_CORE_INGEST_TEXT_H
#define ASKFS_CORE_INGEST_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/hash.h"
#include "core/parser.h"
#include "core/text/chunker.h"

struct attempt;

/* The text of one attempt. A short one is held until the parser is done. A long one streams:
 * chunks go to the vectors in bounded numbers, and the text into a file without a name from
 * the point on where it stops being the same as the original. */
struct ingest_text {
	struct buf held; /* the text, while it is short */
	struct mark *marks; /* those that came before it streamed */
	size_t mark_count, mark_cap;

	struct chunker *chunker; /* NULL: not streaming yet */
	struct hash hash; /* streaming */
	int spill; /* streaming, and differs from the original; else -1 */
	bool is_original; /* streaming: it was the original's bytes up to here */

	uint64_t size; /* bytes so far */
	uint8_t sha256[32]; /* when it is finished */
	uint32_t chunk_count;
	uint64_t token_count;
	uint64_t chunks_size; /* of chunks.jsonl */
	struct chunk *chunks; /* not given to the vectors yet; their text is owned */
	size_t pending, cap;
	size_t pending_bytes;

	int store_code; /* a store failed: its errno, which is not the document's fault */
};

void ingest_text_init(struct ingest_text *text);
void ingest_text_release(struct ingest_text *text);

/* The text was stored: let go of it, and keep its numbers. */
void ingest_text_forget(struct ingest_text *text);

/* The sink for the parser's item of this attempt. */
struct parse_sink ingest_text_sink(struct attempt *attempt);

/* The parser is done: chunk what is held, hand the last chunks over, end the hash. 0 or -errno
 * with the job's err set. */
int ingest_text_finish(struct attempt *attempt);

/* A descriptor whose first text.size bytes are the text: the original's where it is the same,
 * else a file that is the attempt's. -errno with the job's err set. */
int ingest_text_fd(struct attempt *attempt);

#endif
