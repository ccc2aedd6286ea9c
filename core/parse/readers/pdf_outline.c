/* SPDX-License-Identifier: Apache-2.0 */
/* A PDF's text does not say what is a heading; its outline (the bookmarks) names them, and the
 * page each stands on. A title is looked for among the lines of that page, without regard to
 * white space, for a long one is broken into lines; with or without its number. */
#include "core/parse/readers/pdf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

#define ENTRIES_MAX 20000
#define DEPTH_MAX   8
#define TITLE_MAX   300 /* bytes; a longer one is no heading */
#define BESIDES_MAX 64 /* titles that are looked for on one page */

struct entry {
	int page; /* from 1 */
	uint32_t level;
	char *title;
};

struct pdf_outline {
	struct entry *entries; /* by page, then in their order */
	size_t count, room;
};

static void add_entry(struct pdf_outline *outline, int page, unsigned level, const char *title)
{
	size_t len = strlen(title);

	if (page < 1 || len < 2 || len > TITLE_MAX || !g_utf8_validate(title, -1, NULL))
		return;
	if (outline->count == outline->room) {
		size_t room = outline->room ? outline->room * 2 : 64;
		struct entry *grown = realloc(outline->entries, room * sizeof(*grown));
		if (!grown)
			return;
		outline->entries = grown;
		outline->room = room;
	}
	char *copy = strdup(title);
	if (copy)
		outline->entries[outline->count++] = (struct entry){page, level, copy};
}

static int page_of(PopplerDocument *document, const PopplerDest *dest)
{
	if (!dest || dest->type != POPPLER_DEST_NAMED)
		return dest ? dest->page_num : 0;
	PopplerDest *found = poppler_document_find_dest(document, dest->named_dest);
	int page = found ? found->page_num : 0;
	if (found)
		poppler_dest_free(found);
	return page;
}

/* Poppler reads an entry once, so a loop among them ends; the depth is bounded here. */
static void walk(struct pdf_outline *outline, PopplerDocument *document, PopplerIndexIter *at,
	unsigned level)
{
	do {
		PopplerAction *action = poppler_index_iter_get_action(at);
		if (action && action->type == POPPLER_ACTION_GOTO_DEST && action->any.title)
			add_entry(outline, page_of(document, action->goto_dest.dest), level,
				action->any.title);
		if (action)
			poppler_action_free(action);
		PopplerIndexIter *below =
			level < DEPTH_MAX ? poppler_index_iter_get_child(at) : NULL;
		if (below)
			walk(outline, document, below, level + 1);
		poppler_index_iter_free(below);
	} while (outline->count < ENTRIES_MAX && poppler_index_iter_next(at));
}

static int by_page(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

struct pdf_outline *pdf_outline_new(PopplerDocument *document)
{
	PopplerIndexIter *at = poppler_index_iter_new(document);
	struct pdf_outline *outline = at ? calloc(1, sizeof(*outline)) : NULL;

	if (outline)
		walk(outline, document, at, 1);
	poppler_index_iter_free(at);
	if (outline && outline->count)
		qsort(outline->entries, outline->count, sizeof(*outline->entries), by_page);
	return outline;
}

void pdf_outline_free(struct pdf_outline *outline)
{
	if (!outline)
		return;
	for (size_t i = 0; i < outline->count; i++)
		free(outline->entries[i].title);
	free(outline->entries);
	free(outline);
}

/* Does @title stand at @at, from a line's beginning to a line's end? Behind its end, or NULL. */
static const char *match(const char *at, const char *title)
{
	const char *end = at;

	for (;;) {
		while (isspace((unsigned char)*title))
			title++;
		if (!*title)
			break;
		while (isspace((unsigned char)*at))
			at++;
		if (tolower((unsigned char)*at) != tolower((unsigned char)*title))
			return NULL;
		title++;
		end = ++at;
	}
	while (*at == ' ' || *at == '\t')
		at++;
	return *at == '\n' || *at == '\0' || *at == '\r' ? end : NULL;
}

static const char *without_number(const char *title)
{
	const char *rest = title + strspn(title, "0123456789.) \t");

	return rest > title && *rest ? rest : NULL;
}

static const char *line_after(const char *line)
{
	const char *newline = strchr(line, '\n');

	return newline ? newline + 1 : NULL;
}

/* The first line of @text that @title is; *end: behind it. NULL: there is none. */
static const char *find_line(const char *text, const char *title, const char **end)
{
	for (const char *line = text; line && *line; line = line_after(line)) {
		if (isspace((unsigned char)*line))
			line += strspn(line, " \t");
		if ((*end = match(line, title)))
			return line;
	}
	return NULL;
}

static const char *find_title(const char *text, const struct entry *entry, const char **end)
{
	const char *bare = without_number(entry->title);
	const char *found = find_line(text, entry->title, end);

	return found || !bare ? found : find_line(text, bare, end);
}

static size_t first_of(const struct pdf_outline *outline, int page)
{
	size_t low = 0, high = outline->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (outline->entries[middle].page < page)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Titles come in the order of the text as a rule: one that stands before the last is no heading
 * that is worth a second look. */
int pdf_outline_write(
	const struct pdf_outline *outline, int number, const char *text, struct out *out)
{
	size_t i = outline ? first_of(outline, number) : 0;

	for (size_t tries = 0; outline && i < outline->count && tries < BESIDES_MAX; i++, tries++) {
		const struct entry *entry = &outline->entries[i];
		const char *end;
		if (entry->page != number)
			break;
		const char *line = find_title(text, entry, &end);
		if (!line)
			continue;
		out_text(out, text, (size_t)(line - text));
		out_mark(out, MARK_HEADING, entry->level, out->chars,
			out->chars + out_count(line, (size_t)(end - line)));
		out_text(out, line, (size_t)(end - line));
		text = end;
	}
	return out_text(out, text, strlen(text));
}
