/* SPDX-License-Identifier: Apache-2.0 */
/* Port: document records, sessions and conversations. */
#ifndef ASKFS_CORE_CATALOG_H
#define ASKFS_CORE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/document.h"
#include "core/err.h"

/* A name under ask/. Strings owned, as in a document. */
struct session_record {
	char *name;
	struct uuid conversation;
	struct access access; /* mode 0600 when made */
	char *options; /* options.json, NULL: all defaults */
	uint32_t first_seq; /* the history begins here; what lies before is hidden */
	int64_t created_ns, updated_ns;
};

enum message_role { MESSAGE_USER, MESSAGE_ASSISTANT };

/* One half of a turn. Turn n is a user message of sequence n and, once it was answered, an
 * assistant message of the same sequence. A user message without its answer is a turn that
 * is still owed: it is answered after a restart. */
struct message {
	struct uuid conversation;
	uint32_t seq; /* from 1 */
	enum message_role role;
	char *content; /* the question as written; the answer as `cat` prints it */
	size_t content_len;
	char *detail; /* assistant: answer.json, the QueryResponse; user: JSON with the caller */
	int64_t created_ns;
};

void session_record_release(struct session_record *record);
void message_release(struct message *message);

struct catalog {
	const struct catalog_ops *ops; /* first member of every adapter */
};

/* Return non-zero to stop; it becomes the result of the call. The record belongs to the
 * adapter and is valid until the callback returns. */
typedef int (*catalog_document_fn)(void *context, const struct document *document);
typedef int (*catalog_session_fn)(void *context, const struct session_record *record);
typedef int (*catalog_message_fn)(void *context, const struct message *message);

/* Every entry may block (call it from a worker) and may be called by any thread, several at
 * once. 0 or -errno with *err set. What was written survives the death of the process when
 * the entry returns, and a loss of power after sync(). */
struct catalog_ops {
	const char *name;

	/* Look a record up: -ENOENT if absent. The caller releases *out. */
	int (*get)(struct catalog *, const struct uuid *id, struct document *out, struct err *);

	/* Write @count whole records and forget those of @gone, in one transaction: all or none.
	 * A record with an id that is there is replaced; one of @gone need not be there. */
	int (*write)(struct catalog *, const struct document *const *documents, size_t count,
		const struct uuid *gone, size_t gone_count, struct err *);

	/* Every record, by created_ns and id. */
	int (*each)(struct catalog *, catalog_document_fn, void *context, struct err *);

	/* The records whose parent is @parent (never nil), by id. */
	int (*members)(struct catalog *, const struct uuid *parent, catalog_document_fn,
		void *context, struct err *);

	/* Write or replace the session of that name. */
	int (*session_put)(struct catalog *, const struct session_record *, struct err *);

	/* Forget the session and every message of its conversation. 0 also if there is none. */
	int (*session_remove)(struct catalog *, const char *name, struct err *);

	/* Every session, by name. */
	int (*session_each)(struct catalog *, catalog_session_fn, void *context, struct err *);

	/* Write or replace a message; its key is (conversation, seq, role). A new user message
	 * takes an older answer of the same sequence with it. */
	int (*message_put)(struct catalog *, const struct message *, struct err *);

	/* Forget both messages of a sequence. 0 also if there is none. */
	int (*message_remove)(
		struct catalog *, const struct uuid *conversation, uint32_t seq, struct err *);

	/* The messages of a conversation from @from_seq on, in order, user before assistant. */
	int (*message_each)(struct catalog *, const struct uuid *conversation, uint32_t from_seq,
		catalog_message_fn, void *context, struct err *);

	/* Return when all that was written before is safe from a loss of power. */
	int (*sync)(struct catalog *, struct err *);

	/* Look the whole store over (`askfs check`); problems as lines into *report. */
	int (*check)(struct catalog *, struct buf *report, struct err *);

	void (*free)(struct catalog *);
};

int catalog_get(struct catalog *, const struct uuid *id, struct document *out, struct err *);

/* Is the document there, and @caller's to read? */
bool catalog_may_read(struct catalog *, const struct uuid *id, const struct caller *caller);

int catalog_put(
	struct catalog *, const struct document *const *documents, size_t count, struct err *);
int catalog_remove(struct catalog *, const struct uuid *id, struct err *);
int catalog_write(struct catalog *, const struct document *const *documents, size_t count,
	const struct uuid *gone, size_t gone_count, struct err *);
int catalog_members(struct catalog *, const struct uuid *parent, catalog_document_fn, void *context,
	struct err *);
int catalog_each(struct catalog *, catalog_document_fn, void *context, struct err *);
int catalog_session_put(struct catalog *, const struct session_record *, struct err *);
int catalog_session_remove(struct catalog *, const char *name, struct err *);
int catalog_session_each(struct catalog *, catalog_session_fn, void *context, struct err *);
int catalog_message_put(struct catalog *, const struct message *, struct err *);
int catalog_message_remove(
	struct catalog *, const struct uuid *conversation, uint32_t seq, struct err *);
int catalog_message_each(struct catalog *, const struct uuid *conversation, uint32_t from_seq,
	catalog_message_fn, void *context, struct err *);
int catalog_sync(struct catalog *, struct err *);
int catalog_check(struct catalog *, struct buf *report, struct err *);
void catalog_free(struct catalog *);

#endif
