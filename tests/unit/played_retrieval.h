/* SPDX-License-Identifier: Apache-2.0 */
/* A retrieval that is played: it finds the documents the test names, as far as the caller may
 * read them. It stands in for the real one in a program that includes this once. */
#ifndef ASKFS_TESTS_UNIT_PLAYED_RETRIEVAL_H
#define ASKFS_TESTS_UNIT_PLAYED_RETRIEVAL_H

#include "ask_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_MAX 4

/* What the next search finds, and who searched last. */
static struct uuid found[FOUND_MAX];
static size_t found_count;
static atomic_uint last_uid, last_group_count, last_top_k, searches;
/* Deleted by the next search once it has found it; nil: nothing. */
static struct uuid deleted_meanwhile;

static void add_hit(struct retrieval *out, const struct document *document)
{
	size_t i = out->passage_count++;
	struct hit *hit = &out->words.hits[i];

	*hit = (struct hit){.document = document->id, .version = 1};
	hit->chunk.text = "It is so.";
	hit->chunk.text_len = strlen(hit->chunk.text);
	assert_int_equal(document_copy(&out->documents[i], document), 0);
	out->passages[i] = (struct passage){.hit = hit,
		.title = document_file_name(&out->documents[i]),
		.score = 1,
		.dense = -1};
}

int retrieve(const struct retriever *retriever, const struct retrieve_request *request,
	struct retrieval *out, struct err *err)
{
	atomic_store(&last_uid, request->caller->uid);
	atomic_store(&last_group_count, (unsigned)request->caller->group_count);
	atomic_store(&last_top_k, (unsigned)request->top_k);
	atomic_fetch_add(&searches, 1);
	out->words.hits = calloc(FOUND_MAX, sizeof(struct hit));
	out->passages = calloc(FOUND_MAX, sizeof(struct passage));
	out->documents = calloc(FOUND_MAX, sizeof(struct document));
	for (size_t i = 0; i < found_count; i++) {
		struct document document;
		if (catalog_get(retriever->catalog, &found[i], &document, err))
			continue;
		if (access_may_read(&document.access, request->caller))
			add_hit(out, &document);
		document_release(&document);
	}
	if (!uuid_is_nil(&deleted_meanwhile)) {
		catalog_remove(retriever->catalog, &deleted_meanwhile, err);
		deleted_meanwhile = (struct uuid){0};
	}
	return 0;
}

static inline int setup(void **state)
{
	found_count = 0;
	deleted_meanwhile = (struct uuid){0};
	return fixture_setup(state);
}

static inline void find(struct uuid document)
{
	found[0] = document;
	found_count = 1;
}

static inline unsigned asked(struct fixture *fixture)
{
	return script_entered(&fixture->script);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

#endif
