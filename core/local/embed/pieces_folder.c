/* SPDX-License-Identifier: Apache-2.0 */
/* The tokeniser of a folder in Hugging Face's layout: tokenizer.json (WordPiece or unigram), else
 * vocab.txt with the rules of BERT's uncased models. Marks that stand in a text as words
 * ("[SEP]") are words. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/local/embed/charsmap.h"
#include "core/local/embed/json_file.h"
#include "core/local/embed/pieces_inside.h"

#define PIECES_MAX (1u << 20)
#define MARK	   "\xe2\x96\x81" /* of a blank */

AUTO_DEFINE(cJSON_Delete, cJSON *);

static int not_supported(const char *folder, const char *what, const char *name, struct err *err)
{
	return err_set(err, -EOPNOTSUPP,
		"%s/tokenizer.json: the %s is %s; supported are WordPiece as of BERT and Unigram "
		"as of XLM-RoBERTa",
		folder, what, name ? name : "missing");
}

static const char *string_in(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* Put the texts of @count numbers, given in any order, one behind the other. */
static int vocabulary_build(
	struct vocabulary *out, const char *const *texts, size_t count, struct err *err)
{
	AUTO_BUF struct buf all;

	buf_init(&all, BUF_MAX_DEFAULT);
	*out = (struct vocabulary){.count = count};
	out->offsets = calloc(count + 1, sizeof(*out->offsets));
	if (!out->offsets)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		out->offsets[i] = (uint32_t)all.len;
		if (texts[i] && buf_adds(&all, texts[i]))
			break;
	}
	out->offsets[count] = (uint32_t)all.len;
	out->text = all.failed ? NULL : buf_take(&all, NULL);
	if (out->text)
		return 0;
	vocabulary_release(out);
	return err_set(err, -ENOMEM, "out of memory");
}

static int64_t find_number(const struct vocabulary *vocabulary, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < vocabulary->count; i++)
		if (vocabulary->offsets[i + 1] - vocabulary->offsets[i] == len &&
			memcmp(vocabulary->text + vocabulary->offsets[i], text, len) == 0)
			return (int64_t)i;
	return -1;
}

/* The numbers of the unknown piece and of the marks of begin and end; a number that is known
 * already has no name. */
static int find_marks(const struct vocabulary *vocabulary, const char *const names[3],
	uint32_t *const marks[3], const char *folder, struct err *err)
{
	for (size_t i = 0; i < 3; i++) {
		int64_t number = names[i] ? find_number(vocabulary, names[i]) : -1;
		if (number < 0)
			return err_set(err, -EBADMSG, "%s: the tokeniser has no %s", folder,
				names[i]	 ? names[i]
					: i == 0 ? "piece for what is unknown"
						 : "mark of begin and end");
		*marks[i] = (uint32_t)number;
	}
	return 0;
}

/* --- tokenizer.json --------------------------------------------------------------- */

/* {"piece": number, …} */
static int read_vocabulary(
	const cJSON *vocab, struct vocabulary *out, const char *folder, struct err *err)
{
	size_t count = cJSON_IsObject(vocab) ? (size_t)cJSON_GetArraySize(vocab) : 0;
	AUTO_FREE const char **texts = calloc(count + 1, sizeof(*texts));
	const cJSON *item;

	if (!texts)
		return err_set(err, -ENOMEM, "out of memory");
	if (count == 0 || count > PIECES_MAX)
		return err_set(
			err, -EBADMSG, "%s/tokenizer.json: %zu pieces cannot be", folder, count);
	cJSON_ArrayForEach(item, vocab)
	{
		double number = cJSON_IsNumber(item) ? item->valuedouble : -1;
		if (number < 0 || number >= (double)count || texts[(size_t)number])
			return err_set(err, -EBADMSG,
				"%s/tokenizer.json: the numbers of the pieces have gaps", folder);
		texts[(size_t)number] = item->string;
	}
	return vocabulary_build(out, texts, count, err);
}

/* The names of the marks around a text, as the post-processor puts them. */
static void find_mark_names(const cJSON *root, const char *names[3])
{
	const cJSON *processor = cJSON_GetObjectItemCaseSensitive(root, "post_processor"), *item;
	const cJSON *single = cJSON_GetObjectItemCaseSensitive(processor, "single");
	const char *pair[] = {"cls", "sep"};

	cJSON_ArrayForEach(item, single)
	{
		const char *name =
			string_in(cJSON_GetObjectItemCaseSensitive(item, "SpecialToken"), "id");
		if (name)
			names[names[1] ? 2 : 1] = name;
	}
	for (size_t i = 0; i < 2 && !names[i + 1]; i++)
		names[i + 1] = cJSON_GetStringValue(cJSON_GetArrayItem(
			cJSON_GetObjectItemCaseSensitive(processor, pair[i]), 0));
}

static void read_normalizer(const cJSON *normalizer, struct wordpiece_rules *rules)
{
	const cJSON *accents = cJSON_GetObjectItemCaseSensitive(normalizer, "strip_accents");

	rules->lowercase = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(normalizer, "lowercase"));
	rules->clean = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(normalizer, "clean_text"));
	rules->split_han =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(normalizer, "handle_chinese_chars"));
	rules->strip_accents = cJSON_IsBool(accents) ? cJSON_IsTrue(accents) : rules->lowercase;
}

/* --- unigram ---------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool is(const cJSON *object, const char *name, const char *value)
{
	const char *text = string_in(object, name);

	return text && strcmp(text, value) == 0;
}

/* [["piece", score], …] */
static int read_scored(
	const cJSON *vocab, struct vocabulary *out, const char *folder, struct err *err)
{
	size_t count = cJSON_IsArray(vocab) ? (size_t)cJSON_GetArraySize(vocab) : 0, i = 0;
	AUTO_FREE const char **texts = calloc(count + 1, sizeof(*texts));
	AUTO_FREE double *scores = calloc(count + 1, sizeof(*scores));
	const cJSON *item;

	if (!texts || !scores)
		return err_set(err, -ENOMEM, "out of memory");
	if (count == 0 || count > PIECES_MAX)
		return err_set(
			err, -EBADMSG, "%s/tokenizer.json: %zu pieces cannot be", folder, count);
	cJSON_ArrayForEach(item, vocab)
	{
		const cJSON *score = cJSON_GetArrayItem(item, 1);
		texts[i] = cJSON_GetStringValue(cJSON_GetArrayItem(item, 0));
		if (!texts[i] || !cJSON_IsNumber(score) || !isfinite(score->valuedouble))
			return err_set(err, -EBADMSG,
				"%s/tokenizer.json: piece %zu is not a text and a score", folder,
				i);
		scores[i++] = score->valuedouble;
	}
	int rc = vocabulary_build(out, texts, count, err);
	if (!rc)
		out->scores = TAKE_PTR(scores);
	return rc;
}

/* One step of normalisation; each kind once at most, in this order. *step: the last one. */
static int read_step(const cJSON *item, struct unigram_rules *rules, int *step, const char *folder,
	struct err *err)
{
	const char *type = string_in(item, "type"), *map = string_in(item, "precompiled_charsmap");
	const char *pattern = string_in(member(item, "pattern"), "Regex");
	const char *content = string_in(item, "content");
	int number = is(item, "type", "Precompiled") ? 1
		: is(item, "type", "Strip")	     ? 2
		: is(item, "type", "Replace")	     ? 3
						     : 0;

	if (number <= *step)
		return not_supported(folder, "normalizer", type, err);
	*step = number;
	if (number == 1)
		return map ? charsmap_new(&rules->charsmap, map, err) : 0;
	if (number == 2) {
		rules->strips_left = cJSON_IsTrue(member(item, "strip_left"));
		rules->strips_right = cJSON_IsTrue(member(item, "strip_right"));
		return 0;
	}
	bool is_blank = content && strcmp(content, " ") == 0;
	if (!pattern || strcmp(pattern, " {2,}") != 0 ||
		(!is_blank && (!content || strcmp(content, MARK) != 0)))
		return not_supported(folder, "normalizer", "a Replace of its own", err);
	rules->run = is_blank ? " " : MARK;
	return 0;
}

static int read_steps(
	const cJSON *normalizer, struct unigram_rules *rules, const char *folder, struct err *err)
{
	const cJSON *item;
	int step = 0, rc = 0;

	if (!normalizer || cJSON_IsNull(normalizer))
		return 0;
	if (!is(normalizer, "type", "Sequence"))
		return read_step(normalizer, rules, &step, folder, err);
	cJSON_ArrayForEach(item, member(normalizer, "normalizers"))
	{
		if (!rc)
			rc = read_step(item, rules, &step, folder, err);
	}
	return rc;
}

/* Metaspace, perhaps behind WhitespaceSplit. */
static int read_words(
	const cJSON *before, struct unigram_rules *rules, const char *folder, struct err *err)
{
	const cJSON *list = member(before, "pretokenizers");
	const cJSON *first = is(before, "type", "Sequence") ? cJSON_GetArrayItem(list, 0) : before;

	rules->splits_words = is(first, "type", "WhitespaceSplit");
	const cJSON *meta = rules->splits_words ? cJSON_GetArrayItem(list, 1) : first;
	const char *scheme = string_in(meta, "prepend_scheme");
	const cJSON *adds = member(meta, "add_prefix_space"), *splits = member(meta, "split");
	bool is_always = scheme ? strcmp(scheme, "always") == 0 ||
			(strcmp(scheme, "first") == 0 && !rules->splits_words)
				: !adds || cJSON_IsTrue(adds);
	bool is_usual = is_always && is(meta, "replacement", MARK) && !cJSON_IsFalse(splits) &&
		cJSON_GetArraySize(list) <= 2;

	if (!is(meta, "type", "Metaspace"))
		return not_supported(folder, "pre-tokenizer", string_in(meta, "type"), err);
	return is_usual ? 0 : not_supported(folder, "pre-tokenizer", "an unusual Metaspace", err);
}

static int read_unigram(struct pieces **out, const cJSON *root, const char *folder, struct err *err)
{
	const cJSON *model = member(root, "model"), *unknown = member(model, "unk_id");
	const char *names[3] = {NULL, NULL, NULL};
	struct unigram_rules rules = {0};
	uint32_t *const marks[3] = {&rules.unknown, &rules.begin, &rules.end};
	struct vocabulary vocabulary = {0};

	if (cJSON_IsTrue(member(model, "byte_fallback")))
		return not_supported(folder, "model", "Unigram with bytes", err);
	int rc = read_steps(member(root, "normalizer"), &rules, folder, err);
	if (!rc)
		rc = read_words(member(root, "pre_tokenizer"), &rules, folder, err);
	if (!rc)
		rc = read_scored(member(model, "vocab"), &vocabulary, folder, err);
	if (!rc) {
		find_mark_names(root, names);
		names[0] = cJSON_IsNumber(unknown) && unknown->valuedouble >= 0
			? cJSON_GetStringValue(cJSON_GetArrayItem(
				  cJSON_GetArrayItem(member(model, "vocab"),
					  (int)fmin(unknown->valuedouble, PIECES_MAX)),
				  0))
			: NULL;
		rc = find_marks(&vocabulary, names, marks, folder, err);
	}
	if (rc) {
		vocabulary_release(&vocabulary);
		charsmap_free(rules.charsmap);
		return rc;
	}
	return pieces_unigram_new(out, &vocabulary, &rules) ? err_set(err, -ENOMEM, "out of memory")
							    : 0;
}

static int read_json(struct pieces **out, const cJSON *root, const char *folder, struct err *err)
{
	const cJSON *model = cJSON_GetObjectItemCaseSensitive(root, "model");
	const cJSON *normalizer = cJSON_GetObjectItemCaseSensitive(root, "normalizer");
	const char *type = string_in(model, "type"), *how = string_in(normalizer, "type");
	const char *before =
		string_in(cJSON_GetObjectItemCaseSensitive(root, "pre_tokenizer"), "type");
	const char *prefix = string_in(model, "continuing_subword_prefix");
	const cJSON *most = cJSON_GetObjectItemCaseSensitive(model, "max_input_chars_per_word");
	const char *names[3] = {string_in(model, "unk_token"), NULL, NULL};
	struct wordpiece_rules rules = {.word_max = cJSON_IsNumber(most) && most->valuedouble > 0
			? (size_t)most->valuedouble
			: 100};
	uint32_t *const marks[3] = {&rules.unknown, &rules.begin, &rules.end};
	struct vocabulary vocabulary;

	if (type && strcmp(type, "Unigram") == 0)
		return read_unigram(out, root, folder, err);
	if (!type || strcmp(type, "WordPiece") != 0)
		return not_supported(folder, "model", type, err);
	if (!how || strcmp(how, "BertNormalizer") != 0)
		return not_supported(folder, "normalizer", how, err);
	if (!before || strcmp(before, "BertPreTokenizer") != 0)
		return not_supported(folder, "pre-tokenizer", before, err);
	read_normalizer(normalizer, &rules);
	snprintf(rules.continuing, sizeof(rules.continuing), "%s", prefix ? prefix : "##");
	find_mark_names(root, names);
	int rc = read_vocabulary(
		cJSON_GetObjectItemCaseSensitive(model, "vocab"), &vocabulary, folder, err);
	if (rc)
		return rc;
	rc = find_marks(&vocabulary, names, marks, folder, err);
	if (rc) {
		vocabulary_release(&vocabulary);
		return rc;
	}
	return pieces_wordpiece_new(out, &vocabulary, &rules)
		? err_set(err, -ENOMEM, "out of memory")
		: 0;
}

/* --- vocab.txt -------------------------------------------------------------------- */

static int read_list(struct pieces **out, const char *folder, struct err *err)
{
	static const char *const names[3] = {"[UNK]", "[CLS]", "[SEP]"};
	struct wordpiece_rules rules = {.lowercase = true,
		.strip_accents = true,
		.clean = true,
		.split_han = true,
		.word_max = 100,
		.continuing = "##"};
	uint32_t *const marks[3] = {&rules.unknown, &rules.begin, &rules.end};
	struct vocabulary vocabulary;
	AUTO_BUF struct buf text;
	size_t count = 0;

	int rc = file_read(folder, "vocab.txt", &text, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == '\n';
	AUTO_FREE const char **texts = calloc(count + 1, sizeof(*texts));
	if (!texts)
		return err_set(err, -ENOMEM, "out of memory");
	char *rest = text.data, *line;
	for (size_t i = 0; i < count && (line = strsep(&rest, "\n")); i++) {
		line[strcspn(line, "\r")] = '\0';
		texts[i] = line;
	}
	if (count > PIECES_MAX)
		return err_set(err, -EBADMSG, "%s/vocab.txt: %zu pieces cannot be", folder, count);
	rc = vocabulary_build(&vocabulary, texts, count, err);
	if (rc)
		return rc;
	rc = find_marks(&vocabulary, names, marks, folder, err);
	if (rc) {
		vocabulary_release(&vocabulary);
		return rc;
	}
	return pieces_wordpiece_new(out, &vocabulary, &rules)
		? err_set(err, -ENOMEM, "out of memory")
		: 0;
}

int pieces_from_folder(struct pieces **out, const char *folder, struct err *err)
{
	AUTO(cJSON_Delete) cJSON *root = NULL;
	int rc = json_file_read(folder, "tokenizer.json", &root, err);

	if (rc == -ENOENT)
		return read_list(out, folder, err);
	return rc ? rc : read_json(out, root, folder, err);
}
