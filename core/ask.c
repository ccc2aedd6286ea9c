/* SPDX-License-Identifier: Apache-2.0 */
/* The engine belongs to the loop thread: sessions, turns and queues have no locks. What may
 * block (the catalog, retrieval, the generator) runs on two pools and comes back as a task:
 *
 *     draft.c         what is written on a handle, and when it is committed
 *     session.c       a name under ask/, and what its name stands for
 *     turn.c          one question, those who wait for its answer, its stream
 *     ask_schedule.c  which turn runs next
 *     ask_work.c      one answer, on a worker; history.c, citations.c, answer.c
 *     ask_store.c     what is written to the catalog, in order
 *     ask_load.c      what is read back from it
 *
 * Sessions are all in memory, as their records; messages are read when somebody looks. */
#include "core/ask.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/ask_engine.h"
#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/names.h"

int ask_check_name(const char *name)
{
	if (name[0] == '\0' || strchr(name, '/'))
		return -EINVAL;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	return name[0] == '.' || name_is_private(name) ? -EPERM : 0;
}

/* Where the session of that name stands, or would. */
static size_t place_of(const struct ask *ask, const char *name, bool *is_there)
{
	size_t low = 0, high = ask->session_count;

	*is_there = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(ask->sessions[middle]->record.name, name);
		if (order == 0)
			*is_there = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct session *ask_find(struct ask *ask, const char *name)
{
	bool is_there;
	size_t place = place_of(ask, name, &is_there);

	return is_there ? ask->sessions[place] : NULL;
}

size_t ask_count(const struct ask *ask)
{
	return ask->session_count;
}

struct session *ask_at(const struct ask *ask, size_t index)
{
	return ask->sessions[index];
}

/* Takes the reference over. */
static int insert(struct ask *ask, struct session *session)
{
	bool is_there;
	size_t place = place_of(ask, session->record.name, &is_there);

	if (ask->session_count == ask->session_room) {
		size_t room = ask->session_room ? ask->session_room * 2 : 64;
		struct session **sessions = realloc(ask->sessions, room * sizeof(struct session *));
		if (!sessions)
			return -ENOMEM;
		ask->sessions = sessions;
		ask->session_room = room;
	}
	memmove(ask->sessions + place + 1, ask->sessions + place,
		(ask->session_count - place) * sizeof(struct session *));
	ask->sessions[place] = session;
	ask->session_count++;
	return 0;
}

void ask_forget(struct session *session)
{
	struct ask *ask = session->ask;
	bool is_there;
	size_t place = place_of(ask, session->record.name, &is_there);

	if (!is_there || ask->sessions[place] != session)
		return;
	ask->session_count--;
	memmove(ask->sessions + place, ask->sessions + place + 1,
		(ask->session_count - place) * sizeof(struct session *));
	session_unref(session);
}

static size_t count_of(const struct ask *ask, uid_t uid)
{
	size_t count = 0;

	for (size_t i = 0; i < ask->session_count; i++)
		count += ask->sessions[i]->record.access.owner == uid;
	return count;
}

static int make_session(
	struct ask *ask, const char *name, const struct caller *caller, struct session **out)
{
	struct session_record record = {
		.name = strdup(name),
		.conversation = uuid_new(),
		.access = {.owner = caller->uid,
			.group = caller->group_count ? caller->groups[0] : (gid_t)-1,
			.mode = S_IRUSR | S_IWUSR},
		.first_seq = 1,
		.created_ns = clock_wall_ns(),
	};
	record.updated_ns = record.created_ns;
	struct session *session = record.name ? session_new(ask, &record) : NULL;
	if (!session)
		return -ENOMEM;
	session->next_seq = 1;
	session->is_scanned = session->is_loaded = true;
	int rc = insert(ask, session);
	if (rc) {
		session_unref(session);
		return rc;
	}
	rc = ask_store_session(session, NULL);
	if (rc != -EINPROGRESS) {
		ask_forget(session);
		return rc;
	}
	*out = session;
	return 0;
}

int ask_make(struct ask *ask, const char *name, const struct caller *caller, struct session **out)
{
	int rc = ask_check_name(name);

	if (rc)
		return rc;
	if (ask->is_stopping)
		return -ESHUTDOWN;
	if (ask_find(ask, name))
		return -EEXIST;
	if (count_of(ask, caller->uid) >= ask->config->ask_session_limit)
		return -EDQUOT;
	return make_session(ask, name, caller, out);
}

static int copy_record(const struct session_record *from, struct session_record *to)
{
	*to = *from;
	to->name = strdup(from->name);
	to->options = from->options ? strdup(from->options) : NULL;
	if (to->first_seq == 0)
		to->first_seq = 1;
	if (to->name && (!from->options || to->options))
		return 0;
	session_record_release(to);
	return -ENOMEM;
}

/* A record with another kind of name (a search's has a slash) is not a session. */
static int see_session(void *context, const struct session_record *from)
{
	struct ask *ask = context;
	struct session_record record;

	if (strchr(from->name, '/'))
		return 0;
	int rc = copy_record(from, &record);
	if (rc)
		return rc;
	struct session *session = session_new(ask, &record);
	if (!session)
		return -ENOMEM;
	session->next_seq = session->record.first_seq;
	session->is_stored = true;
	rc = insert(ask, session);
	if (rc)
		session_unref(session);
	return rc;
}

static int start(struct ask *ask, struct err *err)
{
	int rc = pool_new(&ask->store, "ask-store", 1, 0);

	if (!rc)
		rc = pool_new(&ask->workers, "ask", ask->config->ask_workers, 0);
	if (rc)
		return err_set(err, rc, "cannot start threads: %s", strerror(-rc));
	rc = catalog_session_each(ask->ports.catalog, see_session, ask, err);
	for (size_t i = 0; i < ask->session_count && !rc; i++)
		rc = ask_load(ask->sessions[i]);
	return rc;
}

int ask_new(struct ask **out, const struct ask_ports *ports, const struct config *config,
	struct err *err)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return -ENOMEM;
	ask->ports = *ports;
	ask->config = config;
	ask->askers_tail = &ask->askers;
	int rc = start(ask, err);
	if (rc) {
		ask_free(ask);
		return rc;
	}
	*out = ask;
	return 0;
}

/* Everything that is under way ends; what was not answered stays owed in the catalog. */
static void cancel_all(struct ask *ask)
{
	for (size_t i = 0; i < ask->session_count; i++) {
		struct session *session = ask->sessions[i];
		for (struct turn *turn = session->pending; turn; turn = turn->next)
			atomic_store(&turn->cancelled, true);
	}
}

static void end_session(struct session *session)
{
	session->is_removed = true;
	while (session->pending)
		ask_cancel(session->pending, -ESHUTDOWN);
	if (session->writing)
		ask_cancel(session->writing, -ESHUTDOWN);
	turn_unref(TAKE_PTR(session->answered));
	waiters_wake(&session->loaded, -ESHUTDOWN);
}

void ask_stop(struct ask *ask)
{
	if (!ask || ask->is_stopping)
		return;
	ask->is_stopping = true;
	cancel_all(ask);
	pool_free(ask->workers);
	loop_drain(ask->ports.loop); /* answers that were complete are stored */
	pool_free(TAKE_PTR(ask->store));
	loop_drain(ask->ports.loop);
	while (ask->session_count) {
		struct session *session = ask->sessions[ask->session_count - 1];
		end_session(session);
		ask_forget(session);
	}
}

void ask_free(struct ask *ask)
{
	if (!ask)
		return;
	ask_stop(ask);
	free(ask->sessions);
	free(ask);
}

/* What is in memory was rendered before: it is read again, as another turn of its own, when
 * somebody looks. Handles that are open keep theirs. */
void ask_document_removed(struct ask *ask, const struct uuid *document)
{
	ask->removed[ask->removals++ % REMOVED_MAX] = *document;
	for (size_t i = 0; i < ask->session_count; i++) {
		struct session *session = ask->sessions[i];
		if (!session->answered || !turn_cites(session->answered, document))
			continue;
		turn_unref(TAKE_PTR(session->answered));
		session->is_loaded = false;
	}
}

uint64_t ask_removals(const struct ask *ask)
{
	return ask->removals;
}
