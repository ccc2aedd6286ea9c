/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the parser: documents from memory, results kept. */
#ifndef ASKFS_TESTS_PARSE_SUPPORT_H
#define ASKFS_TESTS_PARSE_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/parser.h"

#define MARKS_MAX   1024
#define MEMBERS_MAX 64

/* A document and what became of it. Not to be moved while it is parsed. */
struct parse_case {
	struct parse_item item;
	struct buf text;
	struct mark marks[MARKS_MAX];
	size_t mark_count;
	struct case_member {
		char *path;
		struct buf data;
		int result;
		struct err err;
	} members[MEMBERS_MAX];
	size_t member_count;
};

/* A document called @name that holds @data. */
void case_init(struct parse_case *c, const char *name, const void *data, size_t len);
void case_init_text(struct parse_case *c, const char *name, const char *text);
void case_init_file(struct parse_case *c, const char *path);
void case_release(struct parse_case *c);

/* Parse one; c->item.result and c->text have the outcome. */
void case_run(struct parser *parser, struct parse_case *c);

/* The text so far, "" if none. */
const char *case_text(const struct parse_case *c);

/* What text.txt has between the ends of mark @i: the caller frees it. */
char *case_marked(const struct parse_case *c, size_t i);

/* The page on which @phrase stands first; 0: nowhere, or there are no pages. */
uint32_t case_page(const struct parse_case *c, const char *phrase);

/* The member of that path; NULL: there is none. */
const struct case_member *case_find_member(const struct parse_case *c, const char *path);

/* Limits that are wide for a test's documents. */
struct parser_limits case_limits(void);

/* askfs-parse beside the test, or $ASKFS_PARSE; @suffix "-test": the one that misbehaves. The
 * caller frees it. */
char *case_program(const char *suffix);

#endif
