/* SPDX-License-Identifier: Apache-2.0 */
/* A mailbox: messages behind each other, each after a line "From address date". A citation
 * shows the message's number; its attachments lie in a folder of that name.
 *
 * Programs differ in what they do with a line of a body that begins with "From ". So such a line
 * begins a message only if it has a time in it and a header's line follows. Memory does not
 * grow with the mailbox: a message is taken apart when its end is known, and GMime keeps places,
 * not bytes. */
#include "core/parse/readers/mail.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <gmime/gmime.h>

#include "core/auto.h"

#define WINDOW	     ((size_t)256 << 10)
#define MARK	     "\nFrom "
#define MARK_LEN     (sizeof(MARK) - 1)
#define POSTMARK_MAX 1024 /* bytes of a "From " line and the beginning of the next one */

struct mailbox {
	const struct source *source;
	struct out *out;
	struct flow *flow;
	struct err *err;
	uint64_t start; /* of the message that is open: behind its "From " line */
	bool is_open;
	uint32_t count;
	char window[WINDOW];
};

static bool has_time(const char *line, const char *end)
{
	for (const char *at = line; end - at >= 3; at++)
		if (isdigit((unsigned char)at[0]) && at[1] == ':' && isdigit((unsigned char)at[2]))
			return true;
	return false;
}

/* Is the line at @at, "From …", the beginning of a message? *behind: where its header is. */
static bool is_postmark(const struct source *source, uint64_t at, uint64_t *behind)
{
	char text[POSTMARK_MAX + 1];
	ssize_t n = source_read(source, text, POSTMARK_MAX, at);

	if (n <= 0)
		return false;
	text[n] = '\0';
	const char *newline = memchr(text, '\n', (size_t)n);
	if (!newline || !has_time(text, newline))
		return false;
	const char *header = newline + 1;
	size_t name = strcspn(header, ": \t\r\n");
	*behind = at + (uint64_t)(header - text);
	return name && (header[name] == ':' || !strncmp(header, ">From ", 6));
}

static int end_message(struct mailbox *mailbox, uint64_t end)
{
	struct mail mail = {.out = mailbox->out,
		.flow = mailbox->flow,
		.err = mailbox->err,
		.number = mailbox->count};

	if (!mailbox->is_open)
		return 0;
	GMimeMessage *message = mail_parse(mailbox->source, mailbox->start, end);
	if (!message)
		return 0;
	flow_page(mailbox->flow, mailbox->count);
	int rc = mail_write(&mail, message);
	g_object_unref(message);
	return rc;
}

/* A line that begins with "From " at @at. */
static int take_line(struct mailbox *mailbox, uint64_t at)
{
	uint64_t behind;

	if (!is_postmark(mailbox->source, at, &behind))
		return 0;
	int rc = end_message(mailbox, at);
	mailbox->is_open = true;
	mailbox->start = behind;
	mailbox->count++;
	return rc;
}

static int read_messages(struct mailbox *mailbox)
{
	int rc = take_line(mailbox, 0);
	uint64_t at = 0;
	ssize_t n = 0;

	while (!rc &&
		(n = source_read(mailbox->source, mailbox->window, WINDOW, at)) >
			(ssize_t)MARK_LEN) {
		const char *from = mailbox->window, *end = from + n;
		while (!rc && (from = memmem(from, (size_t)(end - from), MARK, MARK_LEN))) {
			rc = take_line(mailbox, at + (uint64_t)(from - mailbox->window) + 1);
			from += MARK_LEN;
		}
		if (n < (ssize_t)WINDOW)
			break;
		at += (uint64_t)n - (MARK_LEN - 1); /* a mark may lie across */
	}
	if (!rc && n < 0)
		return err_set(
			mailbox->err, (int)n, "the mailbox cannot be read: %s", strerror((int)-n));
	return rc ? rc : end_message(mailbox, mailbox->source->size);
}

int mbox_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_FREE struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
	struct flow flow;

	if (!mailbox)
		return err_set(err, -ENOMEM, "memory is short");
	flow_init(&flow, out);
	mailbox->source = source;
	mailbox->out = out;
	mailbox->flow = &flow;
	mailbox->err = err;
	int rc = read_messages(mailbox);
	int written = flow_finish(&flow);
	rc = rc ? rc : written;
	return !rc && !mailbox->count ? plain_read(source, out, err) : rc;
}
