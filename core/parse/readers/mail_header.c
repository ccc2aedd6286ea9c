/* SPDX-License-Identifier: Apache-2.0 */
/* Header values: RFC 5322 folding, RFC 2047 encoded words, RFC 2231 parameters, and what is sent
 * instead of them: words cut within a character, words in quotes, words with blanks in them, bytes
 * beyond ASCII without a word about their encoding, names with blanks and without quotes.
 *
 * Encoded words that follow each other and name one encoding are joined before they are decoded:
 * a character may begin in one and end in the next. */
#include "core/parse/readers/mail.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/charset.h"

#define VALUE_MAX    ((size_t)1 << 20) /* bytes of a header's value that count */
#define SECTIONS_MAX 64 /* of a parameter that is continued */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex(char c)
{
	return isdigit((unsigned char)c)     ? c - '0'
		: isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					     : -1;
}

static int base64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (isdigit((unsigned char)c))
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' ? 63 : -1;
}

static void decode_base64(const char *at, const char *end, struct buf *out)
{
	unsigned bits = 0, count = 0;

	for (; at < end; at++) {
		int value = base64(*at);
		if (value < 0)
			continue;
		bits = bits << 6 | (unsigned)value;
		if (++count % 4 != 1)
			buf_addc(out, (char)(bits >> (8 - count % 4 * 2) % 8));
	}
}

/* @escape: '=' of encoded words, where "_" is a space, or '%'. */
static void decode_escapes(const char *at, const char *end, char escape, struct buf *out)
{
	for (; at < end; at++) {
		bool is_escape =
			*at == escape && end - at > 2 && hex(at[1]) >= 0 && hex(at[2]) >= 0;
		if (is_escape) {
			buf_addc(out, (char)(hex(at[1]) * 16 + hex(at[2])));
			at += 2;
		} else {
			buf_addc(out, *at == '_' && escape == '=' ? ' ' : *at);
		}
	}
}

/* Encoded words. */

struct words {
	struct buf *out;
	struct buf bytes; /* decoded words, or plain bytes, of one encoding */
	char charset[64]; /* of these; "": plain bytes */
	bool has_space; /* white space waits, which counts unless it stands between words */
};

static void write_bytes(struct words *words)
{
	if (words->bytes.len)
		charset_convert_labelled(words->charset[0] ? words->charset : NULL,
			words->bytes.data, words->bytes.len, words->out);
	buf_clear(&words->bytes);
}

/* What comes is in @charset: "" for plain bytes. White space between two words is none. */
static void change_charset(struct words *words, const char *charset, size_t len)
{
	bool was_plain = !words->charset[0];
	bool is_same = strlen(words->charset) == len && !strncasecmp(words->charset, charset, len);

	if (words->has_space && was_plain)
		buf_addc(&words->bytes, ' ');
	if (!is_same) {
		write_bytes(words);
		snprintf(words->charset, sizeof(words->charset), "%.*s", (int)len, charset);
	}
	if (words->has_space && !was_plain && !len)
		buf_addc(&words->bytes, ' ');
	words->has_space = false;
}

/* The mark that ends the word whose text begins at @text, before another word begins; NULL: it
 * has none. */
static const char *end_of_word(const char *text, const char *end)
{
	size_t left = (size_t)(end - text);
	const char *next = memmem(text, left, "=?", 2);

	if (next && end - next > 3)
		left = (size_t)(next - text) + 3;
	return memmem(text, left, "?=", 2);
}

/* "=?charset*language?Q?text?=": its length; 0: none stands there. */
static size_t take_word(struct words *words, const char *at, const char *value_end)
{
	if (value_end - at < 8 || memcmp(at, "=?", 2))
		return 0;
	const char *charset = at + 2;
	size_t len = strcspn(charset, "?* \t\r\n");
	const char *mark = charset + len + strcspn(charset + len, "? \t\r\n");

	if (!len || len >= sizeof(words->charset) || *mark != '?')
		return 0;
	char encoding = (char)toupper((unsigned char)mark[1]);
	if ((encoding != 'Q' && encoding != 'B') || mark[2] != '?')
		return 0;
	const char *text = mark + 3;
	const char *end = text < value_end ? end_of_word(text, value_end) : NULL;
	if (!end)
		return 0;
	change_charset(words, charset, len);
	if (encoding == 'B')
		decode_base64(text, end, &words->bytes);
	else
		decode_escapes(text, end, '=', &words->bytes);
	return (size_t)(end + 2 - at);
}

static void decode_words(const char *value, size_t len, struct buf *out)
{
	struct words words = {.out = out};
	const char *at = value, *end = value + len;

	buf_init(&words.bytes, VALUE_MAX);
	while (at < end && is_blank(*at))
		at++;
	while (at < end) {
		if (is_blank(*at)) {
			words.has_space = true;
			at++;
			continue;
		}
		size_t word = take_word(&words, at, end);
		if (!word) {
			change_charset(&words, "", 0);
			buf_addc(&words.bytes, *at);
		}
		at += word ? word : 1;
	}
	write_bytes(&words);
	buf_release(&words.bytes);
}

void mail_header_text(const char *raw, struct buf *out)
{
	if (raw)
		decode_words(raw, strnlen(raw, VALUE_MAX), out);
}

/* Parameters. */

/* One "name*0*=value" as it stands there. */
struct section {
	const char *value;
	size_t len;
	bool is_encoded; /* percent signs count */
	bool is_quoted;
};

struct parameter {
	struct section plain; /* without a number */
	struct section sections[SECTIONS_MAX];
	bool has_plain, is_encoded; /* the plain one has "charset'language'" */
	size_t count; /* of sections, without a gap */
};

static const char *skip_blanks(const char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* The value at @at, and where the next parameter's semicolon is. */
static const char *read_value(const char *at, struct section *section)
{
	at = skip_blanks(at);
	*section = (struct section){.value = at, .is_quoted = *at == '"'};
	if (section->is_quoted) {
		section->value = ++at;
		while (*at && *at != '"')
			at += *at == '\\' && at[1] ? 2 : 1;
		section->len = (size_t)(at - section->value);
		return at + strcspn(at, ";");
	}
	at += strcspn(at, ";");
	section->len = (size_t)(at - section->value);
	while (section->len && is_blank(section->value[section->len - 1]))
		section->len--;
	return at;
}

/* Behind the parameter's name: "=", "*=", "*0=", "*0*=". NULL: another name. */
static const char *take_section(struct parameter *parameter, const char *at)
{
	bool is_numbered = *at == '*' && isdigit((unsigned char)at[1]);
	bool is_encoded = *at == '*' && !is_numbered;
	unsigned long number = 0;
	struct section section;

	if (is_numbered) {
		char *end;
		number = strtoul(at + 1, &end, 10);
		is_encoded = *end == '*';
		at = end;
	}
	at = skip_blanks(at + is_encoded);
	if (*at != '=')
		return NULL;
	at = read_value(at + 1, &section);
	section.is_encoded = is_encoded;
	if (!is_numbered && (!parameter->has_plain || is_encoded)) {
		parameter->plain = section;
		parameter->has_plain = true;
	} else if (is_numbered && number == parameter->count && number < SECTIONS_MAX) {
		parameter->sections[parameter->count++] = section;
	}
	return at;
}

static void find(struct parameter *parameter, const char *raw, const char *name)
{
	size_t len = strlen(name);
	const char *at = raw + strcspn(raw, ";");

	while (*at == ';') {
		at = skip_blanks(at + 1);
		const char *next =
			strncasecmp(at, name, len) ? NULL : take_section(parameter, at + len);
		if (!next) {
			struct section other;
			at += strcspn(at, ";=");
			next = *at == '=' ? read_value(at + 1, &other) : at;
		}
		at = next;
	}
}

static void add_section(const struct section *section, const char *at, struct buf *bytes)
{
	const char *end = section->value + section->len;

	if (section->is_encoded) {
		decode_escapes(at, end, '%', bytes);
		return;
	}
	for (; at < end; at++) {
		/* a path of Windows is no series of escapes */
		if (section->is_quoted && *at == '\\' && end - at > 1 &&
			(at[1] == '"' || at[1] == '\\'))
			at++;
		buf_addc(bytes, *at);
	}
}

/* "charset'language'" at the beginning of @section: where the text begins. */
static const char *take_charset(const struct section *section, char *charset, size_t size)
{
	const char *first = memchr(section->value, '\'', section->len);
	const char *end = section->value + section->len;
	const char *second = first ? memchr(first + 1, '\'', (size_t)(end - first - 1)) : NULL;

	if (!section->is_encoded || !second)
		return section->value;
	snprintf(charset, size, "%.*s", (int)(first - section->value), section->value);
	return second + 1;
}

bool mail_header_parameter(const char *raw, const char *name, struct buf *out)
{
	AUTO_FREE struct parameter *parameter = calloc(1, sizeof(*parameter));
	AUTO_BUF struct buf bytes;
	char charset[64] = "";

	buf_init(&bytes, VALUE_MAX);
	if (!raw || !parameter)
		return false;
	find(parameter, raw, name);
	bool is_one = parameter->has_plain && (parameter->plain.is_encoded || !parameter->count);
	if (!is_one && !parameter->count)
		return false;
	const struct section *first = is_one ? &parameter->plain : parameter->sections;
	add_section(first, take_charset(first, charset, sizeof(charset)), &bytes);
	for (size_t i = 1; !is_one && i < parameter->count; i++)
		add_section(&parameter->sections[i], parameter->sections[i].value, &bytes);
	if (charset[0])
		charset_convert_labelled(charset, bytes.data ? bytes.data : "", bytes.len, out);
	else
		decode_words(bytes.data ? bytes.data : "", bytes.len, out);
	return true;
}

bool mail_header_is(const char *raw, const char *word)
{
	size_t len = strlen(word);

	if (!raw)
		return false;
	raw = skip_blanks(raw);
	return !strncasecmp(raw, word, len) && (!raw[len] || is_blank(raw[len]) || raw[len] == ';');
}
