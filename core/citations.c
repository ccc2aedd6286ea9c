/* SPDX-License-Identifier: Apache-2.0 */
/* A filter of one pass, so that the stream shows the same numbers as the finished answer:
 * numbering by first appearance needs no look ahead. Held back are only white space (a
 * citation that is dropped takes the blank before it along, and the end is trimmed) and what
 * stands between '[' and ']', which is at most TOKEN_MAX bytes. */
#include "core/citations.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX  64
#define SPACES_MAX 4096

int citations_init(struct citations *citations, size_t passage_count)
{
	size_t room = passage_count ? passage_count : 1;

	*citations = (struct citations){.passage_count = passage_count};
	buf_init(&citations->spaces, SPACES_MAX);
	buf_init(&citations->token, TOKEN_MAX + 1);
	citations->number = calloc(room, sizeof(*citations->number));
	citations->order = calloc(room, sizeof(*citations->order));
	if (citations->number && citations->order)
		return 0;
	citations_release(citations);
	return -ENOMEM;
}

void citations_release(struct citations *citations)
{
	free(citations->number);
	free(citations->order);
	citations->number = NULL;
	citations->order = NULL;
	buf_release(&citations->spaces);
	buf_release(&citations->token);
}

int citations_grow(struct citations *citations, size_t passage_count)
{
	size_t before = citations->passage_count;

	if (passage_count <= before)
		return 0;
	uint32_t *number = realloc(citations->number, passage_count * sizeof(*number));
	if (!number)
		return -ENOMEM;
	citations->number = number;
	size_t *order = realloc(citations->order, passage_count * sizeof(*order));
	if (!order)
		return -ENOMEM;
	citations->order = order;
	memset(number + before, 0, (passage_count - before) * sizeof(*number));
	citations->passage_count = passage_count;
	return 0;
}

void citations_restart(struct citations *citations)
{
	memset(citations->number, 0, citations->passage_count * sizeof(*citations->number));
	citations->count = 0;
	citations->has_begun = false;
	buf_clear(&citations->spaces);
	buf_clear(&citations->token);
}

static uint32_t number_of(struct citations *citations, size_t passage)
{
	if (!citations->number[passage]) {
		citations->order[citations->count] = passage;
		citations->number[passage] = (uint32_t)++citations->count;
	}
	return citations->number[passage];
}

/* Append @len bytes behind the white space that was held back. */
static int emit(struct citations *citations, const char *text, size_t len, struct buf *out)
{
	if (len == 0)
		return out->failed;
	if (citations->has_begun)
		buf_add(out, citations->spaces.data, citations->spaces.len);
	buf_clear(&citations->spaces);
	citations->has_begun = true;
	return buf_add(out, text, len);
}

/* The token is no citation: it is text. */
static int emit_token(struct citations *citations, struct buf *out)
{
	int rc = emit(citations, citations->token.data, citations->token.len, out);
	buf_clear(&citations->token);
	return rc;
}

/* "[2, 5]": renumber what was given, drop the rest; nothing is left of "[9]" of 5. */
static int emit_citation(struct citations *citations, struct buf *out)
{
	AUTO_BUF struct buf given;
	const char *p = citations->token.data + 1;

	buf_init(&given, BUF_MAX_DEFAULT);
	while (*p != ']') {
		char *end;
		unsigned long n = strtoul(p, &end, 10);
		if (n >= 1 && n <= citations->passage_count)
			buf_addf(&given, "%s%u", given.len ? ", " : "[",
				number_of(citations, n - 1));
		for (p = end; *p == ',' || *p == ' '; p++)
			;
	}
	buf_clear(&citations->token);
	if (!given.len) {
		if (strspn(citations->spaces.data ? citations->spaces.data : "", " ") ==
			citations->spaces.len)
			buf_clear(&citations->spaces);
		return out->failed;
	}
	if (buf_addc(&given, ']'))
		return given.failed;
	return emit(citations, given.data, given.len, out);
}

/* One more byte of what began with '[' or '\'. */
static int feed_token(struct citations *citations, char c, struct buf *out)
{
	struct buf *token = &citations->token;

	if (token->data[0] == '\\') {
		if (c == '\\') /* the first one is text, this one may escape */
			return emit(citations, &c, 1, out);
		if (c == '[')
			token->data[0] = '[';
		else if (buf_add(token, &c, 1))
			return token->failed;
		return emit_token(citations, out);
	}
	buf_addc(token, c);
	if (c == ']' && isdigit((unsigned char)token->data[token->len - 2]))
		return emit_citation(citations, out);
	bool goes_on = isdigit((unsigned char)c) || (token->len > 2 && (c == ',' || c == ' '));
	if (!goes_on || token->len >= TOKEN_MAX)
		return emit_token(citations, out);
	return out->failed;
}

static int feed_byte(struct citations *citations, char c, struct buf *out)
{
	if (c == '[' || c == '\\') {
		if (citations->token.len && emit_token(citations, out))
			return out->failed;
		return buf_addc(&citations->token, c);
	}
	if (!isspace((unsigned char)c))
		return emit(citations, &c, 1, out);
	if (citations->spaces.len == SPACES_MAX)
		return out->failed;
	return buf_addc(&citations->spaces, c);
}

int citations_feed(struct citations *citations, const char *text, size_t len, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < len && !rc; i++) {
		bool is_escaped = citations->token.len && citations->token.data[0] == '\\';
		if (citations->token.len && (is_escaped || text[i] != '['))
			rc = feed_token(citations, text[i], out);
		else
			rc = feed_byte(citations, text[i], out);
	}
	return rc;
}

int citations_finish(struct citations *citations, struct buf *out)
{
	int rc = citations->token.len ? emit_token(citations, out) : out->failed;
	buf_clear(&citations->spaces);
	return rc;
}
