/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the user's own: its arguments as JSON on standard input, its result on standard
 * output, as JSON or as plain text. It ends with 0, or says what is wrong on standard error. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/auto.h"
#include "core/program.h"
#include "core/tools/table.h"

#define ARGUMENTS_MAX 64
#define OUTPUT_MAX    ((size_t)1 << 20)

/* The words of a command, in @words, which it is cut in. */
static int split(char *command, char *words[ARGUMENTS_MAX + 1])
{
	size_t count = 0;
	char *word;

	while ((word = strsep(&command, " \t"))) {
		if (!*word)
			continue;
		if (count == ARGUMENTS_MAX)
			return -E2BIG;
		words[count++] = word;
	}
	words[count] = NULL;
	return 0;
}

/* What it says went wrong, in a line. */
static int judge(const struct program_result *result, struct err *err)
{
	const char *said = result->errors.data ? result->errors.data : "";
	int len = (int)strcspn(said, "\n");

	if (WIFSIGNALED(result->status))
		return err_set(
			err, -EIO, "it was ended by %s", strsignal(WTERMSIG(result->status)));
	int code = WEXITSTATUS(result->status);
	if (!code)
		return 0;
	return len ? err_set(err, -EIO, "%.*s", len, said)
		   : err_set(err, -EIO, "it ended with status %d", code);
}

static int run(const struct tool_call *call, struct tool_output *out, struct err *err)
{
	const struct config_tool *own = call->tool->own;
	AUTO_FREE char *input = cJSON_PrintUnformatted(call->arguments);
	AUTO_FREE char *command = strdup(own->command);
	struct program_result result = {0};
	char *words[ARGUMENTS_MAX + 1];

	if (!input || !command || split(command, words))
		return err_set(err, -ENOMEM, "out of memory");
	int rc = program_run(
		&(struct program_request){
			.argv = words,
			.user = call->caller,
			.input = input,
			.input_len = strlen(input),
			.timeout_ns = own->timeout_ns,
			.output_max = OUTPUT_MAX,
			.cancelled = call->cancelled,
		},
		&result, err);
	if (!rc)
		rc = judge(&result, err);
	if (!rc) {
		const char *text = result.output.data ? result.output.data : "";
		out->data = cJSON_ParseWithOpts(text, NULL, 1);
		if (!out->data)
			out->data = text_or_null(text);
		snprintf(out->summary, sizeof(out->summary), "%zu bytes", result.output.len);
	}
	program_result_release(&result);
	return rc ? err_prefix(err, rc, call->tool->name) : 0;
}

const struct tool tool_command = {.run = run};
