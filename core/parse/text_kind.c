/* SPDX-License-Identifier: Apache-2.0 */
/* A mail is its header: lines "Name: value", of which some are known. A note that begins with
 * "From: the desk of …" is a text, as is one that quotes a mail; where the name does not say
 * that it is a mail, the header has to be that of one that was sent. */
#include "core/parse/text_kind.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"

#define HEADER_MAX ((size_t)64 << 10) /* how far a header is looked at */

/* What was seen in a header, a bit each; the last ones are set where something is said of a
 * value. */
enum {
	SEEN_FROM = 1,
	SEEN_DATE = 2,
	SEEN_RECEIVED = 4,
	SEEN_ID = 8,
	SEEN_OTHER = 16, /* another one that mails have */
	SEEN_MIME = 32,
	SEEN_PAGE = 64 /* only saved pages have it */
};

static const struct {
	const char *name;
	unsigned bit;
} known[] = {
	{"From", SEEN_FROM},
	{"Date", SEEN_DATE},
	{"Received", SEEN_RECEIVED},
	{"Message-ID", SEEN_ID},
	{"Return-Path", SEEN_RECEIVED},
	{"Delivered-To", SEEN_RECEIVED},
	{"To", SEEN_OTHER},
	{"Cc", SEEN_OTHER},
	{"Subject", SEEN_OTHER},
	{"Reply-To", SEEN_OTHER},
	{"Sender", SEEN_OTHER},
	{"Newsgroups", SEEN_OTHER},
	{"In-Reply-To", SEEN_OTHER},
	{"References", SEEN_OTHER},
	{"DKIM-Signature", SEEN_RECEIVED},
	{"X-Mailer", SEEN_OTHER},
	{"User-Agent", SEEN_OTHER},
	{"MIME-Version", SEEN_MIME},
	{"Content-Type", SEEN_MIME},
	{"Content-Transfer-Encoding", SEEN_MIME},
	{"Snapshot-Content-Location", SEEN_PAGE},
};

struct header {
	unsigned seen;
	unsigned count; /* lines with a known name */
	bool is_related; /* its content is multipart/related */
};

static bool begins(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) >= len && !strncasecmp(at, word, len);
}

static const char *end_of_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline : end;
}

/* The length of a header's name, the colon behind it; 0: the line is none. */
static size_t name_length(const char *at, const char *end)
{
	const char *c = at;

	while (c < end && c - at < 80 && (unsigned char)*c > ' ' && *c != ':' && *c != 0x7f)
		c++;
	return c < end && *c == ':' ? (size_t)(c - at) : 0;
}

static void look_at_line(struct header *header, const char *at, size_t name, const char *end)
{
	const char *value = at + name + 1;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i].name) != name || strncasecmp(at, known[i].name, name))
			continue;
		header->count++;
		header->seen |= known[i].bit;
	}
	while (value < end && isspace((unsigned char)*value))
		value++;
	if (name == 12 && begins(at, end, "Content-Type") &&
		begins(value, end, "multipart/related"))
		header->is_related = true;
	if (name == 4 && begins(at, end, "From") && begins(value, end, "<Saved by "))
		header->seen |= SEEN_PAGE;
}

/* Read header lines until an empty one, or one that is none. False: it begins with none. */
static bool read_header(struct header *header, const char *at, const char *end)
{
	bool has_line = false;

	*header = (struct header){0};
	while (at < end) {
		const char *line_end = end_of_line(at, end);
		size_t name = name_length(at, line_end);
		bool is_folded = has_line && (*at == ' ' || *at == '\t');
		if (name)
			look_at_line(header, at, name, line_end);
		else if (!is_folded)
			break;
		has_line = true;
		at = line_end + 1;
	}
	return has_line;
}

static const char *extension_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? dot + 1 : "";
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcasecmp(word, *list))
			return true;
	return false;
}

/* Extensions of what may hold a mail: named as one, as a text, or as nothing. A Maildir's file
 * ends in its flags, ":2,S", behind dots that are no extension's. */
static bool may_be_mail(const char *name, const char *extension)
{
	static const char *const texts[] = {"", "txt", "text", "log", "msg", "nws", "email", "mail",
		"mim", "mime", "out", "news", "mht", "mhtml", "eml", "emlx", "mbox", "mbx", NULL};

	return is_one_of(extension, texts) || strlen(extension) > 5 || strchr(name, ':') ||
		isdigit((unsigned char)*extension);
}

static const char *mail_kind(const struct header *header, const char *extension)
{
	static const char *const mails[] = {"", "eml", "mim", "mime", "email", "nws", NULL};
	static const char *const pages[] = {"mht", "mhtml", NULL};
	unsigned seen = header->seen;
	bool was_sent = seen & SEEN_FROM && seen & (SEEN_DATE | SEEN_RECEIVED | SEEN_ID);

	if (seen & SEEN_PAGE && header->count >= 2)
		return "multipart/related";
	if (is_one_of(extension, pages) && (seen & SEEN_MIME || header->is_related))
		return "multipart/related";
	if (was_sent && header->count >= 3)
		return "message/rfc822";
	if (header->count >= 2 && is_one_of(extension, mails))
		return "message/rfc822";
	return NULL;
}

/* "From someone Mon Jun  1 04:28:28 2009", and then a header. */
static const char *mbox_kind(const char *at, const char *end)
{
	const char *line_end = end_of_line(at, end);
	struct header header;

	if (!begins(at, end, "From ") || !memchr(at, ':', (size_t)(line_end - at)))
		return NULL;
	if (line_end == end || !read_header(&header, line_end + 1, end) || !header.count)
		return NULL;
	return "application/mbox";
}

const char *text_kind(const char *head, size_t len, const char *name)
{
	const char *extension = extension_of(name), *at = head;
	const char *end = head + (len < HEADER_MAX ? len : HEADER_MAX);
	struct header header;

	if (end - at >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
		at += 3;
	while (at < end && (*at == '\n' || *at == '\r'))
		at++;
	if (begins(at, end, "BEGIN:VCALENDAR"))
		return "text/calendar";
	if (begins(at, end, "BEGIN:VCARD"))
		return "text/vcard";
	if (at == end || !may_be_mail(name, extension))
		return NULL;
	if (begins(at, end, "From "))
		return mbox_kind(at, end);
	if (!strcasecmp(extension, "emlx")) { /* a number of bytes stands before the mail */
		while (at < end && (isdigit((unsigned char)*at) || *at == ' '))
			at++;
		at += at < end && *at == '\r';
		at += at < end && *at == '\n';
	}
	return read_header(&header, at, end) ? mail_kind(&header, extension) : NULL;
}
