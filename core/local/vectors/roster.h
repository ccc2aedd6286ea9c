/* SPDX-License-Identifier: Apache-2.0 */
/* Which edition of each document is published, and who may read it: the documents table in
 * memory, about 70 bytes a document. An edition is a number for one version of one document,
 * never given twice. */
#ifndef ASKFS_CORE_LOCAL_VECTORS_ROSTER_H
#define ASKFS_CORE_LOCAL_VECTORS_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/access.h"
#include "core/local/lexical/lexical.h"
#include "core/uuid.h"
#include "core/vectors.h"

struct roster_entry {
	struct uuid document;
	uint64_t first, last; /* ids of its chunks lie between */
	struct access access;
	uint32_t edition; /* 0: the place is free */
	uint32_t version;
	uint32_t next_document, next_edition; /* of the same bucket, + 1; 0: none */
	uint16_t type;
};

/* A version that is not published. */
struct pending {
	struct uuid document;
	uint32_t version, edition;
	uint64_t first, last; /* ids of its chunks; first > last: none */
	bool is_dirty; /* some of its rows are not committed */
	bool is_lost; /* some of its rows were rolled back: it cannot be published */
};

/* Guarded by its owner's lock. Entries are addressed by number, constant while they live. */
struct roster {
	struct roster_entry *entries;
	uint32_t count, cap; /* used places, free ones among them */
	uint32_t free; /* a free place, linked by next_document; + 1, 0: none */
	uint32_t *by_document, *by_edition; /* entry numbers + 1 */
	uint32_t bucket_count;
	char **types; /* content types that occur */
	uint16_t type_count;
	struct pending *pending;
	size_t pending_count, pending_cap;
};

void roster_release(struct roster *roster);

/* Room for @count more entries, so that roster_put cannot fail. 0 or -ENOMEM. */
int roster_reserve(struct roster *roster, size_t count);

/* The number of a content type, made if it is new. 0 or -ENOMEM, -ENOSPC (65535 types). */
int roster_type(struct roster *roster, const char *content_type, uint16_t *out);

/* The published entry, NULL: none. Valid until the roster changes. */
struct roster_entry *roster_find(const struct roster *roster, const struct uuid *document);
struct roster_entry *roster_find_edition(const struct roster *roster, uint32_t edition);

static inline uint32_t roster_number(const struct roster *roster, const struct roster_entry *entry)
{
	return (uint32_t)(entry - roster->entries);
}

/* Write an entry in place of what the document had. After roster_reserve. */
void roster_put(struct roster *roster, const struct roster_entry *entry);
void roster_remove(struct roster *roster, const struct uuid *document);

enum edition_state roster_state(const struct roster *roster, uint32_t edition);

struct pending *roster_pending(
	const struct roster *roster, const struct uuid *document, uint32_t version);
int roster_pending_add(struct roster *roster, const struct pending *pending);
void roster_pending_remove(struct roster *roster, struct pending *pending);

/* Who asks and what he filters by, made ready for many questions "may he see it?". */
struct roster_filter {
	const struct roster *roster;
	const struct search_query *query;
	bool *types; /* by type number; NULL: all */
	uint64_t *listed; /* a bit an entry; NULL: all */
};

/* @paths: query->path is looked up by the caller, who lists the documents by
 * roster_filter_list. 0 or -ENOMEM. */
int roster_filter_init(struct roster_filter *filter, const struct roster *roster,
	const struct search_query *query);
void roster_filter_release(struct roster_filter *filter);

/* Only the documents for which a bit is set in @allowed (a bit an entry) remain. */
uint64_t *roster_bits_new(const struct roster *roster);
void roster_bits_set(const struct roster *roster, uint64_t *bits, const struct uuid *document);
void roster_filter_and(struct roster_filter *filter, uint64_t *bits);

/* The published document of an edition if the filter lets it through; it goes into @found. */
bool roster_admits(void *filter, uint32_t edition, struct found *found);

#endif
