/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here trusts the file: what looks like an address is taken as one, and judged by whoever
 * fetches it.
 *
 * Sources: Desktop Entry Specification 1.5; property lists as macOS writes them, XML or binary. */
#include "core/link.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/buf.h"

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && !strcasecmp(name + len - end, suffix);
}

bool link_has_name(const char *name)
{
	return ends_in(name, ".url") || ends_in(name, ".desktop") || ends_in(name, ".webloc");
}

/* [@start, @end) without blanks around it, if it is an address of the web. */
static int take(const char *start, const char *end, char **url)
{
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	size_t len = (size_t)(end - start);
	bool is_web = (len > 7 && !strncasecmp(start, "http://", 7)) ||
		(len > 8 && !strncasecmp(start, "https://", 8));
	if (!is_web || memchr(start, '\0', len))
		return -ENOENT;
	*url = strndup(start, len);
	return *url ? 0 : -ENOMEM;
}

/* --- .url and .desktop: lines of sections ------------------------------------------- */

/* The value of @key in the first section named @section; NULL: it is not there. @text ends with a
 * NUL. */
static const char *find_key(const char *text, const char *section, const char *key)
{
	size_t key_len = strlen(key), section_len = strlen(section);
	bool is_inside = false;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line + strspn(line, " \t\r");
		if (*at == '[') {
			is_inside = !strncasecmp(at + 1, section, section_len) &&
				at[1 + section_len] == ']';
			continue;
		}
		if (!is_inside || strncasecmp(at, key, key_len) != 0)
			continue;
		at += key_len + strspn(at + key_len, " \t");
		if (*at == '=')
			return at + 1;
	}
	return NULL;
}

static int read_keys(const char *text, const char *section, char **url)
{
	const char *value = find_key(text, section, "URL");

	return value ? take(value, value + strcspn(value, "\r\n"), url) : -ENOENT;
}

/* --- .webloc: a property list ------------------------------------------------------- */

/* The five entities of XML. */
static int unescape(const char *text, size_t len, struct buf *out)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	size_t at = 0;

	while (at < len) {
		size_t step = 1;
		char c = text[at];
		for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
			size_t name_len = strlen(entities[i].name);
			if (len - at < name_len || memcmp(text + at, entities[i].name, name_len))
				continue;
			c = entities[i].c;
			step = name_len;
		}
		buf_addc(out, c);
		at += step;
	}
	return out->failed;
}

static int read_xml(const char *text, char **url)
{
	const char *key = strstr(text, "<key>URL</key>");
	const char *start = key ? strstr(key, "<string>") : NULL;
	const char *end = start ? strstr(start, "</string>") : NULL;
	AUTO_BUF struct buf plain;

	buf_init(&plain, LINK_FILE_MAX);
	if (!end)
		return -ENOENT;
	start += strlen("<string>");
	if (unescape(start, (size_t)(end - start), &plain) || !plain.data)
		return plain.failed ? plain.failed : -ENOENT;
	return take(plain.data, plain.data + plain.len, url);
}

/* A string object: 0x5n and n bytes, or 0x5f, a number object (0x10 and a byte, 0x11 and two), and
 * the bytes. The first that is an address is taken. */
static int read_binary(const char *data, size_t len, char **url)
{
	const unsigned char *bytes = (const unsigned char *)data;

	for (size_t i = 8; i + 4 < len; i++) {
		size_t count = bytes[i] & 0xf, start = i + 1;
		if (bytes[i] >> 4 != 5)
			continue;
		if (count == 0xf && bytes[i + 1] == 0x10) {
			count = bytes[i + 2];
			start = i + 3;
		} else if (count == 0xf && bytes[i + 1] == 0x11) {
			count = (size_t)bytes[i + 2] << 8 | bytes[i + 3];
			start = i + 4;
		}
		if (count > len - start)
			continue;
		int rc = take(data + start, data + start + count, url);
		if (rc != -ENOENT)
			return rc;
	}
	return -ENOENT;
}

int link_read(const char *name, const char *text, size_t len, char **url)
{
	AUTO_FREE char *copy = strndup(text, len);

	*url = NULL;
	if (!copy)
		return -ENOMEM;
	if (ends_in(name, ".url"))
		return read_keys(copy, "InternetShortcut", url);
	if (ends_in(name, ".desktop")) {
		const char *type = find_key(copy, "Desktop Entry", "Type");
		bool is_link = type && !strncmp(type + strspn(type, " \t"), "Link", 4);
		return is_link ? read_keys(copy, "Desktop Entry", url) : -ENOENT;
	}
	if (!ends_in(name, ".webloc"))
		return -ENOENT;
	return len > 8 && !memcmp(text, "bplist00", 8) ? read_binary(text, len, url)
						       : read_xml(copy, url);
}
