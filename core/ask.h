/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: sessions, their turns, and the workers that answer them. */
#ifndef ASKFS_CORE_ASK_H
#define ASKFS_CORE_ASK_H

#include <stddef.h>

#include "core/agent.h"
#include "core/catalog.h"
#include "core/config.h"
#include "core/draft.h"
#include "core/generator.h"
#include "core/loop.h"
#include "core/retrieve.h"
#include "core/session.h"
#include "core/transcript.h"
#include "core/turn.h"

struct ask;

/* All of them stay the caller's and outlive the engine. */
struct ask_ports {
	struct loop *loop;
	struct catalog *catalog;
	struct retriever retriever;
	struct generator *generator;
	struct agent *agent; /* NULL: the generator answers alone */
};

/* Read the session records, start the workers, and answer what is still owed. Blocks for the
 * records. The calling thread owns the engine: it is the loop thread, or becomes it. */
int ask_new(struct ask **out, const struct ask_ports *ports, const struct config *config,
	struct err *err);

/* Cancel what runs, join the workers, wake whoever waits with -ESHUTDOWN, and find no session
 * any more. What was not answered is owed and answered after the next start. Runs what is
 * posted on the loop. Drafts, sessions and turns may still be released after it. */
void ask_stop(struct ask *ask);

/* Stop, if that was not done, and free. The last draft must be gone. */
void ask_free(struct ask *ask);

/* May a session have that name? 0, -EPERM (a leading dot, or a name that an editor uses for a
 * backup or to try the folder: vim would replace the session where it must write in place),
 * -EINVAL (a slash, nothing), -ENAMETOOLONG. */
int ask_check_name(const char *name);

/* The session of that name, or NULL. Borrowed. */
struct session *ask_find(struct ask *ask, const char *name);

/* Sessions by name; valid until one is made or removed. */
size_t ask_count(const struct ask *ask);
struct session *ask_at(const struct ask *ask, size_t index);

/* Make a session that belongs to @caller, mode 0600. 0 and a borrowed *out, -EEXIST, -EDQUOT
 * (he has too many), or what ask_check_name says. Stored soon, and before its first turn. */
int ask_make(struct ask *ask, const char *name, const struct caller *caller, struct session **out);

/* A document was deleted: answers that cite it say so from now on. */
void ask_document_removed(struct ask *ask, const struct uuid *document);

/* How often that has happened: what was rendered before is out of date when it differs. */
uint64_t ask_removals(const struct ask *ask);

#endif
