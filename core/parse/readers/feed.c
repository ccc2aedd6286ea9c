/* SPDX-License-Identifier: Apache-2.0 */
/* RSS (0.9 to 2.0, and 1.0 in RDF) and Atom: each item a heading with what is said of it below.
 * An item's parts come in any order, so they are kept until it ends. Names are those of both
 * formats and of the extensions that feeds use (Dublin Core, content); prefixes do not matter. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/meta.h"
#include "core/parse/readers/html.h"
#include "core/parse/xml.h"

#define PART_MAX ((size_t)8 << 20) /* bytes of an item's text */

enum part {
	PART_TITLE,
	PART_DATE,
	PART_AUTHOR,
	PART_LINK,
	PART_CATEGORY,
	PART_SUMMARY,
	PART_CONTENT,
	PART_LANGUAGE,
	PART_COUNT,
	PART_NONE = PART_COUNT
};

/* In order of preference where an item has several of a part: the first that comes stays. */
static const struct {
	const char *name;
	enum part part;
} parts[] = {
	{"title", PART_TITLE},
	{"pubDate", PART_DATE},
	{"date", PART_DATE},
	{"published", PART_DATE},
	{"updated", PART_DATE},
	{"lastBuildDate", PART_DATE},
	{"author", PART_AUTHOR},
	{"creator", PART_AUTHOR},
	{"managingEditor", PART_AUTHOR},
	{"link", PART_LINK},
	{"category", PART_CATEGORY},
	{"subject", PART_CATEGORY},
	{"description", PART_SUMMARY},
	{"subtitle", PART_SUMMARY},
	{"summary", PART_SUMMARY},
	{"encoded", PART_CONTENT},
	{"content", PART_CONTENT},
	{"language", PART_LANGUAGE},
};

struct feed {
	struct flow flow;
	struct buf text[PART_COUNT]; /* of the item, or of the feed before its first one */
	struct meta meta;
	enum part part; /* that is open */
	unsigned depth, part_depth, item_depth;
	bool has_feed; /* what is said of the feed itself was written */
	bool in_item, is_known;
	int failed;
};

static enum part part_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!strcmp(name, parts[i].name))
			return parts[i].part;
	return PART_NONE;
}

static const char *text_of(const struct feed *feed, enum part part)
{
	return feed->text[part].len ? feed->text[part].data : NULL;
}

static void forget(struct feed *feed)
{
	for (enum part part = 0; part < PART_COUNT; part++)
		buf_clear(&feed->text[part]);
}

/* A title may hold markup, too: its words alone. */
static void add_title(struct feed *feed, uint32_t level)
{
	const char *title = text_of(feed, PART_TITLE);

	if (!title)
		return;
	flow_heading(&feed->flow, level);
	flow_words(&feed->flow, title, strlen(title));
	flow_heading_end(&feed->flow);
}

static void add_html(struct feed *feed, enum part part)
{
	struct err err = ERR_NONE; /* a piece of HTML that is broken is no failure of the feed */

	if (feed->text[part].len)
		html_flow(&feed->flow, feed->text[part].data, feed->text[part].len,
			&(struct html_page){.charset = "UTF-8"}, &err);
	feed->failed = flow_failed(&feed->flow);
}

static void end_item(struct feed *feed)
{
	add_title(feed, 2);
	flow_labelled(&feed->flow, "Date", text_of(feed, PART_DATE));
	flow_labelled(&feed->flow, "Author", text_of(feed, PART_AUTHOR));
	flow_labelled(&feed->flow, "Link", text_of(feed, PART_LINK));
	flow_labelled(&feed->flow, "Category", text_of(feed, PART_CATEGORY));
	add_html(feed, feed->text[PART_CONTENT].len ? PART_CONTENT : PART_SUMMARY);
	flow_paragraph(&feed->flow);
	forget(feed);
}

static void end_feed_head(struct feed *feed)
{
	const struct buf *title = &feed->text[PART_TITLE];

	if (feed->has_feed)
		return;
	feed->has_feed = true;
	if (title->len)
		out_field(feed->flow.out, FIELD_TITLE, title->data, title->len);
	meta_add(&feed->meta, "author", text_of(feed, PART_AUTHOR));
	meta_add(&feed->meta, "language", text_of(feed, PART_LANGUAGE));
	meta_add(&feed->meta, "description", text_of(feed, PART_SUMMARY));
	add_title(feed, 1);
	add_html(feed, PART_SUMMARY);
	forget(feed);
}

static void begin_part(struct feed *feed, const char *name, const struct xml_attributes *attributes)
{
	struct buf *text;
	enum part part = part_of(name);

	if (part == PART_NONE)
		return;
	text = &feed->text[part];
	if (part == PART_CATEGORY && text->len)
		buf_adds(text, ", ");
	else if (text->len) /* the first one counts */
		return;
	feed->part = part;
	feed->part_depth = feed->depth;
	/* Atom has these as attributes */
	AUTO_FREE char *value = xml_attribute_copy(attributes,
		part == PART_LINK		? "href"
			: part == PART_CATEGORY ? "term"
						: "");
	if (value && (part != PART_LINK || !xml_attribute_is(attributes, "rel", "self")))
		buf_adds(text, value);
}

static void on_start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct feed *feed = context;
	bool is_item = !strcmp(name, "item") || !strcmp(name, "entry");

	(void)space;
	feed->depth++;
	if (feed->depth == 1 && !strcmp(name, "feed"))
		feed->is_known = true;
	feed->is_known = feed->is_known || !strcmp(name, "channel");
	if (is_item && !feed->in_item) {
		end_feed_head(feed);
		feed->in_item = true;
		feed->item_depth = feed->depth;
		feed->part = PART_NONE;
	} else if (feed->part != PART_NONE) {
		buf_addc(&feed->text[feed->part], ' '); /* Atom's XHTML, an author's name */
	} else if (feed->in_item ? feed->depth == feed->item_depth + 1
				 : feed->depth <= 3 && !feed->has_feed) {
		begin_part(feed, name, attributes);
	}
}

static void on_end(void *context, const char *name, const char *space)
{
	struct feed *feed = context;

	(void)name, (void)space;
	if (feed->part != PART_NONE && feed->depth == feed->part_depth)
		feed->part = PART_NONE;
	if (feed->in_item && feed->depth == feed->item_depth) {
		end_item(feed);
		feed->in_item = false;
	}
	feed->depth--;
}

static void on_text(void *context, const char *utf8, size_t len)
{
	struct feed *feed = context;

	if (feed->part != PART_NONE)
		buf_add(&feed->text[feed->part], utf8, len);
}

int feed_read(const struct source *source, struct out *out, struct err *err)
{
	static const struct xml_handler handler = {
		.start = on_start, .end = on_end, .text = on_text};
	struct feed feed = {.part = PART_NONE};

	flow_init(&feed.flow, out);
	meta_init(&feed.meta);
	for (enum part part = 0; part < PART_COUNT; part++)
		buf_init(&feed.text[part], PART_MAX);
	int rc = xml_source(source, &handler, &feed, err);
	if (feed.in_item)
		end_item(&feed);
	else
		end_feed_head(&feed);
	int failed = flow_finish(&feed.flow);
	meta_send(&feed.meta, out);
	meta_release(&feed.meta);
	for (enum part part = 0; part < PART_COUNT; part++)
		buf_release(&feed.text[part]);
	rc = xml_settle(rc, out, err);
	return rc ? rc : failed;
}
