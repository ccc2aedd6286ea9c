/* SPDX-License-Identifier: Apache-2.0 */
/* The record's life and its JSON. Names and titles come from whoever dropped the file: they
 * are bytes until they are made UTF-8 here, at the last moment. */
#include "core/document.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/text/utf8.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static const char *const status_names[DOC_STATUS_COUNT] = {
	[DOC_PENDING] = "PENDING",
	[DOC_PROCESSING] = "PROCESSING",
	[DOC_INDEXED] = "INDEXED",
	[DOC_FAILED] = "FAILED",
};

const char *doc_status_name(enum doc_status status)
{
	return status_names[status];
}

int doc_status_parse(const char *name)
{
	for (int i = 0; i < DOC_STATUS_COUNT; i++)
		if (strcmp(name, status_names[i]) == 0)
			return i;
	return -EINVAL;
}

void document_init(struct document *document)
{
	*document = (struct document){.status = DOC_PENDING};
}

/* The members that are strings, for what treats them all alike. */
#define STRING_COUNT 9
static void list_strings(struct document *document, char **slots[STRING_COUNT])
{
	char **all[STRING_COUNT] = {&document->path, &document->title, &document->source,
		&document->content_type, &document->s3_key, &document->realm,
		&document->embedding_model, &document->error, &document->extra_metadata};

	memcpy(slots, all, sizeof(all));
}

void document_release(struct document *document)
{
	char **slots[STRING_COUNT];

	if (!document)
		return;
	list_strings(document, slots);
	for (size_t i = 0; i < STRING_COUNT; i++)
		free(*slots[i]);
	for (size_t i = 0; i < document->version_count; i++)
		free(document->versions[i].name);
	free(document->versions);
	document_init(document);
}

/* Replace every owned pointer of @document, which a plain copy made shared, by one of its
 * own. What could not be copied is NULL. */
static int own_strings(struct document *document)
{
	char **slots[STRING_COUNT];
	int rc = 0;

	list_strings(document, slots);
	for (size_t i = 0; i < STRING_COUNT; i++) {
		if (!*slots[i])
			continue;
		*slots[i] = strdup(*slots[i]);
		if (!*slots[i])
			rc = -ENOMEM;
	}
	return rc;
}

static int copy_versions(struct document *to, const struct document *from)
{
	to->version_count = 0;
	to->versions = NULL;
	if (!from->version_count)
		return 0;
	to->versions = calloc(from->version_count, sizeof(*to->versions));
	if (!to->versions)
		return -ENOMEM;
	for (size_t i = 0; i < from->version_count; i++) {
		to->versions[i] = from->versions[i];
		to->version_count++;
		if (!from->versions[i].name)
			continue;
		to->versions[i].name = strdup(from->versions[i].name);
		if (!to->versions[i].name)
			return -ENOMEM;
	}
	return 0;
}

int document_copy(struct document *to, const struct document *from)
{
	*to = *from;
	int strings = own_strings(to), versions = copy_versions(to, from);
	if (strings || versions) {
		document_release(to);
		return -ENOMEM;
	}
	return 0;
}

const char *document_file_name(const struct document *document)
{
	const char *slash = document->path ? strrchr(document->path, '/') : NULL;

	return slash ? slash + 1 : document->path ? document->path : "";
}

/* Members. cJSON keeps numbers as doubles, so whole numbers go in as text; a member that
 * could not be made is noticed when the finished object is counted. */

static void add_string(cJSON *object, const char *name, const char *bytes)
{
	AUTO_BUF struct buf clean;

	buf_init(&clean, BUF_MAX_DEFAULT);
	if (!bytes)
		cJSON_AddNullToObject(object, name);
	else if (utf8_is_valid(bytes, strlen(bytes)))
		cJSON_AddStringToObject(object, name, bytes);
	else if (utf8_sanitize(bytes, strlen(bytes), &clean) == 0)
		cJSON_AddStringToObject(object, name, clean.data);
}

static void add_number(cJSON *object, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	cJSON_AddRawToObject(object, name, text);
}

static void add_time(cJSON *object, const char *name, int64_t ns)
{
	char text[32];

	add_string(object, name, ns ? clock_format(ns, text) : NULL);
}

static void add_uuid(cJSON *object, const char *name, const struct uuid *uuid)
{
	char text[UUID_TEXT];

	add_string(object, name, uuid_is_nil(uuid) ? NULL : uuid_format(uuid, text));
}

static void add_path(cJSON *object, const char *path)
{
	size_t len = path ? strlen(path) : 0;

	add_string(object, "path", path);
	if (utf8_is_valid(path ? path : "", len))
		return; /* the path says it all */
	AUTO_FREE char *text = malloc(4 * ((len + 2) / 3) + 1);
	if (!text)
		return;
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)path, (int)len);
	cJSON_AddStringToObject(object, "path_base64", text);
}

static void add_hash(cJSON *object, const struct document *document)
{
	static const uint8_t none[HASH_SIZE];
	char text[HASH_TEXT];
	bool is_known = memcmp(document->sha256, none, HASH_SIZE) != 0;

	add_string(object, "sha256", is_known ? hash_format(document->sha256, text) : NULL);
}

static void add_mode(cJSON *object, mode_t mode)
{
	char text[8];

	snprintf(text, sizeof(text), "%04o", (unsigned)mode & 0777);
	add_string(object, "mode", text);
}

static void add_extra(cJSON *object, const char *json)
{
	cJSON *extra = json ? cJSON_Parse(json) : NULL;

	if (!cJSON_IsObject(extra)) {
		cJSON_Delete(extra);
		extra = cJSON_CreateObject();
	}
	if (!cJSON_AddItemToObject(object, "extra_metadata", extra))
		cJSON_Delete(extra);
}

#define MEMBER_COUNT 23 /* path_base64 not counted: it is there only when it is needed */

static void add_members(cJSON *object, const struct document *document)
{
	add_uuid(object, "id", &document->id);
	add_path(object, document->path);
	add_uuid(object, "parent", &document->parent);
	add_string(
		object, "title", document->title ? document->title : document_file_name(document));
	add_string(object, "source", document->source);
	add_string(object, "status", doc_status_name(document->status));
	add_string(object, "content_type", document->content_type);
	add_number(object, "size", document->size);
	add_hash(object, document);
	add_number(object, "chunk_count", document->chunk_count);
	add_number(object, "token_count", document->token_count);
	add_time(object, "created_at", document->created_ns);
	add_time(object, "updated_at", document->updated_ns);
	add_time(object, "indexed_at", document->indexed_ns);
	add_string(object, "s3_key", document->s3_key);
	add_number(object, "owner", document->access.owner);
	add_number(object, "group", document->access.group);
	add_mode(object, document->access.mode);
	add_string(object, "realm", document->realm);
	add_number(object, "version", document->version);
	add_string(object, "embedding_model", document->embedding_model);
	add_string(object, "error", document->error);
	add_extra(object, document->extra_metadata);
}

int document_to_json(const struct document *document, struct buf *out)
{
	AUTO(cJSON_Delete) cJSON *object = cJSON_CreateObject();

	if (!object)
		return -ENOMEM;
	add_members(object, document);
	if (cJSON_GetArraySize(object) < MEMBER_COUNT)
		return -ENOMEM;
	AUTO_FREE char *text = cJSON_Print(object);
	if (!text)
		return -ENOMEM;
	int rc = buf_adds(out, text);
	return rc ? rc : buf_addc(out, '\n');
}
