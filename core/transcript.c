/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown renderers differ in what they make of stray characters, so every ASCII character
 * of punctuation that can begin something is escaped, wherever it stands: CommonMark allows a
 * backslash before any of them. "www." and "://" are broken up too, since some renderers turn
 * bare addresses into links. */
#include "core/transcript.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/answer.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/text/utf8.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

#define TRANSCRIPT_MAX ((size_t)256 << 20)
/* Of a step's arguments, and of its result. */
#define STEP_CHARS 120

/* Begins something anywhere; at the start of a line; and what is shown as an entity. */
static const char special_anywhere[] = "\\`*_{}[]()<>#!|~$^:@&";
static const char special_at_start[] = "+-=.)";

static int escape_char(char c, bool at_start, struct buf *out)
{
	if (c == '<')
		return buf_adds(out, "&lt;");
	if (c == '>')
		return buf_adds(out, "&gt;");
	if (c == '&')
		return buf_adds(out, "&amp;");
	if (strchr(special_anywhere, c) || (at_start && strchr(special_at_start, c)))
		buf_addc(out, '\\');
	return buf_addc(out, c);
}

int markdown_escape(const char *text, size_t len, const char *prefix, struct buf *out)
{
	bool at_start = true; /* nothing but blanks and digits so far on this line */
	bool is_blank = true; /* nothing but blanks */

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '\n') {
			buf_adds(out, "  \n");
			buf_adds(out, prefix);
			at_start = is_blank = true;
		} else if (is_blank && (c == ' ' || c == '\t')) {
			continue; /* four blanks would begin a block of code */
		} else if (c == '\r' || c == '\0') {
			continue;
		} else {
			escape_char(c, at_start, out);
			at_start = at_start && isdigit((unsigned char)c);
			is_blank = false;
		}
	}
	return out->failed;
}

int markdown_link_part(const char *name, struct buf *out)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		if (isalnum(*p) || strchr("-._~", *p))
			buf_addc(out, (char)*p);
		else
			buf_addf(out, "%%%02X", *p);
	}
	return out->failed;
}

static int escape_string(const char *text, struct buf *out)
{
	return markdown_escape(text, strlen(text), "", out);
}

static const char *string_of(const cJSON *object, const char *member)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, member));

	return text ? text : "";
}

/* The turns as they are read; JSON is turned into text at once, and documents are looked up
 * only when the catalog's iteration is over. */
struct gathering {
	const struct transcript_request *request;
	cJSON *turns; /* [{seq, question, asked, answer: {...}}] */
};

static int see_message(void *context, const struct message *message)
{
	struct gathering *gathering = context;
	cJSON *turn;

	if (message->seq >= gathering->request->end_seq)
		return 1;
	if (message->role == MESSAGE_USER) {
		AUTO_FREE char *text = strndup(message->content, message->content_len);
		turn = cJSON_CreateObject();
		cJSON_AddNumberToObject(turn, "seq", message->seq);
		cJSON_AddStringToObject(turn, "question", text ? text : "");
		cJSON_AddNumberToObject(turn, "asked", (double)(message->created_ns / NS_PER_MS));
		return cJSON_AddItemToArray(gathering->turns, turn) ? 0 : -ENOMEM;
	}
	turn = cJSON_GetArrayItem(gathering->turns, cJSON_GetArraySize(gathering->turns) - 1);
	const cJSON *seq = cJSON_GetObjectItem(turn, "seq");
	if (!seq || (uint32_t)seq->valuedouble != message->seq)
		return 0;
	cJSON *answer = cJSON_Parse(message->detail ? message->detail : "");
	cJSON_DeleteItemFromObject(answer, "retrieved");
	return !answer || cJSON_AddItemToObject(turn, "answer", answer) ? 0 : -ENOMEM;
}

static bool is_deleted(const struct transcript_request *request, const char *id)
{
	struct uuid uuid;
	struct document document;
	struct err err = ERR_NONE;

	if (!uuid_parse(id, &uuid))
		return true;
	int rc = catalog_get(request->catalog, &uuid, &document, &err);
	if (!rc)
		document_release(&document);
	return rc == -ENOENT;
}

static void render_source(
	const struct transcript_request *request, const cJSON *source, struct buf *out)
{
	const char *id = string_of(source, "document_id");
	const char *name = string_of(source, "file_name");
	bool is_gone = is_deleted(request, id);

	buf_addf(out, "- \\[%.0f\\] ", cJSON_GetNumberValue(cJSON_GetObjectItem(source, "n")));
	if (!is_gone)
		buf_addc(out, '[');
	escape_string(name, out);
	if (!is_gone) {
		buf_addf(out, "](../../docs/%s/original/", id);
		markdown_link_part(name, out);
		buf_addc(out, ')');
	}
	answer_render_position(source, out);
	if (is_gone)
		buf_adds(out, " (deleted)\n");
	else
		buf_addf(out, " ([passage](../../%s))\n", string_of(source, "path"));
}

/* "1. vector_search {"query":"refunds"}: 5 passages", so much of it as fits into a line or two. */
static void render_steps(const cJSON *steps, struct buf *out)
{
	const cJSON *step;

	cJSON_ArrayForEach(step, steps)
	{
		const cJSON *arguments = cJSON_GetObjectItem(step, "arguments");
		AUTO_FREE char *json =
			cJSON_IsObject(arguments) ? cJSON_PrintUnformatted(arguments) : NULL;
		const char *name = string_of(step, "tool"), *result = string_of(step, "result");
		size_t len = json ? utf8_offset(json, strlen(json), STEP_CHARS) : 0;
		buf_addf(out, "%.0f. ", cJSON_GetNumberValue(cJSON_GetObjectItem(step, "step")));
		escape_string(name[0] ? name : "(no call)", out);
		buf_addc(out, ' ');
		markdown_escape(json ? json : "", len, "", out);
		buf_adds(out, json && json[len] ? " …: " : ": ");
		markdown_escape(result, utf8_offset(result, strlen(result), STEP_CHARS), "", out);
		buf_addc(out, '\n');
	}
	if (cJSON_GetArraySize(steps) > 0)
		buf_addc(out, '\n');
}

static void render_answer(
	const struct transcript_request *request, const cJSON *answer, struct buf *out)
{
	const cJSON *source, *sources = cJSON_GetObjectItem(answer, "sources");

	if (!answer) {
		buf_adds(out, "*Not answered yet.*\n");
		return;
	}
	render_steps(cJSON_GetObjectItem(answer, "steps"), out);
	escape_string(string_of(answer, "answer"), out);
	buf_addc(out, '\n');
	if (cJSON_GetArraySize(sources) == 0)
		return;
	buf_adds(out, "\nSources:\n\n");
	cJSON_ArrayForEach(source, sources) render_source(request, source, out);
}

static void render_turn(
	const struct transcript_request *request, const cJSON *turn, struct buf *out)
{
	const char *question = string_of(turn, "question");
	double asked_ms = cJSON_GetNumberValue(cJSON_GetObjectItem(turn, "asked"));
	size_t len = strlen(question);
	char when[32];

	while (len > 0 && isspace((unsigned char)question[len - 1]))
		len--;
	buf_addf(out, "\n## Question %.0f, %s\n\n> ",
		cJSON_GetNumberValue(cJSON_GetObjectItem(turn, "seq")),
		clock_format((int64_t)asked_ms * NS_PER_MS, when));
	markdown_escape(question, len, "> ", out);
	buf_adds(out, "\n\n");
	render_answer(request, cJSON_GetObjectItem(turn, "answer"), out);
}

int transcript_render(const struct transcript_request *request, struct buf *out, struct err *err)
{
	AUTO(cJSON_Delete) cJSON *turns = cJSON_CreateArray();
	AUTO_BUF struct buf name = {0};
	const cJSON *turn;

	if (!turns)
		return -ENOMEM;
	struct gathering gathering = {.request = request, .turns = turns};
	int rc = catalog_message_each(request->catalog, &request->conversation, request->from_seq,
		see_message, &gathering, err);
	if (rc < 0)
		return rc;
	buf_init(&name, TRANSCRIPT_MAX);
	answer_file_name(request->name, &name);
	buf_adds(out, "# ");
	escape_string(name.data ? name.data : "", out);
	buf_addc(out, '\n');
	cJSON_ArrayForEach(turn, turns) render_turn(request, turn, out);
	return out->failed;
}
