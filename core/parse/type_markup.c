/* SPDX-License-Identifier: Apache-2.0 */
/* Names of first elements that tell a format, whatever the file is called. The element is looked
 * for behind the declaration, comments and the document type; in UTF-16 too, whose NUL bytes
 * are passed over. */
#include "core/parse/type_markup.h"

#include <string.h>
#include <strings.h>

#include "core/auto.h"

#define LOOK_AT ((size_t)8 << 10)

static const struct {
	const char *element, *type;
} kinds[] = {
	{"rss", "application/rss+xml"},
	{"feed", "application/atom+xml"},
	{"RDF", "application/rdf+xml"},
	{"FictionBook", "application/x-fictionbook+xml"},
	{"svg", "image/svg+xml"},
	{"html", "application/xhtml+xml"},
};

/* ASCII of the beginning. */
static void copy_head(const struct source *source, char text[LOOK_AT + 1])
{
	size_t len = 0;

	for (size_t i = 0; i < source->head_len && len < LOOK_AT; i++)
		if (source->head[i])
			text[len++] = source->head[i];
	text[len] = '\0';
}

/* Behind one "<!…>" or "<?…>" at @at; NULL: it does not end here. */
static const char *behind(const char *at)
{
	static const struct {
		const char *begin, *end;
	} marks[] = {{"<!--", "-->"}, {"<?", "?>"}, {"<!", ">"}};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (strncmp(at, marks[i].begin, strlen(marks[i].begin)))
			continue;
		/* a document type's own declarations end at "]>" */
		bool is_subset = i == 2 && at[strcspn(at, "[>")] == '[';
		const char *close = is_subset ? "]>" : marks[i].end;
		const char *end = strstr(at, close);
		return end ? end + strlen(close) : NULL;
	}
	return NULL;
}

const char *type_of_markup(const struct source *source)
{
	char text[LOOK_AT + 1];

	copy_head(source, text);
	const char *at = strchr(text, '<');
	while (at && (at[1] == '!' || at[1] == '?')) {
		at = behind(at);
		at = at ? strchr(at, '<') : NULL;
	}
	if (!at)
		return NULL;
	size_t len = strcspn(++at, " \t\r\n/>");
	const char *colon = memchr(at, ':', len);
	if (colon) {
		len -= (size_t)(colon + 1 - at);
		at = colon + 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].element) == len && !strncmp(at, kinds[i].element, len))
			return kinds[i].type;
	return NULL;
}
