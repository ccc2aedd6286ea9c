/* SPDX-License-Identifier: Apache-2.0 */
/* FictionBook 2: what the description says of the book is metadata, each section of the first
 * level is a chapter (a page), so is a body of notes. Pictures are within the file and are passed
 * over. */
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/xml.h"

struct book {
	struct flow flow;
	struct meta meta;
	struct buf text; /* of an element of the description */
	struct buf author; /* its names so far; all authors */
	unsigned sections; /* that are open */
	uint32_t pages;
	bool in_description, in_title_info, in_author, in_body, in_title;
	bool in_binary; /* or the style sheet */
	bool has_title;
};

static bool is_any(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}
#define IS_ANY(name, ...)                                \
	is_any(name, (const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void start_description(struct book *book, const char *name)
{
	if (!strcmp(name, "title-info"))
		book->in_title_info = true;
	if (!strcmp(name, "author") && book->in_title_info) {
		book->in_author = true;
		if (book->author.len)
			buf_addc(&book->author, ',');
	}
	/* an annotation has paragraphs within */
	if (!IS_ANY(name, "p", "strong", "emphasis", "a"))
		buf_clear(&book->text);
}

static void end_title_info(struct book *book, const char *name)
{
	const struct buf *text = &book->text;
	static const char *const names[][2] = {{"lang", "language"}, {"genre", "subject"},
		{"keywords", "keywords"}, {"annotation", "description"}};

	if (!strcmp(name, "author"))
		book->in_author = false;
	if (book->in_author && text->len &&
		IS_ANY(name, "first-name", "middle-name", "last-name", "nickname")) {
		if (book->author.len)
			buf_addc(&book->author, ' ');
		buf_add(&book->author, text->data, text->len);
	}
	if (!strcmp(name, "book-title") && text->len && !book->has_title) {
		book->has_title = true;
		out_field(book->flow.out, FIELD_TITLE, text->data, text->len);
	}
	if (!strcmp(name, "date") && text->len)
		meta_add_date(&book->meta, "created", text->data);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i][0]) && text->len)
			meta_add_text(&book->meta, names[i][1], text->data, text->len);
}

static void end_description(struct book *book, const char *name)
{
	if (!strcmp(name, "title-info"))
		book->in_title_info = false;
	else if (book->in_title_info)
		end_title_info(book, name);
	else if (!strcmp(name, "publisher") && book->text.len)
		meta_add_text(&book->meta, "publisher", book->text.data, book->text.len);
	if (!strcmp(name, "description"))
		book->in_description = false;
}

static void begin_page(struct book *book)
{
	flow_page(&book->flow, ++book->pages);
}

static void start_body(struct book *book, const char *name)
{
	struct flow *flow = &book->flow;

	if (!strcmp(name, "section")) {
		if (book->sections++ == 0)
			begin_page(book);
		flow_paragraph(flow);
	} else if (!strcmp(name, "title")) {
		book->in_title = true;
		flow_heading(flow, book->sections + 1);
	} else if (!strcmp(name, "subtitle")) {
		flow_heading(flow, book->sections + 2);
	} else if (book->in_title && IS_ANY(name, "p", "empty-line")) {
		flow_space(flow);
	} else if (IS_ANY(name, "v", "text-author")) {
		flow_line(flow);
	} else if (!strcmp(name, "table")) {
		flow_table(flow);
	} else if (!strcmp(name, "tr")) {
		flow_row(flow, true);
	} else if (IS_ANY(name, "th", "td")) {
		if (*name == 't' && name[1] == 'd')
			flow_row_is_plain(flow);
		flow_cell(flow, 1);
	} else if (IS_ANY(name, "p", "empty-line", "epigraph", "cite", "poem", "stanza")) {
		flow_paragraph(flow);
	}
}

static void end_body(struct book *book, const char *name)
{
	struct flow *flow = &book->flow;

	if (!strcmp(name, "section")) {
		book->sections -= book->sections > 0;
		flow_paragraph(flow);
	} else if (!strcmp(name, "title")) {
		book->in_title = false;
		flow_heading_end(flow);
	} else if (!strcmp(name, "subtitle")) {
		flow_heading_end(flow);
	} else if (!strcmp(name, "table")) {
		flow_table_end(flow);
	} else if (!strcmp(name, "tr")) {
		flow_row_end(flow);
	} else if (book->in_title && !strcmp(name, "p")) {
		flow_space(flow);
	} else if (IS_ANY(name, "p", "epigraph", "cite", "poem", "stanza")) {
		flow_paragraph(flow);
	} else if (!strcmp(name, "body")) {
		book->in_body = false;
	}
}

static void on_start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct book *book = context;

	(void)space, (void)attributes;
	if (book->in_description) {
		start_description(book, name);
	} else if (book->in_body) {
		start_body(book, name);
	} else if (!strcmp(name, "description")) {
		book->in_description = true;
	} else if (!strcmp(name, "body")) {
		book->in_body = true;
		book->sections = 0;
		begin_page(book);
	}
	book->in_binary = IS_ANY(name, "binary", "stylesheet");
}

static void on_end(void *context, const char *name, const char *space)
{
	struct book *book = context;

	(void)space;
	book->in_binary = false;
	if (book->in_description)
		end_description(book, name);
	else if (book->in_body)
		end_body(book, name);
}

static void on_text(void *context, const char *utf8, size_t len)
{
	struct book *book = context;

	if (book->in_binary)
		return;
	if (book->in_description)
		buf_add(&book->text, utf8, len);
	else if (book->in_body)
		flow_words(&book->flow, utf8, len);
}

int fb2_read(const struct source *source, struct out *out, struct err *err)
{
	static const struct xml_handler handler = {
		.start = on_start, .end = on_end, .text = on_text};
	struct book book = {0};

	flow_init(&book.flow, out);
	meta_init(&book.meta);
	buf_init(&book.text, 4096);
	buf_init(&book.author, 1024);
	int rc = xml_source(source, &handler, &book, err);
	int failed = flow_finish(&book.flow);
	if (book.author.len)
		meta_add_text(&book.meta, "author", book.author.data, book.author.len);
	meta_send(&book.meta, out);
	meta_release(&book.meta);
	buf_release(&book.text);
	buf_release(&book.author);
	rc = xml_settle(rc, out, err);
	return rc ? rc : failed;
}
