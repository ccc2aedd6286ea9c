/* SPDX-License-Identifier: Apache-2.0 */
/* A state a character. What is open is a bit a level: no recursion, no tree. */
#include "core/parse/readers/json_stream.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/text/utf8.h"

/* What may come next. */
enum {
	AT_VALUE, /* at the top: a value, or the end */
	AT_FIRST, /* of an array: a value or its end */
	AT_ITEM, /* a value */
	AT_FIRST_NAME, /* of an object: a name or its end */
	AT_NAME,
	AT_COLON,
	AT_COMMA, /* or the end of what is open */
	IN_STRING,
	IN_ESCAPE,
	IN_UNIT, /* digits of "\u" */
	IN_LITERAL
};

void json_init(struct json_stream *json, const struct json_handler *handler, void *context)
{
	*json = (struct json_stream){.handler = handler, .context = context};
	buf_init(&json->name, JSON_NAME_MAX);
}

void json_release(struct json_stream *json)
{
	buf_release(&json->name);
}

static bool is_object(const struct json_stream *json)
{
	unsigned at = json->depth - 1;

	return json->objects[at / 8] >> at % 8 & 1;
}

static void value_ended(struct json_stream *json)
{
	json->state = json->depth ? AT_COMMA : AT_VALUE;
}

static int open_value(struct json_stream *json, bool object)
{
	if (json->depth == JSON_DEPTH_MAX)
		return -EBADMSG;
	uint8_t bit = (uint8_t)(1 << json->depth % 8), *at = &json->objects[json->depth / 8];
	*at = (uint8_t)(object ? *at | bit : *at & ~bit);
	json->depth++;
	if (json->handler->open)
		json->handler->open(json->context, object);
	json->state = object ? AT_FIRST_NAME : AT_FIRST;
	return 0;
}

static int close_value(struct json_stream *json, char c)
{
	if (!json->depth || is_object(json) != (c == '}'))
		return -EBADMSG;
	json->depth--;
	if (json->handler->close)
		json->handler->close(json->context);
	value_ended(json);
	return 0;
}

static void give_text(struct json_stream *json, const char *text, size_t len)
{
	if (json->is_name) {
		if (json->name.len + len <= JSON_NAME_MAX)
			buf_add(&json->name, text, len);
	} else if (json->handler->text && len) {
		json->handler->text(json->context, text, len);
	}
}

static void give_char(struct json_stream *json, uint32_t c)
{
	char text[4];

	if (c)
		give_text(json, text, utf8_encode(c, text));
}

/* The first half of a surrogate pair that no second half follows. */
static void give_lone_half(struct json_stream *json)
{
	if (json->high)
		give_char(json, 0xfffd);
	json->high = 0;
}

static void end_unit(struct json_stream *json)
{
	uint32_t unit = json->unit, high = json->high;

	json->state = IN_STRING;
	if (high && unit >= 0xdc00 && unit <= 0xdfff) {
		json->high = 0;
		give_char(json, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
		return;
	}
	give_lone_half(json);
	if (unit >= 0xd800 && unit <= 0xdbff)
		json->high = unit;
	else
		give_char(json, unit >= 0xdc00 && unit <= 0xdfff ? 0xfffd : unit);
}

static int take_unit(struct json_stream *json, char c)
{
	if (!isxdigit((unsigned char)c))
		return -EBADMSG;
	int digit = isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
	json->unit = json->unit << 4 | (uint32_t)digit;
	if (--json->digits == 0)
		end_unit(json);
	return 0;
}

static int take_escape(struct json_stream *json, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = strchr(from, c);

	if (c == 'u') {
		json->digits = 4;
		json->unit = 0;
		json->state = IN_UNIT;
		return 0;
	}
	give_lone_half(json);
	if (!c || !at)
		return -EBADMSG;
	give_text(json, &to[at - from], 1);
	json->state = IN_STRING;
	return 0;
}

static void end_string(struct json_stream *json)
{
	give_lone_half(json);
	if (json->is_name) {
		if (json->handler->name)
			json->handler->name(json->context, json->name.data ? json->name.data : "",
				json->name.len);
		json->state = AT_COLON;
		return;
	}
	if (json->handler->value)
		json->handler->value(json->context);
	value_ended(json);
}

static void begin_string(struct json_stream *json, bool is_name)
{
	json->is_name = is_name;
	json->high = 0;
	buf_clear(&json->name);
	json->state = IN_STRING;
}

/* As much of a string as lies in @text; the bytes taken. Line ends within are let pass: they are
 * not allowed, and are written all the same. */
static size_t take_string(struct json_stream *json, const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '"' && text[n] != '\\')
		n++;
	if (n) {
		give_lone_half(json);
		give_text(json, text, n);
		return n;
	}
	if (*text == '"')
		end_string(json);
	else
		json->state = IN_ESCAPE;
	return 1;
}

/* A number may be written in ways that JSON does not know ("+1", ".5"): its text is kept. */
static bool is_literal(const char *text)
{
	if (!strcmp(text, "true") || !strcmp(text, "false") || !strcmp(text, "null") ||
		!strcmp(text, "NaN") || !strcmp(text, "Infinity") || !strcmp(text, "-Infinity"))
		return true;
	return text[strspn(text, "+-0123456789.eE")] == '\0' && strpbrk(text, "0123456789");
}

static int end_literal(struct json_stream *json)
{
	json->literal[json->literal_len] = '\0';
	if (!is_literal(json->literal))
		return -EBADMSG;
	json->is_name = false;
	give_text(json, json->literal, json->literal_len);
	if (json->handler->value)
		json->handler->value(json->context);
	value_ended(json);
	return 0;
}

static int begin_value(struct json_stream *json, char c)
{
	if (c == '{' || c == '[')
		return open_value(json, c == '{');
	if (c == '"') {
		begin_string(json, false);
		return 0;
	}
	if (!isalnum((unsigned char)c) && c != '-' && c != '+' && c != '.')
		return -EBADMSG;
	json->literal[0] = c;
	json->literal_len = 1;
	json->state = IN_LITERAL;
	return 0;
}

/* A character between strings and literals. */
static int take_mark(struct json_stream *json, char c)
{
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		return 0;
	switch (json->state) {
	case AT_FIRST:
		if (c == ']')
			return close_value(json, c);
		return begin_value(json, c);
	case AT_FIRST_NAME:
		if (c == '}')
			return close_value(json, c);
		/* fall through */
	case AT_NAME:
		if (c != '"')
			return -EBADMSG;
		begin_string(json, true);
		return 0;
	case AT_COLON: json->state = AT_ITEM; return c == ':' ? 0 : -EBADMSG;
	case AT_COMMA:
		if (c != ',')
			return c == ']' || c == '}' ? close_value(json, c) : -EBADMSG;
		json->state = is_object(json) ? AT_NAME : AT_ITEM;
		return 0;
	default: return begin_value(json, c);
	}
}

static bool ends_literal(char c)
{
	return c && strchr(" \t\r\n,]}[{\":", c);
}

/* At least one byte of @text, or -errno. */
static int take(struct json_stream *json, const char *text, size_t len, size_t *taken)
{
	*taken = 1;
	switch (json->state) {
	case IN_STRING: *taken = take_string(json, text, len); return 0;
	case IN_ESCAPE: return take_escape(json, *text);
	case IN_UNIT: return take_unit(json, *text);
	case IN_LITERAL:
		if (ends_literal(*text)) {
			*taken = 0;
			return end_literal(json);
		}
		if (json->literal_len == sizeof(json->literal) - 1)
			return -EBADMSG;
		json->literal[json->literal_len++] = *text;
		return 0;
	default: return take_mark(json, *text);
	}
}

int json_add(struct json_stream *json, const char *utf8, size_t len)
{
	size_t taken;
	int rc = 0;

	for (; !rc && len; utf8 += taken, len -= taken)
		rc = take(json, utf8, len, &taken);
	return rc ? rc : json->name.failed;
}

int json_end(struct json_stream *json)
{
	int rc = json->state == IN_LITERAL ? end_literal(json) : 0;

	return rc || json->state == AT_VALUE ? rc : -EBADMSG;
}
