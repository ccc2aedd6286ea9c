/* SPDX-License-Identifier: Apache-2.0 */
/* An asking engine on a catalog in memory, with a generator that does as it is told. */
#ifndef ASKFS_TESTS_UNIT_ASK_FIXTURE_H
#define ASKFS_TESTS_UNIT_ASK_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/ask.h"

#define SCRIPT_LOG 4096

/* Says @text in pieces of one word. While it is gated each question waits for a permit; so
 * does each word while it is slow. */
struct script {
	struct generator generator;
	const char *_Atomic text;
	atomic_int failure;
	atomic_bool is_gated, is_slow;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned permits; /* lock */
	unsigned entered; /* lock: questions that have begun */
	char *asked[SCRIPT_LOG]; /* lock: the questions in the order they began */
	size_t history_count[SCRIPT_LOG]; /* lock: of each */
	size_t passage_count; /* lock: of the latest */
};

struct fixture {
	struct loop *loop;
	struct catalog *catalog;
	struct script script;
	struct config config;
	struct ask *ask;
	struct caller caller;
	gid_t groups[2];
};

/* Remembers how a waiter was woken. */
struct outcome {
	struct waiter waiter;
	bool is_done;
	int rc;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);

void script_permit(struct script *script, unsigned count);
unsigned script_entered(struct script *script);

void outcome_init(struct outcome *outcome);

/* Run the loop until @outcome is done; its result. Fails after 5 s. */
int outcome_await(struct fixture *fixture, struct outcome *outcome);

/* Run the loop until @is_true, at most 5 s. */
void fixture_until(struct fixture *fixture, bool (*is_true)(void *), void *context);

/* Run the loop for a while. */
void fixture_run(struct fixture *fixture, int ms);

/* The session of that name, made and loaded. */
struct session *fixture_session(struct fixture *fixture, const char *name);

/* A handle opened as the shell's > does (@truncates) or as >>. */
struct draft *fixture_open(struct fixture *fixture, const char *name, bool truncates);

/* Write and flush; the result of the flush. */
int fixture_write(struct fixture *fixture, struct draft *draft, const char *text);

/* echo QUESTION > ask/NAME. */
void fixture_ask(struct fixture *fixture, const char *name, const char *question);

/* cat ask/NAME: the text, borrowed from the session; fails unless @rc comes out. */
const char *fixture_cat(struct fixture *fixture, const char *name, int rc);

/* How many messages of that role a session's conversation has. */
size_t fixture_count(struct fixture *fixture, const char *name, enum message_role role);

/* A document record in the catalog, which mode lets others read or not. */
struct uuid fixture_document(struct fixture *fixture, const char *path, mode_t mode);

#endif
