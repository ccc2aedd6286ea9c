/* SPDX-License-Identifier: Apache-2.0 */
/* Every document in memory, in brief: what lookups, listings and stat are answered from. */
#ifndef ASKFS_CORE_LIBRARY_H
#define ASKFS_CORE_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/catalog.h"
#include "core/document.h"

struct library;
struct run;

/* A document in brief. Owned by the library; loop thread only. Read the fields; the library
 * and (where said) the inbox write them. */
struct library_entry {
	struct uuid id;
	struct access access;
	uint32_t version; /* that answers; 0: none */
	uint32_t chunk_count;
	enum doc_status status;
	uint32_t names; /* the inbox's: how many names in the inbox are this document */
	bool is_member; /* it is inside another document */
	uint64_t size, text_size, chunks_size;
	int64_t mtime_ns; /* of the original */
	int64_t created_ns, updated_ns;
	const char *content_type; /* "" until known; shared by all that have it */
	char *path;
	struct run *run; /* the inbox's: it is in the pipeline */
	struct library_entry *next_id, *next_path; /* in the tables' buckets */
	struct library_entry *before, *after; /* by creation */
};

/* Something about @entry is different now: it came (was NULL before), changed, or goes (is NULL
 * after; the entry is freed when the call returns). */
struct library_watch {
	struct library_watch *next;
	/* @before: a copy of the fields as they were, its path too; NULL: it is new. */
	void (*changed)(struct library_watch *watch, const struct library_entry *before,
		const struct library_entry *after);
};

int library_new(struct library **out);
void library_free(struct library *library);

/* Fill it from the catalog. Blocks: before the loop runs. 0 or -errno with *err set. */
int library_load(struct library *library, struct catalog *catalog, struct err *err);

void library_watch(struct library *library, struct library_watch *watch);

/* NULL: no such document. */
struct library_entry *library_find(const struct library *library, const struct uuid *id);

/* The document that was dropped at that path: never a member of another one. */
struct library_entry *library_by_path(const struct library *library, uid_t owner, const char *path);

/* The oldest one; the others follow by @after. */
struct library_entry *library_first(const struct library *library);
size_t library_count(const struct library *library, enum doc_status status);

/* Make the entry say what the record says, unless it says what a later record said already.
 * NULL: no memory. */
struct library_entry *library_put(struct library *library, const struct document *document);

/* Another state, with nothing else changed. */
void library_set_status(
	struct library *library, struct library_entry *entry, enum doc_status status);

/* Other bits or another path. 0 or -ENOMEM. */
int library_set_place(struct library *library, struct library_entry *entry,
	const struct access *access, const char *path);

void library_remove(struct library *library, struct library_entry *entry);

/* The part of the path behind its last slash. */
const char *library_entry_name(const struct library_entry *entry);

#endif
