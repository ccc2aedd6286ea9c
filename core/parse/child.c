/* SPDX-License-Identifier: Apache-2.0 */
/* Each request has a child of its own, so nothing of a document outlives it. Descriptors are
 * put where the child's filter expects them, and all others are closed: those of other
 * requests, and the control socket, over which other users' documents come. */
#include "core/parse/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/parse/limits.h"
#include "core/parse/out.h"
#include "core/parse/reader.h"

static char *head; /* of the current document */
static struct out *out;

int child_prepare(void)
{
	head = malloc(SOURCE_HEAD_MAX);
	out = malloc(sizeof(*out));
	return head && out ? 0 : -ENOMEM;
}

/* To fixed numbers, by way of high ones, so that none overwrites another. */
static int move_fds(const struct request *request, int fds[PROTOCOL_ITEMS_MAX])
{
	enum { HIGH = CHILD_FIRST + PROTOCOL_ITEMS_MAX + 1 };
	int high[PROTOCOL_ITEMS_MAX];

	int reply = fcntl(request->reply, F_DUPFD, HIGH);
	for (uint32_t i = 0; i < request->header.count; i++)
		high[i] = fcntl(request->fds[i], F_DUPFD, HIGH);
	if (dup2(reply, CHILD_REPLY) < 0)
		return -errno;
	for (uint32_t i = 0; i < request->header.count; i++) {
		fds[i] = CHILD_FIRST + (int)i;
		if (dup2(high[i], fds[i]) < 0)
			return -errno;
	}
	close(PROTOCOL_CONTROL);
	return close_range((unsigned)CHILD_FIRST + request->header.count, ~0U, 0) ? -errno : 0;
}

static int confine(const struct request *request, int fds[PROTOCOL_ITEMS_MAX])
{
	pid_t server = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != server)
		return -ESRCH;
	int rc = move_fds(request, fds);
	rc = rc ? rc : limits_set(request->header.memory, request->header.cpu_s);
	return rc ? rc : confine_child();
}

/* Say it in words where the reader has not. */
static int explain(int result, const struct protocol_request *limits, struct err *err)
{
	if (result == -ENOMEM)
		return err_set(err, -ENOTRECOVERABLE,
			"the document needs more than the %llu MiB of memory that it may use",
			(unsigned long long)(limits->memory >> 20));
	if (!result || err->text[0])
		return result;
	if (result == -EFBIG)
		return err_set(err, result, "the document holds more than %llu bytes of text",
			(unsigned long long)limits->text_bytes);
	return err_set(err, result, "the document cannot be read: %s", strerror(-result));
}

static int parse(struct source *source, bool is_batch, struct err *err)
{
	ssize_t n = source_read(source, head, SOURCE_HEAD_MAX, 0);

	if (n < 0)
		return (int)n;
	source->head = head;
	source->head_len = (size_t)n;
#ifdef ASKFS_PARSE_TEST
	if (child_misbehave(out, head, source->head_len))
		return out->failed;
#endif
	struct type type = type_detect(source);
	source->type = type.name;
	if (is_batch && type.read && type.read != plain_read && type.read != markdown_read)
		return PROTOCOL_ALONE;
	out_field(out, FIELD_TYPE, type.name, strlen(type.name));
	if (!is_batch)
		out_flush(out); /* the type is known even if the reader dies */
	if (!type.read && type.needs)
		return err_set(err, -ENODATA,
			"this askfs was built without a reader for %s: build it again with %s "
			"installed",
			type.name, type.needs);
	if (!type.read)
		return err_set(err, -ENODATA, "no text can be extracted from %s", type.name);
	return type.read(source, out, err);
}

void child_run(const struct request *request)
{
	bool is_batch = request->header.count > 1;
	int fds[PROTOCOL_ITEMS_MAX];

	if (confine(request, fds))
		_exit(EXIT_FAILURE); /* never a document without its confinement */
	out_init(out, CHILD_REPLY, request->header.text_bytes);
	for (uint32_t i = 0; i < request->header.count; i++) {
		struct source source = {
			.fd = fds[i], .size = request->items[i].size, .name = request->names[i]};
		struct err err = ERR_NONE;
		out_begin(out, i);
		int result = parse(&source, is_batch, &err);
		out_end(out, explain(result, &request->header, &err), &err);
	}
	out_flush(out);
	_exit(EXIT_SUCCESS);
}
