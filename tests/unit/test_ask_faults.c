/* SPDX-License-Identifier: Apache-2.0 */
/* Each call of the catalog fails in turn, until a run passes without a failure: nobody hangs,
 * nothing leaks, what was acknowledged is answered, what was not is said. */
#include "played_retrieval.h"

#include <errno.h>

#include "core/auto.h"

/* A catalog that hands everything to another one, but for one call. */
struct faulty {
	struct catalog catalog;
	struct catalog *real;
	atomic_long countdown; /* the call that makes it 0 fails */
};

static bool fails(struct catalog *catalog, struct err *err)
{
	struct faulty *self = (struct faulty *)catalog;

	if (atomic_fetch_sub(&self->countdown, 1) != 1)
		return false;
	err_set(err, -EIO, "injected");
	return true;
}

static struct catalog *real(struct catalog *catalog)
{
	return ((struct faulty *)catalog)->real;
}

static int faulty_get(
	struct catalog *catalog, const struct uuid *id, struct document *out, struct err *err)
{
	return fails(catalog, err) ? -EIO : catalog_get(real(catalog), id, out, err);
}

static int faulty_session_put(
	struct catalog *catalog, const struct session_record *record, struct err *err)
{
	return fails(catalog, err) ? -EIO : catalog_session_put(real(catalog), record, err);
}

static int faulty_session_remove(struct catalog *catalog, const char *name, struct err *err)
{
	return fails(catalog, err) ? -EIO : catalog_session_remove(real(catalog), name, err);
}

static int faulty_session_each(
	struct catalog *catalog, catalog_session_fn callback, void *context, struct err *err)
{
	return catalog_session_each(real(catalog), callback, context, err);
}

static int faulty_message_put(
	struct catalog *catalog, const struct message *message, struct err *err)
{
	return fails(catalog, err) ? -EIO : catalog_message_put(real(catalog), message, err);
}

static int faulty_message_remove(
	struct catalog *catalog, const struct uuid *conversation, uint32_t seq, struct err *err)
{
	return fails(catalog, err) ? -EIO
				   : catalog_message_remove(real(catalog), conversation, seq, err);
}

static int faulty_message_each(struct catalog *catalog, const struct uuid *conversation,
	uint32_t from_seq, catalog_message_fn callback, void *context, struct err *err)
{
	if (fails(catalog, err))
		return -EIO;
	return catalog_message_each(real(catalog), conversation, from_seq, callback, context, err);
}

static const struct catalog_ops faulty_ops = {
	.name = "faulty",
	.get = faulty_get,
	.session_put = faulty_session_put,
	.session_remove = faulty_session_remove,
	.session_each = faulty_session_each,
	.message_put = faulty_message_put,
	.message_remove = faulty_message_remove,
	.message_each = faulty_message_each,
};

/* Write, close, read; the answer's first word, or what failed. */
static const char *ask_and_read(struct fixture *f, const char *question, int *rc)
{
	struct draft *draft = fixture_open(f, "me", true);
	struct outcome outcome;

	*rc = fixture_write(f, draft, question);
	draft_release(draft);
	if (*rc)
		return NULL;
	struct turn *turn = session_current(ask_find(f->ask, "me"));
	assert_non_null(turn);
	outcome_init(&outcome);
	*rc = turn_wait(turn, &outcome.waiter);
	if (*rc == -EINPROGRESS)
		*rc = outcome_await(f, &outcome);
	return *rc ? NULL : turn_latest(turn)->answer.text;
}

/* One turn, a second one with the first as its history. How many were acknowledged; *failed:
 * how many failed visibly. */
static size_t converse(struct fixture *f, int *failed)
{
	size_t acknowledged = 0;
	int rc;

	for (int i = 0; i < 2; i++) {
		const char *text = ask_and_read(f, i ? "Two?" : "One?", &rc);
		acknowledged += rc == 0;
		if (rc)
			assert_int_equal(rc, -EIO);
		else if (strncmp(text, "Yes.", 4) != 0)
			assert_memory_equal(text, "error: injected. ", 17);
		*failed += rc || strncmp(text, "Yes.", 4) != 0;
	}
	return acknowledged;
}

/* What was acknowledged is there after a restart, and is answered. */
static void look_after_restart(struct fixture *f, size_t acknowledged)
{
	fixture_stop(f);
	fixture_start(f);
	if (acknowledged) {
		assert_non_null(ask_find(f->ask, "me"));
		assert_int_equal(fixture_count(f, "me", MESSAGE_USER), acknowledged);
		fixture_run(f, 5);
		assert_non_null(fixture_cat(f, "me", 0));
	}
	fixture_stop(f);
}

static void every_call_may_fail(void **state)
{
	struct fixture *f = *state;
	struct faulty faulty = {.catalog.ops = &faulty_ops, .real = f->catalog};
	bool has_failed = true;
	int failed = 0;

	find(fixture_document(f, "a.txt", 0644));
	fixture_stop(f);
	f->catalog = &faulty.catalog;
	for (long n = 1; has_failed; n++) {
		assert_true(n < 200);
		atomic_store(&faulty.countdown, n);
		fixture_start(f);
		fixture_session(f, "me");
		size_t acknowledged = converse(f, &failed);
		has_failed = atomic_load(&faulty.countdown) <= 0;
		atomic_store(&faulty.countdown, -1);
		f->catalog = faulty.real;
		look_after_restart(f, acknowledged);
		f->catalog = &faulty.catalog;
		catalog_session_remove(faulty.real, "me", &(struct err){0});
	}
	f->catalog = faulty.real;
	fixture_start(f);
	assert_true(failed > 3);
}

static void a_removal_that_fails_says_so(void **state)
{
	struct fixture *f = *state;
	struct faulty faulty = {.catalog.ops = &faulty_ops, .real = f->catalog};
	struct outcome outcome;

	fixture_stop(f);
	f->catalog = &faulty.catalog;
	fixture_start(f);
	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	atomic_store(&faulty.countdown, 1);
	outcome_init(&outcome);
	assert_int_equal(session_remove(ask_find(f->ask, "me"), &outcome.waiter), -EINPROGRESS);
	assert_int_equal(outcome_await(f, &outcome), -EIO);
	fixture_stop(f);
	f->catalog = faulty.real;
	fixture_start(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_call_may_fail),
		CASE(a_removal_that_fails_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
