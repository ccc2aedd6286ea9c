/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text goes through a window: the next chunk's text and a little behind it. A chunk is cut
 * only when the whole window is there (or the text has ended), and the decision sees nothing
 * else, so neither the pieces in which the text came nor its length make a difference.
 * Chunks end before a page or a heading if half of them is full by then, else where cut_end
 * says. A chunk belongs to the page and the headings of its middle.
 */
#include "core/text/chunker.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/text/cut.h"
#include "core/text/sentence.h"
#include "core/text/tokenizer.h"
#include "core/text/utf8.h"

/* Bytes behind the window that decisions may look at. */
#define LOOKAHEAD 1024
/* Text is taken in such pieces at most. */
#define SLICE ((size_t)64 << 10)
/* A chunk may be that large: its window must fit into memory. */
#define SIZE_MAX_CHARS ((size_t)1 << 20)
#define LEVELS	       8
#define HEADING_CHARS  100

struct outline_mark {
	struct mark mark;
	char *heading; /* its text, once the window reached it */
};

struct chunker {
	size_t size, overlap; /* code points */
	chunker_fn callback;
	void *context;
	struct cutter *cutter;
	struct tokenizer *tokenizer;

	struct buf text; /* what is not yet done with */
	size_t start; /* where the next chunk may begin, in text */
	uint64_t start_char; /* the same in code points of the whole text */
	size_t fresh; /* where the last chunk ended: start, or the overlap's length on */
	uint32_t index;

	struct outline_mark *marks; /* those whose place no chunk's middle has passed */
	size_t mark_count, mark_cap;
	uint32_t page;
	char *headings[LEVELS];
	struct buf path; /* the headings joined */
};

int chunker_new(
	struct chunker **out, size_t size, size_t overlap, chunker_fn callback, void *context)
{
	struct chunker *chunker;

	*out = NULL;
	if (size == 0 || size > SIZE_MAX_CHARS || overlap >= size)
		return -EINVAL;
	chunker = calloc(1, sizeof(*chunker));
	if (!chunker)
		return -ENOMEM;
	chunker->size = size;
	chunker->overlap = overlap;
	chunker->callback = callback;
	chunker->context = context;
	buf_init(&chunker->text, size * 4 + LOOKAHEAD + 2 * SLICE);
	buf_init(&chunker->path, LEVELS * (HEADING_CHARS * 4 + 3));
	if (cutter_new(&chunker->cutter) < 0 || tokenizer_new(&chunker->tokenizer) < 0) {
		chunker_free(chunker);
		return -ENOMEM;
	}
	*out = chunker;
	return 0;
}

void chunker_free(struct chunker *chunker)
{
	if (!chunker)
		return;
	for (size_t i = 0; i < chunker->mark_count; i++)
		free(chunker->marks[i].heading);
	free(chunker->marks);
	for (size_t i = 0; i < LEVELS; i++)
		free(chunker->headings[i]);
	buf_release(&chunker->text);
	buf_release(&chunker->path);
	tokenizer_free(chunker->tokenizer);
	cutter_free(chunker->cutter);
	free(chunker);
}

int chunker_mark(struct chunker *chunker, const struct mark *mark)
{
	if (chunker->mark_count == chunker->mark_cap) {
		size_t cap = chunker->mark_cap ? chunker->mark_cap * 2 : 16;
		struct outline_mark *marks = reallocarray(chunker->marks, cap, sizeof(*marks));

		if (!marks)
			return -ENOMEM;
		chunker->marks = marks;
		chunker->mark_cap = cap;
	}
	chunker->marks[chunker->mark_count++] = (struct outline_mark){.mark = *mark};
	return 0;
}

/* Move on to byte @start. */
static void advance(struct chunker *chunker, size_t start)
{
	chunker->start_char +=
		utf8_count(chunker->text.data + chunker->start, start - chunker->start);
	chunker->start = start;
}

/* The text of a heading that begins in the window: @len bytes from the next chunk's start. */
static char *heading_text(const struct chunker *chunker, const struct mark *mark, size_t len)
{
	const char *text = chunker->text.data + chunker->start;
	uint64_t first =
		mark->start_char > chunker->start_char ? mark->start_char : chunker->start_char;
	uint64_t chars = mark->end_char > first ? mark->end_char - first : 0;
	size_t start = utf8_offset(text, len, first - chunker->start_char);
	size_t end = start +
		utf8_offset(
			text + start, len - start, chars < HEADING_CHARS ? chars : HEADING_CHARS);
	char *heading;

	start = sentence_skip_blanks(text, end, start);
	end = sentence_trim_blanks(text, start, end);
	heading = strndup(text + start, end - start);
	for (char *c = heading; c && *c; c++)
		if (*c == '\n' || *c == '\t' || *c == '\r' || *c == '\f')
			*c = ' ';
	return heading;
}

/* Read the headings that begin in the window before their text goes. 0 or -ENOMEM. */
static int read_headings(struct chunker *chunker, size_t window, size_t len)
{
	uint64_t end_char = 0;

	for (size_t i = 0; i < chunker->mark_count; i++) {
		struct outline_mark *it = &chunker->marks[i];

		if (it->mark.kind != MARK_HEADING || it->heading)
			continue;
		if (!end_char)
			end_char = chunker->start_char +
				utf8_count(chunker->text.data + chunker->start, window);
		if (it->mark.start_char >= end_char)
			break;
		it->heading = heading_text(chunker, &it->mark, len);
		if (!it->heading)
			return -ENOMEM;
	}
	return 0;
}

static int join_headings(struct chunker *chunker)
{
	buf_clear(&chunker->path);
	for (size_t i = 0; i < LEVELS; i++) {
		if (!chunker->headings[i] || !*chunker->headings[i])
			continue;
		if (chunker->path.len)
			buf_adds(&chunker->path, " > ");
		buf_adds(&chunker->path, chunker->headings[i]);
	}
	return chunker->path.failed;
}

/* Let the marks up to @middle take effect. 0 or -ENOMEM. */
static int pass_marks(struct chunker *chunker, uint64_t middle)
{
	size_t passed = 0;
	bool is_changed = false;

	for (; passed < chunker->mark_count; passed++) {
		struct outline_mark *it = &chunker->marks[passed];
		size_t level = it->mark.value ? it->mark.value - 1 : 0;

		if (it->mark.start_char > middle)
			break;
		if (it->mark.kind == MARK_PAGE) {
			chunker->page = it->mark.value;
			continue;
		}
		for (size_t i = level < LEVELS ? level : LEVELS - 1; i < LEVELS; i++) {
			free(chunker->headings[i]);
			chunker->headings[i] = NULL;
		}
		chunker->headings[level < LEVELS ? level : LEVELS - 1] = TAKE_PTR(it->heading);
		is_changed = true;
	}
	if (passed == 0)
		return 0;
	chunker->mark_count -= passed;
	memmove(chunker->marks, chunker->marks + passed,
		chunker->mark_count * sizeof(*chunker->marks));
	return is_changed ? join_headings(chunker) : 0;
}

/* Hand out the chunk of @len bytes at the start. */
static int emit(struct chunker *chunker, size_t len)
{
	const char *text = chunker->text.data + chunker->start;
	uint64_t chars = utf8_count(text, len);
	int r = pass_marks(chunker, chunker->start_char + chars / 2);
	struct chunk chunk = {
		.index = chunker->index++,
		.start_char = chunker->start_char,
		.end_char = chunker->start_char + chars,
		.page = chunker->page,
		.token_count = (uint32_t)tokenizer_count(chunker->tokenizer, text, len),
		.text = text,
		.text_len = len,
		.heading = chunker->path.len ? chunker->path.data : NULL,
	};

	return r == 0 ? chunker->callback(chunker->context, &chunk) : r;
}

/* The last page or heading that begins in (@least, @most], as an offset from the start; 0 if
 * there is none. */
static size_t outline_end(
	const struct chunker *chunker, size_t len, size_t least, size_t most, enum mark_kind *kind)
{
	const char *text = chunker->text.data + chunker->start;
	size_t end = 0;

	for (size_t i = 0; i < chunker->mark_count; i++) {
		const struct mark *mark = &chunker->marks[i].mark;
		size_t at;

		if (mark->start_char <= chunker->start_char)
			continue;
		at = utf8_offset(text, len, mark->start_char - chunker->start_char);
		if (at > most)
			break;
		if (at <= least)
			continue;
		end = at;
		*kind = mark->kind;
	}
	return end;
}

/* The last chunk ended at @end from the start: the next one begins there, or an overlap
 * before. */
static void begin_next(struct chunker *chunker, size_t len, size_t end, bool has_overlap)
{
	const char *text = chunker->text.data + chunker->start;
	size_t chars = utf8_count(text, end), least = end, start = end;

	if (has_overlap && chunker->overlap > 0) {
		least = utf8_offset(
			text, end, chars > chunker->overlap ? chars - chunker->overlap : 1);
		start = cut_start(chunker->cutter, text, len, least, end);
	}
	chunker->fresh = chunker->start + end;
	advance(chunker, chunker->start + start);
}

/* Pass over the blanks behind the last chunk; where they are many, there is no overlap. False
 * if nothing but blanks is there yet. */
static bool skip_gap(struct chunker *chunker)
{
	const struct buf *buf = &chunker->text;
	size_t next = sentence_skip_blanks(buf->data, buf->len, chunker->fresh);
	bool is_wide = next - chunker->fresh > LOOKAHEAD ||
		utf8_count(buf->data + chunker->start, next - chunker->start) >= chunker->size;

	if (is_wide || chunker->fresh == chunker->start) {
		advance(chunker, next);
		chunker->fresh = next;
	}
	return next < buf->len;
}

/* How much of the text the next decision may see: the window and what is a little behind it,
 * whole characters. */
static size_t visible(const char *text, size_t len, size_t window)
{
	if (len <= window + LOOKAHEAD)
		return len;
	len = window + LOOKAHEAD;
	while ((text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Cut the next chunk. False if more text is needed, if none is left, or if it failed:
 * *result is what the callback returned, or -ENOMEM. */
static bool step(struct chunker *chunker, bool is_end, int *result)
{
	const struct buf *buf = &chunker->text;
	enum mark_kind kind = MARK_PAGE;
	size_t len, window, least, end, outline;
	const char *text;

	if (!skip_gap(chunker))
		return false;
	text = buf->data + chunker->start;
	len = buf->len - chunker->start;
	window = utf8_offset(text, len, chunker->size);
	if (!is_end && len <= window + LOOKAHEAD)
		return false;
	is_end = len <= window + LOOKAHEAD && sentence_skip_blanks(text, len, window) == len;
	len = visible(text, len, window);
	*result = read_headings(chunker, window, len);
	if (*result != 0)
		return false;
	least = sentence_skip_blanks(text, len, chunker->fresh - chunker->start);
	least = least > window / 2 ? least : window / 2;
	outline = outline_end(chunker, len, least, window, &kind);
	end = outline	 ? outline
		: is_end ? window
			 : cut_end(chunker->cutter, text, len, least, window);
	end = sentence_trim_blanks(text, 0, end);
	*result = emit(chunker, end);
	begin_next(chunker, len, end, !outline || kind == MARK_PAGE);
	return *result == 0;
}

/* Cut all that can be cut, then drop what is done with. */
static int run(struct chunker *chunker, bool is_end)
{
	struct buf *buf = &chunker->text;
	int r = 0;

	if (!buf->len)
		return 0;
	while (step(chunker, is_end, &r))
		;
	buf->len -= chunker->start;
	memmove(buf->data, buf->data + chunker->start, buf->len + 1);
	chunker->fresh -= chunker->start;
	chunker->start = 0;
	return r;
}

int chunker_text(struct chunker *chunker, const char *utf8, size_t len)
{
	int r = 0;

	while (len > 0 && r == 0) {
		size_t slice = len < SLICE ? len : SLICE;

		while (slice < len && (utf8[slice] & 0xc0) == 0x80)
			slice--;
		r = buf_add(&chunker->text, utf8, slice);
		if (r == 0)
			r = run(chunker, false);
		utf8 += slice;
		len -= slice;
	}
	return r;
}

int chunker_finish(struct chunker *chunker)
{
	return run(chunker, true);
}
