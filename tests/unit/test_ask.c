/* SPDX-License-Identifier: Apache-2.0 */
/* What asking promises, rule by rule. Retrieval is played: it finds the documents the test
 * names, as far as the caller may read them. */
#include "ask_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/transcript.h"

#define FOUND_MAX 4

/* What the next search finds, and who searched last. */
static struct uuid found[FOUND_MAX];
static size_t found_count;
static atomic_uint last_uid, last_group_count, last_top_k, searches;
/* Deleted by the next search once it has found it; nil: nothing. */
static struct uuid deleted_meanwhile;

static void add_hit(struct retrieval *out, const struct document *document)
{
	size_t i = out->passage_count++;
	struct hit *hit = &out->words.hits[i];

	*hit = (struct hit){.document = document->id, .version = 1};
	hit->chunk.text = "It is so.";
	hit->chunk.text_len = strlen(hit->chunk.text);
	assert_int_equal(document_copy(&out->documents[i], document), 0);
	out->passages[i] = (struct passage){hit, document_file_name(&out->documents[i]), 1, -1};
}

int retrieve(const struct retriever *retriever, const struct retrieve_request *request,
	struct retrieval *out, struct err *err)
{
	atomic_store(&last_uid, request->caller->uid);
	atomic_store(&last_group_count, (unsigned)request->caller->group_count);
	atomic_store(&last_top_k, (unsigned)request->top_k);
	atomic_fetch_add(&searches, 1);
	out->words.hits = calloc(FOUND_MAX, sizeof(struct hit));
	out->passages = calloc(FOUND_MAX, sizeof(struct passage));
	out->documents = calloc(FOUND_MAX, sizeof(struct document));
	for (size_t i = 0; i < found_count; i++) {
		struct document document;
		if (catalog_get(retriever->catalog, &found[i], &document, err))
			continue;
		if (access_may_read(&document.access, request->caller))
			add_hit(out, &document);
		document_release(&document);
	}
	if (!uuid_is_nil(&deleted_meanwhile)) {
		catalog_remove(retriever->catalog, &deleted_meanwhile, err);
		deleted_meanwhile = (struct uuid){0};
	}
	return 0;
}

void retrieval_release(struct retrieval *retrieval)
{
	for (size_t i = 0; i < retrieval->passage_count; i++)
		document_release(&retrieval->documents[i]);
	free(retrieval->words.hits);
	free(retrieval->passages);
	free(retrieval->documents);
	*retrieval = (struct retrieval){0};
}

static int setup(void **state)
{
	found_count = 0;
	deleted_meanwhile = (struct uuid){0};
	return fixture_setup(state);
}

static void find(struct uuid document)
{
	found[0] = document;
	found_count = 1;
}

static unsigned asked(struct fixture *fixture)
{
	return script_entered(&fixture->script);
}

/* --- What a question is ---------------------------------------------------------------- */

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
	assert_string_equal(f->script.asked[asked(f) - 1], "What is it today?");
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

/* --- Emptying and forgetting ------------------------------------------------------------- */

static void truncating_alone_cancels_and_hides(void **state)
{
	struct fixture *f = *state;
	struct outcome outcome;

	fixture_ask(f, "me", "One?");
	fixture_cat(f, "me", 0);
	f->script.is_gated = true;
	fixture_ask(f, "me", "Two?");
	outcome_init(&outcome);
	assert_int_equal(turn_wait(session_current(ask_find(f->ask, "me")), &outcome.waiter),
		-EINPROGRESS);
	draft_release(fixture_open(f, "me", true));
	assert_int_equal(outcome_await(f, &outcome), -ECANCELED);
	assert_string_equal(fixture_cat(f, "me", 0), "");
	f->script.is_gated = false;
	fixture_ask(f, "me", "Three?");
	fixture_cat(f, "me", 0);
	assert_int_equal(f->script.history_count[asked(f) - 1], 0);
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

/* --- Waiting ---------------------------------------------------------------------------- */

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
	assert_int_equal(turn_wait(session_current(ask_find(f->ask, "me")), &outcome.waiter),
		-EINPROGRESS);
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

/* --- The stream ------------------------------------------------------------------------- */

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

/* --- Failures --------------------------------------------------------------------------- */

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

/* --- Fairness --------------------------------------------------------------------------- */

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

/* --- Who may know what ------------------------------------------------------------------ */

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
	assert_string_equal(fixture_cat(f, "me", 0),
		"Yes. [1]\n\nSources:\n[1] a.txt (deleted)\n");
	assert_ptr_not_equal(session_current(ask_find(f->ask, "me")), old);
	turn_unref(old);
	assert_int_equal(asked(f), 1);
}

/* --- Options and transcript ------------------------------------------------------------- */

static void options_hold_from_the_next_question(void **state)
{
	struct fixture *f = *state;
	struct session *session = fixture_session(f, "me");
	struct outcome outcome;
	struct err err = ERR_NONE;

	assert_int_equal(session_set_options(session, "{\"top_k\": \"x\"}", 14, NULL, &err),
		-EINVAL);
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
	struct transcript_request request = {.catalog = f->catalog, .name = "me",
		.conversation = session->record.conversation, .from_seq = 1, .end_seq = 3};
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

/* --- Restarts --------------------------------------------------------------------------- */

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
	assert_int_equal(turn_wait(session_current(ask_find(f->ask, "me")), &outcome.waiter),
		-EINPROGRESS);
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

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

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
		CASE(a_failing_service_reads_as_an_error),
		CASE(a_single_question_overtakes_a_thousand),
		CASE(a_turn_on_a_closed_document_leaves_the_history),
		CASE(a_document_deleted_meanwhile_makes_it_begin_again),
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
