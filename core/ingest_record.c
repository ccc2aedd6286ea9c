/* SPDX-License-Identifier: Apache-2.0 */
/* A record has three sources: what the user set, which always stays; what the version that
 * answers is, which changes only when another one does; and what the last attempt came to.
 * extra_metadata remembers the title that the document itself brought along
 * (DOCUMENT_OWN_TITLE), so that a title which the user set can be told from it later. */
#include "core/ingest_attempt.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/ingest_family.h"
#include "core/ingest_record.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

static bool has_before(const struct attempt *attempt)
{
	return !uuid_is_nil(&attempt->before.id);
}

/* Titles. */

/* Did the document itself bring the title that its record has? */
static bool is_own_title(const struct document *document)
{
	AUTO(cJSON_Delete)
	cJSON *extra = document->extra_metadata ? cJSON_Parse(document->extra_metadata) : NULL;
	const char *own =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(extra, DOCUMENT_OWN_TITLE));

	return own && document->title && strcmp(own, document->title) == 0;
}

/* The title that the user set; NULL: none. Points into the attempt. */
static const char *user_title(const struct attempt *attempt)
{
	if (!has_before(attempt))
		return attempt->job->document.title;
	return is_own_title(&attempt->before) ? NULL : attempt->before.title;
}

char *ingest_record_index_title(const struct attempt *attempt)
{
	const char *title = user_title(attempt);

	if (!title)
		title = attempt->parsed.title;
	if (title)
		return strdup(title);
	const char *name = document_file_name(&attempt->job->document);
	const char *dot = strrchr(name, '.');
	return dot && dot != name ? strndup(name, (size_t)(dot - name)) : strdup(name);
}

/* Set an owned string to a copy; NULL clears it. */
static int set_string(char **slot, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}

/* Metadata. */

static int replace_member(cJSON *object, const char *name, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	if (value && cJSON_AddItemToObject(object, name, value))
		return 0;
	cJSON_Delete(value);
	return -ENOMEM;
}

/* What the parser found, over what was known; the user's tags are never its to set. */
static int overlay(cJSON *extra, const struct parsed *parsed, const char *link)
{
	AUTO(cJSON_Delete)
	cJSON *found = parsed->extra_metadata ? cJSON_Parse(parsed->extra_metadata) : NULL;
	const cJSON *member;
	int rc = 0;

	cJSON_ArrayForEach(member, found)
	{
		if (rc == 0 && member->string && strcmp(member->string, "tags") != 0)
			rc = replace_member(extra, member->string, cJSON_Duplicate(member, true));
	}
	cJSON_DeleteItemFromObjectCaseSensitive(extra, DOCUMENT_OWN_TITLE);
	if (rc == 0 && parsed->title)
		rc = replace_member(extra, DOCUMENT_OWN_TITLE, cJSON_CreateString(parsed->title));
	if (rc == 0 && link)
		rc = replace_member(extra, DOCUMENT_LINK, cJSON_CreateString(link));
	if (rc == 0 && parsed->charset)
		rc = replace_member(extra, "charset", cJSON_CreateString(parsed->charset));
	if (rc == 0 && parsed->page_count)
		rc = replace_member(extra, "page_count", cJSON_CreateNumber(parsed->page_count));
	return rc;
}

/* How many documents are inside, and how many of them failed. */
static int count_members(cJSON *extra, const struct attempt *attempt)
{
	size_t count = attempt->family ? attempt->family->count : 0, failed = 0;

	for (size_t i = 0; i < count; i++)
		failed += attempt->family->members[i]->fate == ATTEMPT_FAILED;
	cJSON_DeleteItemFromObjectCaseSensitive(extra, "members");
	cJSON_DeleteItemFromObjectCaseSensitive(extra, "members_failed");
	if (count && !cJSON_AddNumberToObject(extra, "members", (double)count))
		return -ENOMEM;
	return failed && !cJSON_AddNumberToObject(extra, "members_failed", (double)failed) ? -ENOMEM
											   : 0;
}

static int merge_metadata(struct document *record, const struct attempt *attempt)
{
	const struct parsed *parsed = &attempt->parsed;
	AUTO(cJSON_Delete)
	cJSON *extra = record->extra_metadata ? cJSON_Parse(record->extra_metadata) : NULL;

	if (!cJSON_IsObject(extra)) {
		cJSON_Delete(extra);
		extra = cJSON_CreateObject();
	}
	if (!extra || overlay(extra, parsed, attempt->page.url) || count_members(extra, attempt))
		return -ENOMEM;
	char *text = cJSON_PrintUnformatted(extra);
	if (!text)
		return -ENOMEM;
	free(record->extra_metadata);
	record->extra_metadata = text;
	return 0;
}

/* Versions. */

uint32_t ingest_record_next_version(const struct document *document)
{
	uint32_t highest = document->version;

	for (size_t i = 0; i < document->version_count; i++)
		if (document->versions[i].number > highest)
			highest = document->versions[i].number;
	return highest + 1;
}

static void drop_oldest(struct document *record, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(record->versions[i].name);
	record->version_count -= count;
	memmove(record->versions, record->versions + count,
		record->version_count * sizeof(*record->versions));
}

/* List this attempt's original as the present one. The earlier ones stay, as many as are to be
 * kept; but what was never indexed leaves no version. */
static int add_version(struct document *record, const struct attempt *attempt)
{
	size_t keep = record->version ? attempt->setup->keep_versions : 0;

	if (record->version_count > keep)
		drop_oldest(record, record->version_count - keep);
	struct doc_version *versions =
		realloc(record->versions, (record->version_count + 1) * sizeof(*versions));
	if (!versions)
		return -ENOMEM;
	record->versions = versions;

	struct doc_version *added = &versions[record->version_count];
	*added = (struct doc_version){
		.number = attempt->version,
		.size = attempt->size,
		.mtime_ns = attempt->job->document.mtime_ns,
		.name = strdup(document_file_name(&attempt->job->document)),
	};
	memcpy(added->sha256, attempt->sha256, sizeof(added->sha256));
	record->version_count++;
	return added->name ? 0 : -ENOMEM;
}

/* Content. */

/* The members that describe the original of this attempt. */
static int describe_original(struct document *record, const struct attempt *attempt)
{
	record->size = attempt->size;
	record->mtime_ns = attempt->job->document.mtime_ns;
	memcpy(record->sha256, attempt->sha256, sizeof(record->sha256));
	int rc = set_string(&record->content_type, attempt->parsed.content_type);
	return rc ? rc : add_version(record, attempt);
}

/* The address that a page came from: the source, unless the user said another one. */
static int describe_link(struct document *record, const struct attempt *attempt)
{
	AUTO(cJSON_Delete)
	cJSON *extra = record->extra_metadata ? cJSON_Parse(record->extra_metadata) : NULL;
	const char *former =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(extra, DOCUMENT_LINK));
	bool is_own = former && record->source && !strcmp(former, record->source);

	if (!attempt->page.url || (record->source && !is_own))
		return 0;
	return set_string(&record->source, attempt->page.url);
}

static int describe_content(struct document *record, const struct attempt *attempt)
{
	const struct ingest_text *text = &attempt->text;
	const char *title = user_title(attempt);

	int rc = describe_original(record, attempt);
	if (rc == 0)
		rc = set_string(&record->title, title ? title : attempt->parsed.title);
	if (rc == 0)
		rc = describe_link(record, attempt);
	if (rc == 0)
		rc = merge_metadata(record, attempt);
	if (rc == 0)
		rc = set_string(&record->embedding_model, NULL);
	record->text_size = text->size;
	memcpy(record->text_sha256, text->sha256, sizeof(record->text_sha256));
	record->chunk_count = text->chunk_count;
	record->token_count = text->token_count;
	record->chunks_size = text->chunks_size;
	record->version = attempt->version;
	return rc;
}

/* One line for a person, then the cause. */
static int describe_failure(struct document *record, const struct attempt *attempt)
{
	const char *why = attempt->job->err.text;
	const char *name = strerrorname_np(-attempt->code);
	AUTO_BUF struct buf text = {.max = BUF_MAX_DEFAULT};

	if (record->version)
		buf_addf(&text, "version %u failed: %s; version %u still answers", attempt->version,
			why, record->version);
	else
		buf_adds(&text, why);
	buf_addf(&text, "\n%s (%s)", strerror(-attempt->code), name ? name : "?");
	int rc = text.failed ? -ENOMEM : set_string(&record->error, text.data);
	return rc || record->version ? rc : describe_original(record, attempt);
}

static enum doc_status status_of(const struct attempt *attempt)
{
	bool is_embedded = attempt->setup->ports.embedder && attempt->record.chunk_count;

	switch (attempt->fate) {
	case ATTEMPT_FAILED: return DOC_FAILED;
	case ATTEMPT_EMBED: return DOC_PROCESSING;
	case ATTEMPT_FRESH: return is_embedded ? DOC_PROCESSING : DOC_INDEXED;
	default: return DOC_INDEXED;
	}
}

int ingest_record_make(struct attempt *attempt)
{
	const struct document *from =
		has_before(attempt) ? &attempt->before : &attempt->job->document;
	struct document *record = &attempt->record;

	int rc = document_copy(record, from);
	record->access = attempt->job->document.access; /* kept up to date: ingest_job_access */
	if (rc == 0 && attempt->fate == ATTEMPT_FAILED) {
		rc = describe_failure(record, attempt);
	} else if (rc == 0) {
		rc = set_string(&record->error, NULL);
		if (rc == 0 && attempt->fate == ATTEMPT_FRESH)
			rc = describe_content(record, attempt);
	}
	record->status = status_of(attempt);
	record->updated_ns = document_next_update(record);
	if (!record->created_ns)
		record->created_ns = record->updated_ns;
	if (record->status == DOC_INDEXED)
		record->indexed_ns = record->updated_ns;
	return rc;
}
