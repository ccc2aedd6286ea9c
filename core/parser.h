/* SPDX-License-Identifier: Apache-2.0 */
/* The client of askfs-parse, the confined program that turns a file into text. */
#ifndef ASKFS_CORE_PARSER_H
#define ASKFS_CORE_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct parser;

/* What one document may use. */
struct parser_limits {
	uint64_t memory; /* bytes of address space beyond the idle server's */
	unsigned cpu_s; /* seconds of CPU time */
	unsigned wall_s; /* seconds from its start */
	uint64_t text_bytes; /* extracted text */
	unsigned ocr_cpu_s; /* instead of cpu_s where text is read from images; 0: cpu_s */
	const char *ocr_languages; /* "eng+deu"; NULL or "auto": those that are installed */
};

/* Where a page or a heading begins. */
enum mark_kind { MARK_PAGE, MARK_HEADING };
struct mark {
	enum mark_kind kind;
	uint32_t value; /* page number from 1; heading level from 1 */
	uint64_t start_char; /* code point in the extracted text */
	uint64_t end_char; /* headings: behind the heading's text; pages: start_char */
};

/* What else is known of the document. Strings owned; NULL: unknown. */
struct parsed {
	char *content_type; /* "text/html", as libmagic sees it; set even when parsing failed */
	char *title;
	char *charset;
	char *extra_metadata; /* a JSON object */
	uint32_t page_count;
};
void parsed_release(struct parsed *parsed);

/* A document inside this one: an archive's file, a mail's attachment. Valid during the call. */
struct parse_member {
	const char *path; /* in the container, as it says: bytes, never trusted, no NUL */
	size_t path_len; /* 1 to 4096 */
	int64_t mtime_s; /* since 1970; 0: unknown */
};

/* Takes the text in pieces: valid UTF-8, whole characters, no NUL. Marks come before the
 * text they point at. Members come one after the other, between or behind pieces of text: a
 * beginning, its bytes, and how it ended (0, or -errno and why it could not be got out whole).
 * Any entry may be NULL. Non-zero stops the parse and becomes its result. Called on the thread
 * that called parser_run. */
struct parse_sink {
	int (*text)(void *context, const char *utf8, size_t len);
	int (*mark)(void *context, const struct mark *mark);
	int (*member)(void *context, const struct parse_member *member);
	int (*member_data)(void *context, const void *data, size_t len);
	int (*member_end)(void *context, int result, const struct err *err);
	void *context;
};

/* One document of a batch. */
struct parse_item {
	int fd; /* open for reading; stays the caller's; read from offset 0 */
	uint64_t size; /* bytes */
	const char *name; /* file name: a hint, never trusted */
	struct parse_sink sink;
	struct parsed parsed; /* out; the caller releases it */
	int result; /* out: 0 or -errno */
	struct err err; /* out: why, in words for the document's record */
	uint64_t max_rss_kib; /* out: of the process that parsed it; 0: unknown, or in a batch */
};

/* What the server says of itself. */
struct parser_about {
	bool has_network; /* no namespace of its own: only seccomp keeps the network away */
	char reads[256]; /* "text, web, PDF": the kinds of documents it reads */
	char lacks[512]; /* "mail (libgmime-3.0-dev)": and would with those packages; may be "" */
	char ocr[256]; /* "eng, osd": the data that text in images is read with; may be "" */
	char ocr_lacks[256]; /* what is missing for that, in words; may be "" */
};

/* Start the server program. @program NULL: askfs-parse beside the running executable, else in
 * the libexec folder that was compiled in. askfs-parse-ocr beside it is started when the first
 * image comes. 0 or -errno with *err set. Before or after threads exist; it is started again by
 * itself when it dies. @limits is copied. */
int parser_new(struct parser **out, const char *program, const struct parser_limits *limits,
	struct err *err);

/* Parse each item; blocks. One child of the server may take a whole batch of small plain
 * files; one that crashes or hangs takes only the item with it that it was at, the others are
 * done again. result: 0; -ENODATA with "no text can be extracted from TYPE"; -EKEYREJECTED
 * (encrypted); -EBADMSG (broken); -EFBIG (more text than the limit); -ENOTRECOVERABLE (the
 * child died: err names the signal or the limit); -EIO (the server can't be reached: may
 * pass); or what the sink returned. All items should belong to one owner. Any thread, several
 * at once. */
void parser_run(struct parser *parser, struct parse_item *items, size_t count);

/* Any thread. */
void parser_about(struct parser *parser, struct parser_about *out);

/* Nothing is to be parsed for now: let go of the program that reads images, which takes 60 MB
 * and is started again when the next one comes. Any thread; may wait for its end. */
void parser_rest(struct parser *parser);

/* What is known of text in images, in ->ocr and ->ocr_lacks: askfs-parse-ocr is started, as by an
 * image. 0, or -errno with *err set: it can't be. Blocks. Any thread. */
int parser_about_ocr(struct parser *parser, struct parser_about *out, struct err *err);

void parser_free(struct parser *parser);

#endif
