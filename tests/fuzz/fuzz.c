/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/parser_reply.h"
#include "core/text/utf8.h"

#define TEXT_MAX ((uint64_t)8 << 20)

struct tally {
	uint64_t chars;
	uint64_t last_end; /* of the marks */
	int is_member_open;
};

static void require(int is_true)
{
	if (!is_true)
		abort();
}

static int on_text(void *context, const char *utf8, size_t len)
{
	struct tally *tally = context;

	require(utf8_is_valid(utf8, len) && !memchr(utf8, 0, len));
	tally->chars += utf8_count(utf8, len);
	return 0;
}

static int on_mark(void *context, const struct mark *mark)
{
	struct tally *tally = context;

	require(mark->start_char >= tally->chars && mark->end_char >= mark->start_char);
	tally->last_end = mark->end_char > tally->last_end ? mark->end_char : tally->last_end;
	return 0;
}

static int on_member(void *context, const struct parse_member *member)
{
	struct tally *tally = context;

	require(!tally->is_member_open && member->path_len > 0 &&
		member->path_len <= PROTOCOL_PATH_MAX &&
		!memchr(member->path, 0, member->path_len));
	tally->is_member_open = 1;
	return 0;
}

static int on_member_data(void *context, const void *data, size_t len)
{
	const struct tally *tally = context;
	volatile unsigned char sum = 0;

	require(tally->is_member_open);
	for (size_t i = 0; i < len; i++) /* every byte is there */
		sum ^= ((const unsigned char *)data)[i];
	return 0;
}

static int on_member_end(void *context, int result, const struct err *err)
{
	struct tally *tally = context;

	require(tally->is_member_open && result <= 0 &&
		utf8_is_valid(err->text, strlen(err->text)));
	tally->is_member_open = 0;
	return 0;
}

void fuzz_reply(const uint8_t *data, size_t size, int must_accept)
{
	struct parser_limits limits = {.text_bytes = TEXT_MAX};
	struct tally tally = {0};
	struct parse_item item = {.sink = {on_text, on_mark, on_member, on_member_data,
					  on_member_end, &tally}},
			  *items[] = {&item};
	AUTO_REPLY struct reply reply;

	reply_init(&reply, items, 1, &limits);
	int rc = reply_take(&reply, (const char *)data, size);
	if (must_accept) {
		require(rc == 0 && reply_is_done(&reply, 0));
		require(item.result || !tally.is_member_open);
		require(item.result || tally.last_end <= tally.chars);
	}
	reply_settle(&reply);
	parsed_release(&item.parsed);
}

static void read_into(reader_fn *read, struct source *source, int fd)
{
	struct out *out = malloc(sizeof(*out));
	struct err err = ERR_NONE;

	out_init(out, fd, TEXT_MAX);
	int result = read(source, out, &err);
	out_end(out, result, &err);
	out_flush(out);
	free(out);
}

void fuzz_reader(reader_fn *read, const uint8_t *data, size_t size)
{
	AUTO_CLOSE int in = memfd_create("in", MFD_CLOEXEC);
	AUTO_CLOSE int to = memfd_create("out", MFD_CLOEXEC);
	AUTO_FREE char *head = malloc(size + 1);
	struct source source = {
		.fd = in, .size = size, .name = "a", .type = "", .head = head, .head_len = size};

	memcpy(head, data, size);
	require(size < SOURCE_HEAD_MAX && write(in, data, size) == (ssize_t)size);
	read_into(read, &source, to);
	size_t len = (size_t)lseek(to, 0, SEEK_END);
	AUTO_FREE uint8_t *reply = malloc(len + 1);
	require(pread(to, reply, len, 0) == (ssize_t)len);
	fuzz_reply(reply, len, 1);
}
