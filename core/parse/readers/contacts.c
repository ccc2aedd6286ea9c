/* SPDX-License-Identifier: Apache-2.0 */
/* vCard 2.1 to 4.0: each card is a heading, the person's name, and a line for each thing that is
 * known. Lines are kept until the card ends, for the name may come last. Pictures, sounds, keys
 * and what programs note for themselves are left out. */
#include "core/parse/reader.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/readers/content_line.h"

#define CARD_MAX ((size_t)1 << 20) /* bytes of one card's lines */

struct card {
	struct flow *flow;
	struct buf name; /* as it is written */
	struct buf parts; /* the name put together from its parts, should there be no other */
	struct buf organisation;
	struct buf lines;
	unsigned depth; /* a card within a card (AGENT of 2.1) belongs to the outer one's agent */
	struct buf first; /* name of the first card */
	unsigned count;
};

/* Append what is not blank of the parts of a structured value, in the given @order. */
static void add_parts(
	const char *value, const int *order, size_t count, const char *between, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = value;
		for (int skip = order[i]; skip && *at; skip--) {
			at += content_part(at, ';');
			at += *at == ';';
		}
		size_t len = content_part(at, ';');
		if (!len)
			continue;
		if (out->len)
			buf_adds(out, between);
		content_text(at, len, out);
	}
}

/* "Phone (work, cell)": what TYPE says, the words that say nothing left out. */
static void add_kinds(const struct content_line *line, struct buf *out)
{
	static const struct {
		const char *type, *word;
	} kinds[] = {{"home", "home"}, {"work", "work"}, {"cell", "mobile"}, {"fax", "fax"},
		{"pager", "pager"}, {"car", "car"}, {"main", "main"}, {"other", "other"}};
	bool is_first = true;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!content_line_has_type(line, kinds[i].type))
			continue;
		buf_addf(out, "%s%s", is_first ? " (" : ", ", kinds[i].word);
		is_first = false;
	}
	if (!is_first)
		buf_addc(out, ')');
}

/* "tel:+49-30-1" and "mailto:…" of vCard 4 */
static const char *without_scheme(const char *value)
{
	if (!strncasecmp(value, "tel:", 4))
		return value + 4;
	return strncasecmp(value, "mailto:", 7) ? value : value + 7;
}

/* "19850412" and "1985-04-12T00:00:00Z" are a day. */
static void add_day(const char *value, struct buf *out)
{
	if (strspn(value, "0123456789") == 8)
		buf_addf(out, "%.4s-%.2s-%.2s", value, value + 4, value + 6);
	else
		buf_add(out, value, strcspn(value, "T"));
}

static void add_value(const struct content_line *line, struct buf *out)
{
	/* box, extension, street, town, region, code, country */
	static const int address[] = {0, 1, 2, 3, 4, 5, 6};
	AUTO_BUF struct buf parts;

	buf_init(&parts, CARD_MAX);
	if (content_line_is(line, "ADR"))
		add_parts(line->value, address, ARRAY_LEN(address), ", ", &parts);
	else if (content_line_is(line, "BDAY") || content_line_is(line, "ANNIVERSARY"))
		add_day(line->value, &parts);
	else
		content_text(
			without_scheme(line->value), strlen(without_scheme(line->value)), &parts);
	/* an address of several lines is one here, a note keeps its lines */
	for (size_t i = 0; !content_line_is(line, "NOTE") && i < parts.len; i++)
		if (parts.data[i] == '\n')
			parts.data[i] = ' ';
	buf_add(out, parts.data ? parts.data : "", parts.len);
}

static void take_line_of_card(struct card *card, const struct content_line *line)
{
	static const struct {
		const char *name, *label;
	} known[] = {{"TITLE", "Title"}, {"ROLE", "Role"}, {"NICKNAME", "Nickname"},
		{"TEL", "Phone"}, {"EMAIL", "Email"}, {"ADR", "Address"}, {"URL", "Link"},
		{"IMPP", "Chat"}, {"BDAY", "Birthday"}, {"ANNIVERSARY", "Anniversary"},
		{"CATEGORIES", "Categories"}, {"LANG", "Language"}, {"RELATED", "Related"},
		{"NOTE", "Note"}, {"MEMBER", "Member"}};
	size_t i = 0;

	while (i < ARRAY_LEN(known) && !content_line_is(line, known[i].name))
		i++;
	if (i == ARRAY_LEN(known) || !line->value[strspn(line->value, " ;")])
		return;
	size_t before = card->lines.len;
	buf_adds(&card->lines, known[i].label);
	add_kinds(line, &card->lines);
	buf_adds(&card->lines, ": ");
	size_t begin = card->lines.len;
	add_value(line, &card->lines);
	if (card->lines.len == begin)
		card->lines.len = before;
	else
		buf_addc(&card->lines, '\n');
}

static void take_property(struct card *card, const struct content_line *line)
{
	/* title, given, additional, family, suffix */
	static const int name[] = {3, 1, 2, 0, 4}, organisation[] = {0, 1, 2, 3};

	if (content_line_is(line, "FN") && !card->name.len)
		content_text(line->value, line->len, &card->name);
	else if (content_line_is(line, "N") && !card->parts.len)
		add_parts(line->value, name, ARRAY_LEN(name), " ", &card->parts);
	else if (content_line_is(line, "ORG") && !card->organisation.len)
		add_parts(line->value, organisation, ARRAY_LEN(organisation), ", ",
			&card->organisation);
	else
		take_line_of_card(card, line);
}

static void clear(struct card *card)
{
	buf_clear(&card->name);
	buf_clear(&card->parts);
	buf_clear(&card->organisation);
	buf_clear(&card->lines);
}

static void end_card(struct card *card)
{
	const struct buf *name = card->name.len ? &card->name
		: card->parts.len		? &card->parts
						: &card->organisation;
	struct flow *flow = card->flow;

	if (name->len) {
		flow_heading(flow, 1);
		flow_words(flow, name->data, name->len);
		flow_heading_end(flow);
		if (!card->count++)
			buf_add(&card->first, name->data, name->len);
	}
	flow_paragraph(flow);
	if (name != &card->organisation && card->organisation.len)
		flow_labelled(flow, "Organisation", card->organisation.data);
	if (card->lines.len)
		flow_preformatted(flow, card->lines.data, card->lines.len - 1);
	flow_paragraph(flow);
	clear(card);
}

static void take_line(void *context, const struct content_line *line)
{
	struct card *card = context;

	if (content_line_is(line, "BEGIN")) {
		card->depth++;
	} else if (content_line_is(line, "END") && card->depth) {
		if (--card->depth == 0)
			end_card(card);
	} else if (card->depth == 1) {
		take_property(card, line);
	}
}

int contacts_read(const struct source *source, struct out *out, struct err *err)
{
	struct card card = {0};
	struct flow flow;

	flow_init(&flow, out);
	card.flow = &flow;
	buf_init(&card.name, 4096);
	buf_init(&card.parts, 4096);
	buf_init(&card.organisation, 4096);
	buf_init(&card.lines, CARD_MAX);
	buf_init(&card.first, 4096);
	int rc = content_lines(source, take_line, &card, err);
	if (card.depth && !rc) /* cut: what is known of the last one */
		end_card(&card);
	if (card.count == 1)
		out_field(out, FIELD_TITLE, card.first.data, card.first.len);
	clear(&card);
	buf_release(&card.name);
	buf_release(&card.parts);
	buf_release(&card.organisation);
	buf_release(&card.lines);
	buf_release(&card.first);
	int written = flow_finish(&flow);
	return rc ? rc : written;
}
