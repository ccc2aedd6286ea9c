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

/* List every document below @parent, all generations. Empty where it holds none. Blocks. 0, or
 * -errno with *err set; the list is to be released in any case. */
int member_list_read(struct member_list *list, struct catalog *catalog, const struct uuid *parent,
	struct err *err);

/* Append a copy. 0 or -ENOMEM. */
int member_list_add(struct member_list *list, const struct document *document);

void member_list_release(struct member_list *list);

/* Make @member follow what holds it, which was @from and is @to: other bits, another path. 0 or
 * -ENOMEM. */
int member_follow(struct document *member, const struct document *from, const struct document *to);

/* The path that @member has when the path of what holds it changes from @from to @to. The caller
 * frees it; NULL: memory is short. */
char *member_path_moved(const char *member, const char *from, const char *to);

#define AUTO_MEMBER_LIST __attribute__((cleanup(member_list_release)))

#endif
