/* SPDX-License-Identifier: Apache-2.0 */
/* Names become labels ("name: value"), nesting becomes indentation, an array's objects become
 * rows ("name: value | name: value"), an array of words a line. The document is gone through
 * twice: first whether it is JSON at all, then for its text; what is no JSON (comments, a comma
 * too many, brackets without end) is the plain text that it is. */
#include "core/parse/readers/json_stream.h"

#include <errno.h>
#include <string.h>

#include "core/parse/flow.h"
#include "core/parse/reader.h"

#define INDENT_MAX 16 /* spaces */

enum { KIND_LINES, KIND_ROW, KIND_ARRAY }; /* an object; one that is an array's; an array */

struct json {
	struct json_stream stream;
	struct flow flow;
	uint8_t kinds[JSON_DEPTH_MAX];
	unsigned depth;
	bool is_records; /* values at the top are paragraphs of their own */
	bool goes_on; /* the line holds a cell of the row, or an item of the array */
	bool has_label; /* a name whose value has not begun */
	bool after_label; /* the line holds the name of the array that has just begun */
	bool in_value;
	char label[JSON_NAME_MAX];
	size_t label_len;
};

static unsigned kind_of(const struct json *json)
{
	return json->depth ? json->kinds[json->depth - 1] : KIND_LINES;
}

static void begin_line(struct json *json, unsigned depth)
{
	static const char spaces[INDENT_MAX + 1] = "                ";
	size_t indent = depth > 1 ? (size_t)(depth - 1) * 2 : 0;

	flow_line(&json->flow);
	if (indent)
		flow_preformatted(&json->flow, spaces, indent < INDENT_MAX ? indent : INDENT_MAX);
}

static void write_label(struct json *json)
{
	flow_words(&json->flow, json->label, json->label_len);
	flow_words(&json->flow, ":", 1);
	flow_space(&json->flow);
	json->has_label = false;
}

/* What stands before a value: an edge between it and the one before, and its label. */
static void begin_value(struct json *json)
{
	static const char *const joins[] = {[KIND_ROW] = "|", [KIND_ARRAY] = ","};
	unsigned kind = kind_of(json);

	if (kind == KIND_LINES || (!json->goes_on && !json->after_label)) {
		begin_line(json, json->depth);
	} else if (json->goes_on) {
		if (kind == KIND_ROW)
			flow_space(&json->flow);
		flow_words(&json->flow, joins[kind], 1);
		flow_space(&json->flow);
	}
	if (json->has_label)
		write_label(json);
	json->goes_on = true;
	json->after_label = false;
}

static void on_open(void *context, bool is_object)
{
	struct json *json = context;
	bool in_array = json->depth && kind_of(json) == KIND_ARRAY;

	json->after_label = json->has_label && !is_object;
	if (json->has_label) { /* stands on the line above what it names, or before its words */
		begin_line(json, json->depth);
		write_label(json);
	} else if (in_array) {
		flow_line(&json->flow);
	}
	json->goes_on = false;
	json->kinds[json->depth++] = (uint8_t)(!is_object ? KIND_ARRAY
			: in_array			  ? KIND_ROW
							  : KIND_LINES);
}

static void on_close(void *context)
{
	struct json *json = context;

	json->depth--;
	json->goes_on = false;
	if (json->is_records && !json->depth)
		flow_paragraph(&json->flow);
	else
		flow_line(&json->flow);
}

static void on_name(void *context, const char *utf8, size_t len)
{
	struct json *json = context;

	memcpy(json->label, utf8, len);
	json->label_len = len;
	json->has_label = true;
}

static void on_text(void *context, const char *utf8, size_t len)
{
	struct json *json = context;

	if (!json->in_value)
		begin_value(json);
	json->in_value = true;
	flow_words(&json->flow, utf8, len);
}

static void on_value(void *context)
{
	struct json *json = context;

	json->in_value = json->has_label = false;
	if (json->is_records && !json->depth)
		flow_paragraph(&json->flow);
}

static int add(void *context, const char *utf8, size_t len)
{
	struct json *json = context;
	int rc = json_add(&json->stream, utf8, len);

	return rc ? rc : flow_failed(&json->flow);
}

static int check(void *context, const char *utf8, size_t len)
{
	return json_add(context, utf8, len);
}

static bool is_json(const struct source *source, const char *charset, size_t skip)
{
	static const struct json_handler nothing;
	struct err err = ERR_NONE;
	struct json_stream stream;

	json_init(&stream, &nothing, NULL);
	int rc = source_each(source, charset, skip, check, &stream, &err);
	rc = rc ? rc : json_end(&stream);
	json_release(&stream);
	return rc == 0;
}

static int read_values(const struct source *source, const char *charset, size_t skip,
	struct out *out, bool is_records, struct err *err)
{
	static const struct json_handler handler = {on_open, on_close, on_name, on_text, on_value};
	struct json json = {.is_records = is_records};

	json_init(&json.stream, &handler, &json);
	flow_init(&json.flow, out);
	int rc = source_each(source, charset, skip, add, &json, err);
	rc = rc ? rc : json_end(&json.stream);
	json_release(&json.stream);
	int failed = flow_finish(&json.flow);
	return rc ? rc : failed;
}

static int read_any(const struct source *source, struct out *out, bool is_records, struct err *err)
{
	size_t skip;
	const char *charset = source_charset(source, out, &skip);

	if (!is_json(source, charset, skip))
		return plain_read(source, out, err);
	return read_values(source, charset, skip, out, is_records, err);
}

int json_read(const struct source *source, struct out *out, struct err *err)
{
	return read_any(source, out, false, err);
}

int jsonl_read(const struct source *source, struct out *out, struct err *err)
{
	return read_any(source, out, true, err);
}
