/* SPDX-License-Identifier: Apache-2.0 */
/* Lines are joined as bytes and turned into UTF-8 after that: programs fold within a character.
 * vCard 2.1 goes on behind a "=" at the end of a quoted-printable line, as that encoding does. */
#include "core/parse/readers/content_line.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/text/utf8.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

struct lines {
	content_line_fn *each;
	void *context;
	struct buf line; /* the logical line so far */
	bool is_too_long; /* its rest is passed over */
	bool is_complete; /* its end was seen: goes on only if the next one begins with a blank */
	bool is_soft; /* …or goes on in any case */
};

static void lines_init(struct lines *lines, content_line_fn *each, void *context)
{
	*lines = (struct lines){.each = each, .context = context};
	buf_init(&lines->line, LINE_MAX_BYTES);
}

static const char *find_parameter(const char *parameters, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	for (const char *at = parameters; *at == ';';) {
		const char *end = ++at;
		for (bool is_quoted = false; *end && (is_quoted || *end != ';'); end++)
			is_quoted ^= *end == '"';
		if ((size_t)(end - at) > name_len && !strncasecmp(at, name, name_len) &&
			at[name_len] == '=') {
			*len = (size_t)(end - at) - name_len - 1;
			return at + name_len + 1;
		}
		at = end;
	}
	return NULL;
}

bool content_line_parameter(const struct content_line *line, const char *name, struct buf *out)
{
	size_t len;
	const char *value = find_parameter(line->parameters, name, &len);

	for (size_t i = 0; value && i < len; i++)
		if (value[i] != '"')
			buf_addc(out, value[i]);
	return value != NULL;
}

bool content_line_has_type(const struct content_line *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = line->parameters; (at = strcasestr(at, word)); at += len) {
		bool begins = at > line->parameters && strchr(";=,\"", at[-1]);
		if (begins && (!at[len] || strchr(";,\"", at[len])))
			return true;
	}
	return false;
}

bool content_line_is(const struct content_line *line, const char *name)
{
	return !strcasecmp(line->name, name);
}

static int hex(char c)
{
	return isdigit((unsigned char)c)     ? c - '0'
		: isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					     : -1;
}

static void decode_quoted(const char *value, struct buf *out)
{
	for (; *value; value++) {
		int high = *value == '=' ? hex(value[1]) : -1;
		int low = high >= 0 ? hex(value[2]) : -1;
		if (low >= 0) {
			buf_addc(out, (char)(high * 16 + low));
			value += 2;
		} else if (*value != '=' || value[1]) {
			buf_addc(out, *value);
		}
	}
}

static bool is_quoted_printable(const char *parameters)
{
	return strcasestr(parameters, "QUOTED-PRINTABLE") != NULL;
}

/* Where the value begins: behind the first colon that is not within quotes. */
static char *find_colon(char *line)
{
	bool is_quoted = false;

	for (char *at = line; *at; at++) {
		is_quoted ^= *at == '"';
		if (*at == ':' && !is_quoted)
			return at;
	}
	return strchr(line, ':'); /* a quote that never ends */
}

/* Hand over a line whose parts are NUL-terminated. */
static void give(struct lines *lines, char *name, const char *parameters, const char *raw)
{
	AUTO_BUF struct buf bytes, value, charset;
	struct content_line line = {.group = "", .parameters = parameters};
	char *dot = strchr(name, '.');

	buf_init(&bytes, LINE_MAX_BYTES);
	buf_init(&value, LINE_MAX_BYTES * 4);
	buf_init(&charset, 64);
	buf_adds(&bytes, "");
	if (is_quoted_printable(parameters))
		decode_quoted(raw, &bytes);
	else
		buf_adds(&bytes, raw);
	content_line_parameter(&line, "CHARSET", &charset);
	if (charset_convert_labelled(charset.data, bytes.data, bytes.len, &value))
		return;
	if (dot) {
		*dot = '\0';
		line.group = name;
		name = dot + 1;
	}
	line.name = name;
	line.value = value.data ? value.data : "";
	line.len = strlen(line.value);
	lines->each(lines->context, &line);
}

static void end_line(struct lines *lines)
{
	struct buf *line = &lines->line;

	if (line->len && !lines->is_too_long && !memchr(line->data, 0, line->len)) {
		char *colon = find_colon(line->data);
		size_t name = strcspn(line->data, ";:");
		if (colon && name && colon >= line->data + name) {
			AUTO_FREE char *parameters =
				strndup(line->data + name, (size_t)(colon - line->data) - name);
			line->data[name] = '\0';
			if (parameters)
				give(lines, line->data, parameters, colon + 1);
		}
	}
	buf_clear(line);
	lines->is_too_long = lines->is_complete = lines->is_soft = false;
}

/* The line in the file has ended: has the logical one? */
static void end_physical(struct lines *lines)
{
	struct buf *line = &lines->line;

	if (line->len && line->data[line->len - 1] == '\r')
		line->data[--line->len] = '\0';
	lines->is_complete = true;
	if (!line->len || line->data[line->len - 1] != '=')
		return;
	char *colon = strchr(line->data, ':');
	if (!colon)
		return;
	*colon = '\0';
	lines->is_soft = is_quoted_printable(line->data);
	*colon = ':';
	if (lines->is_soft)
		line->data[--line->len] = '\0';
}

static void add_bytes(struct lines *lines, const char *data, size_t len)
{
	if (!lines->is_too_long && buf_add(&lines->line, data, len))
		lines->is_too_long = true;
}

static int push(void *context, const char *data, size_t len)
{
	struct lines *lines = context;

	while (len) {
		if (lines->is_complete) { /* does it go on? */
			bool is_folded = *data == ' ' || *data == '\t';
			if (is_folded && !lines->is_soft) {
				data++;
				len--;
			} else if (!lines->is_soft) {
				end_line(lines);
			}
			lines->is_complete = lines->is_soft = false;
			continue;
		}
		const char *newline = memchr(data, '\n', len);
		size_t part = newline ? (size_t)(newline - data) : len;
		add_bytes(lines, data, part);
		if (newline)
			end_physical(lines);
		part += newline != NULL;
		data += part;
		len -= part;
	}
	return 0;
}

int content_lines(
	const struct source *source, content_line_fn *each, void *context, struct err *err)
{
	size_t skip;
	const char *units = charset_of_units(source->head, source->head_len, &skip);
	struct lines lines;

	lines_init(&lines, each, context);
	int rc = source_each(source, units ? units : "UTF-8", skip, push, &lines, err);
	end_line(&lines);
	buf_release(&lines.line);
	return rc;
}

int content_lines_of(const char *data, size_t len, content_line_fn *each, void *context)
{
	struct lines lines;

	lines_init(&lines, each, context);
	push(&lines, data, len);
	end_line(&lines);
	buf_release(&lines.line);
	return 0;
}

void content_text(const char *value, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		bool is_escape = value[i] == '\\' && i + 1 < len;
		char c = is_escape ? value[++i] : value[i];
		if (c != '\r')
			buf_addc(out, is_escape && (c == 'n' || c == 'N') ? '\n' : c);
	}
}

size_t content_part(const char *value, char separator)
{
	size_t i = 0;

	while (value[i] && value[i] != separator)
		i += value[i] == '\\' && value[i + 1] ? 2 : 1;
	return i;
}
