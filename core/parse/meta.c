/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/meta.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/auto.h"
#include "core/text/utf8.h"

#define VALUE_MAX ((size_t)1 << 10)
#define META_MAX  ((size_t)3 << 10) /* as JSON; a field holds 4 KiB */

void meta_init(struct meta *meta)
{
	meta->object = cJSON_CreateObject();
}

void meta_release(struct meta *meta)
{
	cJSON_Delete(meta->object);
	meta->object = NULL;
}

/* A field ends where a control character stands (out_field), and JSON does not escape DEL and those
 * beyond ASCII. @text is valid UTF-8. */
static void drop_controls(char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *to = text;

	while (*from) {
		if (*from == 0xc2 && from[1] < 0xa0) {
			from += 2;
			continue;
		}
		if (*from != 0x7f)
			*to++ = (char)*from;
		from++;
	}
	*to = '\0';
}

void meta_add_text(struct meta *meta, const char *name, const char *value, size_t len)
{
	static const char spaces[] = " \t\r\n\f\v";

	while (len && memchr(spaces, *value, sizeof(spaces) - 1)) {
		value++;
		len--;
	}
	while (len && memchr(spaces, value[len - 1], sizeof(spaces) - 1))
		len--;
	if (!len || len > VALUE_MAX || !utf8_is_valid(value, len) || memchr(value, 0, len) ||
		cJSON_HasObjectItem(meta->object, name))
		return;
	AUTO_FREE char *copy = strndup(value, len);
	if (!copy)
		return;
	drop_controls(copy);
	cJSON_AddStringToObject(meta->object, name, copy);
}

void meta_add(struct meta *meta, const char *name, const char *value)
{
	if (value)
		meta_add_text(meta, name, value, strlen(value));
}

/* What was added last goes first where there is too much. */
void meta_send(struct meta *meta, struct out *out)
{
	int count = cJSON_GetArraySize(meta->object);

	while (count) {
		AUTO_FREE char *json = cJSON_PrintUnformatted(meta->object);
		size_t len = json ? strlen(json) : 0;
		if (len && len <= META_MAX) {
			out_field(out, FIELD_METADATA, json, len);
			return;
		}
		cJSON_DeleteItemFromArray(meta->object, --count);
	}
}
