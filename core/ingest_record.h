/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pipeline: what becomes of a record when an attempt ends. */
#ifndef ASKFS_CORE_INGEST_RECORD_H
#define ASKFS_CORE_INGEST_RECORD_H

struct attempt;
struct document;

/* The title that is indexed with each chunk, which the caller frees: the user's, else the
 * document's own, else its name without the extension. NULL when memory is short. */
char *ingest_record_index_title(const struct attempt *attempt);

/* The number that the next version of a document gets: above all that were ever kept. */
uint32_t ingest_record_next_version(const struct document *document);

/* Merge attempt->before (as it is now), the job and what was found out into attempt->record,
 * which was empty. What a user sets (path, title, source, tags, access) is the record's own
 * where there is one. 0 or -ENOMEM. */
int ingest_record_make(struct attempt *attempt);

#endif
