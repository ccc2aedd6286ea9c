/* SPDX-License-Identifier: Apache-2.0 */
/* Where a reader puts what it found: cleaned, counted, packed, sent to the daemon. */
#ifndef ASKFS_CORE_PARSE_OUT_H
#define ASKFS_CORE_PARSE_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/parse/protocol.h"
#include "core/parser.h"

/* One document at a time. The first failure sticks in @failed (-EFBIG: more text than
 * allowed; -EPIPE: the daemon is gone): readers may go on writing and check at their end. */
struct out {
	int fd;
	uint32_t item;
	uint64_t text_max; /* bytes */
	uint64_t text_len; /* bytes so far */
	uint64_t chars; /* code points so far */
	uint32_t page_count;
	uint32_t mark_count;
	int failed;
	size_t used;
	char packet[PROTOCOL_PACKET_MAX];
};

void out_init(struct out *out, int fd, uint64_t text_max);

/* Begin document number @item. */
void out_begin(struct out *out, uint32_t item);

/* Add text. Invalid parts become U+FFFD, control characters but \n \t \r \f are dropped.
 * @utf8 holds whole characters wherever it is valid. 0 or out->failed. */
int out_text(struct out *out, const char *utf8, size_t len);

/* A mark at or behind the text so far, before the text it points at is added. Ignored from the
 * millionth on (PROTOCOL_MARKS_MAX). */
int out_mark(struct out *out, enum mark_kind kind, uint32_t value, uint64_t start, uint64_t end);

/* What out_text would make of @utf8, in code points. */
size_t out_count(const char *utf8, size_t len);

/* A field of struct parsed; cut to 4 KiB, white space at its ends removed. Ignored when
 * nothing is left. */
void out_field(struct out *out, enum protocol_field field, const char *utf8, size_t len);

/* Send a record as it is, at most PROTOCOL_RECORD_MAX bytes: for member.c. 0 or out->failed. */
int out_record(struct out *out, enum protocol_kind kind, const void *payload, size_t len);

/* The document has ended: @result, and why. */
void out_end(struct out *out, int result, const struct err *err);

/* Send what is packed. */
void out_flush(struct out *out);

#endif
