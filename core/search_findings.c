/* SPDX-License-Identifier: Apache-2.0 */
#include "core/search_findings.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/answer.h"
#include "core/auto.h"
#include "core/text/utf8.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

void search_findings_release(struct search_findings *findings)
{
	for (size_t i = 0; i < findings->entry_count; i++) {
		free(findings->entries[i].name);
		free(findings->entries[i].file_name);
	}
	free(findings->entries);
	free(findings->json);
	*findings = (struct search_findings){0};
}

static bool has_document(const struct search_findings *findings, const struct uuid *document)
{
	for (size_t i = 0; i < findings->entry_count; i++)
		if (uuid_equal(&findings->entries[i].document, document))
			return true;
	return false;
}

/* The rank, two digits at least, and the file name, cut between characters. */
static char *entry_name(size_t rank, const char *file_name)
{
	char name[NAME_MAX + 32];
	int len = snprintf(name, sizeof(name), "%02zu-%.*s", rank, NAME_MAX, file_name);

	if (len > NAME_MAX) {
		size_t keep = NAME_MAX;
		while (keep > NAME_MAX - 4 && ((unsigned char)name[keep] & 0xc0) == 0x80)
			keep--;
		name[keep] = '\0';
	}
	return strdup(name);
}

static int add_entry(
	struct search_findings *findings, const struct uuid *document, const char *file_name)
{
	size_t count = findings->entry_count;
	struct search_entry *entries = realloc(findings->entries, (count + 1) * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	findings->entries = entries;
	entries[count] = (struct search_entry){.document = *document,
		.name = entry_name(count + 1, file_name),
		.file_name = strdup(file_name)};
	findings->entry_count++;
	return entries[count].name && entries[count].file_name ? 0 : -ENOMEM;
}

static int finish(cJSON *list, struct search_findings *out)
{
	AUTO_FREE char *json = cJSON_Print(list);
	AUTO_BUF struct buf text = {0};

	if (!json)
		return -ENOMEM;
	buf_init(&text, BUF_MAX_DEFAULT);
	buf_adds(&text, json);
	if (buf_addc(&text, '\n'))
		return text.failed;
	out->json = buf_take(&text, &out->json_len);
	return out->json ? 0 : -ENOMEM;
}

static int add_passage(cJSON *list, const struct passage *passage, const struct document *document,
	size_t limit, struct search_findings *out)
{
	if (!has_document(out, &document->id)) {
		if (out->entry_count == limit)
			return 0;
		int rc = add_entry(out, &document->id, document_file_name(document));
		if (rc)
			return rc;
	}
	cJSON *item = answer_search_result(passage, document);
	return item && cJSON_AddItemToArray(list, item) ? 0 : -ENOMEM;
}

int search_findings_build(
	const struct retrieval *retrieval, size_t limit, struct search_findings *out)
{
	AUTO(cJSON_Delete) cJSON *list = cJSON_CreateArray();
	int rc = list ? 0 : -ENOMEM;

	*out = (struct search_findings){0};
	for (size_t i = 0; i < retrieval->passage_count && !rc; i++)
		rc = add_passage(
			list, &retrieval->passages[i], &retrieval->documents[i], limit, out);
	if (!rc)
		rc = finish(list, out);
	if (rc)
		search_findings_release(out);
	return rc;
}

/* The file name of a document that may stay in the findings: 0; -ENOENT: it is dropped. */
typedef int (*name_fn)(const void *context, const struct uuid *document, char **name);

static int name_now(const void *context, const struct uuid *id, char **name)
{
	struct document document;
	struct err err = ERR_NONE;
	int rc = catalog_get((struct catalog *)context, id, &document, &err);

	if (rc)
		return rc;
	*name = strdup(document_file_name(&document));
	document_release(&document);
	return *name ? 0 : -ENOMEM;
}

struct exclusion {
	const struct search_findings *from;
	const struct uuid *document;
};

static int name_before(const void *context, const struct uuid *id, char **name)
{
	const struct exclusion *exclusion = context;

	if (uuid_equal(id, exclusion->document))
		return -ENOENT;
	for (size_t i = 0; i < exclusion->from->entry_count; i++) {
		const struct search_entry *entry = &exclusion->from->entries[i];
		if (uuid_equal(&entry->document, id)) {
			*name = strdup(entry->file_name);
			return *name ? 0 : -ENOMEM;
		}
	}
	return -ENOENT;
}

/* -ENOENT: the result is to be dropped. */
static int load_result(
	const cJSON *item, name_fn name_of, const void *context, struct search_findings *out)
{
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(item, "document_id"));
	AUTO_FREE char *name = NULL;
	struct uuid uuid;

	if (!id || !uuid_parse(id, &uuid))
		return -ENOENT;
	if (has_document(out, &uuid))
		return 0;
	int rc = name_of(context, &uuid, &name);
	return rc ? rc : add_entry(out, &uuid, name);
}

static int load(const char *json, name_fn name_of, const void *context, struct search_findings *out)
{
	AUTO(cJSON_Delete) cJSON *list = cJSON_Parse(json);
	cJSON *item, *next;
	int rc = 0;

	*out = (struct search_findings){0};
	if (!cJSON_IsArray(list))
		return -EBADMSG;
	for (item = list->child; item && !rc; item = next) {
		next = item->next;
		rc = load_result(item, name_of, context, out);
		if (rc == -ENOENT) {
			cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
			rc = 0;
		}
	}
	if (!rc)
		rc = finish(list, out);
	if (rc)
		search_findings_release(out);
	return rc;
}

int search_findings_load(const char *json, struct catalog *catalog, struct search_findings *out)
{
	return load(json, name_now, catalog, out);
}

int search_findings_without(const struct search_findings *from, const struct uuid *document,
	struct search_findings *out)
{
	const struct exclusion exclusion = {from, document};

	return load(from->json, name_before, &exclusion, out);
}
