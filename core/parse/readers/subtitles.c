/* SPDX-License-Identifier: Apache-2.0 */
/* Subtitles (SubRip, WebVTT): what is said, a line a line, without numbers, times, tags, styles and
 * notes. Of a run of equal lines, as captions that roll have them, one is kept. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/parse/flow.h"
#include "core/parse/readers/lines.h"

#define NAME_MAX 256 /* a cue's name is not longer */

struct subtitles {
	struct flow flow;
	struct buf held; /* after an empty line: a cue's name, if a time follows; else text */
	struct buf words, last; /* of a line without its tags; the line before */
	bool has_held, after_blank;
	bool in_aside; /* a note or a style: up to the empty line */
};

/* "{\an8}" of SubRip, "<i>", "<v Jule>", "<00:01.000>". */
static bool is_tag(const char *at)
{
	if (*at == '{')
		return at[1] == '\\' && strchr(at, '}');
	bool is_name = isalnum((unsigned char)at[1]) || at[1] == '/';
	return *at == '<' && is_name && strchr(at, '>');
}

/* Entities that WebVTT has. */
static size_t take_entity(const char *at, struct buf *to)
{
	static const struct {
		const char *name, *text;
	} entities[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&nbsp;", " "},
		{"&lrm;", ""}, {"&rlm;", ""}};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t len = strlen(entities[i].name);
		if (strncmp(at, entities[i].name, len))
			continue;
		buf_adds(to, entities[i].text);
		return len;
	}
	return 0;
}

static void add_words(struct subtitles *subs, const char *line)
{
	struct buf *words = &subs->words;
	bool has_tags = true;

	buf_clear(words);
	buf_adds(words, "");
	for (const char *at = line; *at;) {
		size_t skip = *at == '&' ? take_entity(at, words) : 0;
		if (has_tags && (*at == '<' || *at == '{')) {
			const char *end = strchr(at, *at == '<' ? '>' : '}');
			has_tags = end != NULL; /* none can end any more */
			skip = end && is_tag(at) ? (size_t)(end - at) + 1 : 0;
		}
		if (!skip)
			buf_addc(words, *at);
		at += skip ? skip : 1;
	}
	bool is_same = words->len == subs->last.len && words->len &&
		!memcmp(words->data, subs->last.data, words->len);
	if (!words->len || is_same)
		return;
	flow_line(&subs->flow);
	flow_words(&subs->flow, words->data, words->len);
	buf_clear(&subs->last);
	buf_add(&subs->last, words->data, words->len);
}

static void release_held(struct subtitles *subs)
{
	bool is_number =
		subs->has_held && subs->held.data[strspn(subs->held.data, "0123456789")] == '\0';

	if (subs->has_held && !is_number)
		add_words(subs, subs->held.data);
	subs->has_held = false;
}

static bool is_aside(const char *line)
{
	return !strncmp(line, "WEBVTT", 6) || !strcmp(line, "STYLE") || !strcmp(line, "REGION") ||
		(!strncmp(line, "NOTE", 4) && (!line[4] || line[4] == ' '));
}

static int add_line(void *context, const char *line, size_t len)
{
	struct subtitles *subs = context;
	bool is_blank = line_is_blank(line);

	if (is_blank) {
		release_held(subs);
		subs->in_aside = false;
	} else if (strstr(line, "-->")) {
		subs->has_held = subs->in_aside = false;
	} else if (subs->in_aside || (subs->after_blank && is_aside(line))) {
		subs->in_aside = true;
	} else if (subs->after_blank && len <= NAME_MAX) {
		buf_clear(&subs->held);
		buf_add(&subs->held, line, len);
		subs->has_held = true;
	} else {
		release_held(subs);
		add_words(subs, line);
	}
	subs->after_blank = is_blank;
	return flow_failed(&subs->flow);
}

int subtitles_read(const struct source *source, struct out *out, struct err *err)
{
	struct subtitles subs = {.after_blank = true};

	flow_init(&subs.flow, out);
	buf_init(&subs.held, NAME_MAX);
	buf_init(&subs.words, LINES_MAX_BYTES);
	buf_init(&subs.last, LINES_MAX_BYTES);
	int rc = lines_each(source, out, add_line, &subs, err);
	release_held(&subs);
	buf_release(&subs.held);
	buf_release(&subs.words);
	buf_release(&subs.last);
	int failed = flow_finish(&subs.flow);
	return rc ? rc : failed;
}
