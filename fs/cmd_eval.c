/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs eval`: one's own questions, asked through the mount as anybody asks them, and what came
 * of them in figures. With --against every question is asked a second time, with other options or
 * of another mount, and the differences come with an interval: by drawing the questions again and
 * again with replacement, both answers of a question together (paired bootstrap; Efron and
 * Tibshirani, An Introduction to the Bootstrap, 1993). */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/text/fold.h"
#include "core/text/word.h"
#include "fs/cmd.h"
#include "fs/mounts.h"

#define DRAWS 2000

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* What is counted of an answer: 0 or 1, or milliseconds. */
enum figure {
	DOCUMENT_FIRST,
	DOCUMENT_FOUND,
	PASSAGE_FIRST,
	PASSAGE_FOUND,
	ANSWER_SHOWN,
	NOT_REFUSED,
	RIGHTLY_REFUSED,
	MILLISECONDS,
	FIGURES
};

static const char *const figure_names[FIGURES] = {
	[DOCUMENT_FIRST] = "the document first",
	[DOCUMENT_FOUND] = "the document found",
	[PASSAGE_FIRST] = "the answer in the first passage",
	[PASSAGE_FOUND] = "the answer in a passage",
	[ANSWER_SHOWN] = "the answer shown",
	[NOT_REFUSED] = "answered what can be",
	[RIGHTLY_REFUSED] = "refused what cannot be",
	[MILLISECONDS] = "milliseconds",
};

/* One question's figures; NAN where one does not apply. */
struct verdict {
	double figures[FIGURES];
};

/* Where questions are asked, and how. */
struct side {
	char *mount; /* owned */
	const char *options; /* JSON for options.json; NULL: the defaults */
	struct verdict *verdicts; /* one a question */
};

struct request {
	const char *questions, *mount, *against;
};

/* --- texts ------------------------------------------------------------------------ */

/* The words, folded, a blank around each. */
static int fold_text(const char *text, struct buf *out)
{
	size_t len = strlen(text), at = 0;
	struct word word;

	buf_addc(out, ' ');
	while (word_next(text, len, &at, &word)) {
		struct folded folded;

		fold_word(text + word.start, word.end - word.start, &folded);
		fold_accents(&folded);
		buf_add(out, folded.text, folded.len);
		buf_addc(out, ' ');
	}
	return out->failed;
}

/* Does @text hold the words of @answer one behind the other? */
static bool holds(const char *text, const char *answer)
{
	AUTO_BUF struct buf in, wanted;

	buf_init(&in, BUF_MAX_DEFAULT);
	buf_init(&wanted, BUF_MAX_DEFAULT);
	if (fold_text(text, &in) || fold_text(answer, &wanted) || wanted.len < 2)
		return false;
	return strstr(in.data, wanted.data) != NULL || strstr(text, answer) != NULL;
}

static const char *string_in(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

/* Is one of the expected answers in the text? */
static bool holds_answer(const char *text, const cJSON *question)
{
	const cJSON *answer = cJSON_GetObjectItemCaseSensitive(question, "answer"), *item;

	if (cJSON_IsString(answer))
		return holds(text, answer->valuestring);
	cJSON_ArrayForEach(item,
		answer) if (cJSON_IsString(item) && holds(text, item->valuestring)) return true;
	return false;
}

/* Is it a passage of the expected document: its path, or the end of it? */
static bool is_of_document(const cJSON *passage, const char *document)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(passage, "metadata");
	const char *path = string_in(metadata, "path");
	size_t path_len = strlen(path), len = strlen(document);

	if (len > path_len || strcmp(path + path_len - len, document) != 0)
		return false;
	return len == path_len || path[path_len - len - 1] == '/';
}

/* --- asking ----------------------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return errno ? -errno : -EIO;
	return close(TAKE_FD(fd)) ? -errno : 0;
}

/* Ask in a session of its own, which goes again; *out is answer.json. */
static int ask(const struct side *side, const char *question, cJSON **out, double *ms)
{
	AUTO_FREE char *ask = NULL, *answer = NULL, *options = NULL;
	AUTO_BUF struct buf json;
	static unsigned serial;
	int rc = 0;

	buf_init(&json, BUF_MAX_DEFAULT);
	serial++;
	if (asprintf(&ask, "%s/ask/eval-%d-%u", side->mount, (int)getpid(), serial) < 0 ||
		asprintf(&answer, "%s/sessions/eval-%d-%u/answer.json", side->mount, (int)getpid(),
			serial) < 0 ||
		asprintf(&options, "%s/sessions/eval-%d-%u/options.json", side->mount,
			(int)getpid(), serial) < 0)
		return -ENOMEM;
	if (side->options) {
		int fd = open(ask, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		rc = fd < 0 || close(fd) ? -errno : write_file(options, side->options);
	}
	int64_t start = clock_mono_ns();
	if (!rc)
		rc = write_file(ask, question);
	if (!rc)
		rc = buf_add_file(&json, answer);
	*ms = (double)(clock_mono_ns() - start) / NS_PER_MS;
	unlink(ask);
	*out = rc ? NULL : cJSON_ParseWithLength(json.data ? json.data : "", json.len);
	return rc ? rc : cJSON_IsObject(*out) ? 0 : -EBADMSG;
}

/* --- judging ---------------------------------------------------------------------- */

static void judge_passages(const cJSON *question, const cJSON *answer, struct verdict *verdict)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, "retrieved"), *passage;
	const char *document = string_in(question, "document");
	bool has_answer = cJSON_HasObjectItem(question, "answer"), is_first = true;

	if (document[0])
		verdict->figures[DOCUMENT_FIRST] = verdict->figures[DOCUMENT_FOUND] = 0;
	if (has_answer)
		verdict->figures[PASSAGE_FIRST] = verdict->figures[PASSAGE_FOUND] = 0;
	cJSON_ArrayForEach(passage, list)
	{
		if (document[0] && is_of_document(passage, document)) {
			verdict->figures[DOCUMENT_FIRST] += is_first;
			verdict->figures[DOCUMENT_FOUND] = 1;
		}
		if (has_answer && holds_answer(string_in(passage, "content"), question)) {
			verdict->figures[PASSAGE_FIRST] += is_first;
			verdict->figures[PASSAGE_FOUND] = 1;
		}
		is_first = false;
	}
}

static void judge(const cJSON *question, const cJSON *answer, double ms, struct verdict *verdict)
{
	const cJSON *answerable = cJSON_GetObjectItemCaseSensitive(question, "answerable");
	bool is_refused = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "refused"));

	for (size_t i = 0; i < FIGURES; i++)
		verdict->figures[i] = NAN;
	verdict->figures[MILLISECONDS] = ms;
	if (cJSON_IsFalse(answerable)) {
		verdict->figures[RIGHTLY_REFUSED] = is_refused;
		return;
	}
	verdict->figures[NOT_REFUSED] = !is_refused;
	if (cJSON_HasObjectItem(question, "answer"))
		verdict->figures[ANSWER_SHOWN] =
			!is_refused && holds_answer(string_in(answer, "answer"), question);
	judge_passages(question, answer, verdict);
}

/* --- figures ---------------------------------------------------------------------- */

/* The mean over the questions of @draw (NULL: all) to which the figure applies. */
static double mean_of(
	const struct verdict *verdicts, size_t count, const size_t *draw, enum figure figure)
{
	double sum = 0, applies = 0;

	for (size_t i = 0; i < count; i++) {
		double value = verdicts[draw ? draw[i] : i].figures[figure];
		if (isnan(value))
			continue;
		sum += value;
		applies++;
	}
	return applies ? sum / applies : NAN;
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The value below which @share of the figure's values lie. */
static double quantile(
	const struct verdict *verdicts, size_t count, enum figure figure, double share)
{
	AUTO_FREE double *values = malloc((count + 1) * sizeof(*values));

	if (!values)
		return NAN;
	for (size_t i = 0; i < count; i++)
		values[i] = verdicts[i].figures[figure];
	qsort(values, count, sizeof(*values), by_size);
	return values[(size_t)(share * (double)(count - 1) + .5)];
}

/* The interval that holds 95 of 100 differences of redrawn questions. */
static bool find_interval(
	const struct side sides[2], size_t count, enum figure figure, double *low, double *high)
{
	AUTO_FREE size_t *draw = malloc(count * sizeof(*draw));
	double differences[DRAWS];
	size_t found = 0;
	uint64_t random = 88172645463325252; /* the same each time */

	for (size_t d = 0; draw && d < DRAWS; d++) {
		for (size_t i = 0; i < count; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			draw[i] = random % count;
		}
		double difference = mean_of(sides[1].verdicts, count, draw, figure) -
			mean_of(sides[0].verdicts, count, draw, figure);
		if (!isnan(difference))
			differences[found++] = difference;
	}
	if (found < DRAWS / 2)
		return false;
	qsort(differences, found, sizeof(*differences), by_size);
	*low = differences[found / 40];
	*high = differences[found - 1 - found / 40];
	return true;
}

static void print_figure(
	const struct side sides[2], size_t side_count, size_t count, enum figure figure)
{
	double first = mean_of(sides[0].verdicts, count, NULL, figure), low, high;
	int digits = figure == MILLISECONDS ? 1 : 3;

	if (isnan(first))
		return;
	printf("  %-32s %9.*f", figure_names[figure], digits, first);
	if (side_count == 2) {
		double second = mean_of(sides[1].verdicts, count, NULL, figure);
		printf(" %9.*f  %+.*f", digits, second, digits, second - first);
		if (find_interval(sides, count, figure, &low, &high))
			printf(" (%+.*f to %+.*f)%s", digits, low, digits, high,
				low > 0 || high < 0 ? " *" : "");
	}
	putchar('\n');
}

static void print_report(const struct side sides[2], size_t side_count, size_t count)
{
	printf("%zu questions\n", count);
	if (side_count == 2)
		printf("  %-32s %9s %9s  %s\n", "", "this", "against",
			"difference (95 %; * where it is no chance)");
	for (enum figure figure = 0; figure < FIGURES; figure++)
		print_figure(sides, side_count, count, figure);
	for (size_t i = 0; i < side_count; i++)
		printf("  %-32s %9.1f median %9.1f of 95 in 100\n",
			i ? "milliseconds, against" : "milliseconds",
			quantile(sides[i].verdicts, count, MILLISECONDS, .5),
			quantile(sides[i].verdicts, count, MILLISECONDS, .95));
}

/* --- the command ------------------------------------------------------------------ */

static int parse(int argc, char **argv, struct request *request)
{
	*request = (struct request){0};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--against") == 0) {
			if (i + 1 == argc)
				return cmd_usage(&cmd_eval, "--against needs options or a mount");
			request->against = argv[++i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return cmd_usage(&cmd_eval, "%s is not expected", argv[i]);
		} else if (!request->questions) {
			request->questions = argv[i];
		} else if (!request->mount) {
			request->mount = argv[i];
		} else {
			return cmd_usage(&cmd_eval, "%s is one argument too many", argv[i]);
		}
	}
	if (!request->mount)
		return cmd_usage(&cmd_eval, "%s missing",
			request->questions ? "where askfs is mounted is" : "the questions are");
	return CMD_OK;
}

/* One JSON object a line: "question", and what is expected of its answer. */
static int read_questions(const char *path, cJSON **out, struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	unsigned number = 0;

	*out = cJSON_CreateArray();
	if (!file)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	while (getline(&line, &size, file) > 0) {
		number++;
		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		cJSON *question = cJSON_Parse(line);
		if (!cJSON_IsObject(question) || !string_in(question, "question")[0]) {
			cJSON_Delete(question);
			return err_set(err, -EINVAL,
				"%s:%u: a JSON object with a \"question\" is expected, and "
				"\"answer\", "
				"\"document\" or \"answerable\": false",
				path, number);
		}
		cJSON_AddItemToArray(*out, question);
	}
	return cJSON_GetArraySize(*out) ? 0 : err_set(err, -EINVAL, "%s: no questions", path);
}

static int ask_all(struct side *side, const cJSON *questions, struct err *err)
{
	size_t i = 0;
	const cJSON *question;

	side->verdicts = calloc((size_t)cJSON_GetArraySize(questions), sizeof(*side->verdicts));
	if (!side->verdicts)
		return err_set(err, -ENOMEM, "out of memory");
	cJSON_ArrayForEach(question, questions)
	{
		AUTO(cJSON_Delete) cJSON *answer = NULL;
		double ms;
		int rc = ask(side, string_in(question, "question"), &answer, &ms);
		if (rc)
			return err_set(
				err, rc, "%s: question %zu: %s", side->mount, i + 1, strerror(-rc));
		judge(question, answer, ms, &side->verdicts[i++]);
	}
	return 0;
}

static int run_sides(
	const struct request *request, struct side sides[2], size_t *count, struct err *err)
{
	AUTO(cJSON_Delete) cJSON *questions = NULL;
	int rc = read_questions(request->questions, &questions, err);
	bool is_options = request->against && request->against[0] == '{';

	if (!rc)
		rc = mounts_find(request->mount, &sides[0].mount, err);
	if (!rc && request->against)
		rc = mounts_find(
			is_options ? request->mount : request->against, &sides[1].mount, err);
	sides[1].options = is_options ? request->against : NULL;
	if (!rc)
		rc = ask_all(&sides[0], questions, err);
	if (!rc && request->against)
		rc = ask_all(&sides[1], questions, err);
	*count = (size_t)cJSON_GetArraySize(questions);
	return rc;
}

static int run_eval(int argc, char **argv)
{
	struct request request;
	struct side sides[2] = {{0}};
	struct err err = ERR_NONE;
	size_t count = 0;
	int status = parse(argc, argv, &request);

	if (status)
		return status;
	int rc = run_sides(&request, sides, &count, &err);
	if (!rc)
		print_report(sides, request.against ? 2 : 1, count);
	for (size_t i = 0; i < 2; i++) {
		free(sides[i].mount);
		free(sides[i].verdicts);
	}
	return rc ? cmd_fail(&cmd_eval, CMD_FAILED, "%s", err.text) : CMD_OK;
}

const struct command cmd_eval = {
	.name = "eval",
	.synopsis = "[--against OPTIONS|MOUNT] QUESTIONS.jsonl MOUNT",
	.summary = "Ask one's own questions, and print how many answers are right.",
	.help = "  QUESTIONS.jsonl  a JSON object a line: \"question\", and what is expected:\n"
		"                   \"answer\" (a text, or a list of texts of which one has to be\n"
		"                   there), \"document\" (its path, or the end of it), or\n"
		"                   \"answerable\": false\n"
		"  --against        ask everything a second time, with these options (as in\n"
		"                   options.json: '{\"top_k\": 10}') or of another mount, and\n"
		"                   print both side by side\n"
		"\n"
		"Each question is asked in a session of its own, which is removed again.\n",
	.run = run_eval,
};
