/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pipeline: the documents inside a document, which become visible with it. */
#ifndef ASKFS_CORE_INGEST_FAMILY_H
#define ASKFS_CORE_INGEST_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/member_list.h"
#include "core/parser.h"

struct attempt;

/* Of an attempt whose file was dropped (the root): what was found inside, all generations, each
 * behind what holds it. One worker has all of it until the commit. */
struct family {
	struct attempt **members; /* owned until family_detach */
	size_t count, cap;
	uint32_t *slots; /* by id: places in members from 1 on, 0: free; a power of two */
	size_t slot_count;
	int spool; /* a file without a name: the bytes of the members, one behind the other */
	uint64_t spooled; /* bytes of it */
	struct attempt *open; /* the member whose bytes come; NULL: none, or one not wanted */
	int code; /* 0, or why the whole fails: a negative errno */
	bool may_pass; /* … and that it is not the document's fault */
	struct err err; /* … in words */
};

/* Let the attempt (a root's or a member's) whose sink it is take what is found inside. */
void family_sink(struct parse_sink *sink);

/* The root was parsed: parse and store what is inside, and what is inside that. Limits that are
 * exceeded fail the root; then nothing of the family is kept. */
void family_work(struct attempt *root);

/* The member of that id; NULL: this version has none. */
struct attempt *family_find(const struct attempt *root, const struct uuid *id);

/* Under the records' lock, with the root's record made and @member's read as it is: the bits and
 * the path that its record shall have, into its job. 0 or -ENOMEM. */
int family_settle(const struct attempt *root, struct attempt *member);

/* What the catalog holds of earlier versions' members beside those that are written anew. */
struct family_rest {
	struct member_list gone; /* this version holds them no more */
	struct member_list before, after; /* the same as they were: they follow the root */
};

/* Under the same lock. To be released in any case. 0 or -errno with *err set. */
int family_rest_read(struct attempt *root, struct family_rest *rest, struct err *err);
void family_rest_release(struct family_rest *rest);

/* The commit is over: the members go their own ways, and the family is empty. The caller frees
 * the array. */
struct attempt **family_detach(struct attempt *root, size_t *count);

/* Members that are still there are freed without an outcome. */
void family_free(struct attempt *root);

#endif
