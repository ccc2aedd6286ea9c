/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of a web page, which may say it itself: a short form of HTML's algorithm
 * (WHATWG HTML, section 13.2.3). A byte order mark wins, then UTF-8 that is valid, then what a
 * meta element says, then statistics. */
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

	while (at < end && *at && strchr(" \t\r\n\"'=", *at))
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
