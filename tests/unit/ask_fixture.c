/* SPDX-License-Identifier: Apache-2.0 */
#include "ask_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/local/catalog_memory.h"

#define PATIENCE_NS (5 * NS_PER_SEC)

static const char *script_model(struct generator *generator)
{
	(void)generator;
	return "script";
}

/* False: it was cancelled while it waited. */
static bool take_permit(struct script *script, const atomic_bool *cancelled)
{
	bool is_cancelled = false;

	pthread_mutex_lock(&script->lock);
	while (!script->permits && !(is_cancelled = atomic_load(cancelled))) {
		struct timespec soon;
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 2 * NS_PER_MS;
		if (soon.tv_nsec >= NS_PER_SEC) {
			soon.tv_sec++;
			soon.tv_nsec -= NS_PER_SEC;
		}
		pthread_cond_timedwait(&script->changed, &script->lock, &soon);
	}
	if (!is_cancelled)
		script->permits--;
	pthread_mutex_unlock(&script->lock);
	return !is_cancelled;
}

static void note(struct script *script, const struct generator_request *request)
{
	pthread_mutex_lock(&script->lock);
	if (script->entered < SCRIPT_LOG) {
		script->asked[script->entered] = strdup(request->question);
		script->history_count[script->entered] = request->history_count;
	}
	script->entered++;
	script->passage_count = request->passage_count;
	pthread_mutex_unlock(&script->lock);
}

static int script_generate(struct generator *generator, const struct generator_request *request,
	generator_sink sink, void *context, struct generation *out, struct err *err)
{
	struct script *script = (struct script *)generator;
	const char *p = script->text;

	note(script, request);
	if (script->is_gated && !take_permit(script, request->cancelled))
		return -ECANCELED;
	if (script->failure)
		return err_set(err, script->failure, "the model is out of order.");
	while (*p) {
		size_t len = strcspn(p, " ");
		len += p[len] == ' ';
		if (script->is_slow && !take_permit(script, request->cancelled))
			return -ECANCELED;
		buf_add(&out->text, p, len);
		if (sink(context, p, len))
			return -ECANCELED;
		p += len;
	}
	out->confidence = 0.5;
	out->output_tokens = 3;
	return 0;
}

static const struct generator_ops script_ops = {
	.name = "script", .model = script_model, .generate = script_generate};

void script_permit(struct script *script, unsigned count)
{
	pthread_mutex_lock(&script->lock);
	script->permits += count;
	pthread_cond_broadcast(&script->changed);
	pthread_mutex_unlock(&script->lock);
}

unsigned script_entered(struct script *script)
{
	pthread_mutex_lock(&script->lock);
	unsigned entered = script->entered;
	pthread_mutex_unlock(&script->lock);
	return entered;
}

void fixture_start(struct fixture *fixture)
{
	struct err err = ERR_NONE;
	struct ask_ports ports = {
		.loop = fixture->loop,
		.catalog = fixture->catalog,
		.retriever = {.catalog = fixture->catalog},
		.generator = &fixture->script.generator,
	};

	assert_int_equal(ask_new(&fixture->ask, &ports, &fixture->config, &err), 0);
}

void fixture_stop(struct fixture *fixture)
{
	ask_free(fixture->ask);
	fixture->ask = NULL;
}

int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct err err = ERR_NONE;

	assert_non_null(fixture);
	assert_int_equal(loop_new(&fixture->loop), 0);
	assert_int_equal(catalog_memory_new(&fixture->catalog, &err), 0);
	assert_int_equal(config_init(&fixture->config), 0);
	fixture->script.generator.ops = &script_ops;
	fixture->script.text = "Yes. [1]";
	pthread_mutex_init(&fixture->script.lock, NULL);
	pthread_cond_init(&fixture->script.changed, NULL);
	fixture->groups[0] = 1000;
	fixture->caller = (struct caller){1000, fixture->groups, 1};
	fixture_start(fixture);
	*state = fixture;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop(fixture);
	catalog_free(fixture->catalog);
	config_release(&fixture->config);
	loop_free(fixture->loop);
	for (size_t i = 0; i < SCRIPT_LOG; i++)
		free(fixture->script.asked[i]);
	pthread_cond_destroy(&fixture->script.changed);
	pthread_mutex_destroy(&fixture->script.lock);
	free(fixture);
	return 0;
}

static void outcome_done(struct waiter *waiter, int rc)
{
	struct outcome *outcome = (struct outcome *)(void *)waiter;

	assert_false(outcome->is_done);
	outcome->is_done = true;
	outcome->rc = rc;
}

void outcome_init(struct outcome *outcome)
{
	*outcome = (struct outcome){.waiter.done = outcome_done};
}

static bool outcome_is_done(void *context)
{
	return ((struct outcome *)context)->is_done;
}

int outcome_await(struct fixture *fixture, struct outcome *outcome)
{
	fixture_until(fixture, outcome_is_done, outcome);
	return outcome->rc;
}

void fixture_until(struct fixture *fixture, bool (*is_true)(void *), void *context)
{
	int64_t end = clock_mono_ns() + PATIENCE_NS;

	for (;;) {
		loop_drain(fixture->loop);
		if (is_true(context))
			return;
		assert_true(clock_mono_ns() < end);
		usleep(200);
	}
}

static bool time_is_up(void *context)
{
	return clock_mono_ns() >= *(int64_t *)context;
}

void fixture_run(struct fixture *fixture, int ms)
{
	int64_t end = clock_mono_ns() + ms * NS_PER_MS;

	fixture_until(fixture, time_is_up, &end);
}

struct session *fixture_session(struct fixture *fixture, const char *name)
{
	struct session *session = ask_find(fixture->ask, name);
	struct outcome outcome;

	if (!session)
		assert_int_equal(ask_make(fixture->ask, name, &fixture->caller, &session), 0);
	outcome_init(&outcome);
	int rc = session_load(session, &outcome.waiter);
	if (rc == -EINPROGRESS)
		rc = outcome_await(fixture, &outcome);
	assert_int_equal(rc, 0);
	return session;
}

struct draft *fixture_open(struct fixture *fixture, const char *name, bool truncates)
{
	struct draft *draft;

	assert_int_equal(
		draft_new(&draft, fixture_session(fixture, name), &fixture->caller, truncates), 0);
	return draft;
}

int fixture_write(struct fixture *fixture, struct draft *draft, const char *text)
{
	struct outcome outcome;

	assert_int_equal(draft_write(draft, text, strlen(text)), (ssize_t)strlen(text));
	outcome_init(&outcome);
	int rc = draft_flush(draft, &outcome.waiter);
	return rc == -EINPROGRESS ? outcome_await(fixture, &outcome) : rc;
}

void fixture_ask(struct fixture *fixture, const char *name, const char *question)
{
	struct draft *draft = fixture_open(fixture, name, true);

	assert_int_equal(draft_flush(draft, NULL), 0);
	assert_int_equal(fixture_write(fixture, draft, question), 0);
	draft_release(draft);
}

const char *fixture_cat(struct fixture *fixture, const char *name, int rc)
{
	struct session *session = fixture_session(fixture, name);
	struct turn *turn = session_current(session);
	struct outcome outcome;

	if (!turn)
		return "";
	outcome_init(&outcome);
	int got = turn_wait(turn, &outcome.waiter);
	if (got == -EINPROGRESS)
		got = outcome_await(fixture, &outcome);
	assert_int_equal(got, rc);
	return rc ? NULL : session_current(fixture_session(fixture, name))->answer.text;
}

struct counting {
	enum message_role role;
	size_t count;
};

static int count_message(void *context, const struct message *message)
{
	struct counting *counting = context;

	counting->count += message->role == counting->role;
	return 0;
}

size_t fixture_count(struct fixture *fixture, const char *name, enum message_role role)
{
	struct session *session = ask_find(fixture->ask, name);
	struct counting counting = {.role = role};
	struct err err = ERR_NONE;

	assert_non_null(session);
	assert_int_equal(catalog_message_each(fixture->catalog, &session->record.conversation, 1,
				 count_message, &counting, &err),
		0);
	return counting.count;
}

struct uuid fixture_document(struct fixture *fixture, const char *path, mode_t mode)
{
	struct document document;
	struct err err = ERR_NONE;
	const struct document *list[] = {&document};

	document_init(&document);
	document.id = uuid_new();
	document.path = strdup(path);
	document.version = 1;
	document.status = DOC_INDEXED;
	document.access = (struct access){2000, 2000, mode};
	assert_int_equal(catalog_put(fixture->catalog, list, 1, &err), 0);
	struct uuid id = document.id;
	document_release(&document);
	return id;
}
