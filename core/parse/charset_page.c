/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of a document that may say it itself. For a web page, a short form of HTML's
 * algorithm (WHATWG HTML, section 13.2.3): a byte order mark wins, then UTF-8 that is valid,
 * then what a meta element says, then statistics. A text may say it in several ways; as its
 * words may be about anything, the bytes have to agree. */
#include "core/parse/charset.h"

#include <string.h>
#include <strings.h>

#define LOOK_AT	  ((size_t)4096)
#define LABEL_MAX 63

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c && strchr("-_:.+", c));
}

/* The label behind "charset" at @at, copied into @label. */
static size_t copy_label(const char *at, const char *end, char label[LABEL_MAX + 1])
{
	size_t len = 0;

	while (at < end && *at && strchr(" \t\r\n\"'=:", *at))
		at++;
	while (at < end && len < LABEL_MAX && is_label_char(*at))
		label[len++] = *at++;
	label[len] = '\0';
	return len;
}

/* What a meta element near the beginning, or an XML declaration, names. */
static const char *charset_of_meta(const char *head, size_t len)
{
	static char label[LABEL_MAX + 1];
	const char *end = head + (len < LOOK_AT ? len : LOOK_AT);

	for (const char *at = head; at + 8 < end; at++) {
		if (strncasecmp(at, "charset", 7) && strncasecmp(at, "encoding", 8))
			continue;
		size_t skip = (*at | 0x20) == 'c' ? 7 : 8;
		const char *name = copy_label(at + skip, end, label) ? charset_find(label) : NULL;
		if (name)
			return name;
	}
	return NULL;
}

const char *charset_of_page(const char *head, size_t len, bool is_all, size_t *bom)
{
	const char *detected = charset_of_units(head, len, bom);

	if (detected)
		return detected;
	detected = charset_detect(head, len, is_all, bom);
	const char *named = charset_of_meta(head, len);
	/* a page whose bytes could be read so far is not in UTF-16, whatever it says */
	bool is_possible =
		named && strncasecmp(named, "UTF-16", 6) && strncasecmp(named, "UTF-32", 6);
	return is_possible && strcmp(detected, "UTF-8") ? named : detected;
}

static const char *find_until(const char *at, const char *end, const char *words)
{
	return at < end ? memmem(at, (size_t)(end - at), words, strlen(words)) : NULL;
}

static const char *end_of_line(const char *at, const char *end)
{
	const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

	return newline ? newline : end;
}

/* "-*- coding: latin-2 -*-" of Emacs, Python and Ruby, "vim: fileencoding=…": in a comment of the
 * first two lines. */
static const char *behind_coding(const char *head, const char *end)
{
	const char *line = end_of_line(head, end);
	const char *stop = line < end ? end_of_line(line + 1, end) : end;
	const char *at = find_until(head, stop, "coding");

	return at && at + 6 < stop && (at[6] == ':' || at[6] == '=') ? at + 6 : NULL;
}

/* The header of a gettext catalogue. */
static const char *behind_charset(const char *head, const char *end)
{
	const char *at = find_until(head, end, "\n\"Content-Type:");
	const char *stop = at ? end_of_line(at + 1, end) : end;

	at = at ? find_until(at, stop, "charset=") : NULL;
	return at ? at + 8 : NULL;
}

/* LaTeX: "\usepackage[latin1]{inputenc}". */
static const char *behind_bracket(const char *head, const char *end)
{
	const char *at = find_until(head, end, "]{inputenc}");

	while (at && at > head && is_label_char(at[-1]))
		at--;
	return at && at > head && at[-1] == '[' ? at : NULL;
}

static const char *charset_of_words(const char *head, size_t len)
{
	static char label[LABEL_MAX + 1];
	const char *end = head + (len < LOOK_AT ? len : LOOK_AT);
	const char *at = behind_coding(head, end);

	at = at ? at : behind_charset(head, end);
	at = at ? at : behind_bracket(head, end);
	return at && copy_label(at, end, label) ? charset_find(label) : NULL;
}

const char *charset_of_text(const char *head, size_t len, bool is_all, size_t *bom)
{
	const char *named = charset_of_words(head, len);

	if (!named)
		return charset_detect(head, len, is_all, bom);
	if (charset_of_units(head, len, bom) || charset_decodes("UTF-8", head, len, is_all) ||
		!charset_decodes(named, head, len, is_all))
		return charset_detect(head, len, is_all, bom);
	return named;
}
