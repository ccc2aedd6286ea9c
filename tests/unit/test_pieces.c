/* SPDX-License-Identifier: Apache-2.0 */
/* Tokenisers of embedding models: SentencePiece's unigrams and WordPiece. */
#include "core/local/embed/pieces.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/local/embed/model.h"
#include "tests/unit/embed_world.h"
#include "tests/unit/scratch.h"

/* The numbers as text: "0 9 7 2". */
static const char *encode(const struct pieces *pieces, const char *text, size_t len, size_t max)
{
	static char shown[4096];
	uint32_t ids[256];
	size_t at = 0;

	shown[0] = '\0';
	ssize_t count = pieces_encode(pieces, text, len, ids, max);
	assert_true(count >= 2);
	assert_true(count <= (ssize_t)max);
	for (ssize_t i = 0; i < count; i++)
		at += (size_t)snprintf(shown + at, sizeof(shown) - at, i ? " %u" : "%u", ids[i]);
	return shown;
}

#define assert_pieces(pieces, text, expected) \
	assert_string_equal(encode(pieces, text, strlen(text), 256), expected)

static void unigrams_are_the_best_sum(void **state)
{
	char *folder = scratch_new();
	AUTO_BUF struct buf bytes;
	AUTO_FREE char *path = NULL;
	struct model *model;
	struct err err = ERR_NONE;

	(void)state;
	buf_init(&bytes, BUF_MAX_DEFAULT);
	ew_pack(&bytes);
	close(scratch_file(folder, "model.bin", bytes.data, bytes.len));
	assert_true(asprintf(&path, "%s/model.bin", folder) > 0);
	if (model_open(&model, path, &err))
		fail_msg("%s", err.text);
	const struct pieces *pieces = model_pieces(model);
	assert_pieces(pieces, "ab", "0 9 2"); /* "_ab" is -6, "_" and "ab" are -8 */
	assert_pieces(pieces, "abc", "0 9 7 2"); /* -10; "_" and "abc" are -11 */
	assert_pieces(pieces, "ba", "0 4 6 5 2");
	assert_pieces(pieces, "", "0 4 2");
	assert_pieces(pieces, "  a  \tb", "0 4 5 4 6 2"); /* runs of blanks are one */
	assert_pieces(pieces, "AB", "0 4 5 3 2"); /* A is replaced, B is unknown */
	assert_pieces(pieces,
		"a\xe2\x80\x8b"
		"b",
		"0 9 2"); /* U+200B is nothing */
	assert_pieces(pieces, "\xc3\xa9", "0 4 11 2");
	assert_pieces(pieces,
		"a\xff"
		"b",
		"0 4 5 3 6 2"); /* invalid bytes become U+FFFD */
	assert_string_equal(encode(pieces, "a\0b", 3, 256), "0 4 5 3 6 2");
	assert_string_equal(encode(pieces, "ba ba", 5, 4), "0 4 6 2"); /* the rest is cut */
	assert_string_equal(encode(pieces, "ba", 2, 2), "0 2");
	model_free(model);
	scratch_free(folder);
}

static void wordpieces_are_the_longest(void **state)
{
	char *folder = scratch_new();
	struct pieces *pieces;
	struct err err = ERR_NONE;
	char endless[300];

	(void)state;
	ew_write_folder(folder);
	if (pieces_from_folder(&pieces, folder, &err))
		fail_msg("%s", err.text);
	assert_pieces(pieces, "unaffable", "2 4 5 6 3");
	assert_pieces(pieces, "Hello, WORLD", "2 7 9 8 3");
	assert_pieces(pieces, "caf\xc3\xa9", "2 10 3"); /* accents come off */
	assert_pieces(pieces, "cafe\xcc\x81", "2 10 3");
	assert_pieces(pieces,
		"hello\xe4\xb8\xad"
		"world",
		"2 7 11 8 3"); /* Han stand apart */
	assert_pieces(pieces, "unworld", "2 1 3"); /* a part is unknown: all of it is */
	assert_pieces(pieces, "ab abb", "2 12 13 12 13 13 3");
	assert_pieces(pieces, " \t\n ", "2 3");
	assert_pieces(pieces, "hel\xc2\xadlo", "2 7 3"); /* control characters are left out */
	memset(endless, 'a', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_pieces(pieces, endless, "2 1 3");
	assert_string_equal(encode(pieces, "hello hello hello", 17, 4), "2 7 7 3");
	pieces_free(pieces);
	scratch_free(folder);
}

/* "\\t", "\\r" and "\\n" of a line of expected.txt, in place. */
static void unescape(char *text)
{
	static const char *const escapes = "t\tr\rn\n";
	char *to = text;

	for (; *text; text++) {
		const char *escape = text[0] == '\\' ? strchr(escapes, text[1]) : NULL;
		*to++ = escape ? escape[1] : *text;
		text += escape != NULL;
	}
	*to = '\0';
}

static void unigrams_of_a_folder_are_those_of_its_library(void **state)
{
	static const char folder[] = "tests/fixtures/embed/unigram";
	struct pieces *pieces;
	struct err err = ERR_NONE;
	AUTO_FREE char *line = NULL;
	size_t size = 0, lines = 0;

	(void)state;
	if (pieces_from_folder(&pieces, folder, &err))
		fail_msg("%s", err.text);
	AUTO_FCLOSE FILE *file = fopen("tests/fixtures/embed/unigram/expected.txt", "re");
	assert_non_null(file);
	for (; getline(&line, &size, file) > 0; lines++) {
		char *expected = strrchr(line, '\t');
		assert_non_null(expected);
		*expected++ = '\0';
		expected[strcspn(expected, "\n")] = '\0';
		unescape(line);
		assert_pieces(pieces, line, expected);
	}
	assert_true(lines > 20);
	assert_string_equal(encode(pieces, "14 14 14", 8, 2), "0 2");
	assert_string_equal(encode(pieces, "a\0b", 3, 64), "0 35 3 218 2");
	assert_string_equal(encode(pieces, "D\0 \0 x", 6, 64), "0 4 119 3 4 3 4 3 2");
	pieces_free(pieces);
}

static void folders_that_cannot_be_read_say_why(void **state)
{
#define UNIGRAM(normalizer, vocab, unknown)                                              \
	"{\"model\": {\"type\": \"Unigram\", \"unk_id\": " unknown ", \"vocab\": " vocab \
	"}, \"normalizer\": {\"type\": " normalizer                                      \
	"}, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"\u2581\"}}"
	static const struct {
		const char *json;
		int rc;
		const char *words;
	} cases[] = {
		{"{\"model\": {\"type\": \"BPE\"}}", -EOPNOTSUPP, "BPE"},
		{"{\"model\": {\"type\": \"WordPiece\"}}", -EOPNOTSUPP, "normalizer"},
		{"{\"model\": ", -EBADMSG, "JSON"},
		{UNIGRAM("\"NFKC\"", "[[\"a\", 0]]", "0"), -EOPNOTSUPP, "normalizer is NFKC"},
		{UNIGRAM("\"Precompiled\", \"precompiled_charsmap\": \"AAAA\"", "[[\"a\", 0]]",
			 "0"),
			-EBADMSG, "table of normalisation"},
		{UNIGRAM("\"Precompiled\"", "[[\"a\", 0], [\"b\"]]", "0"), -EBADMSG, "piece 1"},
		{UNIGRAM("\"Precompiled\"", "[[\"a\", 0], [\"b\", 1e999]]", "0"), -EBADMSG,
			"piece 1"},
		{UNIGRAM("\"Precompiled\"", "[[\"a\", 0]]", "7"), -EBADMSG, "unknown"},
		{UNIGRAM("\"Precompiled\"", "[[\"a\", 0]]", "0"), -EBADMSG, "begin and end"},
		{"{\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", "
		 "\"vocab\": {\"a\": 5}}, "
		 "\"normalizer\": {\"type\": \"BertNormalizer\"}, \"pre_tokenizer\": {\"type\": "
		 "\"BertPreTokenizer\"}}",
			-EBADMSG, "gaps"},
		{"{\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", "
		 "\"vocab\": {\"a\": 0}}, "
		 "\"normalizer\": {\"type\": \"BertNormalizer\"}, \"pre_tokenizer\": {\"type\": "
		 "\"BertPreTokenizer\"}}",
			-EBADMSG, "[UNK]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *folder = scratch_new();
		struct pieces *pieces;
		struct err err = ERR_NONE;

		assert_int_equal(pieces_from_folder(&pieces, folder, &err), -ENOENT);
		close(scratch_file(folder, "tokenizer.json", cases[i].json, strlen(cases[i].json)));
		assert_int_equal(pieces_from_folder(&pieces, folder, &err), cases[i].rc);
		if (!strstr(err.text, cases[i].words))
			fail_msg("it says: %s", err.text);
		scratch_free(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unigrams_are_the_best_sum),
		cmocka_unit_test(wordpieces_are_the_longest),
		cmocka_unit_test(unigrams_of_a_folder_are_those_of_its_library),
		cmocka_unit_test(folders_that_cannot_be_read_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
