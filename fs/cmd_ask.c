/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs ask`: what `echo QUESTION > ask/SESSION; cat ask/SESSION` does, with words instead of
 * errno. A terminal is shown the answer while it is being written. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/buf.h"
#include "fs/cmd.h"
#include "fs/mounts.h"

/* More than the daemon takes anyway. */
#define QUESTION_MAX ((size_t)64 << 20)

struct request {
	const char *session, *mount, *question;
};

static int parse(int argc, char **argv, struct request *request)
{
	bool has_ended = false;

	*request = (struct request){0};
	for (int i = 1; i < argc; i++) {
		const char *argument = argv[i];
		if (!has_ended && strcmp(argument, "--") == 0) {
			has_ended = true;
		} else if (!has_ended && strcmp(argument, "-s") == 0) {
			if (i + 1 == argc)
				return cmd_usage(&cmd_ask, "-s needs the name of a session");
			request->session = argv[++i];
		} else if (!has_ended && argument[0] == '-' && argument[1]) {
			return cmd_usage(&cmd_ask, "%s is not expected", argument);
		} else if (!request->mount) {
			request->mount = argument;
		} else if (!request->question) {
			request->question = argument;
		} else {
			return cmd_usage(&cmd_ask, "the question is one argument: quote it");
		}
	}
	if (!request->mount || !request->question)
		return cmd_usage(&cmd_ask, "%s is missing",
			request->mount ? "the question" : "where askfs is mounted");
	return CMD_OK;
}

/* The caller's login name, or his number: his conversation. */
static int default_session(struct buf *out)
{
	const struct passwd *user = getpwuid(getuid());

	return user ? buf_adds(out, user->pw_name) : buf_addf(out, "%u", (unsigned)getuid());
}

/* "-" stands for standard input. */
static int read_question(const struct request *request, struct buf *out)
{
	char block[65536];
	ssize_t count;

	if (strcmp(request->question, "-") != 0) {
		buf_adds(out, request->question);
		return buf_addc(out, '\n');
	}
	while ((count = read(STDIN_FILENO, block, sizeof(block))) > 0)
		if (buf_add(out, block, (size_t)count))
			break;
	return count < 0 ? -errno : out->failed;
}

/* What the errno of a write below ask/ means. */
static int explain(int code, const char *path)
{
	switch (code) {
	case ENOTCONN:
	case ESHUTDOWN: return cmd_fail(&cmd_ask, CMD_UNREACHABLE, "the daemon does not answer");
	case EINVAL: return cmd_fail(&cmd_ask, CMD_FAILED, "the question is empty or is not UTF-8");
	case EFBIG: return cmd_fail(&cmd_ask, CMD_FAILED, "the question is too long");
	case EDQUOT:
		return cmd_fail(&cmd_ask, CMD_FAILED,
			"you have as many sessions as you may: remove one from ask/");
	case EPERM:
	case EACCES:
		return cmd_fail(&cmd_ask, CMD_FAILED,
			"%s cannot be used: it belongs to somebody else, begins with a dot, or is "
			"a "
			"name that programs use for files of their own (x~, x.bak, x.tmp …)",
			path);
	case ETIMEDOUT:
		return cmd_fail(&cmd_ask, CMD_TIMED_OUT,
			"no answer yet; it will be in %s when it is there", path);
	default: return cmd_fail(&cmd_ask, CMD_FAILED, "%s: %s", path, strerror(code));
	}
}

/* 0 or an errno. */
static int put(const char *path, const struct buf *question)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;

	if (fd < 0)
		return errno;
	while (done < question->len) {
		ssize_t count = write(fd, question->data + done, question->len - done);
		if (count < 0)
			return errno;
		done += (size_t)count;
	}
	return close(TAKE_FD(fd)) ? errno : 0;
}

/* Copy @path to standard output; *is_error: it begins "error:". 0 or an errno. */
static int show(const char *path, bool *is_error)
{
	static const char mark[] = "error:";
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[65536];
	bool is_start = true;
	ssize_t count;

	*is_error = false;
	if (fd < 0)
		return errno;
	while ((count = read(fd, block, sizeof(block))) > 0) {
		size_t len = (size_t)count;
		if (is_start)
			*is_error = len >= strlen(mark) && !memcmp(block, mark, strlen(mark));
		is_start = false;
		if (fwrite(block, 1, len, stdout) != len || fflush(stdout))
			return errno;
	}
	return count < 0 ? errno : 0;
}

static int run_ask(int argc, char **argv)
{
	AUTO_BUF struct buf session = {0}, question = {0}, ask = {0}, stream = {0};
	AUTO_FREE char *mount = NULL;
	struct err err = ERR_NONE;
	struct request request;
	bool is_error;
	int status = parse(argc, argv, &request);

	if (status)
		return status;
	if (mounts_find(request.mount, &mount, &err))
		return cmd_fail(&cmd_ask, CMD_UNREACHABLE, "%s", err.text);
	buf_init(&session, 4096);
	buf_init(&question, QUESTION_MAX);
	buf_init(&ask, 65536);
	buf_init(&stream, 65536);
	int rc = request.session ? buf_adds(&session, request.session) : default_session(&session);
	rc = rc ? rc : read_question(&request, &question);
	if (rc)
		return cmd_fail(&cmd_ask, CMD_FAILED, "the question: %s", strerror(-rc));
	buf_addf(&ask, "%s/ask/%s", mount, session.data);
	buf_addf(&stream, "%s/sessions/%s/stream", mount, session.data);
	if (ask.failed || stream.failed || strchr(session.data, '/'))
		return cmd_usage(&cmd_ask, "%s is no name of a session", session.data);
	int code = put(ask.data, &question);
	if (!code)
		code = show(isatty(STDOUT_FILENO) ? stream.data : ask.data, &is_error);
	if (code)
		return explain(code, ask.data);
	return is_error ? CMD_FAILED : CMD_OK;
}

const struct command cmd_ask = {
	.name = "ask",
	.synopsis = "[-s SESSION] MOUNT QUESTION",
	.summary = "Ask a question, and print the answer with its sources.",
	.help = "  -s SESSION  the conversation to go on with; default: your login name\n"
		"  QUESTION    one argument; - reads it from standard input\n"
		"\n"
		"On a terminal the answer is shown while it is being written; otherwise it is\n"
		"waited for. Exits with 1 if the question was not taken or a service failed,\n"
		"with 4 if the answer was not there within [ask] wait.\n",
	.run = run_ask,
};
