/* SPDX-License-Identifier: Apache-2.0 */
/* Tool calls that are written as text: by the protocol of models that have no tools of their own,
 *
 *     THOUGHT: what is missing
 *     ACTION: name {"argument": "value"}
 *
 * and then OBSERVATION: by us, until the model writes ANSWER: and the answer; or by models that
 * have tools, and write the call as JSON in the text all the same. */
#ifndef ASKFS_CORE_AGENT_TEXT_H
#define ASKFS_CORE_AGENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/chat.h"
#include "core/err.h"
#include "core/generator.h"
#include "core/tools.h"

/* Where a model's text goes while it is not known yet whether it is an answer. */
enum relay_kind {
	RELAY_ANSWER, /* it is one */
	RELAY_TOOLS, /* one, but for JSON, which may be a call */
	RELAY_PROTOCOL, /* one from behind ANSWER: on, if no ACTION: came before */
	RELAY_NOTHING, /* it is held, whatever it is */
};

/* Zero-initialised but for what is said; relay_release frees what is inside. */
struct relay {
	enum relay_kind kind; /* set */
	generator_sink sink; /* set */
	void *context; /* set */
	struct buf held; /* relay_init */
	bool is_through; /* the answer has begun */
};
void relay_init(struct relay *relay, enum relay_kind kind, generator_sink sink, void *context);
void relay_release(struct relay *relay);

/* A generator_sink; the context is the relay. */
int relay_text(void *context, const char *text, size_t len);

/* The text has ended, and what was held is the answer. 0 or -ECANCELED. */
int relay_flush(struct relay *relay);

/* The rules of the protocol, with the tools. Appended to @out. */
void protocol_rules(const struct tools *tools, struct buf *out);

/* Cut off what the model made up of an observation, and what it went on to write. */
void protocol_cut(char *text);

/* A reply by the protocol that is no answer: its thought, NULL if it has none, and its call. Owned
 * by the caller, also when it fails. 0, or -EINVAL with *err telling the model what is wrong. */
int protocol_parse(const char *text, char **thought, struct chat_call *call, struct err *err);

/* Is the text, whole, a call as JSON: {"name": …, "arguments": …}, in a code fence perhaps, of a
 * tool that there is? Then its calls are added to the reply. 0: yes; -ENOENT: no; -ENOMEM. */
int written_calls(const struct tools *tools, const char *text, struct chat_reply *reply);

#endif
