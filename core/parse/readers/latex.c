/* SPDX-License-Identifier: Apache-2.0 */
/* LaTeX, without TeX: commands are reduced to their text by a table of names (latex_names.c),
 * what is not in it vanishes and leaves its arguments. Comments and the preamble go, formulas
 * stay as they are written. Macros of the document's own are not expanded, so nothing can grow
 * and nothing can loop: each byte is stepped over once, but for the search of an argument's end,
 * which is bounded. */
#include "core/parse/readers/latex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/reader.h"
#include "core/parse/readers/compose.h"
#include "core/text/utf8.h"

#define DOCUMENT_MAX ((size_t)64 << 20) /* a larger one is read as plain text */
#define BRACES_MAX   1024 /* deeper ones mean nothing */
#define ARGUMENT_MAX ((size_t)16 << 10) /* in which an argument must end */
#define SEARCH_MIN   256

/* What a closing brace ends. */
enum brace { BRACE_PLAIN, BRACE_HEADING, BRACE_TITLE, BRACE_AUTHOR, BRACE_DATE, BRACE_NOTE };

struct latex {
	struct flow flow;
	struct meta meta;
	const char *at, *end; /* valid UTF-8, NUL-terminated at @end */
	uint8_t braces[BRACES_MAX]; /* enum brace */
	size_t brace_count;
	unsigned captures; /* braces that are open and not BRACE_PLAIN */
	unsigned tables; /* that are open */
	unsigned listings; /* environments of LATEX_LINES that are open */
	size_t search_max; /* becomes less with each argument that does not end */
	bool has_document, in_body;
};

/* Text before the document begins is none, but for its title. */
static bool is_silent(const struct latex *tex)
{
	return tex->has_document && !tex->in_body && !tex->captures;
}

static void add_words(struct latex *tex, const char *text, size_t len)
{
	if (is_silent(tex))
		return;
	if (tex->listings)
		flow_preformatted(&tex->flow, text, len);
	else
		flow_words(&tex->flow, text, len);
}

static void skip_spaces(struct latex *tex)
{
	unsigned lines = 0;

	while (isspace((unsigned char)*tex->at) && (lines += *tex->at == '\n') < 2)
		tex->at++;
}

/* Behind what begins at @at with @open: NULL if it does not end soon. */
static const char *end_of_group(struct latex *tex, const char *at, char open, char close)
{
	const char *stop =
		(size_t)(tex->end - at) > tex->search_max ? at + tex->search_max : tex->end;
	unsigned depth = 0;

	for (; at < stop; at++) {
		if (*at == '\\' && at + 1 < stop)
			at++;
		else if (*at == open)
			depth++;
		else if (*at == close && --depth == 0)
			return at + 1;
		else if (open == '[' && *at == '\n' && at[1] == '\n')
			break;
	}
	tex->search_max = tex->search_max / 2 < SEARCH_MIN ? SEARCH_MIN : tex->search_max / 2;
	return NULL;
}

/* Step over "[…]" if it is next. */
static void skip_optional(struct latex *tex)
{
	const char *end = *tex->at == '[' ? end_of_group(tex, tex->at, '[', ']') : NULL;

	tex->at = end ? end : tex->at;
}

static const char *end_of_name(const char *at)
{
	const char *end = at;

	while (isalpha((unsigned char)*end))
		end++;
	if (end == at && *end)
		end++;
	return end;
}

/* Step over one argument: a group, or a command. */
static void skip_argument(struct latex *tex)
{
	skip_spaces(tex);
	while (*tex->at == '[' || *tex->at == '#') {
		const char *before = tex->at;
		if (*tex->at == '#')
			tex->at += tex->at[1] ? 2 : 1;
		else
			skip_optional(tex);
		if (tex->at == before)
			return;
	}
	if (*tex->at == '\\') {
		tex->at = end_of_name(tex->at + 1);
		return;
	}
	const char *end = *tex->at == '{' ? end_of_group(tex, tex->at, '{', '}') : NULL;
	tex->at = end ? end : tex->at;
}

/* Braces. */

static void open_brace(struct latex *tex, enum brace brace)
{
	if (tex->brace_count < BRACES_MAX) {
		tex->braces[tex->brace_count] = (uint8_t)brace;
		tex->captures += brace != BRACE_PLAIN;
	}
	tex->brace_count++;
}

static void end_capture(struct latex *tex, enum brace brace)
{
	struct flow *flow = &tex->flow;
	const char *line = flow->line.len ? flow->line.data : NULL;

	switch (brace) {
	case BRACE_TITLE:
		if (line)
			out_field(flow->out, FIELD_TITLE, line, flow->line.len);
		/* fall through */
	case BRACE_HEADING: flow_heading_end(flow); break;
	case BRACE_AUTHOR:
		meta_add(&tex->meta, "author", line);
		flow_paragraph(flow);
		break;
	case BRACE_DATE:
		meta_add_date(&tex->meta, "created", line);
		flow_paragraph(flow);
		break;
	case BRACE_NOTE: flow_words(flow, ")", 1); break;
	default: break;
	}
}

static void close_brace(struct latex *tex)
{
	if (!tex->brace_count || --tex->brace_count >= BRACES_MAX)
		return;
	enum brace brace = tex->braces[tex->brace_count];
	if (brace == BRACE_PLAIN)
		return;
	end_capture(tex, brace);
	tex->captures--;
}

/* The innermost capture is one line, like a heading: what would break it is a space. */
static bool in_line(const struct latex *tex)
{
	return tex->captures > 0;
}

/* A paragraph's end closes what its brace has forgotten to. */
static void end_paragraph(struct latex *tex)
{
	for (size_t i = tex->brace_count < BRACES_MAX ? tex->brace_count : BRACES_MAX;
		tex->captures && i-- > 0;) {
		enum brace brace = tex->braces[i];
		if (brace == BRACE_PLAIN || brace == BRACE_NOTE)
			continue;
		end_capture(tex, brace);
		tex->braces[i] = BRACE_PLAIN;
		tex->captures--;
	}
	if (!is_silent(tex) && !tex->tables)
		flow_paragraph(&tex->flow);
}

/* The command's argument is what @brace says. */
static void begin_capture(struct latex *tex, enum brace brace, unsigned level)
{
	skip_spaces(tex);
	skip_optional(tex);
	if (*tex->at != '{')
		return;
	tex->at++;
	open_brace(tex, brace);
	if (brace == BRACE_NOTE)
		add_words(tex, " (", 2);
	else if (level)
		flow_heading(&tex->flow, level);
	else
		flow_paragraph(&tex->flow);
}

/* Commands. */

static void end_line(struct latex *tex)
{
	skip_optional(tex);
	if (tex->tables) {
		flow_row_end(&tex->flow);
		flow_row(&tex->flow, false);
		flow_cell(&tex->flow, 1);
	} else if (in_line(tex)) {
		add_words(tex, " ", 1);
	} else if (!is_silent(tex)) {
		flow_line(&tex->flow);
	}
}

static void add_item(struct latex *tex, unsigned arguments)
{
	if (!is_silent(tex))
		flow_line(&tex->flow);
	skip_spaces(tex);
	const char *label = tex->at;
	skip_optional(tex);
	size_t len = (size_t)(tex->at - label);
	for (; arguments; arguments--)
		skip_argument(tex);
	if (len > 2) {
		add_words(tex, label + 1, len - 2);
		add_words(tex, ": ", 2);
	} else {
		add_words(tex, "- ", 2);
	}
}

static void add_accent(struct latex *tex, char accent)
{
	AUTO_BUF struct buf letter;
	size_t len = 1;

	buf_init(&letter, 16);
	skip_spaces(tex);
	bool is_group = *tex->at == '{';
	tex->at += is_group;
	bool is_dotless = *tex->at == '\\' && strchr("ij", tex->at[1]) && tex->at[1] &&
		!isalpha((unsigned char)tex->at[2]);
	tex->at += is_dotless;
	if (tex->at == tex->end || strchr("\\{}", *tex->at)) {
		tex->at -= is_group; /* an accent of nothing */
		return;
	}
	uint32_t base = utf8_decode(tex->at, (size_t)(tex->end - tex->at), &len);
	tex->at += len;
	if (is_group && *tex->at == '}')
		tex->at++;
	else if (is_group)
		open_brace(tex, BRACE_PLAIN);
	compose(&letter, base, accent);
	add_words(tex, letter.data ? letter.data : "", letter.len);
}

/* "\verb|…|": any character may stand around it. */
static void add_verb(struct latex *tex)
{
	skip_optional(tex);
	char close = *tex->at == '{' ? '}' : *tex->at;
	const char *line = memchr(tex->at, '\n', (size_t)(tex->end - tex->at));
	const char *stop = line ? line : tex->end;

	if (!close || tex->at + 1 >= stop)
		return;
	const char *begin = ++tex->at;
	const char *end = memchr(begin, close, (size_t)(stop - begin));
	if (!end)
		return;
	if (!is_silent(tex))
		flow_words(&tex->flow, begin, (size_t)(end - begin));
	tex->at = end + 1;
}

/* A formula that ends with @close, as it is written; @at is behind what opens it. */
static void add_formula(struct latex *tex, const char *begin, const char *close)
{
	size_t left = (size_t)(tex->end - tex->at), len = strlen(close);
	const char *end =
		memmem(tex->at, left < tex->search_max ? left : tex->search_max, close, len);
	const char *stop = end ? end + len : tex->at;

	if (!end)
		tex->search_max =
			tex->search_max / 2 < SEARCH_MIN ? SEARCH_MIN : tex->search_max / 2;
	add_words(tex, begin, (size_t)(stop - begin));
	tex->at = stop;
}

/* Environments. */

/* The name in braces at @at, which is stepped over; its length. */
static size_t take_name(struct latex *tex, const char **name)
{
	skip_spaces(tex);
	if (*tex->at != '{')
		return 0;
	*name = ++tex->at;
	size_t len = strcspn(*name, "}{\\\n");
	tex->at += len + ((*name)[len] == '}');
	return len;
}

/* Text that is no LaTeX, up to the environment's end. */
static void take_raw(struct latex *tex, const char *name, size_t len, bool is_dropped)
{
	AUTO_BUF struct buf close;

	buf_init(&close, 256);
	buf_adds(&close, "\\end{");
	buf_add(&close, name, len < 128 ? len : 128);
	const char *end = memmem(tex->at, (size_t)(tex->end - tex->at), close.data, close.len);
	const char *stop = end ? end : tex->end;
	if (!is_dropped && !is_silent(tex)) {
		flow_paragraph(&tex->flow);
		flow_preformatted(&tex->flow, tex->at, (size_t)(stop - tex->at));
		flow_paragraph(&tex->flow);
	}
	tex->at = stop;
	if (end) {
		tex->at += close.len;
		tex->at += *tex->at == '}';
	}
}

static void begin_environment(struct latex *tex)
{
	const char *name = "";
	size_t len = take_name(tex, &name);
	const struct latex_name *known = latex_environment(name, len);

	if (len == 8 && !strncmp(name, "document", len))
		tex->in_body = true;
	if (*tex->at == '[')
		skip_optional(tex);
	for (unsigned i = 0; i < known->number; i++)
		skip_argument(tex);
	tex->listings += known->role == LATEX_LINES;
	if (known->role == LATEX_RAW || known->role == LATEX_COMMENT) {
		take_raw(tex, name, len, known->role == LATEX_COMMENT);
	} else if (known->role == LATEX_TABLE && !is_silent(tex)) {
		tex->tables++;
		flow_table(&tex->flow);
		flow_row(&tex->flow, true);
		flow_cell(&tex->flow, 1);
	} else if (!is_silent(tex) && !tex->tables) {
		flow_paragraph(&tex->flow);
	}
}

static void end_environment(struct latex *tex)
{
	const char *name = "";
	size_t len = take_name(tex, &name);

	if (len == 8 && !strncmp(name, "document", len)) {
		tex->at = tex->end;
	} else if (latex_environment(name, len)->role == LATEX_TABLE && tex->tables) {
		tex->tables--;
		flow_table_end(&tex->flow);
	} else if (latex_environment(name, len)->role == LATEX_LINES && tex->listings) {
		tex->listings--;
		flow_paragraph(&tex->flow);
	} else if (!is_silent(tex) && !tex->tables) {
		flow_paragraph(&tex->flow);
	}
}

static void do_command(struct latex *tex, const char *begin, const struct latex_name *command)
{
	switch (command->role) {
	case LATEX_TEXT:
		if (*command->text == ',') /* between authors */
			tex->flow.ends_in_space = false;
		add_words(tex, command->text, strlen(command->text));
		break;
	case LATEX_ACCENT: add_accent(tex, *command->text); break;
	case LATEX_HEADING: begin_capture(tex, BRACE_HEADING, command->number); break;
	case LATEX_TITLE: begin_capture(tex, BRACE_TITLE, 1); break;
	case LATEX_AUTHOR: begin_capture(tex, BRACE_AUTHOR, 0); break;
	case LATEX_DATE: begin_capture(tex, BRACE_DATE, 0); break;
	case LATEX_FOOTNOTE: begin_capture(tex, BRACE_NOTE, 0); break;
	case LATEX_DROP:
		for (unsigned i = 0; i < command->number; i++)
			skip_argument(tex);
		break;
	case LATEX_LINE: end_line(tex); break;
	case LATEX_PARAGRAPH: end_paragraph(tex); break;
	case LATEX_ITEM: add_item(tex, command->number); break;
	case LATEX_BEGIN: begin_environment(tex); break;
	case LATEX_END: end_environment(tex); break;
	case LATEX_VERB: add_verb(tex); break;
	case LATEX_MATH: add_formula(tex, begin, command->text); break;
	default: skip_optional(tex); break;
	}
}

static void take_command(struct latex *tex)
{
	const char *begin = tex->at, *name = tex->at + 1;

	tex->at = end_of_name(name);
	size_t len = (size_t)(tex->at - name);
	const struct latex_name *command = latex_command(name, len);
	bool is_word = len && isalpha((unsigned char)*name);
	if (is_word && *tex->at == '*')
		tex->at++;
	do_command(tex, begin, command);
	/* the space behind a command belongs to it */
	if (is_word && tex->at == name + len && !tex->listings)
		while (*tex->at == ' ' || *tex->at == '\t')
			tex->at++;
}

/* Text. */

static void take_newline(struct latex *tex)
{
	const char *next = tex->at + 1;

	if (tex->listings) {
		if (!is_silent(tex))
			flow_line(&tex->flow);
		tex->at = next;
		return;
	}
	while (*next == ' ' || *next == '\t' || *next == '\r')
		next++;
	bool is_blank = *next == '\n';
	tex->at = next + is_blank;
	if (is_blank)
		end_paragraph(tex);
	else
		add_words(tex, " ", 1);
}

static void skip_comment(struct latex *tex)
{
	const char *newline = memchr(tex->at, '\n', (size_t)(tex->end - tex->at));

	tex->at = newline ? newline + 1 : tex->end;
	while (*tex->at == ' ' || *tex->at == '\t')
		tex->at++;
}

/* Dashes and quotation marks of several characters; how many. */
static size_t take_ligature(struct latex *tex)
{
	static const struct {
		const char *from, *to;
	} ligatures[] = {{"---", "\u2014"}, {"--", "\u2013"}, {"``", "\u201c"}, {"''", "\u201d"},
		{"~", " "}};

	for (size_t i = 0; i < ARRAY_LEN(ligatures); i++) {
		size_t len = strlen(ligatures[i].from);
		if (strncmp(tex->at, ligatures[i].from, len))
			continue;
		add_words(tex, ligatures[i].to, strlen(ligatures[i].to));
		return len;
	}
	add_words(tex, tex->at, 1);
	return 1;
}

static void take_dollar(struct latex *tex)
{
	const char *begin = tex->at;
	bool is_display = tex->at[1] == '$';

	tex->at += 1 + is_display;
	add_formula(tex, begin, is_display ? "$$" : "$");
}

static void take_one(struct latex *tex)
{
	size_t run = strcspn(tex->at, "\\{}$%&~\n`'-");

	if (run) {
		add_words(tex, tex->at, run);
		tex->at += run;
		return;
	}
	switch (*tex->at) {
	case '\\': take_command(tex); break;
	case '%': skip_comment(tex); break;
	case '$': take_dollar(tex); break;
	case '\n': take_newline(tex); break;
	case '{':
		open_brace(tex, BRACE_PLAIN);
		tex->at++;
		break;
	case '}':
		close_brace(tex);
		tex->at++;
		break;
	case '&':
		if (tex->tables)
			flow_cell(&tex->flow, 1);
		else
			add_words(tex, " ", 1);
		tex->at++;
		break;
	default: tex->at += take_ligature(tex); break;
	}
}

/* NUL would end the text. */
static int gather(void *context, const char *utf8, size_t len)
{
	struct buf *text = context;
	size_t before = text->len;
	int rc = utf8_sanitize(utf8, len, text);

	for (size_t i = before; i < text->len; i++)
		if (!text->data[i])
			text->data[i] = ' ';
	return rc;
}

static int read_text(const struct buf *text, struct out *out)
{
	struct latex tex = {
		.at = text->data, .end = text->data + text->len, .search_max = ARGUMENT_MAX};

	flow_init(&tex.flow, out);
	meta_init(&tex.meta);
	tex.has_document = strstr(text->data, "\\begin{document}") != NULL;
	while (tex.at < tex.end && !flow_failed(&tex.flow))
		take_one(&tex);
	end_paragraph(&tex);
	while (tex.flow.table_depth)
		flow_table_end(&tex.flow);
	int failed = flow_finish(&tex.flow);
	meta_send(&tex.meta, out);
	meta_release(&tex.meta);
	return failed;
}

int latex_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_BUF struct buf text;
	size_t skip;

	buf_init(&text, DOCUMENT_MAX * 3);
	if (source->size > DOCUMENT_MAX)
		return plain_read(source, out, err);
	const char *charset = source_charset(source, out, &skip);
	int rc = source_each(source, charset, skip, gather, &text, err);
	return rc || !text.len ? rc : read_text(&text, out);
}
