/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer is made of, who is asked first, and what stays after a restart. */
#include "played_retrieval.h"

#include <errno.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/transcript.h"

/* --- Failures --------------------------------------------------------------------- */

static void a_failing_service_reads_as_an_error(void **state)
{
	struct fixture *f = *state;

	f->script.failure = -ECONNREFUSED;
	fixture_ask(f, "me", "One?");
	assert_memory_equal(fixture_cat(f, "me", 0), "error: the model is out of order. ", 34);
	assert_int_equal(fixture_count(f, "me", MESSAGE_ASSISTANT), 1);
	f->script.failure = 0;
	fixture_ask(f, "me", "Two?");
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(f->script.history_count[1], 0);
}

/* --- Fairness --------------------------------------------------------------------- */

static void a_single_question_overtakes_a_thousand(void **state)
{
	enum { COUNT = 1000 };
	struct fixture *f = *state;
	char name[16];
	gid_t group = 1001;
	struct caller me = f->caller;

	f->script.is_gated = true;
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		fixture_ask(f, name, "Many");
	}
	f->caller = (struct caller){1001, &group, 1};
	fixture_ask(f, "single", "Single");
	f->caller = me;
	unsigned running = asked(f);
	assert_int_equal(running, f->config.ask_workers);
	script_permit(&f->script, 2);
	fixture_run(f, 50);
	assert_int_equal(asked(f), running + 2);
	assert_true(!strcmp(f->script.asked[running], "Single") ||
		!strcmp(f->script.asked[running + 1], "Single"));
}

/* --- Who may know what ------------------------------------------------------------ */

static int make_private(struct fixture *f, const struct uuid *id)
{
	struct document document;
	struct err err = ERR_NONE;
	const struct document *list[] = {&document};

	assert_int_equal(catalog_get(f->catalog, id, &document, &err), 0);
	document.access.mode = 0600;
	int rc = catalog_put(f->catalog, list, 1, &err);
	document_release(&document);
	return rc;
}

static void a_turn_on_a_closed_document_leaves_the_history(void **state)
{
	struct fixture *f = *state;
	struct uuid id = fixture_document(f, "a.txt", 0644);

	find(id);
	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	fixture_ask(f, "me", "Two?");
	fixture_cat(f, "me", 0);
	assert_int_equal(f->script.history_count[1], 1);
	assert_int_equal(make_private(f, &id), 0);
	fixture_ask(f, "me", "Three?");
	fixture_cat(f, "me", 0);
	assert_int_equal(f->script.history_count[2], 0);
	assert_int_equal(f->script.passage_count, 0);
}

static void a_document_deleted_meanwhile_makes_it_begin_again(void **state)
{
	struct fixture *f = *state;
	struct uuid id = fixture_document(f, "a.txt", 0644);

	find(id);
	deleted_meanwhile = id;
	fixture_ask(f, "me", "One?");
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(asked(f), 2);
}

static void a_document_deleted_after_the_last_look_does_too(void **state)
{
	struct fixture *f = *state;
	struct uuid id = fixture_document(f, "a.txt", 0644);

	find(id);
	f->script.is_gated = true;
	fixture_ask(f, "me", "One?");
	while (asked(f) == 0)
		fixture_run(f, 1);
	ask_document_removed(f->ask, &id);
	found_count = 0;
	script_permit(&f->script, 2);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes.\n");
	assert_int_equal(asked(f), 2);
	assert_int_equal(fixture_count(f, "me", MESSAGE_ASSISTANT), 1);
}

static void an_older_answer_says_what_was_deleted(void **state)
{
	struct fixture *f = *state;
	struct uuid id = fixture_document(f, "a.txt", 0644);
	struct err err = ERR_NONE;

	find(id);
	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	struct turn *old = turn_ref(session_current(ask_find(f->ask, "me")));
	assert_int_equal(catalog_remove(f->catalog, &id, &err), 0);
	ask_document_removed(f->ask, &id);
	assert_string_equal(fixture_cat(f, "me", 0), "Yes. [1]\n\nSources:\n[1] a.txt (deleted)\n");
	assert_ptr_not_equal(session_current(ask_find(f->ask, "me")), old);
	turn_unref(old);
	assert_int_equal(asked(f), 1);
}

/* --- Options and transcript ------------------------------------------------------- */

static void options_hold_from_the_next_question(void **state)
{
	struct fixture *f = *state;
	struct session *session = fixture_session(f, "me");
	struct outcome outcome;
	struct err err = ERR_NONE;

	assert_int_equal(
		session_set_options(session, "{\"top_k\": \"x\"}", 14, NULL, &err), -EINVAL);
	outcome_init(&outcome);
	assert_int_equal(session_set_options(session, "{\"top_k\": 3}", 12, &outcome.waiter, &err),
		-EINPROGRESS);
	assert_int_equal(outcome_await(f, &outcome), 0);
	fixture_stop(f);
	fixture_start(f);
	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	assert_int_equal(atomic_load(&last_top_k), 3);
	fixture_ask(f, "you", "One?");
	fixture_cat(f, "you", 0);
	assert_int_equal(atomic_load(&last_top_k), f->config.top_k);
}

static void the_transcript_tells_the_conversation(void **state)
{
	struct fixture *f = *state;
	AUTO_BUF struct buf text = {0};
	struct err err = ERR_NONE;
	struct uuid id = fixture_document(f, "hr/a b.txt", 0644);

	find(id);
	f->script.text = "Say <b>it</b> ![x](http://x/y) [1]";
	fixture_ask(f, "me", "Line one\nline two\n");
	fixture_cat(f, "me", 0);
	found_count = 0;
	f->script.text = "No.";
	fixture_ask(f, "me", "Again?");
	fixture_cat(f, "me", 0);
	struct session *session = ask_find(f->ask, "me");
	struct transcript_request request = {.catalog = f->catalog,
		.name = "me",
		.conversation = session->record.conversation,
		.from_seq = 1,
		.end_seq = 3};
	buf_init(&text, 65536);
	assert_int_equal(transcript_render(&request, &text, &err), 0);
	assert_memory_equal(text.data, "# me\n\n## Question 1, ", 21);
	assert_non_null(strstr(text.data, "\n\n> Line one  \n> line two\n\n"));
	assert_non_null(strstr(text.data, "&lt;b&gt;it&lt;/b&gt; \\!\\[x\\]\\("));
	assert_non_null(strstr(text.data, "[a b.txt](../../docs/"));
	assert_non_null(strstr(text.data, "/original/a%20b.txt) ([passage]("));
	assert_non_null(strstr(text.data, "> Again?\n\nNo.\n"));
	assert_int_equal(catalog_remove(f->catalog, &id, &err), 0);
	buf_clear(&text);
	assert_int_equal(transcript_render(&request, &text, &err), 0);
	assert_non_null(strstr(text.data, "] a b.txt (deleted)\n"));
	request.from_seq = 2;
	buf_clear(&text);
	assert_int_equal(transcript_render(&request, &text, &err), 0);
	assert_null(strstr(text.data, "Line one"));
}

/* --- Restarts --------------------------------------------------------------------- */

static void an_answer_is_the_same_after_a_restart(void **state)
{
	struct fixture *f = *state;

	find(fixture_document(f, "a.txt", 0644));
	for (int i = 0; i < 30; i++) {
		fixture_ask(f, "me", "One?");
		fixture_cat(f, "me", 0);
	}
	AUTO_FREE char *before = strdup(fixture_cat(f, "me", 0));
	int64_t answered_ns = session_current(ask_find(f->ask, "me"))->answered_ns;
	fixture_stop(f);
	fixture_start(f);
	assert_string_equal(fixture_cat(f, "me", 0), before);
	struct turn *turn = session_current(ask_find(f->ask, "me"));
	assert_int_equal(turn->answered_ns, answered_ns);
	assert_int_equal(turn->seq, 30);
	assert_int_equal(asked(f), 30);
	fixture_ask(f, "me", "Two?");
	fixture_cat(f, "me", 0);
	assert_int_equal(fixture_count(f, "me", MESSAGE_USER), 31);
}

static void what_is_owed_is_answered_after_a_restart(void **state)
{
	struct fixture *f = *state;
	gid_t groups[] = {7, 8, 9};
	struct caller me = f->caller;

	f->script.is_gated = true;
	fixture_ask(f, "me", "First?");
	f->caller = (struct caller){4711, groups, 3};
	for (int i = 0; i < 12; i++)
		fixture_ask(f, "me", "Owed?");
	f->caller = me;
	fixture_stop(f);
	assert_int_equal(asked(f), 1);
	f->script.is_gated = false;
	fixture_start(f);
	fixture_cat(f, "me", 0);
	assert_int_equal(fixture_count(f, "me", MESSAGE_ASSISTANT), 13);
	assert_string_equal(f->script.asked[1], "First?");
	assert_int_equal(atomic_load(&last_uid), 4711);
	assert_int_equal(atomic_load(&last_group_count), 3);
}

static void who_waits_when_it_stops_is_told(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	f->script.is_gated = true;
	fixture_ask(f, "me", "One?");
	outcome_init(&outcome);
	assert_int_equal(
		turn_wait(session_current(ask_find(f->ask, "me")), &outcome.waiter), -EINPROGRESS);
	fixture_stop(f);
	assert_true(outcome.is_done);
	assert_int_equal(outcome.rc, -ESHUTDOWN);
}

static void what_was_hidden_stays_hidden_after_a_restart(void **state)
{
	struct fixture *f = *state;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	draft_release(fixture_open(f, "me", true));
	fixture_stop(f);
	fixture_start(f);
	assert_string_equal(fixture_cat(f, "me", 0), "");
	fixture_ask(f, "me", "Two?");
	fixture_cat(f, "me", 0);
	assert_int_equal(session_current(ask_find(f->ask, "me"))->seq, 2);
	assert_int_equal(f->script.history_count[1], 0);
}

static void idle_answers_leave_the_memory(void **state)
{
	enum { COUNT = 400 };
	struct fixture *f = *state;
	char name[16];
	size_t loaded = 0;

	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		fixture_ask(f, name, "One?");
		fixture_cat(f, name, 0);
	}
	fixture_stop(f);
	fixture_start(f);
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_string_equal(fixture_cat(f, name, 0), "Yes.\n");
	}
	for (size_t i = 0; i < ask_count(f->ask); i++)
		loaded += ask_at(f->ask, i)->answered != NULL;
	assert_in_range(loaded, 200, 300);
	assert_int_equal(asked(f), COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_failing_service_reads_as_an_error),
		CASE(a_single_question_overtakes_a_thousand),
		CASE(a_turn_on_a_closed_document_leaves_the_history),
		CASE(a_document_deleted_meanwhile_makes_it_begin_again),
		CASE(a_document_deleted_after_the_last_look_does_too),
		CASE(an_older_answer_says_what_was_deleted),
		CASE(options_hold_from_the_next_question),
		CASE(the_transcript_tells_the_conversation),
		CASE(an_answer_is_the_same_after_a_restart),
		CASE(what_is_owed_is_answered_after_a_restart),
		CASE(who_waits_when_it_stops_is_told),
		CASE(what_was_hidden_stays_hidden_after_a_restart),
		CASE(idle_answers_leave_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
