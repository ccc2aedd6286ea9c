/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of a workbook: styles, shared strings, comments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/xlsx.h"

#define STRINGS_MAX ((size_t)160 << 20) /* bytes of all shared strings */
#define STYLES_MAX  65536

/* Styles. */

struct styles_walk {
	struct xlsx_styles *styles;
	bool in_formats; /* of cells, not of cells' styles */
};

/* Room for one more of @size; doubles at powers of two. */
static void *more(void *at, size_t count, size_t size)
{
	if (count >= STYLES_MAX)
		return NULL;
	return (count & (count - 1)) == 0 ? realloc(at, (count ? count * 2 : 1) * size) : at;
}

static void add_code(struct xlsx_styles *styles, const struct xml_attributes *attributes)
{
	void *at = more(styles->codes, styles->code_count, sizeof(*styles->codes));

	if (!at)
		return;
	styles->codes = at;
	char *code = xml_attribute_copy(attributes, "formatCode");
	if (!code)
		return;
	styles->codes[styles->code_count].id = xml_attribute_number(attributes, "numFmtId", -1);
	styles->codes[styles->code_count++].code = code;
}

static void add_format(struct xlsx_styles *styles, const struct xml_attributes *attributes)
{
	long *at = more(styles->formats, styles->format_count, sizeof(*styles->formats));

	if (!at)
		return;
	styles->formats = at;
	at[styles->format_count++] = xml_attribute_number(attributes, "numFmtId", 0);
}

static void start_style(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct styles_walk *walk = context;

	(void)space;
	if (!strcmp(name, "numFmt"))
		add_code(walk->styles, attributes);
	else if (!strcmp(name, "cellXfs"))
		walk->in_formats = true;
	else if (walk->in_formats && !strcmp(name, "xf"))
		add_format(walk->styles, attributes);
}

static void end_style(void *context, const char *name, const char *space)
{
	struct styles_walk *walk = context;

	(void)space;
	if (!strcmp(name, "cellXfs"))
		walk->in_formats = false;
}

void xlsx_styles_read(struct xlsx_styles *styles, struct package *package, const char *part)
{
	static const struct xml_handler handler = {.start = start_style, .end = end_style};
	struct styles_walk walk = {.styles = styles};
	struct err ignored = ERR_NONE;

	if (part)
		xml_part(package, part, &handler, &walk, &ignored);
}

void xlsx_styles_release(struct xlsx_styles *styles)
{
	for (size_t i = 0; i < styles->code_count; i++)
		free(styles->codes[i].code);
	free(styles->codes);
	free(styles->formats);
}

const char *xlsx_style_code(const struct xlsx_styles *styles, long style)
{
	if (style < 0 || (size_t)style >= styles->format_count)
		return NULL;
	long id = styles->formats[style];
	for (size_t i = 0; id && i < styles->code_count; i++)
		if (styles->codes[i].id == id)
			return styles->codes[i].code;
	return xlsx_builtin_code(id);
}

/* Shared strings. */

struct strings_walk {
	struct xlsx_strings *strings;
	bool in_text;
	unsigned phonetic; /* elements that are open, from a reading aid on */
};

static void start_string(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct strings_walk *walk = context;

	(void)space, (void)attributes;
	if (walk->phonetic || !strcmp(name, "rPh"))
		walk->phonetic++;
	walk->in_text = !walk->phonetic && !strcmp(name, "t");
}

static void end_string(void *context, const char *name, const char *space)
{
	struct strings_walk *walk = context;
	struct xlsx_strings *strings = walk->strings;

	(void)space;
	walk->in_text = false;
	if (walk->phonetic) {
		walk->phonetic--;
		return;
	}
	if (strcmp(name, "si") || strings->text.failed)
		return;
	if (strings->count == strings->cap) {
		size_t cap = strings->cap ? strings->cap * 2 : 1024;
		size_t *ends = realloc(strings->ends, cap * sizeof(*ends));
		if (!ends) {
			strings->text.failed = -ENOMEM;
			return;
		}
		strings->ends = ends;
		strings->cap = cap;
	}
	strings->ends[strings->count++] = strings->text.len;
}

static void add_string(void *context, const char *utf8, size_t len)
{
	struct strings_walk *walk = context;

	if (walk->in_text)
		buf_add(&walk->strings->text, utf8, len);
}

static int strings_failed(void *context)
{
	const struct strings_walk *walk = context;

	return walk->strings->text.failed;
}

int xlsx_strings_read(
	struct xlsx_strings *strings, struct package *package, const char *part, struct err *err)
{
	static const struct xml_handler handler = {.start = start_string,
		.end = end_string,
		.text = add_string,
		.failed = strings_failed};
	struct strings_walk walk = {.strings = strings};

	buf_init(&strings->text, STRINGS_MAX);
	int rc = part ? xml_part(package, part, &handler, &walk, err) : 0;
	if (rc == -EFBIG && !err->text[0])
		err_set(err, rc, "the workbook holds more than %zu MiB of different texts",
			STRINGS_MAX >> 20);
	return rc == -ENOENT ? 0 : rc;
}

void xlsx_strings_release(struct xlsx_strings *strings)
{
	buf_release(&strings->text);
	free(strings->ends);
}

const char *xlsx_string(const struct xlsx_strings *strings, long index, size_t *len)
{
	if (index < 0 || (size_t)index >= strings->count || !strings->text.data)
		return NULL;
	size_t start = index ? strings->ends[index - 1] : 0;
	*len = strings->ends[index] - start;
	return strings->text.data + start;
}

/* Comments: <comment> with an author's index ("notes"), <threadedComment> with a person's id. */

struct comments_walk {
	struct flow *flow;
	struct office_tapes authors; /* names by index or id */
	struct buf text; /* of the comment or the author that is open */
	char *ref, *author;
	bool in_text;
	bool has_threads; /* what the old form says of them is for programs that know none */
};

static void start_comment(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct comments_walk *walk = context;

	(void)space;
	if (!strcmp(name, "t") || !strcmp(name, "text") || !strcmp(name, "author"))
		walk->in_text = true;
	if (!strcmp(name, "author"))
		buf_clear(&walk->text);
	bool is_thread = !strcmp(name, "threadedComment");
	if (!is_thread && strcmp(name, "comment"))
		return;
	buf_clear(&walk->text);
	free(walk->ref);
	free(walk->author);
	walk->ref = xml_attribute_copy(attributes, "ref");
	walk->author = xml_attribute_copy(attributes, is_thread ? "personId" : "authorId");
}

static void say_comment(struct comments_walk *walk)
{
	static const char for_others[] = "[Threaded comment]";
	struct buf *author = walk->author ? office_tapes_find(&walk->authors, walk->author) : NULL;
	struct flow *flow = walk->flow;

	if (!walk->text.len ||
		(walk->has_threads &&
			!strncmp(walk->text.data, for_others, sizeof(for_others) - 1)))
		return;
	flow_paragraph(flow);
	flow_words(flow, "Comment", 7);
	if (walk->ref) {
		flow_words(flow, " on ", 4);
		flow_words(flow, walk->ref, strlen(walk->ref));
	}
	if (author && author->len && author->data[strspn(author->data, " ")]) {
		flow_words(flow, " by ", 4);
		flow_words(flow, author->data, author->len);
	}
	flow_words(flow, ": ", 2);
	office_words(flow, walk->text.data, walk->text.len);
	flow_paragraph(flow);
}

static void end_comment(void *context, const char *name, const char *space)
{
	struct comments_walk *walk = context;
	char key[24];

	(void)space;
	if (!strcmp(name, "t") || !strcmp(name, "text") || !strcmp(name, "author"))
		walk->in_text = false;
	if (!strcmp(name, "author")) {
		snprintf(key, sizeof(key), "%zu", walk->authors.count);
		struct buf *entry = office_tapes_add(&walk->authors, key, strlen(key));
		if (entry && walk->text.len)
			buf_add(entry, walk->text.data, walk->text.len);
		buf_clear(&walk->text);
	}
	if (!strcmp(name, "comment") || !strcmp(name, "threadedComment"))
		say_comment(walk);
}

static void add_comment(void *context, const char *utf8, size_t len)
{
	struct comments_walk *walk = context;

	if (walk->in_text)
		buf_add(&walk->text, utf8, len);
}

static void add_person(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct comments_walk *walk = context;

	(void)space;
	if (strcmp(name, "person"))
		return;
	AUTO_FREE char *id = xml_attribute_copy(attributes, "id");
	AUTO_FREE char *person = xml_attribute_copy(attributes, "displayName");
	struct buf *entry = id && person ? office_tapes_add(&walk->authors, id, strlen(id)) : NULL;
	if (entry)
		buf_adds(entry, person);
}

void xlsx_comments(struct package *package, const struct ooxml_rels *sheet,
	const struct ooxml_rels *workbook, struct flow *flow)
{
	static const struct xml_handler handler = {
		.start = start_comment, .end = end_comment, .text = add_comment};
	static const struct xml_handler persons = {.start = add_person};
	const char *notes = ooxml_rel_of_type(sheet, "comments");
	const char *threads = ooxml_rel_of_type(sheet, "threadedComment");
	const char *people = ooxml_rel_of_type(workbook, "person");
	struct comments_walk walk = {.flow = flow, .has_threads = threads != NULL};
	struct err ignored = ERR_NONE;

	buf_init(&walk.text, (size_t)1 << 20);
	if (notes)
		xml_part(package, notes, &handler, &walk, &ignored);
	office_tapes_release(&walk.authors);
	if (threads && people)
		xml_part(package, people, &persons, &walk, &ignored);
	if (threads)
		xml_part(package, threads, &handler, &walk, &ignored);
	office_tapes_release(&walk.authors);
	buf_release(&walk.text);
	free(walk.ref);
	free(walk.author);
}
