/* SPDX-License-Identifier: Apache-2.0 */
/* A mail in a file of its own: .eml, a Maildir's message, Apple Mail's .emlx. */
#include "core/parse/readers/mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>

#include "core/auto.h"

/* Where the message lies: .emlx has a line with its length before it, and Apple's notes behind. */
static void find_message(const struct source *source, uint64_t *start, uint64_t *end)
{
	char line[32] = "", *number_end;

	*start = 0;
	*end = source->size;
	ssize_t n = source_read(source, line, sizeof(line) - 1, 0);
	unsigned long long len = n > 0 ? strtoull(line, &number_end, 10) : 0;
	if (!len)
		return;
	number_end += strspn(number_end, " \r");
	if (*number_end != '\n')
		return;
	*start = (uint64_t)(number_end + 1 - line);
	if (len < *end - *start)
		*end = *start + len;
}

static int locked(struct err *err)
{
	return err_set(err, -EKEYREJECTED,
		"the message is encrypted: open it with its key or password in a mail program, and "
		"drop what it says");
}

static int write_document(GMimeMessage *message, struct out *out, struct err *err)
{
	struct mail mail = {.out = out, .err = err};
	AUTO_META struct meta meta;
	struct flow flow;

	meta_init(&meta);
	mail_describe(message, out, &meta);
	meta_send(&meta, out);
	if (mail_is_locked(message))
		return locked(err);
	flow_init(&flow, out);
	mail.flow = &flow;
	int rc = mail_write(&mail, message);
	int written = flow_finish(&flow);
	rc = rc ? rc : written;
	return !rc && mail.is_encrypted && !mail.has_text ? locked(err) : rc;
}

int mail_read(const struct source *source, struct out *out, struct err *err)
{
	uint64_t start, end;

	find_message(source, &start, &end);
	GMimeMessage *message = mail_parse(source, start, end);
	if (!message) /* whatever it is, it is text */
		return plain_read(source, out, err);
	int rc = write_document(message, out, err);
	g_object_unref(message);
	return rc;
}
