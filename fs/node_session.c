/* SPDX-License-Identifier: Apache-2.0 */
/* sessions/: a folder a session, with its last answer in full, its transcript, its stream,
 * its options and links to what the last answer cites. Nothing can be made or removed here:
 * sessions come and go with their file under ask/. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask.h"
#include "core/auto.h"
#include "core/clock.h"
#include "fs/fs.h"
#include "fs/node_session.h"
#include "fs/node_turn.h"
#include "fs/req.h"

struct session *session_of(struct node *node)
{
	return ((struct session_node *)(void *)node)->session;
}

void session_node_forget(struct node *node)
{
	session_unref(session_of(node));
}

static uint64_t session_ino(const struct session *session, const char *kind)
{
	return node_hash(kind, &session->record.conversation, sizeof(struct uuid));
}

/* One node a session and kind. NULL: no memory. */
static struct node *session_node_get(
	struct fs *fs, struct session *session, const char *kind, const struct node_ops *ops)
{
	uint64_t ino = session_ino(session, kind);
	struct node *found = node_find(fs, ino);

	if (found)
		return found;
	struct session_node *self = node_new(fs, ops, sizeof(*self), ino, ino);
	if (!self)
		return NULL;
	self->session = session_ref(session);
	return &self->node;
}

/* rwx for the owner, and r-x for those who may read the session. */
static void folder_stat(struct node *node, struct stat *out)
{
	const struct session_record *record = &session_of(node)->record;
	mode_t read = record->access.mode & 0444;

	out->st_mode = S_IFDIR | read | read >> 2 | (record->access.mode & 0200);
	out->st_nlink = 2;
	out->st_uid = record->access.owner;
	out->st_gid = record->access.group;
	node_set_times(out, record->created_ns);
}

/* req->data of a request that waits for its session. */
struct session_wait {
	struct waiter waiter;
	struct req *req;
	struct node *node;
	char name[NAME_MAX + 1];
};

static struct session_wait *wait_new(
	struct req *req, struct node *node, const char *name, void (*done)(struct waiter *, int))
{
	struct session_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->waiter.done = done;
	wait->req = req;
	wait->node = node;
	snprintf(wait->name, sizeof(wait->name), "%s", name);
	req->data = wait;
	return wait;
}

static uint64_t sessions_ino(void)
{
	return node_hash("sessions", "", 0);
}

/* --- sources/ --------------------------------------------------------------------- */

/* The name of source @index, cut between characters. */
static void source_name(const struct answer *answer, size_t index, char out[NAME_MAX + 1])
{
	char name[NAME_MAX + 32];
	size_t end;

	snprintf(name, sizeof(name), "%02zu-%.*s", index + 1, NAME_MAX,
		answer->sources[index].file_name);
	end = strlen(name);
	if (end > NAME_MAX)
		for (end = NAME_MAX; ((unsigned char)name[end] & 0xc0) == 0x80;)
			end--;
	memcpy(out, name, end);
	out[end] = '\0';
}

static uint64_t source_ino(const struct session *session, const char *name)
{
	AUTO_BUF struct buf identity = {0};

	buf_init(&identity, PATH_MAX);
	buf_add(&identity, &session->record.conversation, sizeof(struct uuid));
	buf_adds(&identity, name);
	return node_hash("source", identity.data, identity.len);
}

static struct node *source_link(
	struct fs *fs, const struct session *session, size_t index, const char *name)
{
	const struct answer_source *source = &session->answered->answer.sources[index];
	struct attributes attributes = {session->record.access, session->answered->answered_ns};
	char target[NAME_MAX + UUID_TEXT + 64], id[UUID_TEXT];

	snprintf(target, sizeof(target), "../../../docs/%s/original/%s",
		uuid_format(&source->document, id), source->file_name);
	return node_link(fs, source_ino(session, name), &attributes, target);
}

static void sources_lookup_step(struct waiter *waiter, int rc)
{
	struct session_wait *wait = (struct session_wait *)(void *)waiter;
	struct session *session = session_of(wait->node);
	struct req *req = wait->req;
	char name[NAME_MAX + 1];

	if (!rc)
		rc = session_load(session, waiter);
	if (rc == -EINPROGRESS)
		return;
	const struct answer *answer = rc || !session->answered ? NULL : &session->answered->answer;
	for (size_t i = 0; answer && i < answer->source_count; i++) {
		source_name(answer, i, name);
		if (!answer->sources[i].is_deleted && !strcmp(name, wait->name)) {
			req_entry(req, source_link(req->fs, session, i, name));
			return;
		}
	}
	req_error(req, rc ? rc : -ENOENT);
}

static void sources_lookup(struct node *dir, struct req *req, const char *name)
{
	struct session_wait *wait = wait_new(req, dir, name, sources_lookup_step);

	if (wait)
		sources_lookup_step(&wait->waiter, 0);
	else
		req_error(req, -ENOMEM);
}

static void sources_list_step(struct waiter *waiter, int rc)
{
	struct session_wait *wait = (struct session_wait *)(void *)waiter;
	struct session *session = session_of(wait->node);
	struct req *req = wait->req;
	char name[NAME_MAX + 1];

	if (!rc)
		rc = session_load(session, waiter);
	if (rc == -EINPROGRESS)
		return;
	if (rc) {
		req_error(req, rc);
		return;
	}
	req_list_begin(req, session_ino(session, "session"));
	const struct answer *answer = session->answered ? &session->answered->answer : NULL;
	for (size_t i = 0; answer && i < answer->source_count; i++) {
		if (answer->sources[i].is_deleted)
			continue;
		source_name(answer, i, name);
		dirlist_add(&req->list, name, source_ino(session, name), S_IFLNK);
	}
	req_list(req);
}

static void sources_list(struct node *dir, struct req *req)
{
	struct session_wait *wait = wait_new(req, dir, "", sources_list_step);

	if (wait)
		sources_list_step(&wait->waiter, 0);
	else
		req_error(req, -ENOMEM);
}

static const struct node_ops sources_ops = {
	.name = "sources",
	.stat = folder_stat,
	.forget = session_node_forget,
	.lookup = sources_lookup,
	.list = sources_list,
};

/* --- sessions/<session> and sessions/ --------------------------------------------- */

static const struct {
	const char *name;
	enum turn_file file;
} turn_files[] = {
	{"transcript.md", TURN_TRANSCRIPT},
	{"answer.json", TURN_JSON},
	{"stream", TURN_STREAM},
};

static void session_lookup(struct node *dir, struct req *req, const char *name)
{
	struct session *session = session_of(dir);

	for (size_t i = 0; i < ARRAY_LEN(turn_files); i++) {
		if (strcmp(turn_files[i].name, name) == 0) {
			turn_node_lookup(req, session, turn_files[i].file);
			return;
		}
	}
	if (strcmp(name, "options.json") == 0)
		req_entry(req,
			session_node_get(dir->fs, session, "options.json", &session_options_ops));
	else if (strcmp(name, "sources") == 0)
		req_entry(req, session_node_get(dir->fs, session, "sources", &sources_ops));
	else
		req_error(req, -ENOENT);
}

static void session_list(struct node *dir, struct req *req)
{
	const struct session *session = session_of(dir);

	req_list_begin(req, sessions_ino());
	for (size_t i = 0; i < ARRAY_LEN(turn_files); i++)
		dirlist_add(&req->list, turn_files[i].name,
			turn_node_ino(session, turn_files[i].file), S_IFREG);
	dirlist_add(&req->list, "options.json", session_ino(session, "options.json"), S_IFREG);
	dirlist_add(&req->list, "sources", session_ino(session, "sources"), S_IFDIR);
	req_list(req);
}

static const struct node_ops session_ops = {
	.name = "session",
	.stat = folder_stat,
	.forget = session_node_forget,
	.lookup = session_lookup,
	.list = session_list,
};

static void sessions_stat(struct node *node, struct stat *out)
{
	const struct ask *ask = node->fs->ask;
	int64_t newest = 0;

	for (size_t i = 0; i < ask_count(ask); i++)
		if (ask_at(ask, i)->record.created_ns > newest)
			newest = ask_at(ask, i)->record.created_ns;
	out->st_mode = S_IFDIR | 0555;
	out->st_nlink = 2;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	node_set_times(out, newest);
}

static void sessions_lookup(struct node *dir, struct req *req, const char *name)
{
	struct session *session = ask_find(dir->fs->ask, name);

	if (session)
		req_entry(req, session_node_get(dir->fs, session, "session", &session_ops));
	else
		req_error(req, -ENOENT);
}

static void sessions_list(struct node *dir, struct req *req)
{
	struct ask *ask = dir->fs->ask;
	struct caller caller;

	if (req_caller(req, &caller)) {
		req_error(req, -ENOMEM);
		return;
	}
	req_list_begin(req, dir->fs->root->ino);
	for (size_t i = 0; i < ask_count(ask); i++) {
		const struct session *session = ask_at(ask, i);
		if (access_may_read(&session->record.access, &caller))
			dirlist_add(&req->list, session->record.name,
				session_ino(session, "session"), S_IFDIR);
	}
	caller_release(&caller);
	req_list(req);
}

static const struct node_ops sessions_ops = {
	.name = "sessions",
	.entry_timeout = 3600,
	.stat = sessions_stat,
	.lookup = sessions_lookup,
	.list = sessions_list,
};

struct node *node_sessions_new(struct fs *fs)
{
	return node_new(fs, &sessions_ops, sizeof(struct node), sessions_ino(), sessions_ino());
}
