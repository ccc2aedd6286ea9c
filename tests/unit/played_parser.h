/* SPDX-License-Identifier: Apache-2.0 */
/* A parser that is played: a file's bytes are its text, but for one that begins "ENCRYPTED". It
 * stands in for the real one in a program that includes this once. */
#ifndef ASKFS_TESTS_UNIT_PLAYED_PARSER_H
#define ASKFS_TESTS_UNIT_PLAYED_PARSER_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/parser.h"

struct parser {
	void (*while_parsing)(void *context); /* called once a document; may be NULL */
	void *context;
	atomic_uint runs, items;
};

static int play_item(struct parser *parser, struct parse_item *item)
{
	char piece[4096];
	uint64_t at = 0;
	ssize_t len;

	item->parsed.content_type = strdup("text/plain");
	if (parser->while_parsing)
		parser->while_parsing(parser->context);
	while ((len = pread(item->fd, piece, sizeof(piece), (off_t)at)) > 0) {
		if (at == 0 && len >= 9 && memcmp(piece, "ENCRYPTED", 9) == 0)
			return err_set(&item->err, -EKEYREJECTED, "the file is encrypted");
		int rc = item->sink.text(item->sink.context, piece, (size_t)len);
		if (rc)
			return rc;
		at += (uint64_t)len;
	}
	return len < 0 ? -errno : 0;
}

void parser_run(struct parser *parser, struct parse_item *items, size_t count)
{
	atomic_fetch_add(&parser->runs, 1);
	atomic_fetch_add(&parser->items, (unsigned)count);
	for (size_t i = 0; i < count; i++)
		items[i].result = play_item(parser, &items[i]);
}

void parser_rest(struct parser *parser)
{
	(void)parser;
}

void parsed_release(struct parsed *parsed)
{
	free(parsed->content_type);
	free(parsed->title);
	free(parsed->charset);
	free(parsed->extra_metadata);
	*parsed = (struct parsed){0};
}

#endif
