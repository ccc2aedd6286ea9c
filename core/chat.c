/* SPDX-License-Identifier: Apache-2.0 */
#include "core/chat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

static void release_calls(struct chat_call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(calls[i].id);
		free(calls[i].name);
		free(calls[i].arguments);
	}
	free(calls);
}

void chat_release(struct chat *chat)
{
	for (size_t i = 0; i < chat->count; i++) {
		free(chat->messages[i].text);
		free(chat->messages[i].call_id);
		release_calls(chat->messages[i].calls, chat->messages[i].call_count);
	}
	free(chat->messages);
	*chat = (struct chat){0};
}

static struct chat_message *add(struct chat *chat, enum chat_role role, char *text)
{
	struct chat_message *messages =
		text ? realloc(chat->messages, (chat->count + 1) * sizeof(*messages)) : NULL;

	if (!messages) {
		free(text);
		return NULL;
	}
	chat->messages = messages;
	messages[chat->count] = (struct chat_message){.role = role, .text = text};
	return &messages[chat->count++];
}

int chat_add(struct chat *chat, enum chat_role role, char *text)
{
	return add(chat, role, text) ? 0 : -ENOMEM;
}

int chat_add_result(struct chat *chat, const char *call_id, char *text)
{
	struct chat_message *message = add(chat, CHAT_TOOL, text);

	if (!message)
		return -ENOMEM;
	message->call_id = strdup(call_id);
	return message->call_id ? 0 : -ENOMEM;
}

void chat_reply_init(struct chat_reply *reply)
{
	*reply = (struct chat_reply){0};
	buf_init(&reply->text, BUF_MAX_DEFAULT);
}

void chat_reply_release(struct chat_reply *reply)
{
	buf_release(&reply->text);
	release_calls(reply->calls, reply->call_count);
	chat_reply_init(reply);
}

struct chat_call *chat_reply_add_call(struct chat_reply *reply)
{
	struct chat_call *calls =
		realloc(reply->calls, (reply->call_count + 1) * sizeof(*reply->calls));

	if (!calls)
		return NULL;
	reply->calls = calls;
	calls[reply->call_count] = (struct chat_call){0};
	return &calls[reply->call_count++];
}

int chat_add_reply(struct chat *chat, struct chat_reply *reply)
{
	struct chat_message *message =
		add(chat, CHAT_MODEL, strdup(reply->text.data ? reply->text.data : ""));

	if (!message)
		return -ENOMEM;
	message->call_count = reply->call_count;
	message->calls = TAKE_PTR(reply->calls);
	reply->call_count = 0;
	return 0;
}
