/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/readers/office.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/member.h"

#define NEEDLE_MAX 64

int office_role(const struct office_role *roles, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, roles[middle].name);
		if (order == 0)
			return roles[middle].role;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

void office_words(struct flow *flow, const char *utf8, size_t len)
{
	static const char soft_hyphen[] = "\xc2\xad";
	const char *at = utf8, *end = utf8 + len, *found;

	while (at < end && (found = memmem(at, (size_t)(end - at), soft_hyphen, 2))) {
		flow_words(flow, at, (size_t)(found - at));
		at = found + 2;
	}
	flow_words(flow, at, (size_t)(end - at));
}

bool office_attribute_words(
	struct flow *flow, const struct xml_attributes *attributes, const char *name)
{
	AUTO_FREE char *value = xml_attribute_copy(attributes, name);

	if (!value || !value[strspn(value, " \t\r\n")])
		return false;
	office_words(flow, value, strlen(value));
	return true;
}

struct buf *office_tapes_add(struct office_tapes *tapes, const char *key, size_t key_len)
{
	if (tapes->count == tapes->cap) {
		size_t cap = tapes->cap ? tapes->cap * 2 : 16;
		struct office_tape *at = realloc(tapes->at, cap * sizeof(*at));
		if (!at)
			return NULL;
		tapes->at = at;
		tapes->cap = cap;
	}
	struct office_tape *added = &tapes->at[tapes->count];
	added->key = strndup(key, key_len);
	if (!added->key)
		return NULL;
	tapes->count++;
	buf_init(&added->tape, OFFICE_TAPE_MAX);
	return &added->tape;
}

struct buf *office_tapes_find(struct office_tapes *tapes, const char *key)
{
	for (size_t i = 0; i < tapes->count; i++) {
		size_t at = (tapes->last + i) % tapes->count;
		if (strcmp(tapes->at[at].key, key))
			continue;
		tapes->last = at + 1;
		return &tapes->at[at].tape;
	}
	return NULL;
}

void office_tapes_release(struct office_tapes *tapes)
{
	for (size_t i = 0; i < tapes->count; i++) {
		free(tapes->at[i].key);
		buf_release(&tapes->at[i].tape);
	}
	free(tapes->at);
	*tapes = (struct office_tapes){.at = NULL};
}

struct search {
	const char *const *needles;
	size_t count;
	char tail[NEEDLE_MAX * 2]; /* the end of the piece before, and the beginning of this one */
	size_t tail_len;
};

static bool has_needle(const struct search *search, const char *data, size_t len)
{
	for (size_t i = 0; i < search->count; i++)
		if (memmem(data, len, search->needles[i], strlen(search->needles[i])))
			return true;
	return false;
}

/* 1: found. */
static int look(void *context, const char *data, size_t len)
{
	struct search *search = context;
	size_t head = len < NEEDLE_MAX ? len : NEEDLE_MAX;

	memcpy(search->tail + search->tail_len, data, head);
	if (has_needle(search, search->tail, search->tail_len + head) ||
		has_needle(search, data, len))
		return 1;
	search->tail_len = head;
	memcpy(search->tail, data + len - head, head);
	return 0;
}

bool office_part_has(
	struct package *package, const char *part, const char *const *needles, size_t count)
{
	struct search search = {.needles = needles, .count = count};
	struct err ignored = ERR_NONE;

	return package_each(package, part, look, &search, &ignored) == 1;
}

bool office_has_letters(const struct buf *tape)
{
	AUTO_BUF struct buf text;

	buf_init(&text, OFFICE_TAPE_MAX);
	flow_tape_text(tape, &text);
	for (size_t i = 0; i < text.len; i++)
		if (isalpha((unsigned char)text.data[i]) || text.data[i] & 0x80)
			return true;
	return false;
}

void office_edges_settle(struct office_tapes *edges)
{
	struct buf *last = edges->count ? &edges->at[edges->count - 1].tape : NULL;
	bool is_new = last && office_has_letters(last);

	for (size_t i = 0; is_new && i + 1 < edges->count; i++)
		is_new = edges->at[i].tape.len != last->len ||
			memcmp(edges->at[i].tape.data, last->data, last->len);
	if (last && !is_new)
		buf_release(last);
}

void office_edges_say(const struct office_tapes *edges, struct flow *flow)
{
	for (size_t i = 0; i < edges->count; i++) {
		flow_paragraph(flow);
		flow_play(flow, &edges->at[i].tape);
	}
	flow_paragraph(flow);
}

bool office_has_words(const struct buf *tape)
{
	AUTO_BUF struct buf text;

	buf_init(&text, OFFICE_TAPE_MAX);
	flow_tape_text(tape, &text);
	return text.len && text.data[strspn(text.data, " \t\r\n")];
}

static int send_data(void *context, const char *data, size_t len)
{
	return member_data(context, data, len);
}

int office_member(struct package *package, const char *part, const char *path, struct out *out)
{
	struct err err = ERR_NONE;
	int rc = member_begin(out, path, strlen(path), 0);

	rc = rc ? rc : package_each(package, part, send_data, out, &err);
	if (out->failed)
		return out->failed;
	return member_end(out, rc, &err);
}

bool office_is_document(const char *name)
{
	static const char *const extensions[] = {"docx", "docm", "dotx", "dotm", "xlsx", "xlsm",
		"xltx", "xltm", "pptx", "pptm", "ppsx", "potx", "sldx", "doc", "xls", "ppt", "odt",
		"ods", "odp", "pdf", "rtf", "txt", "htm", "html", "mht", "xhtml", "xml", "csv",
		"msg", "eml"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(extensions); i++)
		if (!strcasecmp(dot + 1, extensions[i]))
			return true;
	return false;
}

int office_part_result(int rc, const char *part, struct err *err)
{
	if (rc != -ENOENT)
		return rc;
	return err_set(err, -EBADMSG, "the document is broken: its part %.200s is missing", part);
}

int office_result(const struct out *out, int rc, size_t members, struct err *err)
{
	bool has_something = out->chars || members;

	if (out->failed)
		return out->failed;
	if (rc == -EBADMSG && has_something)
		return 0;
	if (!rc && !has_something)
		return err_set(err, -ENODATA,
			"no text can be extracted: there is no word in the document");
	return rc;
}
