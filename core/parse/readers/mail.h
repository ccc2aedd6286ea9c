/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of mail share: headers, parts, messages. GMime takes a message apart and
 * undoes its transfer encodings; all text is decoded here, for GMime asks iconv, which would have
 * to load code that a confined process can't. */
#ifndef ASKFS_CORE_PARSE_READERS_MAIL_H
#define ASKFS_CORE_PARSE_READERS_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/parse/flow.h"
#include "core/parse/meta.h"
#include "core/parse/reader.h"

/* Bytes of one text part; what is beyond is left out. */
#define MAIL_TEXT_MAX ((size_t)64 << 20)

/* Headers (mail_header.c): without GMime. */

/* Append the value of a header, as it stands in the mail, to @out as UTF-8: unfolded, encoded
 * words decoded (RFC 2047, and what programs make of it), every run of white space one space. NULL
 * is an empty value. */
void mail_header_text(const char *raw, struct buf *out);

/* Append the parameter @name ("filename") of a structured header to @out, decoded (RFC 2231, or
 * encoded words, or bytes of whatever encoding). False: there is none. */
bool mail_header_parameter(const char *raw, const char *name, struct buf *out);

/* Is the first word of a structured header ("attachment") @word? */
bool mail_header_is(const char *raw, const char *word);

/* Plain text (mail_text.c): without GMime. */

struct mail_text {
	const char *charset; /* label or NULL */
	bool is_flowed; /* format=flowed (RFC 3676): lines that end in a space go on */
	bool deletes_space; /* DelSp=yes */
	bool is_mbox; /* lines that begin with ">From " lose the quote */
};

/* Add a body to @flow as a paragraph of its own, its lines kept. */
void mail_text_flow(struct flow *flow, const char *data, size_t len, const struct mail_text *how);

/* Messages (mail_message.c). */

struct _GMimeMessage;
struct _GMimeObject;
struct _GMimePart;
struct _GMimeStream;

/* What is known of a mail while it is read. */
struct mail {
	struct out *out;
	struct flow *flow;
	struct err *err;
	uint32_t number; /* in a mailbox, from 1: its attachments' folder, too; 0: alone */
	int64_t date_s; /* since 1970; 0: unknown */
	unsigned parts; /* seen so far, containers not counted */
	bool has_text; /* some body was written */
	bool is_encrypted; /* a part of it is, at least */
	struct buf attachments; /* their names, for a line of text */
	struct buf names; /* the same, a newline before and behind each: none comes twice */
	int failed; /* a member or the output can't go on */
};

/* Write a message's header, body and attachments into mail->flow and mail->out. 0 or the failure
 * of these. */
int mail_write(struct mail *mail, struct _GMimeMessage *message);

/* Is all that the message says encrypted? Before anything was written. */
bool mail_is_locked(struct _GMimeMessage *message);

/* Title, author, date of a message that is a document. */
void mail_describe(struct _GMimeMessage *message, struct out *out, struct meta *meta);

/* Of an object: its raw header, or NULL. Valid as long as the object. */
const char *mail_raw_header(struct _GMimeObject *object, const char *name);

/* Append the decoded bytes of a part to @out, as far as it holds them. */
void mail_part_bytes(struct _GMimePart *part, struct buf *out);

/* Call @each with the decoded bytes of a part: 0, or what @each returned. */
int mail_part_each(struct _GMimePart *part, source_fn *each, void *context);

/* A file's name for a part of that type where it has none: "pdf" for "application/pdf". */
const char *mail_extension(const char *type, const char *subtype);

/* The bytes from @start to @end of a document, for GMime (mail_stream.c). The caller unrefs it; the
 * document outlives it. */
struct _GMimeStream *mail_stream_new(const struct source *source, uint64_t start, uint64_t end);

/* The message that lies there; NULL: none. The caller unrefs it. */
struct _GMimeMessage *mail_parse(const struct source *source, uint64_t start, uint64_t end);

#endif
