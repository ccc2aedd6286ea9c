/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text/chunker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/text/utf8.h"

/* Chunks as they came. */
struct kept {
	struct chunk *chunks;
	size_t count;
	int stop_at; /* chunk at which the callback stops; -1: never */
};

static int keep(void *context, const struct chunk *chunk)
{
	struct kept *kept = context;

	if (kept->stop_at == (int)kept->count)
		return 7;
	kept->chunks = reallocarray(kept->chunks, kept->count + 1, sizeof(*kept->chunks));
	assert_non_null(kept->chunks);
	kept->chunks[kept->count] = *chunk;
	kept->chunks[kept->count].text = strndup(chunk->text, chunk->text_len);
	if (chunk->heading)
		kept->chunks[kept->count].heading = strdup(chunk->heading);
	kept->count++;
	return 0;
}

static void kept_release(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++) {
		free((char *)(uintptr_t)kept->chunks[i].text);
		free((char *)(uintptr_t)kept->chunks[i].heading);
	}
	free(kept->chunks);
	*kept = (struct kept){.stop_at = -1};
}

/* Chunk @text, fed in pieces of about @piece bytes; marks all come first. */
static int chunk_text(struct kept *kept, const char *text, size_t len, size_t size, size_t overlap,
	size_t piece, const struct mark *marks, size_t mark_count)
{
	struct chunker *chunker;
	int r;

	assert_int_equal(chunker_new(&chunker, size, overlap, keep, kept), 0);
	for (size_t i = 0; i < mark_count; i++)
		assert_int_equal(chunker_mark(chunker, &marks[i]), 0);
	r = 0;
	for (size_t at = 0; at < len && r == 0;) {
		size_t n = len - at < piece ? len - at : piece;

		while (at + n < len && (text[at + n] & 0xc0) == 0x80)
			n++;
		r = chunker_text(chunker, text + at, n);
		at += n;
	}
	if (r == 0)
		r = chunker_finish(chunker);
	chunker_free(chunker);
	return r;
}

/* What holds for the chunks of every text. */
static void check_chunks(
	const struct kept *kept, const char *text, size_t len, size_t size, size_t overlap)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < kept->count; i++) {
		const struct chunk *chunk = &kept->chunks[i];
		size_t start = utf8_offset(text, len, chunk->start_char);
		size_t end = utf8_offset(text, len, chunk->end_char);

		assert_int_equal(chunk->index, i);
		assert_int_equal(end - start, chunk->text_len);
		assert_memory_equal(text + start, chunk->text, chunk->text_len);
		assert_true(chunk->end_char > covered);
		assert_true(chunk->end_char - chunk->start_char <= size);
		assert_false(strchr(" \n\t\r", chunk->text[0]));
		assert_false(strchr(" \n\t\r", chunk->text[chunk->text_len - 1]));
		if (i > 0) {
			assert_true(chunk->start_char > kept->chunks[i - 1].start_char);
			assert_true(chunk->start_char + overlap >= covered);
		}
		/* Nothing but blanks lies between two chunks. */
		for (size_t at = utf8_offset(text, len, covered); at < start; at++)
			assert_true(strchr(" \n\t\r", text[at]) && text[at]);
		covered = chunk->end_char;
	}
	for (size_t at = utf8_offset(text, len, covered); at < len; at++)
		assert_true(strchr(" \n\t\r", text[at]) && text[at]);
}

static void assert_same(const struct kept *a, const struct kept *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->chunks[i].start_char, b->chunks[i].start_char);
		assert_int_equal(a->chunks[i].end_char, b->chunks[i].end_char);
		assert_int_equal(a->chunks[i].page, b->chunks[i].page);
		assert_int_equal(a->chunks[i].token_count, b->chunks[i].token_count);
		assert_string_equal(a->chunks[i].heading ? a->chunks[i].heading : "",
			b->chunks[i].heading ? b->chunks[i].heading : "");
	}
}

static const char *const words[] = {"refund", "Dr.", "policy.", "z. B.", "gr\xc3\xbc\xc3\x9f", "14",
	"days", "e\xcc\x81t\xc3\xa9!", "\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82", "a", "\n", "\n\n",
	"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac", "     ", "-", "\xe0\xa4\xa8\xe0\xa4\xae"};

/* A text that is the same for the same seed, with a bit of everything. */
static void random_text(struct buf *out, unsigned seed, size_t count)
{
	buf_init(out, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < count; i++) {
		seed = seed * 1103515245u + 12345u;
		buf_adds(out, words[(seed >> 16) % ARRAY_LEN(words)]);
		if ((seed >> 8) % 5)
			buf_addc(out, ' ');
		if (seed % 997 == 0)
			for (int blank = 0; blank < 3000; blank++)
				buf_addc(out, blank % 80 ? ' ' : '\n');
	}
	assert_int_equal(out->failed, 0);
}

static void chunks_are_slices_and_cover_the_text(void **state)
{
	static const size_t sizes[][2] = {{1000, 200}, {50, 10}, {7, 3}, {1, 0}, {300, 299}};

	(void)state;
	for (unsigned seed = 1; seed < 20; seed++) {
		AUTO_BUF struct buf text;

		random_text(&text, seed, 800);
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			struct kept kept = {.stop_at = -1};

			assert_int_equal(chunk_text(&kept, text.data, text.len, sizes[i][0],
						 sizes[i][1], text.len, NULL, 0),
				0);
			check_chunks(&kept, text.data, text.len, sizes[i][0], sizes[i][1]);
			kept_release(&kept);
		}
	}
}

static void the_pieces_of_the_text_make_no_difference(void **state)
{
	static const size_t pieces[] = {1, 3, 17, 1024, 4096, 70000};
	const struct mark marks[] = {
		{MARK_PAGE, 1, 0, 0},
		{MARK_HEADING, 1, 0, 12},
		{MARK_PAGE, 2, 900, 900},
		{MARK_HEADING, 2, 2100, 2120},
		{MARK_PAGE, 3, 2500, 2500},
	};

	(void)state;
	for (unsigned seed = 1; seed < 12; seed++) {
		AUTO_BUF struct buf text;
		struct kept whole = {.stop_at = -1};

		random_text(&text, seed * 77, 6000);
		chunk_text(
			&whole, text.data, text.len, 500, 100, text.len, marks, ARRAY_LEN(marks));
		check_chunks(&whole, text.data, text.len, 500, 100);
		for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
			struct kept kept = {.stop_at = -1};

			chunk_text(&kept, text.data, text.len, 500, 100, pieces[i], marks,
				ARRAY_LEN(marks));
			assert_same(&whole, &kept);
			kept_release(&kept);
		}
		kept_release(&whole);
	}
}

static void a_short_text_is_one_chunk(void **state)
{
	const char *text = "  \n Refunds are paid within 14 days.\n\n";
	struct kept kept = {.stop_at = -1};

	(void)state;
	assert_int_equal(chunk_text(&kept, text, strlen(text), 1000, 200, 100, NULL, 0), 0);
	assert_int_equal(kept.count, 1);
	assert_string_equal(kept.chunks[0].text, "Refunds are paid within 14 days.");
	assert_int_equal(kept.chunks[0].start_char, 4);
	assert_int_equal(kept.chunks[0].token_count, 6);
	assert_int_equal(kept.chunks[0].page, 0);
	assert_null(kept.chunks[0].heading);
	kept_release(&kept);
}

static void white_space_gives_no_chunk(void **state)
{
	AUTO_FREE char *blanks = malloc(300000);
	struct kept kept = {.stop_at = -1};

	(void)state;
	assert_non_null(blanks);
	memset(blanks, ' ', 300000);
	for (size_t i = 0; i < 300000; i += 61)
		blanks[i] = '\n';
	assert_int_equal(chunk_text(&kept, blanks, 300000, 1000, 200, 5000, NULL, 0), 0);
	assert_int_equal(kept.count, 0);
	assert_int_equal(chunk_text(&kept, "", 0, 1000, 200, 5000, NULL, 0), 0);
	assert_int_equal(kept.count, 0);
	memcpy(blanks, "word", 4);
	memcpy(blanks + 299990, "end", 3);
	assert_int_equal(chunk_text(&kept, blanks, 300000, 1000, 200, 5000, NULL, 0), 0);
	assert_int_equal(kept.count, 2);
	assert_string_equal(kept.chunks[1].text, "end");
	assert_int_equal(kept.chunks[1].start_char, 299990);
	kept_release(&kept);
}

static void cuts_prefer_paragraphs_then_sentences_then_words(void **state)
{
	struct kept kept = {.stop_at = -1};
	const char *paragraphs = "One two three four. Five six.\n\nSeven eight nine ten. Eleven.";
	const char *sentences = "One two three four five. Six seven eight nine ten eleven twelve";
	const char *only_words = "one two three four five six seven eight nine ten eleven twelve";

	(void)state;
	chunk_text(&kept, paragraphs, strlen(paragraphs), 40, 0, 1000, NULL, 0);
	assert_string_equal(kept.chunks[0].text, "One two three four. Five six.");
	assert_string_equal(kept.chunks[1].text, "Seven eight nine ten. Eleven.");
	kept_release(&kept);
	chunk_text(&kept, sentences, strlen(sentences), 40, 0, 1000, NULL, 0);
	assert_string_equal(kept.chunks[0].text, "One two three four five.");
	kept_release(&kept);
	chunk_text(&kept, only_words, strlen(only_words), 20, 8, 1000, NULL, 0);
	assert_string_equal(kept.chunks[0].text, "one two three four");
	assert_string_equal(kept.chunks[1].text, "four five six seven");
	kept_release(&kept);
}

static void an_overlap_begins_at_a_sentence_if_it_can(void **state)
{
	const char *text = "Alpha beta gamma delta epsilon zeta. Short one. Eta theta iota kappa "
			   "lambda mu nu.";
	struct kept kept = {.stop_at = -1};

	(void)state;
	chunk_text(&kept, text, strlen(text), 56, 20, 1000, NULL, 0);
	assert_string_equal(kept.chunks[0].text, "Alpha beta gamma delta epsilon zeta. Short one.");
	assert_string_equal(kept.chunks[1].text, "Short one. Eta theta iota kappa lambda mu nu.");
	kept_release(&kept);
}

/* What readers see as one character is not parted, even where there is no blank at all. */
static void clusters_stay_whole(void **state)
{
	const char *family =
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa6";
	struct kept kept = {.stop_at = -1};
	struct buf text;

	(void)state;
	buf_init(&text, BUF_MAX_DEFAULT);
	for (int i = 0; i < 40; i++)
		buf_adds(&text, family);
	assert_int_equal(chunk_text(&kept, text.data, text.len, 12, 6, 1000, NULL, 0), 0);
	check_chunks(&kept, text.data, text.len, 12, 6);
	for (size_t i = 0; i < kept.count; i++) {
		assert_int_equal(kept.chunks[i].start_char % 5, 0);
		assert_int_equal(kept.chunks[i].end_char % 5, 0);
	}
	kept_release(&kept);
	buf_release(&text);
}

static void one_line_without_blanks_is_cut_all_the_same(void **state)
{
	AUTO_FREE char *line = malloc(100000);
	struct kept kept = {.stop_at = -1};

	(void)state;
	memset(line, 'x', 100000);
	assert_int_equal(chunk_text(&kept, line, 100000, 1000, 200, 4096, NULL, 0), 0);
	check_chunks(&kept, line, 100000, 1000, 200);
	assert_in_range(kept.count, 100, 200);
	kept_release(&kept);
}

static void pages_and_headings_follow_the_middle(void **state)
{
	const char *text = "Manual\n\nFirst page says one thing at some length.\n\n"
			   "Refunds\n\nSecond page says another thing at some length.\n\n"
			   "Exceptions\n\nThird part says the rest at some length, too.";
	const struct mark marks[] = {
		{MARK_PAGE, 1, 0, 0},
		{MARK_HEADING, 1, 0, 6},
		{MARK_PAGE, 2, 51, 51},
		{MARK_HEADING, 2, 51, 58},
		{MARK_HEADING, 3, 108, 118},
	};
	struct kept kept = {.stop_at = -1};

	(void)state;
	assert_memory_equal(text + 51, "Refunds", 7);
	assert_memory_equal(text + 108, "Exceptions", 10);
	assert_int_equal(
		chunk_text(&kept, text, strlen(text), 70, 10, 9, marks, ARRAY_LEN(marks)), 0);
	assert_int_equal(kept.count, 3);
	assert_int_equal(kept.chunks[0].page, 1);
	assert_string_equal(kept.chunks[0].heading, "Manual");
	assert_int_equal(kept.chunks[1].page, 2);
	assert_string_equal(kept.chunks[1].heading, "Manual > Refunds");
	assert_int_equal(kept.chunks[1].start_char, 51);
	assert_string_equal(kept.chunks[2].heading, "Manual > Refunds > Exceptions");
	kept_release(&kept);
}

static void a_callback_that_stops_is_obeyed(void **state)
{
	AUTO_BUF struct buf text;
	struct kept kept = {.stop_at = 2};

	(void)state;
	random_text(&text, 5, 2000);
	assert_int_equal(chunk_text(&kept, text.data, text.len, 100, 20, 4096, NULL, 0), 7);
	assert_int_equal(kept.count, 2);
	kept_release(&kept);
}

static void sizes_that_make_no_sense_are_refused(void **state)
{
	struct chunker *chunker;

	(void)state;
	assert_int_equal(chunker_new(&chunker, 0, 0, keep, NULL), -EINVAL);
	assert_int_equal(chunker_new(&chunker, 100, 100, keep, NULL), -EINVAL);
	assert_null(chunker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_slices_and_cover_the_text),
		cmocka_unit_test(the_pieces_of_the_text_make_no_difference),
		cmocka_unit_test(a_short_text_is_one_chunk),
		cmocka_unit_test(white_space_gives_no_chunk),
		cmocka_unit_test(cuts_prefer_paragraphs_then_sentences_then_words),
		cmocka_unit_test(an_overlap_begins_at_a_sentence_if_it_can),
		cmocka_unit_test(clusters_stay_whole),
		cmocka_unit_test(one_line_without_blanks_is_cut_all_the_same),
		cmocka_unit_test(pages_and_headings_follow_the_middle),
		cmocka_unit_test(a_callback_that_stops_is_obeyed),
		cmocka_unit_test(sizes_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
