/* SPDX-License-Identifier: Apache-2.0 */
#include "core/access.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

#define NOBODY 65534

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

char *caller_to_json(const struct caller *caller)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_CreateObject();
	cJSON *groups = cJSON_AddArrayToObject(root, "groups");

	cJSON_AddNumberToObject(root, "uid", caller->uid);
	for (size_t i = 0; i < caller->group_count; i++)
		cJSON_AddItemToArray(groups, cJSON_CreateNumber(caller->groups[i]));
	return cJSON_PrintUnformatted(root);
}

int caller_from_json(const char *json, struct caller *out)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_Parse(json ? json : "");
	const cJSON *uid = cJSON_GetObjectItem(root, "uid"), *group;
	const cJSON *groups = cJSON_GetObjectItem(root, "groups");
	size_t count = (size_t)cJSON_GetArraySize(groups);

	*out = (struct caller){.uid = cJSON_IsNumber(uid) ? (uid_t)uid->valuedouble : NOBODY};
	out->groups = calloc(count ? count : 1, sizeof(gid_t));
	if (!out->groups)
		return -ENOMEM;
	cJSON_ArrayForEach(group, groups) out->groups[out->group_count++] =
		(gid_t)group->valuedouble;
	return 0;
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
