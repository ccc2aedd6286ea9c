/* SPDX-License-Identifier: Apache-2.0 */
#include "core/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int caller_copy(struct caller *to, const struct caller *from)
{
	*to = *from;
	to->groups = malloc((from->group_count ? from->group_count : 1) * sizeof(gid_t));
	if (!to->groups)
		return -ENOMEM;
	if (from->group_count)
		memcpy(to->groups, from->groups, from->group_count * sizeof(gid_t));
	return 0;
}

void caller_release(struct caller *caller)
{
	if (!caller)
		return;
	free(caller->groups);
	*caller = (struct caller){0};
}

static bool in_group(const struct caller *caller, gid_t group)
{
	for (size_t i = 0; i < caller->group_count; i++)
		if (caller->groups[i] == group)
			return true;
	return false;
}

bool access_may_read(const struct access *access, const struct caller *caller)
{
	if (caller->uid == 0)
		return true;
	if (caller->uid == access->owner)
		return access->mode & S_IRUSR;
	if (in_group(caller, access->group))
		return access->mode & S_IRGRP;
	return access->mode & S_IROTH;
}
