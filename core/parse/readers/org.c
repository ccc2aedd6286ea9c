/* SPDX-License-Identifier: Apache-2.0 */
/* Org: headlines are headings, keywords at the beginning say something of the document, comments,
 * drawers and the lines that frame a block are left out. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/readers/lines.h"

struct org {
	struct flow flow;
	struct meta meta;
	bool in_block; /* of code or of an example: nothing in it is a headline */
	bool in_drawer;
};

static void note_keyword(struct org *org, const char *line)
{
	static const char *const names[][2] = {{"#+author:", "author"}, {"#+language:", "language"},
		{"#+description:", "description"}, {"#+keywords:", "keywords"}};
	const char *title = line_value(line, "#+title:");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		meta_add(&org->meta, names[i][1], line_value(line, names[i][0]));
	meta_add_date(&org->meta, "created", line_value(line, "#+date:"));
	if (!title)
		return;
	out_field(org->flow.out, FIELD_TITLE, title, strlen(title));
	flow_heading(&org->flow, 1);
	flow_words(&org->flow, title, strlen(title));
	flow_heading_end(&org->flow);
}

/* "#+caption: …" and its like are text of the document. */
static void add_keyword(struct org *org, const char *line)
{
	const char *caption = line_value(line, "#+caption:");

	if (!strncasecmp(line, "#+begin_src", 11) || !strncasecmp(line, "#+begin_example", 15))
		org->in_block = true;
	flow_paragraph(&org->flow);
	if (caption)
		flow_words(&org->flow, caption, strlen(caption));
	note_keyword(org, line);
}

static void add_headline(struct org *org, const char *line, size_t stars)
{
	const char *text = line_words(line + stars);

	flow_heading(&org->flow, (uint32_t)stars);
	flow_words(&org->flow, text, strlen(text));
	flow_heading_end(&org->flow);
}

/* ":PROPERTIES:" to ":END:", and the like. */
static bool is_drawer(const char *words)
{
	size_t len = strlen(words);

	return len > 2 && *words == ':' && words[len - 1] == ':' &&
		words[strcspn(words, " \t")] == '\0';
}

static int add_line(void *context, const char *line, size_t len)
{
	struct org *org = context;
	const char *words = line_words(line);
	size_t stars = line_run(line, '*');

	if (org->in_block) {
		org->in_block = strncasecmp(words, "#+end_", 6) != 0;
		flow_line(&org->flow);
		if (org->in_block)
			flow_preformatted(&org->flow, line, len);
	} else if (org->in_drawer) {
		org->in_drawer = *words && strcasecmp(words, ":end:") != 0;
	} else if (stars && line[stars] == ' ') {
		add_headline(org, line, stars);
	} else if (words[0] == '#' && words[1] == '+') {
		add_keyword(org, words);
	} else if (is_drawer(words)) {
		org->in_drawer = true;
	} else if (!*words) {
		flow_paragraph(&org->flow);
	} else if (words[0] != '#' || (words[1] && words[1] != ' ')) {
		flow_line(&org->flow);
		flow_preformatted(&org->flow, line, len);
	}
	return flow_failed(&org->flow);
}

int org_read(const struct source *source, struct out *out, struct err *err)
{
	struct org org = {0};

	flow_init(&org.flow, out);
	meta_init(&org.meta);
	int rc = lines_each(source, out, add_line, &org, err);
	int failed = flow_finish(&org.flow);
	meta_send(&org.meta, out);
	meta_release(&org.meta);
	return rc ? rc : failed;
}
