/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dirlist.h"

#include "fs/dirlist_read.h"

/* Names are at most 255 bytes, so a million entries fit below this. */
#define DIRLIST_MAX ((size_t)512 << 20)

void dirlist_init(struct dirlist *list)
{
	buf_init(&list->entries, DIRLIST_MAX);
	list->count = 0;
}

void dirlist_release(struct dirlist *list)
{
	buf_release(&list->entries);
	list->count = 0;
}

void dirlist_add(struct dirlist *list, const char *name, uint64_t ino, mode_t type)
{
	struct dirlist_head head = {
		.ino = ino,
		.type = (uint32_t)type,
		.name_len = (uint32_t)strlen(name),
	};

	if (head.name_len > 255)
		return; /* it could never be looked up */
	buf_add(&list->entries, &head, sizeof(head));
	if (buf_add(&list->entries, name, head.name_len + 1) == 0)
		list->count++;
}

size_t dirlist_next(
	const struct dirlist *list, size_t offset, struct dirlist_head *head, const char **name)
{
	if (offset >= list->entries.len)
		return 0;
	memcpy(head, list->entries.data + offset, sizeof(*head));
	*name = list->entries.data + offset + sizeof(*head);
	return offset + sizeof(*head) + head->name_len + 1;
}
