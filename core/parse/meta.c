/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/meta.h"

#include <ctype.h>
#include <stdbool.h>
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

/* A copy without the control characters that a field may not hold: one would end it in the middle
 * of the JSON. NULL: out of memory. */
static char *clean_copy(const char *value, size_t len)
{
	char *copy = malloc(len + 1);
	size_t used = 0;

	for (size_t i = 0; copy && i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		bool is_c1 = c == 0xc2 && i + 1 < len && (unsigned char)value[i + 1] < 0xa0;
		if (c < 0x20)
			copy[used++] = ' ';
		else if (is_c1)
			i++;
		else if (c != 0x7f)
			copy[used++] = (char)c;
	}
	if (copy)
		copy[used] = '\0';
	return copy;
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
	AUTO_FREE char *copy = clean_copy(value, len);
	if (copy && *copy)
		cJSON_AddStringToObject(meta->object, name, copy);
}

void meta_add(struct meta *meta, const char *name, const char *value)
{
	if (value)
		meta_add_text(meta, name, value, strlen(value));
}

/* Does @text begin as @pattern, in which 0 is any digit? */
static bool is_like(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++)
		if (*pattern == '0' ? !isdigit((unsigned char)*text) : *text != *pattern)
			return false;
	return true;
}

void meta_add_date(struct meta *meta, const char *name, const char *value)
{
	char date[40];

	value += value ? strspn(value, " \t<[") : 0;
	if (!value || !is_like(value, "0000"))
		return;
	size_t len = is_like(value, "0000-00-00") ? 10 : is_like(value, "0000-00") ? 7 : 4;
	if (isdigit((unsigned char)value[len]))
		return; /* a longer number */
	memcpy(date, value, len);
	bool has_time = len == 10 && (value[len] == ' ' || value[len] == 'T') &&
		is_like(value + len + 1, "00:00");
	size_t time = has_time ? strspn(value + len + 1, "0123456789:.+-Z") : 0;
	snprintf(date + len, sizeof(date) - len, "%s%.*s", time ? "T" : "",
		time < 28 ? (int)time : 28, value + len + 1 - !time);
	meta_add(meta, name, date);
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
