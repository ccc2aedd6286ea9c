/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a document that holds others: its members, theirs, and so on. */
#ifndef ASKFS_CORE_MEMBER_LIST_H
#define ASKFS_CORE_MEMBER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/catalog.h"

/* What stands between a container's path and a member's: "letters.zip!/2024/may.txt". */
#define MEMBER_SEPARATOR "!/"

/* Records, each behind its parent; owned. */
struct member_list {
	struct document *documents;
	size_t count, cap;
};

/* List every document below @parent, all generations, or (@skips, which may be NULL, said so of a
 * member) without what is below that one. Empty where it holds none. Blocks. 0, or -errno with
 * *err set; the list is to be released in any case. */
int member_list_read(struct member_list *list, struct catalog *catalog, const struct uuid *parent,
	bool (*skips)(void *context, const struct document *member), void *context,
	struct err *err);

void member_list_release(struct member_list *list);

/* The path that @member has when the path of what holds it changes from @from to @to. The caller
 * frees it; NULL: memory is short. */
char *member_path_moved(const char *member, const char *from, const char *to);

#define AUTO_MEMBER_LIST __attribute__((cleanup(member_list_release)))

#endif
