/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages, in man(7) and mdoc(7), without troff: sections are headings, requests go or are
 * what they say of the layout, and the words of macros that set a font are words. Macros of a
 * page's own, and what stands under a condition, are left out: nothing is expanded. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/readers/lines.h"
#include "core/parse/readers/roff.h"

/* What a request or macro does. */
enum macro {
	MACRO_TITLE = 1, /* .TH */
	MACRO_MDOC_TITLE, /* .Dt */
	MACRO_DATE, /* .Dd */
	MACRO_SECTION,
	MACRO_SUBSECTION,
	MACRO_PARAGRAPH,
	MACRO_TAG, /* the next line is the tag of an item */
	MACRO_ITEM, /* its arguments are */
	MACRO_LINE,
	MACRO_WORDS, /* arguments with spaces between them */
	MACRO_JOINED, /* … without */
	MACRO_FILLED, /* lines are filled again */
	MACRO_UNFILLED,
	MACRO_SKIP, /* up to ".." */
	MACRO_TABLE,
	MACRO_TABLE_END,
	MACRO_INLINE /* of mdoc: the arguments may name other macros */
};

static const struct {
	const char *name;
	enum macro macro;
	const char *before, *after; /* of MACRO_INLINE */
} macros[] = {
	{"TH", MACRO_TITLE, "", ""},
	{"Dt", MACRO_MDOC_TITLE, "", ""},
	{"Dd", MACRO_DATE, "", ""},
	{"SH", MACRO_SECTION, "", ""},
	{"Sh", MACRO_SECTION, "", ""},
	{"SS", MACRO_SUBSECTION, "", ""},
	{"Ss", MACRO_SUBSECTION, "", ""},
	{"PP", MACRO_PARAGRAPH, "", ""},
	{"P", MACRO_PARAGRAPH, "", ""},
	{"LP", MACRO_PARAGRAPH, "", ""},
	{"HP", MACRO_PARAGRAPH, "", ""},
	{"Pp", MACRO_PARAGRAPH, "", ""},
	{"sp", MACRO_PARAGRAPH, "", ""},
	{"Bl", MACRO_PARAGRAPH, "", ""},
	{"El", MACRO_PARAGRAPH, "", ""},
	{"TP", MACRO_TAG, "", ""},
	{"TQ", MACRO_TAG, "", ""},
	{"IP", MACRO_ITEM, "", ""},
	{"It", MACRO_ITEM, "", ""},
	{"br", MACRO_LINE, "", ""},
	{"RS", MACRO_LINE, "", ""},
	{"RE", MACRO_LINE, "", ""},
	{"B", MACRO_WORDS, "", ""},
	{"I", MACRO_WORDS, "", ""},
	{"R", MACRO_WORDS, "", ""},
	{"SM", MACRO_WORDS, "", ""},
	{"SB", MACRO_WORDS, "", ""},
	{"UR", MACRO_WORDS, "", ""},
	{"UE", MACRO_WORDS, "", ""},
	{"MT", MACRO_WORDS, "", ""},
	{"ME", MACRO_WORDS, "", ""},
	{"SY", MACRO_WORDS, "", ""},
	{"OP", MACRO_WORDS, "", ""},
	{"BR", MACRO_JOINED, "", ""},
	{"BI", MACRO_JOINED, "", ""},
	{"IB", MACRO_JOINED, "", ""},
	{"IR", MACRO_JOINED, "", ""},
	{"RB", MACRO_JOINED, "", ""},
	{"RI", MACRO_JOINED, "", ""},
	{"MR", MACRO_JOINED, "", ""},
	{"nf", MACRO_UNFILLED, "", ""},
	{"EX", MACRO_UNFILLED, "", ""},
	{"Bd", MACRO_UNFILLED, "", ""},
	{"fi", MACRO_FILLED, "", ""},
	{"EE", MACRO_FILLED, "", ""},
	{"Ed", MACRO_FILLED, "", ""},
	{"de", MACRO_SKIP, "", ""},
	{"ig", MACRO_SKIP, "", ""},
	{"TS", MACRO_TABLE, "", ""},
	{"TE", MACRO_TABLE_END, "", ""},
	{"Nm", MACRO_INLINE, "", ""},
	{"Nd", MACRO_INLINE, "\u2013 ", ""},
	{"Fl", MACRO_INLINE, "-", ""},
	{"Cm", MACRO_INLINE, "", ""},
	{"Ar", MACRO_INLINE, "", ""},
	{"Op", MACRO_INLINE, "[", "]"},
	{"Pa", MACRO_INLINE, "", ""},
	{"Xr", MACRO_INLINE, "", ""},
	{"Sy", MACRO_INLINE, "", ""},
	{"Em", MACRO_INLINE, "", ""},
	{"Li", MACRO_INLINE, "", ""},
	{"Ic", MACRO_INLINE, "", ""},
	{"Va", MACRO_INLINE, "", ""},
	{"Vt", MACRO_INLINE, "", ""},
	{"Ev", MACRO_INLINE, "", ""},
	{"Er", MACRO_INLINE, "", ""},
	{"Dv", MACRO_INLINE, "", ""},
	{"Fn", MACRO_INLINE, "", ""},
	{"Fa", MACRO_INLINE, "", ""},
	{"Ft", MACRO_INLINE, "", ""},
	{"In", MACRO_INLINE, "<", ">"},
	{"Lk", MACRO_INLINE, "", ""},
	{"Mt", MACRO_INLINE, "", ""},
	{"An", MACRO_INLINE, "", ""},
	{"Dl", MACRO_INLINE, "", ""},
	{"D1", MACRO_INLINE, "", ""},
	{"Ql", MACRO_INLINE, "'", "'"},
	{"Sq", MACRO_INLINE, "'", "'"},
	{"Dq", MACRO_INLINE, "\"", "\""},
	{"Qq", MACRO_INLINE, "\"", "\""},
	{"Pq", MACRO_INLINE, "(", ")"},
	{"Bq", MACRO_INLINE, "[", "]"},
	{"Aq", MACRO_INLINE, "<", ">"},
	{"No", MACRO_INLINE, "", ""},
	{"Ns", MACRO_INLINE, "", ""},
	{"Ta", MACRO_INLINE, "", ""},
	{"Tn", MACRO_INLINE, "", ""},
	{"Ad", MACRO_INLINE, "", ""},
	{"Ms", MACRO_INLINE, "", ""},
	{"Cd", MACRO_INLINE, "", ""},
	{"Fd", MACRO_INLINE, "", ""},
	{"Fo", MACRO_INLINE, "", ""},
	{"Ot", MACRO_INLINE, "", ""},
	{"St", MACRO_INLINE, "", ""},
	{"Ap", MACRO_INLINE, "'", ""},
	{"Eo", MACRO_INLINE, "", ""},
	{"Ec", MACRO_INLINE, "", ""},
	{"Oo", MACRO_INLINE, "[", ""},
	{"Oc", MACRO_INLINE, "]", ""},
	{"Po", MACRO_INLINE, "(", ""},
	{"Pc", MACRO_INLINE, ")", ""},
	{"Bo", MACRO_INLINE, "[", ""},
	{"Bc", MACRO_INLINE, "]", ""},
	{"Do", MACRO_INLINE, "\"", ""},
	{"Dc", MACRO_INLINE, "\"", ""},
	{"So", MACRO_INLINE, "'", ""},
	{"Sc", MACRO_INLINE, "'", ""},
	{"Nx", MACRO_INLINE, "NetBSD", ""},
	{"Ox", MACRO_INLINE, "OpenBSD", ""},
	{"Fx", MACRO_INLINE, "FreeBSD", ""},
	{"Dx", MACRO_INLINE, "DragonFly", ""},
	{"Bsx", MACRO_INLINE, "BSD/OS", ""},
	{"Bx", MACRO_INLINE, "BSD", ""},
	{"Ux", MACRO_INLINE, "UNIX", ""},
	{"At", MACRO_INLINE, "AT&T UNIX", ""},
	{"%A", MACRO_INLINE, "", ""},
	{"%B", MACRO_INLINE, "", ""},
	{"%C", MACRO_INLINE, "", ""},
	{"%D", MACRO_INLINE, "", ""},
	{"%I", MACRO_INLINE, "", ""},
	{"%J", MACRO_INLINE, "", ""},
	{"%N", MACRO_INLINE, "", ""},
	{"%O", MACRO_INLINE, "", ""},
	{"%P", MACRO_INLINE, "", ""},
	{"%Q", MACRO_INLINE, "", ""},
	{"%R", MACRO_INLINE, "", ""},
	{"%T", MACRO_INLINE, "", ""},
	{"%U", MACRO_INLINE, "", ""},
	{"%V", MACRO_INLINE, "", ""},
};

struct man {
	struct flow flow;
	struct meta meta;
	struct buf words; /* of an argument or a line */
	struct buf name; /* of the page, as mdoc's first .Nm has it */
	enum { FILLED, UNFILLED } fill;
	uint32_t heading; /* level of the heading that the next line is; 0: it is none */
	bool is_tag; /* the next line is an item's tag */
	bool is_skipping; /* a macro's definition */
	bool in_table, in_table_head;
	bool in_block; /* a cell of several lines */
	char tab; /* between cells */
};

static size_t find_macro(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(macros); i++)
		if (strlen(macros[i].name) == len && !memcmp(macros[i].name, name, len))
			return i;
	return ARRAY_LEN(macros);
}

static void add_words(struct man *man)
{
	if (man->words.len)
		flow_words(&man->flow, man->words.data, man->words.len);
}

static void add_arguments(struct man *man, const char *at, bool are_joined)
{
	flow_space(&man->flow);
	while (roff_argument(&at, &man->words)) {
		add_words(man);
		if (!are_joined)
			flow_space(&man->flow);
	}
	flow_space(&man->flow);
}

/* mdoc: "Fl v Ar file" is "-v file"; a sign that ends a sentence stays with its word. */
static void add_inline(struct man *man, size_t macro, const char *at)
{
	struct flow *flow = &man->flow;
	const char *after[16];
	size_t depth = 0, words = 0;
	bool is_open = false; /* a bracket stands before what comes */

	for (bool is_macro = true;;) {
		if (is_macro) {
			if (!is_open)
				flow_space(flow);
			is_open = macros[macro].before[0] && !macros[macro].before[1];
			words = macros[macro].before[0] && !is_open; /* it is a word itself */
			flow_words(flow, macros[macro].before, strlen(macros[macro].before));
			if (macros[macro].after[0] && depth < ARRAY_LEN(after))
				after[depth++] = macros[macro].after;
		}
		const char *next = at;
		if (!roff_argument(&next, &man->words))
			break;
		at = next;
		macro = find_macro(man->words.data, man->words.len);
		is_macro = macro < ARRAY_LEN(macros) && macros[macro].macro == MACRO_INLINE;
		if (is_macro)
			continue;
		is_open = false;
		bool is_sign = man->words.len == 1 && strchr(".,:;)]", *man->words.data);
		if (words++ && !is_sign)
			flow_space(flow);
		add_words(man);
	}
	while (depth)
		flow_words(flow, after[depth - 1], strlen(after[depth - 1])), depth--;
	if (!is_open)
		flow_space(flow);
}

static void add_name(struct man *man, size_t macro, const char *at)
{
	const char *rest = at;

	if (!man->name.len && roff_argument(&rest, &man->words))
		buf_add(&man->name, man->words.data, man->words.len);
	rest = at + strspn(at, " \t");
	if (!*rest && man->name.len) { /* without arguments it is the page's */
		flow_space(&man->flow);
		flow_words(&man->flow, man->name.data, man->name.len);
		flow_space(&man->flow);
	} else {
		add_inline(man, macro, at);
	}
}

static void add_heading(struct man *man, uint32_t level, const char *at)
{
	man->heading = 0;
	flow_heading(&man->flow, level);
	add_arguments(man, at, false);
	flow_heading_end(&man->flow);
}

/* "NAME SECTION DATE": the title is "NAME(SECTION)". */
static void add_title(struct man *man, const char *at, bool has_date)
{
	AUTO_BUF struct buf title;

	buf_init(&title, 1024);
	if (!roff_argument(&at, &man->words) || !man->words.len)
		return;
	buf_add(&title, man->words.data, man->words.len);
	if (roff_argument(&at, &man->words) && man->words.len)
		buf_addf(&title, "(%s)", man->words.data);
	if (title.len)
		out_field(man->flow.out, FIELD_TITLE, title.data, title.len);
	flow_heading(&man->flow, 1);
	if (title.len)
		flow_words(&man->flow, title.data, title.len);
	flow_heading_end(&man->flow);
	if (has_date && roff_argument(&at, &man->words))
		meta_add_date(&man->meta, "created", man->words.data);
}

static void begin_heading(struct man *man, uint32_t level, const char *at)
{
	man->fill = FILLED;
	if (*line_words(at))
		add_heading(man, level, at);
	else
		man->heading = level;
}

static void set_fill(struct man *man, int fill)
{
	man->fill = fill ? UNFILLED : FILLED;
	flow_paragraph(&man->flow);
}

static void do_request(struct man *man, size_t macro, const char *at)
{
	struct flow *flow = &man->flow;

	switch (macros[macro].macro) {
	case MACRO_TITLE: add_title(man, at, true); break;
	case MACRO_MDOC_TITLE: add_title(man, at, false); break;
	case MACRO_DATE: break;
	case MACRO_SECTION: begin_heading(man, 2, at); break;
	case MACRO_SUBSECTION: begin_heading(man, 3, at); break;
	case MACRO_PARAGRAPH: flow_paragraph(flow); break;
	case MACRO_TAG:
		flow_paragraph(flow);
		man->is_tag = true;
		break;
	case MACRO_ITEM:
		flow_paragraph(flow);
		if (macros[macro].name[1] == 't') {
			add_inline(man, find_macro("No", 2), at);
		} else if (roff_argument(&at, &man->words)) {
			add_words(man);
			flow_space(flow);
		}
		break;
	case MACRO_LINE: flow_line(flow); break;
	case MACRO_WORDS: add_arguments(man, at, false); break;
	case MACRO_JOINED: add_arguments(man, at, true); break;
	case MACRO_UNFILLED: set_fill(man, 1); break;
	case MACRO_FILLED: set_fill(man, 0); break;
	case MACRO_SKIP: man->is_skipping = true; break;
	case MACRO_TABLE:
		man->in_table = man->in_table_head = true;
		man->in_block = false;
		man->tab = '\t';
		flow_table(flow);
		break;
	case MACRO_TABLE_END:
		man->in_table = false;
		flow_table_end(flow);
		break;
	case MACRO_INLINE:
		if (!strcmp(macros[macro].name, "Nm"))
			add_name(man, macro, at);
		else if (!strncmp(line_words(at), "-nosplit", 8) ||
			!strncmp(line_words(at), "-split", 6))
			break; /* how the names of authors are set */
		else
			add_inline(man, macro, at);
		break;
	}
}

/* A line of words behind a request that awaits one. */
static void settle(struct man *man)
{
	if (man->heading)
		flow_heading_end(&man->flow);
	else if (man->is_tag)
		flow_line(&man->flow);
	man->heading = 0;
	man->is_tag = false;
}

static void add_request(struct man *man, const char *line)
{
	line = line_words(line + 1);
	size_t len = strcspn(line, " \t"), macro = find_macro(line, len);
	uint32_t heading = man->heading;
	bool is_tag = man->is_tag;

	if (macro == ARRAY_LEN(macros))
		return;
	enum macro kind = macros[macro].macro;
	bool has_words = kind == MACRO_WORDS || kind == MACRO_JOINED || kind == MACRO_INLINE;
	if (heading && has_words)
		flow_heading(&man->flow, heading);
	do_request(man, macro, line + len);
	if ((heading || is_tag) && has_words)
		settle(man);
	else if (man->fill == UNFILLED && has_words)
		flow_line(&man->flow);
}

static void add_cell(struct man *man, const char *text, size_t len)
{
	AUTO_FREE char *cell = strndup(text, len);

	buf_clear(&man->words);
	roff_text(&man->words, cell ? cell : "");
	add_words(man);
}

/* Cells from @line on; "T{" begins one that goes on in the lines below, up to "T}". */
static void add_cells(struct man *man, const char *line)
{
	for (;;) {
		const char *end = strchr(line, man->tab);
		size_t len = end ? (size_t)(end - line) : strlen(line);
		flow_cell(&man->flow, 1);
		man->in_block = len == 2 && !strncmp(line, "T{", 2);
		if (!man->in_block)
			add_cell(man, line, len);
		if (!end)
			return;
		line = end + 1;
	}
}

/* tbl(1): options and formats up to a line that ends in a period, then rows. */
static void add_row(struct man *man, const char *line)
{
	const char *option = strstr(line, "tab(");
	size_t len = strlen(line);

	if (man->in_table_head) {
		if (option && option[4])
			man->tab = option[4];
		man->in_table_head = len == 0 || line[len - 1] != '.';
	} else if (man->in_block && !strncmp(line, "T}", 2)) {
		man->in_block = false;
		if (line[2] == man->tab)
			add_cells(man, line + 3);
	} else if (man->in_block) {
		add_cell(man, line, len);
		flow_space(&man->flow);
	} else if (strcmp(line, "_") != 0 && strcmp(line, "=") != 0) {
		flow_row(&man->flow, false);
		add_cells(man, line);
	}
}

static void add_text(struct man *man, const char *line)
{
	buf_clear(&man->words);
	roff_text(&man->words, line);
	if (man->heading)
		flow_heading(&man->flow, man->heading);
	if (man->fill == UNFILLED && !man->heading) {
		flow_line(&man->flow);
		if (man->words.len)
			flow_preformatted(&man->flow, man->words.data, man->words.len);
	} else {
		if (*line == ' ')
			flow_line(&man->flow);
		add_words(man);
		if (strlen(line) < 2 || strcmp(line + strlen(line) - 2, "\\c"))
			flow_space(&man->flow);
	}
	settle(man);
}

static int add_line(void *context, const char *line, size_t len)
{
	struct man *man = context;

	(void)len;
	if (man->is_skipping) {
		man->is_skipping = strcmp(line, "..") != 0;
	} else if (*line == '.' || *line == '\'') {
		add_request(man, line);
	} else if (man->in_table) {
		add_row(man, line);
	} else if (line_is_blank(line)) {
		flow_paragraph(&man->flow);
	} else {
		add_text(man, line);
	}
	return flow_failed(&man->flow);
}

int man_read(const struct source *source, struct out *out, struct err *err)
{
	struct man man = {0};

	flow_init(&man.flow, out);
	meta_init(&man.meta);
	buf_init(&man.words, LINES_MAX_BYTES * 4);
	buf_init(&man.name, 256);
	int rc = lines_each(source, out, add_line, &man, err);
	while (man.flow.table_depth)
		flow_table_end(&man.flow);
	int failed = flow_finish(&man.flow);
	meta_send(&man.meta, out);
	meta_release(&man.meta);
	buf_release(&man.words);
	buf_release(&man.name);
	return rc ? rc : failed;
}
