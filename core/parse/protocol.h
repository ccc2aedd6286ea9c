/* SPDX-License-Identifier: Apache-2.0 */
/* What travels between the daemon (core/parser.c) and askfs-parse or askfs-parse-ocr.
 *
 * Both are built from one tree and run on one machine: structs go as they lie in memory. Two
 * kinds of SOCK_SEQPACKET sockets: the control socket carries one request a packet from the
 * daemon to the server, with its descriptors (SCM_RIGHTS: the reply socket, then one a
 * document). The reply socket carries packets of records back, written by the child that
 * parses, and at last by the server: how that child ended. A packet arrives whole or not at
 * all, so a child that is killed never leaves half a record behind. A daemon that waits no
 * longer shuts down its end for writing: the child is killed, and EXIT says so. It believes
 * nothing that comes back: sizes, order, UTF-8 and ranges are checked. */
#ifndef ASKFS_CORE_PARSE_PROTOCOL_H
#define ASKFS_CORE_PARSE_PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_MAGIC	 UINT32_C(0x61736b31)
#define PROTOCOL_CONTROL 0 /* the server's descriptor of the control socket */

/* Documents a request, and bytes a document's name. SCM_RIGHTS takes 253 descriptors. */
#define PROTOCOL_ITEMS_MAX 64
#define PROTOCOL_NAME_MAX  255

/* The ceiling of a packet: below the kernel's default socket buffer of 208 KiB. */
#define PROTOCOL_PACKET_MAX ((size_t)64 << 10)
/* The ceiling of one record's payload. */
#define PROTOCOL_RECORD_MAX (PROTOCOL_PACKET_MAX - sizeof(struct protocol_record))

/* The server's first packet on the control socket: it is ready, or why it is not. */
struct protocol_hello {
	uint32_t magic;
	int32_t result; /* 0 or -errno */
	uint32_t confine; /* enum confine_level */
	uint32_t has_network; /* 0: it has a network namespace of its own, with nothing in it */
	char error[256]; /* NUL-terminated, as those that follow */
	char reads[256]; /* "text, web, PDF": kinds of documents */
	char lacks[512]; /* "mail (libgmime-3.0-dev)": and the packages that would help */
	char ocr[256]; /* "eng, deu, osd": what it reads pixels with */
	char ocr_lacks[256]; /* what is missing for that, and what to do about it */
};

/* A request: this header, then @count items, then their names one behind the other. */
struct protocol_request {
	uint32_t magic;
	uint32_t count;
	uint64_t memory;
	uint64_t text_bytes;
	uint32_t cpu_s;
	uint32_t wall_s;
	uint32_t flags; /* REQUEST_… */
	uint32_t reserved; /* 0 */
};
/* Nobody can read images: give what can be had without. */
#define REQUEST_WITHOUT_OCR 1U
struct protocol_item {
	uint64_t size;
	uint32_t name_len;
	uint32_t reserved; /* 0 */
};
#define PROTOCOL_REQUEST_MAX               \
	(sizeof(struct protocol_request) + \
		PROTOCOL_ITEMS_MAX * (sizeof(struct protocol_item) + PROTOCOL_NAME_MAX))

/* Marks a document may have: those behind them are dropped by an honest parser. */
#define PROTOCOL_MARKS_MAX 1000000

/* Records, one behind the other in a packet, unaligned. */
enum protocol_kind {
	RECORD_TEXT = 1, /* UTF-8 */
	RECORD_MARK, /* struct protocol_mark */
	RECORD_FIELD, /* a byte of enum protocol_field, then UTF-8 */
	RECORD_END, /* struct protocol_end, then the sentence of a failure */
	RECORD_MEMBER, /* struct protocol_member, then its path: a member of a container begins */
	RECORD_MEMBER_DATA, /* bytes of it */
	RECORD_MEMBER_END, /* struct protocol_end, then the sentence of a failure */
	RECORD_EXIT /* struct protocol_exit: the last record of a request */
};
enum protocol_field { FIELD_TYPE = 1, FIELD_TITLE, FIELD_CHARSET, FIELD_METADATA };

struct protocol_record {
	uint32_t kind;
	uint32_t item; /* index in the request */
	uint32_t len; /* of the payload that follows */
};
struct protocol_mark {
	uint32_t kind, value;
	uint64_t start_char, end_char;
};
struct protocol_member {
	int64_t mtime_s; /* since 1970; 0: unknown */
};
#define PROTOCOL_PATH_MAX 4096 /* bytes of a member's path */
struct protocol_end {
	int32_t result;
	uint32_t page_count;
};

/* The document is not for a batch: ask for it again by itself. */
#define PROTOCOL_ALONE (-1000)
/* It has to be read from its pixels: ask askfs-parse-ocr for it. Nothing of it was written. */
#define PROTOCOL_OCR (-1001)

/* It ended by itself; it was killed because the daemon gave up; it could not be started. */
enum protocol_reason { REASON_ENDED, REASON_WALL, REASON_FORK };
struct protocol_exit {
	int32_t wait_status; /* as waitpid gives it */
	uint32_t reason;
	uint64_t max_rss_kib;
};

#endif
