/* SPDX-License-Identifier: Apache-2.0 */
#include "core/chunk_json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

static int add_members(
	cJSON *json, const struct uuid *document, uint32_t version, const struct chunk *chunk)
{
	struct uuid id = chunk_id(document, version, chunk->index);
	AUTO_FREE char *text = strndup(chunk->text, chunk->text_len);
	char uuid[UUID_TEXT];
	bool ok = text != NULL;

	ok = ok && cJSON_AddStringToObject(json, "id", uuid_format(&id, uuid));
	ok = ok && cJSON_AddStringToObject(json, "document_id", uuid_format(document, uuid));
	ok = ok && cJSON_AddNumberToObject(json, "index", chunk->index);
	ok = ok && cJSON_AddNumberToObject(json, "start_char", (double)chunk->start_char);
	ok = ok && cJSON_AddNumberToObject(json, "end_char", (double)chunk->end_char);
	ok = ok &&
		(chunk->page ? cJSON_AddNumberToObject(json, "page", chunk->page)
			     : cJSON_AddNullToObject(json, "page"));
	ok = ok && cJSON_AddNumberToObject(json, "token_count", chunk->token_count);
	ok = ok &&
		(chunk->heading ? cJSON_AddStringToObject(json, "heading", chunk->heading)
				: cJSON_AddNullToObject(json, "heading"));
	ok = ok && cJSON_AddStringToObject(json, "text", text);
	return ok ? 0 : -ENOMEM;
}

int chunk_to_json(
	const struct uuid *document, uint32_t version, const struct chunk *chunk, struct buf *out)
{
	cJSON *json = cJSON_CreateObject();
	int rc = json ? add_members(json, document, version, chunk) : -ENOMEM;
	AUTO_FREE char *line = rc ? NULL : cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	if (!line)
		return -ENOMEM;
	rc = buf_adds(out, line);
	return rc ? rc : buf_addc(out, '\n');
}
