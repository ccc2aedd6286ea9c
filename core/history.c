/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* A turn as the catalog has it. */
struct pair {
	uint32_t seq;
	char *question;
	char *detail; /* answer.json; NULL: not answered */
};

struct pairs {
	const struct history_request *request;
	struct pair *items;
	size_t count;
};

static void pairs_release(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->items[i].question);
		free(pairs->items[i].detail);
	}
	free(pairs->items);
}

void history_release(struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		free((char *)history->exchanges[i].question);
		free((char *)history->exchanges[i].answer);
	}
	free(history->exchanges);
	*history = (struct history){0};
}

static int see_message(void *context, const struct message *message)
{
	struct pairs *pairs = context;
	struct pair *last = pairs->count ? &pairs->items[pairs->count - 1] : NULL;

	if (message->seq >= pairs->request->end_seq)
		return 1;
	if (message->role == MESSAGE_ASSISTANT) {
		if (last && last->seq == message->seq && message->detail && !last->detail)
			last->detail = strdup(message->detail);
		return 0;
	}
	struct pair *items = realloc(pairs->items, (pairs->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	pairs->items = items;
	items[pairs->count] = (struct pair){
		.seq = message->seq, .question = strndup(message->content, message->content_len)};
	return items[pairs->count++].question ? 0 : -ENOMEM;
}

static bool may_read(const struct history_request *request, const cJSON *source)
{
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(source, "document_id"));
	struct uuid uuid;

	return id && uuid_parse(id, &uuid) &&
		catalog_may_read(request->catalog, &uuid, request->caller);
}

/* The answer without its sources, if the caller may know it; NULL otherwise. */
static char *usable_answer(const struct history_request *request, const char *detail)
{
	AUTO(cJSON_Delete) cJSON *root = cJSON_Parse(detail ? detail : "");
	const char *answer = cJSON_GetStringValue(cJSON_GetObjectItem(root, "answer"));
	const cJSON *failure = cJSON_GetObjectItem(root, "error"), *source;

	if (!answer || (failure && !cJSON_IsNull(failure)))
		return NULL;
	/* What a language model wrote may rest on all that it was shown. */
	bool is_written = cJSON_IsNull(cJSON_GetObjectItem(root, "confidence"));
	static const char *const lists[] = {"sources", "retrieved", "mentioned"};
	for (size_t i = 0; i < (is_written ? ARRAY_LEN(lists) : 1); i++)
		cJSON_ArrayForEach(source, cJSON_GetObjectItem(root, lists[i]))
		{
			if (!may_read(request, source))
				return NULL;
		}
	return strdup(answer);
}

/* The latest turns that may be used, gathered from the end, then put in their order. */
static int gather(struct pairs *pairs, struct history *out)
{
	size_t limit = pairs->request->turns;

	out->exchanges = calloc(limit ? limit : 1, sizeof(*out->exchanges));
	if (!out->exchanges)
		return -ENOMEM;
	for (size_t i = pairs->count; i > 0 && out->count < limit; i--) {
		struct pair *pair = &pairs->items[i - 1];
		char *answer = usable_answer(pairs->request, pair->detail);
		if (answer)
			out->exchanges[out->count++] = (struct exchange){
				.question = TAKE_PTR(pair->question), .answer = answer};
	}
	for (size_t i = 0; i < out->count / 2; i++) {
		struct exchange swap = out->exchanges[i];
		out->exchanges[i] = out->exchanges[out->count - 1 - i];
		out->exchanges[out->count - 1 - i] = swap;
	}
	return 0;
}

int history_read(const struct history_request *request, struct history *out, struct err *err)
{
	struct pairs pairs = {.request = request};
	uint32_t reach = (uint32_t)(request->turns * 4), from = request->from_seq;

	*out = (struct history){0};
	if (request->turns == 0)
		return 0;
	/* Gaps (turns taken back) and turns that drop out are rare: look a little further. */
	if (request->end_seq > reach && request->end_seq - reach > from)
		from = request->end_seq - reach;
	int rc = catalog_message_each(
		request->catalog, &request->conversation, from, see_message, &pairs, err);
	if (rc >= 0)
		rc = gather(&pairs, out);
	pairs_release(&pairs);
	return rc;
}
