/* SPDX-License-Identifier: Apache-2.0 */
#include "core/retrieval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/text/utf8.h"

void retrieval_release(struct retrieval *retrieval)
{
	if (!retrieval)
		return;
	for (size_t i = 0; retrieval->documents && i < retrieval->passage_count; i++)
		document_release(&retrieval->documents[i]);
	for (size_t i = 0; retrieval->passages && i < retrieval->passage_count; i++)
		free((struct nearness *)retrieval->passages[i].nearness);
	free(retrieval->documents);
	free(retrieval->passages);
	free(retrieval->mentioned);
	search_result_release(&retrieval->words);
	search_result_release(&retrieval->dense);
	retrieval_release(retrieval->merged);
	free(retrieval->merged);
	memset(retrieval, 0, sizeof(*retrieval));
}

int retrieval_mention(struct retrieval *retrieval, const struct uuid *document)
{
	struct uuid *more =
		realloc(retrieval->mentioned, (retrieval->mentioned_count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	retrieval->mentioned = more;
	more[retrieval->mentioned_count++] = *document;
	return 0;
}

int retrieval_set_title(struct passage *passage, struct document *document)
{
	const char *name = document_file_name(document);
	AUTO_BUF struct buf clean;

	buf_init(&clean, BUF_MAX_DEFAULT);
	if (!document->title && !utf8_is_valid(name, strlen(name))) {
		if (utf8_sanitize(name, strlen(name), &clean) < 0)
			return -ENOMEM;
		document->title = buf_take(&clean, NULL);
		if (!document->title)
			return -ENOMEM;
	}
	passage->title = document->title ? document->title : name;
	return 0;
}

int retrieval_of_document(
	const struct document *document, struct search_result *hits, struct retrieval *out)
{
	size_t count = hits->hit_count;
	int rc = 0;

	*out = (struct retrieval){.words = *hits, .unrelated = 1};
	*hits = (struct search_result){0};
	out->passages = calloc(count + 1, sizeof(*out->passages));
	out->documents = calloc(count + 1, sizeof(*out->documents));
	if (!out->passages || !out->documents)
		rc = -ENOMEM;
	for (size_t i = 0; i < count && !rc; i++) {
		rc = document_copy(&out->documents[i], document);
		if (rc)
			break;
		out->passages[i] = (struct passage){.hit = &out->words.hits[i], .dense = -1};
		out->passage_count = i + 1;
		rc = retrieval_set_title(&out->passages[i], &out->documents[i]);
	}
	if (rc)
		retrieval_release(out);
	return rc;
}

static bool is_same(const struct hit *a, const struct hit *b)
{
	return a->chunk.index == b->chunk.index && a->version == b->version &&
		uuid_equal(&a->document, &b->document);
}

static size_t place_of(const struct retrieval *retrieval, const struct hit *hit)
{
	size_t i = 0;

	while (i < retrieval->passage_count && !is_same(retrieval->passages[i].hit, hit))
		i++;
	return i;
}

/* Room for @count passages. */
static int grow(struct retrieval *retrieval, size_t count)
{
	struct passage *passages =
		realloc(retrieval->passages, (count + 1) * sizeof(*retrieval->passages));

	if (!passages)
		return -ENOMEM;
	retrieval->passages = passages;
	struct document *documents =
		realloc(retrieval->documents, (count + 1) * sizeof(*retrieval->documents));
	if (!documents)
		return -ENOMEM;
	retrieval->documents = documents;
	return 0;
}

int retrieval_merge(struct retrieval *to, struct retrieval *from, size_t *places)
{
	struct retrieval *kept = malloc(sizeof(*kept));

	if (!kept || grow(to, to->passage_count + from->passage_count)) {
		free(kept);
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->mentioned_count; i++)
		if (retrieval_mention(to, &from->mentioned[i])) {
			free(kept);
			return -ENOMEM;
		}
	*kept = *from;
	for (size_t i = 0; i < from->passage_count; i++) {
		size_t at = places[i] = place_of(to, from->passages[i].hit);
		if (at == to->passage_count) {
			to->passages[at] = from->passages[i];
			to->documents[at] = from->documents[i];
			to->passage_count++;
		} else {
			free((struct nearness *)from->passages[i].nearness);
			document_release(&from->documents[i]);
		}
	}
	free(TAKE_PTR(kept->passages));
	free(TAKE_PTR(kept->documents));
	kept->passage_count = 0;
	struct retrieval **end = &to->merged;
	while (*end)
		end = &(*end)->merged;
	*end = kept;
	*from = (struct retrieval){0};
	return 0;
}
