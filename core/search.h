/* SPDX-License-Identifier: Apache-2.0 */
/* The searches under search/: made by mkdir, run once, kept until rmdir. */
#ifndef ASKFS_CORE_SEARCH_H
#define ASKFS_CORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/catalog.h"
#include "core/config.h"
#include "core/loop.h"
#include "core/pool.h"
#include "core/retrieve.h"
#include "core/waiter.h"

struct searches;

/* A document that was found. */
struct search_entry {
	struct uuid document;
	char *name; /* "01-<file name>", at most 255 bytes; owned */
	char *file_name; /* below docs/<id>/original/; owned */
};

/* What a search found. Owned. */
struct search_findings {
	char *json; /* results.json, newline at its end */
	size_t json_len;
	struct search_entry *entries; /* best first, one a document */
	size_t entry_count;
};

enum search_state { SEARCH_PENDING, SEARCH_READY, SEARCH_FAILED };

/* Counted. Loop thread. Callers outside of core/search*.c read what is marked and use the
 * functions. */
struct search {
	unsigned refs;
	struct searches *searches;
	char *path; /* below search/: "query" or "folder/query"; read */
	bool is_folder; /* a user's own folder: holds searches, is none; read */
	struct access access; /* 0700, the maker's; read */
	struct caller caller; /* who ran it last */
	int64_t made_ns; /* read */
	int64_t run_ns; /* when it was run last; 0: not yet; read */
	uint64_t runs; /* since the start; read */
	enum search_state state; /* read */
	struct search_findings findings; /* in SEARCH_READY; read */
	bool is_removed;
	struct waiters answered, removed;

	/* One job at a time works on it. What else is to be done waits here. */
	bool is_busy, has_to_run, has_to_store, has_to_go;
	char *stored; /* the record's text, until it was read */
	struct uuid id;
};

struct searches_ports {
	struct loop *loop;
	struct catalog *catalog;
	struct retriever retriever;
};

/* Read what is kept (nothing is run again), start the workers. Ports and configuration stay
 * the caller's. Blocks for the records. 0 or -errno with *err set. */
int searches_new(struct searches **out, const struct searches_ports *ports,
	const struct config *config, struct err *err);

/* Join the workers, wake whoever waits with -ESHUTDOWN, and find no search any more. Runs what
 * is posted on the loop. Searches may still be released after it. */
void searches_stop(struct searches *searches);

/* Stop, if that was not done, and free. */
void searches_free(struct searches *searches);

/* By path, in the order of paths; borrowed, valid until one is made or removed. */
struct search *searches_find(struct searches *searches, const char *path);
size_t searches_count(const struct searches *searches);
struct search *searches_at(const struct searches *searches, size_t index);

/* Make and run a search for the last part of @path, or make a user's folder. 0 and a borrowed
 * *out; -EEXIST, -EDQUOT, -EPERM (a leading dot, or a search inside a search), -ENOENT (no
 * such folder), -EINVAL (white space, or not UTF-8), -ENAMETOOLONG. */
int searches_make(struct searches *searches, const char *path, bool is_folder,
	const struct caller *caller, struct search **out);

/* Run it again, as @caller; those who look from now on wait. 0 or -errno. */
int search_run(struct search *search, const struct caller *caller);

/* Wait for what it found. 0: it is there. -EINPROGRESS: @waiter was queued and gets 0, -EIO
 * (a service failed; running it again may help), -ETIMEDOUT, -ENOENT or -ESHUTDOWN. */
int search_wait(struct search *search, struct waiter *waiter);

/* Forget it. -EINPROGRESS: @waiter (may be NULL) gets the result. -ENOTEMPTY: a folder with
 * searches in it. */
int search_remove(struct search *search, struct waiter *waiter);

struct search *search_ref(struct search *search);
void search_unref(struct search *search);

/* A document was deleted: what was found of it is dropped. */
void searches_document_removed(struct searches *searches, const struct uuid *document);

#endif
