/* SPDX-License-Identifier: Apache-2.0 */
#include "core/document_tags.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/text/utf8.h"

#define PREFIX "user.askfs."
#define TAG    PREFIX "tag."

static void free_json(cJSON *json)
{
	cJSON_Delete(json);
}
AUTO_DEFINE(free_json, cJSON *);

bool document_xattr_is_settable(const char *name)
{
	return strcmp(name, PREFIX "title") == 0 || strcmp(name, PREFIX "source") == 0 ||
		(strncmp(name, TAG, strlen(TAG)) == 0 && name[strlen(TAG)]);
}

int document_check_xattr(const char *name, const char *value, size_t size)
{
	if (!document_xattr_is_settable(name))
		return -EPERM;
	if (value && (memchr(value, '\0', size) || !utf8_is_valid(value, size)))
		return -EINVAL;
	return 0;
}

/* The string that a name stands for; NULL: it is a tag. */
static char **field(const struct document *document, const char *name)
{
	struct document *fields = (struct document *)document;

	if (strcmp(name, PREFIX "title") == 0)
		return &fields->title;
	return strcmp(name, PREFIX "source") == 0 ? &fields->source : NULL;
}

static cJSON *parse_metadata(const struct document *document)
{
	cJSON *json = document->extra_metadata ? cJSON_Parse(document->extra_metadata) : NULL;

	return json ? json : cJSON_CreateObject();
}

static int set_field(char **slot, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	if (!value && !*slot)
		return -ENODATA;
	free(*slot);
	*slot = copy;
	return 0;
}

static int set_tag(struct document *document, const char *tag, const char *value)
{
	AUTO(free_json) cJSON *json = parse_metadata(document);
	cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "tags");

	if (!value && !cJSON_GetObjectItemCaseSensitive(tags, tag))
		return -ENODATA;
	if (!cJSON_IsObject(tags)) {
		cJSON_DeleteItemFromObjectCaseSensitive(json, "tags");
		tags = cJSON_AddObjectToObject(json, "tags");
	}
	cJSON_DeleteItemFromObjectCaseSensitive(tags, tag);
	if (value && !cJSON_AddStringToObject(tags, tag, value))
		return -ENOMEM;
	char *text = cJSON_PrintUnformatted(json);
	if (!text)
		return -ENOMEM;
	free(document->extra_metadata);
	document->extra_metadata = text;
	return 0;
}

/* The title that the document itself brought along; a copy, or NULL. */
static char *own_title(const struct document *document)
{
	AUTO(free_json) cJSON *json = parse_metadata(document);
	const char *own =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, DOCUMENT_OWN_TITLE));

	return own ? strdup(own) : NULL;
}

int document_set_xattr(struct document *document, const char *name, const char *value)
{
	char **slot = field(document, name);
	AUTO_FREE char *own = value || slot != &document->title ? NULL : own_title(document);

	if (own && document->title && strcmp(own, document->title) == 0)
		return -ENODATA;
	value = own ? own : value;

	if (value && !utf8_is_valid(value, strlen(value)))
		return -EINVAL;
	return slot ? set_field(slot, value) : set_tag(document, name + strlen(TAG), value);
}

int document_take_said(struct document *document, const struct document *from)
{
	AUTO(free_json) cJSON *json = parse_metadata(from);
	const cJSON *tag;
	int rc = from->title ? set_field(&document->title, from->title) : 0;

	if (!rc && from->source)
		rc = set_field(&document->source, from->source);
	cJSON_ArrayForEach(tag, cJSON_GetObjectItemCaseSensitive(json, "tags"))
	{
		if (!rc && cJSON_IsString(tag))
			rc = set_tag(document, tag->string, tag->valuestring);
	}
	return rc;
}

int document_get_xattr(const struct document *document, const char *name, struct buf *out)
{
	char **slot = field(document, name);

	if (slot)
		return *slot ? buf_adds(out, *slot) : -ENODATA;
	if (strncmp(name, TAG, strlen(TAG)) != 0)
		return -ENODATA;
	AUTO(free_json) cJSON *json = parse_metadata(document);
	cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "tags");
	const char *value =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tags, name + strlen(TAG)));
	return value ? buf_adds(out, value) : -ENODATA;
}

int document_list_xattrs(const struct document *document, struct buf *out)
{
	AUTO(free_json) cJSON *json = parse_metadata(document);
	const cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "tags"), *tag;

	if (document->title)
		buf_add(out, PREFIX "title", sizeof(PREFIX "title"));
	if (document->source)
		buf_add(out, PREFIX "source", sizeof(PREFIX "source"));
	cJSON_ArrayForEach(tag, tags)
	{
		buf_adds(out, TAG);
		buf_add(out, tag->string, strlen(tag->string) + 1);
	}
	return out->failed;
}
