/* SPDX-License-Identifier: Apache-2.0 */
#include "core/member_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int member_list_add(struct member_list *list, const struct document *document)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 16;
		struct document *more = realloc(list->documents, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->documents = more;
		list->cap = cap;
	}
	int rc = document_copy(&list->documents[list->count], document);
	list->count += rc == 0;
	return rc;
}

static int add(void *context, const struct document *document)
{
	return member_list_add(context, document);
}

int member_list_read(struct member_list *list, struct catalog *catalog, const struct uuid *parent,
	struct err *err)
{
	*list = (struct member_list){0};
	int rc = catalog_members(catalog, parent, add, list, err);

	for (size_t i = 0; i < list->count && rc == 0; i++) {
		struct uuid id = list->documents[i].id; /* the array may move */
		rc = catalog_members(catalog, &id, add, list, err);
	}
	return rc == -ENOMEM ? err_set(err, rc, "out of memory") : rc;
}

void member_list_release(struct member_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		document_release(&list->documents[i]);
	free(list->documents);
	*list = (struct member_list){0};
}

char *member_path_moved(const char *member, const char *from, const char *to)
{
	size_t len = strlen(from);
	char *path;

	if (strncmp(member, from, len) != 0 || strncmp(member + len, MEMBER_SEPARATOR, 2) != 0)
		return strdup(member);
	return asprintf(&path, "%s%s", to, member + len) < 0 ? NULL : path;
}

int member_follow(struct document *member, const struct document *from, const struct document *to)
{
	if (!access_is_same(&from->access, &to->access))
		member->access = to->access;
	char *path = member_path_moved(member->path, from->path, to->path);
	if (!path)
		return -ENOMEM;
	free(member->path);
	member->path = path;
	member->updated_ns = document_next_update(member);
	return 0;
}
