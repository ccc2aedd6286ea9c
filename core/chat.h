/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation with a language model: what is said, by whom, and which tools are asked for. */
#ifndef ASKFS_CORE_CHAT_H
#define ASKFS_CORE_CHAT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_MODEL, CHAT_TOOL };

/* A tool that the model wants called. All owned. */
struct chat_call {
	char *id; /* what the result is to name */
	char *name;
	char *arguments; /* JSON as the model wrote it, which may not be any */
};

/* All owned. */
struct chat_message {
	enum chat_role role;
	char *text;
	struct chat_call *calls; /* CHAT_MODEL */
	size_t call_count;
	char *call_id; /* CHAT_TOOL: of which call this is the result */
};

/* Zero-initialise it. */
struct chat {
	struct chat_message *messages;
	size_t count;
};
void chat_release(struct chat *chat);
#define AUTO_CHAT __attribute__((cleanup(chat_release)))

/* Append a message; @text is taken over, also when it fails. NULL for @text: -ENOMEM. */
int chat_add(struct chat *chat, enum chat_role role, char *text);
int chat_add_result(struct chat *chat, const char *call_id, char *text);

/* What the model may ask for. */
struct chat_tool {
	const char *name, *description;
	const char *parameters; /* JSON Schema */
};

struct chat_request {
	const struct chat *chat;
	const char *model; /* NULL: the configured one */
	size_t length; /* tokens of the reply at most */
	const struct chat_tool *tools;
	size_t tool_count;
	const atomic_bool *cancelled; /* may be NULL */
};

/* What the model said. Zero-initialise it. */
struct chat_reply {
	struct buf text; /* all that went to the sink; chat_reply_init gives it its ceiling */
	struct chat_call *calls; /* owned */
	size_t call_count;
	uint64_t input_tokens, output_tokens;
};
void chat_reply_init(struct chat_reply *reply);
void chat_reply_release(struct chat_reply *reply);

/* Append a call of which nothing is known yet. NULL: no memory. */
struct chat_call *chat_reply_add_call(struct chat_reply *reply);

/* Append the reply, with its calls, which are moved. 0 or -ENOMEM. */
int chat_add_reply(struct chat *chat, struct chat_reply *reply);

#endif
