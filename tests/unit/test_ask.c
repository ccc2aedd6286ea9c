/* SPDX-License-Identifier: Apache-2.0 */
/* What a question is, who waits for its answer, and how it is read. */
#include "played_retrieval.h"

#include <errno.h>

#include "core/auto.h"
#include "core/clock.h"

/* --- What a question is ----------------------------------------------------------- */

static void a_question_is_answered_with_its_sources(void **state)
{
	struct fixture *f = *state;

	find(fixture_document(f, "hr/refunds.txt", 0644));
	fixture_ask(f, "me", "Refunds?\n");
	const char *text = fixture_cat(f, "me", 0);
	assert_memory_equal(text, "Yes. [1]\n\nSources:\n[1] refunds.txt (docs/", 41);
	assert_string_equal(f->script.asked[0], "Refunds?\n");
	assert_int_equal(fixture_count(f, "me", MESSAGE_ASSISTANT), 1);
}

static void a_citation_of_nothing_is_dropped(void **state)
{
	struct fixture *f = *state;

	fixture_ask(f, "me", "Refunds?");
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
}

static void a_question_is_stored_before_its_flush_is_answered(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);

	f->script.is_gated = true;
	assert_int_equal(draft_flush(draft, NULL), 0);
	assert_int_equal(fixture_write(f, draft, "One?"), 0);
	assert_int_equal(fixture_count(f, "me", MESSAGE_USER), 1);
	assert_int_equal(draft_flush(draft, NULL), 0);
	draft_release(draft);
}

static void the_model_is_called_at_release(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);

	assert_int_equal(fixture_write(f, draft, "One?"), 0);
	fixture_run(f, 30);
	assert_int_equal(asked(f), 0);
	draft_release(draft);
	fixture_run(f, 30);
	assert_int_equal(asked(f), 1);
}

static void the_model_is_called_100_ms_after_the_commit(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);
	int64_t start = clock_mono_ns();

	assert_int_equal(fixture_write(f, draft, "One?"), 0);
	while (asked(f) == 0)
		fixture_run(f, 1);
	assert_true(clock_mono_ns() - start >= 100 * NS_PER_MS);
	assert_true(clock_mono_ns() - start < 1000 * NS_PER_MS);
	draft_release(draft);
}

static void the_model_is_called_for_the_first_reader(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);
	int64_t start = clock_mono_ns();

	assert_int_equal(fixture_write(f, draft, "One?"), 0);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_true(clock_mono_ns() - start < 100 * NS_PER_MS);
	draft_release(draft);
}

/* Which call of the model asked that: one that was cancelled may begin late, and be the last. */
static size_t call_of(struct fixture *f, const char *question)
{
	for (size_t i = asked(f); i-- > 0;)
		if (strcmp(f->script.asked[i], question) == 0)
			return i;
	fail_msg("the model was never asked: %s", question);
	return 0;
}

static void writing_on_makes_one_question_of_it(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);
	struct outcome outcome;

	assert_int_equal(fixture_write(f, draft, "What is it "), 0);
	struct turn *first = session_current(ask_find(f->ask, "me"));
	outcome_init(&outcome);
	f->script.is_gated = true;
	assert_int_equal(turn_wait(first, &outcome.waiter), -EINPROGRESS);
	assert_int_equal(fixture_write(f, draft, "today?"), 0);
	draft_release(draft);
	script_permit(&f->script, 2);
	assert_int_equal(outcome_await(f, &outcome), 0);
	assert_int_equal(fixture_count(f, "me", MESSAGE_USER), 1);
	assert_int_equal(fixture_count(f, "me", MESSAGE_ASSISTANT), 1);
	call_of(f, "What is it today?");
	assert_int_equal(session_current(ask_find(f->ask, "me"))->seq, 1);
}

static void writing_on_after_the_answer_replaces_it(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);

	assert_int_equal(fixture_write(f, draft, "One?"), 0);
	fixture_cat(f, "me", 0);
	struct turn *old = turn_ref(session_current(ask_find(f->ask, "me")));
	f->script.text = "Another.";
	assert_int_equal(fixture_write(f, draft, " Two?"), 0);
	draft_release(draft);
	assert_string_equal(fixture_cat(f, "me", 0), "Another.\n");
	assert_string_equal(turn_latest(old)->answer.text, "Yes.\n");
	assert_int_equal(fixture_count(f, "me", MESSAGE_USER), 1);
	turn_unref(old);
}

static void both_kinds_of_redirection_begin_a_turn(void **state)
{
	struct fixture *f = *state;

	fixture_ask(f, "me", "One?");
	struct draft *draft = fixture_open(f, "me", false);
	assert_int_equal(fixture_write(f, draft, "Two?"), 0);
	draft_release(draft);
	fixture_cat(f, "me", 0);
	assert_int_equal(asked(f), 2);
	assert_string_equal(f->script.asked[0], "One?");
	assert_string_equal(f->script.asked[1], "Two?");
	assert_int_equal(f->script.history_count[1], 1);
}

static void a_bad_question_leaves_the_answer(void **state)
{
	static const char *const bad[] = {" \n\t", "\xc2\xa0\xe3\x80\x80\n", "\xff\xfe", "a\xc3"};
	struct fixture *f = *state;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct draft *draft = fixture_open(f, "me", true);
		assert_int_equal(fixture_write(f, draft, bad[i]), -EINVAL);
		assert_int_equal(draft_flush(draft, NULL), -EINVAL);
		draft_release(draft);
	}
	struct draft *draft = fixture_open(f, "me", true);
	assert_int_equal(draft_write(draft, "a\0b", 3), 3);
	assert_int_equal(draft_flush(draft, NULL), -EINVAL);
	draft_release(draft);
	fixture_run(f, 10);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(asked(f), 1);
}

static void a_long_question_is_refused_whole(void **state)
{
	struct fixture *f = *state;
	size_t limit = f->config.ask_max_question_bytes;
	AUTO_FREE char *text = malloc(limit);

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	memset(text, 'a', limit);
	struct draft *draft = fixture_open(f, "me", true);
	assert_int_equal(draft_write(draft, text, limit), (ssize_t)limit);
	assert_int_equal(draft_write(draft, "b", 1), -EFBIG);
	assert_int_equal(draft_flush(draft, NULL), -EFBIG);
	draft_release(draft);
	fixture_run(f, 10);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(asked(f), 1);
}

static void a_refused_continuation_takes_the_question_back(void **state)
{
	struct fixture *f = *state;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	f->script.text = "Second.";
	struct draft *draft = fixture_open(f, "me", true);
	assert_int_equal(fixture_write(f, draft, "Two?"), 0);
	fixture_cat(f, "me", 0);
	assert_int_equal(fixture_write(f, draft, "\xff"), -EINVAL);
	draft_release(draft);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(fixture_count(f, "me", MESSAGE_USER), 1);
}

static void a_character_may_be_split_between_flushes(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", true);

	assert_int_equal(fixture_write(f, draft, "gr\xc3"), -EINVAL);
	assert_int_equal(fixture_write(f, draft, "\xbc\xc3\x9f"), 0);
	draft_release(draft);
	fixture_cat(f, "me", 0);
	assert_string_equal(f->script.asked[0], "gr\xc3\xbc\xc3\x9f");
}

static void turns_of_a_session_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	char question[32];

	for (int i = 0; i < 20; i++) {
		snprintf(question, sizeof(question), "Question %d", i);
		fixture_ask(f, "me", question);
	}
	fixture_cat(f, "me", 0);
	assert_int_equal(asked(f), 20);
	for (int i = 0; i < 20; i++) {
		snprintf(question, sizeof(question), "Question %d", i);
		assert_string_equal(f->script.asked[i], question);
	}
	assert_int_equal(fixture_count(f, "me", MESSAGE_ASSISTANT), 20);
}

/* --- Emptying and forgetting ------------------------------------------------------ */

static void truncating_alone_cancels_and_hides(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	f->script.is_gated = true;
	fixture_ask(f, "me", "Two?");
	outcome_init(&outcome);
	assert_int_equal(
		turn_wait(session_current(ask_find(f->ask, "me")), &outcome.waiter), -EINPROGRESS);
	draft_release(fixture_open(f, "me", true));
	assert_int_equal(outcome_await(f, &outcome), -ECANCELED);
	assert_string_equal(fixture_cat(f, "me", 0), "");
	f->script.is_gated = false;
	fixture_ask(f, "me", "Three?");
	fixture_cat(f, "me", 0);
	assert_int_equal(f->script.history_count[call_of(f, "Three?")], 0);
}

static void a_late_release_spares_what_came_after_the_open(void **state)
{
	struct fixture *f = *state;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	struct draft *emptying = fixture_open(f, "me", true);
	f->script.text = "Second.";
	fixture_ask(f, "me", "Two?");
	draft_release(emptying);
	assert_string_equal(fixture_cat(f, "me", 0), "Second.\n");
	assert_int_equal(ask_find(f->ask, "me")->record.first_seq, 2);
}

static void opening_to_append_hides_nothing(void **state)
{
	struct fixture *f = *state;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	draft_release(fixture_open(f, "me", false));
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
}

static void a_removed_session_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct outcome reader, removal;

	f->script.is_gated = true;
	fixture_ask(f, "me", "One?");
	struct session *session = session_ref(ask_find(f->ask, "me"));
	struct draft *late = fixture_open(f, "me", false);
	outcome_init(&reader);
	outcome_init(&removal);
	assert_int_equal(turn_wait(session_current(session), &reader.waiter), -EINPROGRESS);
	assert_int_equal(session_remove(session, &removal.waiter), -EINPROGRESS);
	assert_null(ask_find(f->ask, "me"));
	assert_int_equal(outcome_await(f, &reader), -ENOENT);
	assert_int_equal(outcome_await(f, &removal), 0);
	assert_int_equal(fixture_write(f, late, "Two?"), -ENOENT);
	draft_release(late);
	assert_int_equal(session_remove(session, NULL), -ENOENT);
	session_unref(session);
	f->script.is_gated = false;
	fixture_ask(f, "me", "Three?");
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(fixture_count(f, "me", MESSAGE_USER), 1);
}

static void names_are_checked(void **state)
{
	struct fixture *f = *state;
	char name[258];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(ask_check_name(name), -ENAMETOOLONG);
	name[255] = '\0';
	assert_int_equal(ask_check_name(name), 0);
	assert_int_equal(ask_check_name(".me.swp"), -EPERM);
	assert_int_equal(ask_check_name("."), -EPERM);
	assert_int_equal(ask_check_name("me~"), -EPERM);
	assert_int_equal(ask_check_name("4913"), -EPERM);
	assert_int_equal(ask_check_name("a/b"), -EINVAL);
	assert_int_equal(ask_check_name(""), -EINVAL);
	assert_int_equal(ask_check_name("my question.txt"), 0);
	struct session *session;
	assert_int_equal(ask_make(f->ask, ".x", &f->caller, &session), -EPERM);
}

static void sessions_are_counted_by_user(void **state)
{
	struct fixture *f = *state;
	struct session *session;
	struct caller other = {1001, f->groups, 1};

	f->config.ask_session_limit = 2;
	fixture_session(f, "a");
	fixture_session(f, "b");
	assert_int_equal(ask_make(f->ask, "b", &f->caller, &session), -EEXIST);
	assert_int_equal(ask_make(f->ask, "c", &f->caller, &session), -EDQUOT);
	assert_int_equal(ask_make(f->ask, "c", &other, &session), 0);
	assert_int_equal(session->record.access.owner, 1001);
	assert_int_equal(session->record.access.mode, 0600);
	assert_int_equal(ask_count(f->ask), 3);
	assert_string_equal(ask_at(f->ask, 0)->record.name, "a");
}

/* --- Waiting ---------------------------------------------------------------------- */

static void a_wait_ends_and_the_answer_still_comes(void **state)
{
	struct fixture *f = *state;

	f->script.is_gated = true;
	f->config.ask_wait_ns = 20 * NS_PER_MS;
	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", -ETIMEDOUT);
	script_permit(&f->script, 1);
	f->config.ask_wait_ns = 5 * NS_PER_SEC;
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(asked(f), 1);
}

static void an_interrupted_wait_leaves_the_question(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	f->script.is_gated = true;
	fixture_ask(f, "me", "One?");
	outcome_init(&outcome);
	assert_int_equal(
		turn_wait(session_current(ask_find(f->ask, "me")), &outcome.waiter), -EINPROGRESS);
	waiter_cancel(&outcome.waiter);
	script_permit(&f->script, 1);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_false(outcome.is_done);
}

static void ten_thousand_may_wait(void **state)
{
	enum { COUNT = 10000 };
	struct fixture *f = *state;
	struct outcome *outcomes = calloc(COUNT, sizeof(*outcomes));

	f->script.is_gated = true;
	fixture_ask(f, "me", "One?");
	struct turn *turn = session_current(ask_find(f->ask, "me"));
	for (size_t i = 0; i < COUNT; i++) {
		outcome_init(&outcomes[i]);
		assert_int_equal(turn_wait(turn, &outcomes[i].waiter), -EINPROGRESS);
	}
	for (size_t i = 0; i < COUNT; i += 2)
		waiter_cancel(&outcomes[i].waiter);
	script_permit(&f->script, 1);
	for (size_t i = 1; i < COUNT; i += 2)
		assert_int_equal(outcome_await(f, &outcomes[i]), 0);
	for (size_t i = 0; i < COUNT; i += 2)
		assert_false(outcomes[i].is_done);
	free(outcomes);
}

static void a_handle_for_both_reads_its_own_answer(void **state)
{
	struct fixture *f = *state;
	struct draft *draft = fixture_open(f, "me", false);
	struct outcome outcome;
	char out[64];

	fixture_ask(f, "me", "Somebody else's?");
	fixture_cat(f, "me", 0);
	f->script.text = "Mine.";
	assert_int_equal(draft_write(draft, "Mine?", 5), 5);
	outcome_init(&outcome);
	assert_int_equal(draft_wait(draft, &outcome.waiter), -EINPROGRESS);
	assert_int_equal(outcome_await(f, &outcome), 0);
	assert_int_equal(draft_wait(draft, &outcome.waiter), 0);
	assert_int_equal(draft_copy(draft, out, 3, 5), 3);
	assert_memory_equal(out, "Min", 3);
	assert_int_equal(draft_copy(draft, out, sizeof(out), 8), 3);
	assert_memory_equal(out, "e.\n", 3);
	assert_int_equal(draft_copy(draft, out, sizeof(out), 11), 0);
	draft_release(draft);
}

static void a_handle_that_wrote_nothing_reads_the_last_answer(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;
	char out[64];

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	struct draft *draft = fixture_open(f, "me", false);
	outcome_init(&outcome);
	assert_int_equal(draft_wait(draft, &outcome.waiter), 0);
	assert_int_equal(draft_copy(draft, out, sizeof(out), 2), 3);
	assert_memory_equal(out, "s.\n", 3);
	draft_release(draft);
}

/* --- The stream ------------------------------------------------------------------- */

static void the_stream_flows_while_the_answer_is_made(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;
	char out[128];

	find(fixture_document(f, "a.txt", 0644));
	f->script.text = "One two [1] three.";
	f->script.is_slow = true;
	fixture_ask(f, "me", "Count?");
	struct turn *turn = session_current(ask_find(f->ask, "me"));
	assert_int_equal(turn_stream_read(turn, out, sizeof(out), 0), -EAGAIN);
	outcome_init(&outcome);
	turn_stream_wait(turn, &outcome.waiter);
	script_permit(&f->script, 1);
	assert_int_equal(outcome_await(f, &outcome), 0);
	assert_int_equal(turn_stream_read(turn, out, sizeof(out), 0), 3);
	assert_memory_equal(out, "One", 3);
	assert_int_equal(turn->state, TURN_RUNNING);
	assert_int_equal(turn_stream_read(turn, out, sizeof(out), 3), -EAGAIN);
	script_permit(&f->script, 10);
	const char *text = fixture_cat(f, "me", 0);
	ssize_t len = turn_stream_read(turn, out, sizeof(out), 0);
	assert_int_equal(len, (ssize_t)strlen(text));
	assert_memory_equal(out, text, (size_t)len);
	assert_memory_equal(out, "One two [1] three.\n\nSources:\n", 29);
	assert_int_equal(turn_stream_read(turn, out, sizeof(out), (uint64_t)len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_question_is_answered_with_its_sources),
		CASE(a_citation_of_nothing_is_dropped),
		CASE(a_question_is_stored_before_its_flush_is_answered),
		CASE(the_model_is_called_at_release),
		CASE(the_model_is_called_100_ms_after_the_commit),
		CASE(the_model_is_called_for_the_first_reader),
		CASE(writing_on_makes_one_question_of_it),
		CASE(writing_on_after_the_answer_replaces_it),
		CASE(both_kinds_of_redirection_begin_a_turn),
		CASE(a_bad_question_leaves_the_answer),
		CASE(a_long_question_is_refused_whole),
		CASE(a_refused_continuation_takes_the_question_back),
		CASE(a_character_may_be_split_between_flushes),
		CASE(turns_of_a_session_are_answered_in_order),
		CASE(truncating_alone_cancels_and_hides),
		CASE(a_late_release_spares_what_came_after_the_open),
		CASE(opening_to_append_hides_nothing),
		CASE(a_removed_session_is_forgotten),
		CASE(names_are_checked),
		CASE(sessions_are_counted_by_user),
		CASE(a_wait_ends_and_the_answer_still_comes),
		CASE(an_interrupted_wait_leaves_the_question),
		CASE(ten_thousand_may_wait),
		CASE(a_handle_for_both_reads_its_own_answer),
		CASE(a_handle_that_wrote_nothing_reads_the_last_answer),
		CASE(the_stream_flows_while_the_answer_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
