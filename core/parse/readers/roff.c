/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/readers/roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/compose.h"
#include "core/text/utf8.h"

/* Characters by their names of two letters (groff_char(7), mandoc_char(7)). */
static const struct {
	const char *name, *text;
} characters[] = {
	{"aq", "'"},
	{"dq", "\""},
	{"oq", "\u2018"},
	{"cq", "\u2019"},
	{"lq", "\u201c"},
	{"rq", "\u201d"},
	{"Bq", "\u201e"},
	{"bq", "\u201a"},
	{"Fo", "\u00ab"},
	{"Fc", "\u00bb"},
	{"fo", "\u2039"},
	{"fc", "\u203a"},
	{"em", "\u2014"},
	{"en", "\u2013"},
	{"hy", "-"},
	{"mi", "\u2212"},
	{"bu", "\u2022"},
	{"ci", "\u25cb"},
	{"co", "\u00a9"},
	{"rg", "\u00ae"},
	{"tm", "\u2122"},
	{"de", "\u00b0"},
	{"ga", "`"},
	{"aa", "\u00b4"},
	{"ha", "^"},
	{"ti", "~"},
	{"rs", "\\"},
	{"sl", "/"},
	{"ba", "|"},
	{"br", "|"},
	{"sh", "#"},
	{"at", "@"},
	{"Do", "$"},
	{"ct", "\u00a2"},
	{"Eu", "\u20ac"},
	{"eu", "\u20ac"},
	{"Po", "\u00a3"},
	{"Ye", "\u00a5"},
	{"sc", "\u00a7"},
	{"ps", "\u00b6"},
	{"dg", "\u2020"},
	{"dd", "\u2021"},
	{"lB", "["},
	{"rB", "]"},
	{"lC", "{"},
	{"rC", "}"},
	{"la", "\u27e8"},
	{"ra", "\u27e9"},
	{"->", "\u2192"},
	{"<-", "\u2190"},
	{"ua", "\u2191"},
	{"da", "\u2193"},
	{"<=", "\u2264"},
	{">=", "\u2265"},
	{"!=", "\u2260"},
	{"==", "\u2261"},
	{"~~", "\u2248"},
	{"+-", "\u00b1"},
	{"mu", "\u00d7"},
	{"di", "\u00f7"},
	{"pl", "+"},
	{"eq", "="},
	{"if", "\u221e"},
	{"12", "\u00bd"},
	{"14", "\u00bc"},
	{"34", "\u00be"},
	{"S1", "\u00b9"},
	{"S2", "\u00b2"},
	{"S3", "\u00b3"},
	{"ss", "\u00df"},
	{"ae", "\u00e6"},
	{"AE", "\u00c6"},
	{"oe", "\u0153"},
	{"OE", "\u0152"},
	{"/o", "\u00f8"},
	{"/O", "\u00d8"},
	{"oa", "\u00e5"},
	{"oA", "\u00c5"},
	{"-D", "\u00d0"},
	{"Sd", "\u00f0"},
	{"TP", "\u00de"},
	{"Tp", "\u00fe"},
	{"r!", "\u00a1"},
	{"r?", "\u00bf"},
	{"*a", "\u03b1"},
	{"*b", "\u03b2"},
	{"*m", "\u03bc"},
	{"*p", "\u03c0"},
	{"*W", "\u03a9"},
	/* strings that man(7) defines, "\*(Tm" */
	{"Tm", "\u2122"},
	{"R", "\u00ae"},
};

static void add_character(struct buf *out, const char *name, size_t len)
{
	char utf8[4], *end;

	for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
		if (strlen(characters[i].name) != len || memcmp(characters[i].name, name, len))
			continue;
		buf_adds(out, characters[i].text);
		return;
	}
	if (len > 4 && *name == 'u' && isxdigit((unsigned char)name[1])) {
		unsigned long c = strtoul(name + 1, &end, 16);
		bool is_scalar = c >= 0x20 && c < 0x110000 && (c < 0xd800 || c > 0xdfff);
		if (is_scalar)
			buf_add(out, utf8, utf8_encode((uint32_t)c, utf8));
	} else if (len == 2 && strchr("'`^~:,", *name) && isalpha((unsigned char)name[1])) {
		compose(out, (unsigned char)name[1],
			*name == ':'	       ? '"'
				: *name == ',' ? 'c'
					       : *name);
	}
}

/* The name behind an escape: "x", "(xx" or "[long]"; *name and its length, and behind it. */
static const char *take_name(const char *at, const char **name, size_t *len)
{
	if (*at == '(') {
		*name = at + 1;
		*len = strnlen(*name, 2);
		return *name + *len;
	}
	if (*at == '[') {
		*name = at + 1;
		*len = strcspn(*name, "]");
		return *name + *len + ((*name)[*len] == ']');
	}
	*name = at;
	*len = *at != '\0';
	return at + *len;
}

/* Behind an argument in marks of its own: "'1n'". */
static const char *skip_quoted(const char *at)
{
	char mark = *at;
	const char *end = mark ? strchr(at + 1, mark) : NULL;

	return end ? end + 1 : at + (mark != '\0');
}

/* "\s+1", "\s'-1'", "\s(12". */
static const char *skip_size(const char *at)
{
	const char *name;
	size_t len;

	if (*at == '\'')
		return skip_quoted(at);
	at += *at == '+' || *at == '-';
	if (*at == '(' || *at == '[')
		return take_name(at, &name, &len);
	at += isdigit((unsigned char)*at) != 0;
	return at;
}

/* @at is behind the backslash; behind the escape. NULL: a comment, the text ends. */
static const char *take_escape(struct buf *out, const char *at)
{
	const char *name;
	size_t len;

	switch (*at) {
	case '\0': return at;
	case '"':
	case '#': return NULL;
	case '(':
	case '[':
		at = take_name(at, &name, &len);
		add_character(out, name, len);
		return at;
	case '*':
		at = take_name(at + 1, &name, &len);
		add_character(out, name, len);
		return at;
	case 'C':
		name = at + 2;
		at = skip_quoted(at + 1);
		if (at > name)
			add_character(out, name, (size_t)(at - name) - 1);
		return at;
	case 'f':
	case 'F':
	case 'm':
	case 'M':
	case 'n':
	case 'k':
	case 'g': return take_name(at + 1, &name, &len);
	case 's': return skip_size(at + 1);
	case 'h':
	case 'v':
	case 'w':
	case 'l':
	case 'L':
	case 'D':
	case 'b':
	case 'o':
	case 'x':
	case 'X':
	case 'Z':
	case 'N':
	case 'H':
	case 'S': return skip_quoted(at + 1);
	case '-': buf_addc(out, '-'); return at + 1;
	case 'e':
	case '\\':
	case 'E': buf_addc(out, '\\'); return at + 1;
	case ' ':
	case '0':
	case '~':
	case 't': buf_addc(out, ' '); return at + 1;
	case '\'':
	case '`':
	case '.': buf_addc(out, *at); return at + 1;
	default:
		if (isalnum((unsigned char)*at) && !strchr("cdupra", *at))
			buf_addc(out, *at);
		return at + 1;
	}
}

void roff_text(struct buf *out, const char *text)
{
	while (text && *text) {
		if (*text == '\\')
			text = take_escape(out, text + 1);
		else
			buf_addc(out, *text++);
	}
}

bool roff_argument(const char **at, struct buf *out)
{
	const char *from = *at + strspn(*at, " \t");
	bool is_quoted = *from == '"';
	AUTO_BUF struct buf raw;

	buf_init(&raw, (size_t)64 << 10);
	buf_adds(&raw, "");
	buf_clear(out);
	buf_adds(out, "");
	if (!*from || !strncmp(from, "\\\"", 2)) {
		*at = from + strlen(from);
		return false;
	}
	for (from += is_quoted; *from; from++) {
		if (is_quoted && *from == '"' && from[1] == '"') {
			from++;
		} else if (is_quoted ? *from == '"' : *from == ' ' || *from == '\t') {
			from++;
			break;
		} else if (*from == '\\' && from[1]) {
			buf_addc(&raw, *from++);
		}
		buf_addc(&raw, *from);
	}
	*at = from;
	roff_text(out, raw.data);
	return true;
}
